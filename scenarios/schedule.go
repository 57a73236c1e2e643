package scenarios

import (
	"slices"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// scheduleText is when a job runs again and again, as it is written.
type scheduleText struct {
	node       *node
	start      placed[string]
	at         placed[time.Duration]
	zone       placed[*zone.Zone]
	recurrence placed[string]
	every      placed[time.Duration]
	until      placed[zone.Day]
	times      placed[int64]
	misfire    string
	enabled    placed[bool]
}

// zoneKind is a time zone by its name.
var zoneKind = where(kind[*zone.Zone]{
	schema: &schema{types: []string{"string"}, help: "a name of the IANA Time Zone Database, " + zone.Version},
	read: func(r *reader, n *node) (*zone.Zone, bool) {
		s, ok := scalar(r, n, "timeZone")
		if !ok {
			return nil, false
		}
		z, err := zone.Load(s)
		if err != nil {
			r.complain(n.at, "", "%s", err)
			return nil, false
		}
		return z, true
	},
})

// dayKind is a day of the calendar.
var dayKind = where(kind[zone.Day]{
	schema: &schema{types: []string{"string"}, pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, help: "YYYY-MM-DD"},
	read: func(r *reader, n *node) (zone.Day, bool) {
		s, ok := scalar(r, n, "a day")
		if !ok {
			return 0, false
		}
		d, err := zone.ParseDay(s)
		if err != nil {
			r.complain(n.at, "", "%s", err)
			return 0, false
		}
		return d, true
	},
})

var scheduleTable = newTable("schedule", "a schedule", []key[scheduleText]{
	field("timeZone", "on whose wall clock it lives; default: the clock of the offset written in start", zoneKind, func(s *scheduleText) *placed[*zone.Zone] { return &s.zone }),
	field("start", "the first time: 2026-03-20T02:30:00Z, or with timeZone 2026-03-20T02:30:00", where(textOf("start", 1, 64)), func(s *scheduleText) *placed[string] { return &s.start }),
	field("at", "the first time, from the beginning of the run, instead of start", where(anyDuration), func(s *scheduleText) *placed[time.Duration] { return &s.at }),
	field("recurrence", "once, daily, weekly (every 7 days) or monthly (on start's day, or the month's last); default once", where(wordOf("a recurrence", "once", "daily", "weekly", "monthly")), func(s *scheduleText) *placed[string] { return &s.recurrence }),
	field("every", "again and again after this time, instead of recurrence; at least "+brief(zone.MinEvery), where(durationOf(zone.MinEvery, 1<<63-1)), func(s *scheduleText) *placed[time.Duration] { return &s.every }),
	field("until", "the last day, all of it, in the schedule's zone", dayKind, func(s *scheduleText) *placed[zone.Day] { return &s.until }),
	field("times", "how many instances, instead of until", where(integerOf("times", 1, zone.MaxOccurrences)), func(s *scheduleText) *placed[int64] { return &s.times }),
	field("misfire", "what becomes of a firing the hub misses by more than "+brief(zone.Tolerance)+": skip or once; default: skip, but once for a schedule that does not recur", wordOf("a misfire policy", "skip", "once"), func(s *scheduleText) *string { return &s.misfire }),
	field("enabled", "whether it fires; default true: see the steps schedule and unschedule", where(truthKind), func(s *scheduleText) *placed[bool] { return &s.enabled }),
})

// scheduleKind is a schedule of a job.
var scheduleKind = where(kind[scheduleText]{schema: scheduleTable.schema, read: func(r *reader, n *node) (scheduleText, bool) {
	s, ok := scheduleTable.kind().read(r, n)
	s.node = n
	return s, ok
}})

// misfires are the policies by their word.
var misfires = map[string]hub.Misfire{"": hub.MisfireDefault, "skip": hub.MisfireSkip, "once": hub.MisfireOnce}

// PutSchedule makes what is submitted for a job with a schedule. uri is as in
// Spec; epoch is the civil instant of the run's time 0.
func (p *Plan) PutSchedule(j *Job, uri string, epoch sim.Epoch) (hub.PutSchedule, error) {
	put := *j.Schedule
	put.Spec = p.Spec(j, uri)
	if j.relative {
		s, err := zone.ParseStart(epoch.Text(j.first), j.zone)
		if err != nil {
			return put, err
		}
		put.Rule.Start = s
	}
	return put, nil
}

// schedule compiles the schedule of a job.
func (c *compiler) schedule(j *Job, t *jobText) {
	s := &t.schedule.v
	put := hub.PutSchedule{ID: j.ID, Misfire: misfires[s.misfire], Disabled: s.enabled.ok && !s.enabled.v}
	j.Schedule, j.zone = &put, s.zone.v
	bad := len(c.r.complaints)
	r := &put.Rule
	var err error
	switch {
	case s.start.ok && s.at.ok:
		c.r.complain(s.at.at, "use one of them", "the schedule of job %s has both start and at", j.ID)
	case s.node.get("timeZone") != nil && !s.zone.ok: // what is wrong with it was said
	case s.start.ok:
		r.Start, err = zone.ParseStart(s.start.v, j.zone)
	case s.at.ok:
		j.relative, j.first = true, sim.Time(s.at.v)
		r.Start, err = zone.ParseStart(c.plan.Epoch.Text(j.first), j.zone)
	case s.node.get("start") != nil || s.node.get("at") != nil: // likewise
	default:
		c.r.complain(t.schedule.at, "add `start: 2026-03-20T02:30:00Z`, or `at: 3s` from the beginning of the run", "the schedule of job %s does not say when it begins", j.ID)
	}
	if err != nil {
		hint := ""
		if j.zone == nil && !strings.ContainsAny(s.start.v, "Zz+") {
			hint = "add Z, an offset or `timeZone: Europe/Paris`"
		}
		c.r.complain(s.start.at, hint, "%s", err)
	}
	if s.every.ok && s.recurrence.ok {
		c.r.complain(s.every.at, "use one of them", "the schedule of job %s has both recurrence and every", j.ID)
	}
	r.Kind, r.Every = zone.Once, 0
	if s.recurrence.ok {
		r.Kind, _ = zone.ParseKind(s.recurrence.v)
	}
	if s.every.ok {
		r.Kind, r.Every = zone.Every, s.every.v
	}
	switch {
	case s.until.ok && s.times.ok:
		c.r.complain(s.times.at, "use one of them", "the schedule of job %s has both until and times", j.ID)
	case s.until.ok:
		r.End = zone.Until(s.until.v)
	case s.times.ok:
		r.End = zone.Times(int(s.times.v))
	}
	if r.Kind == zone.Once && r.End.Kind != zone.NoEnd {
		at := s.until.at
		if s.times.ok {
			at = s.times.at
		}
		c.r.complain(at, "leave it out, or add `recurrence: daily`", "the schedule of job %s fires once; it needs no end", j.ID)
	}
	if !t.saved.ok {
		c.r.complain(t.schedule.at, "add a filter under `deviceGroups:` and write `deviceGroup: <name>`", "job %s has a schedule: it needs a device group, which is evaluated whenever it fires", j.ID)
	}
	if t.after.ok {
		c.r.complain(t.after.at, "leave it out", "job %s has a schedule, which says when it runs", j.ID)
	}
	if c.plan.Duration == 0 {
		c.r.complain(t.schedule.at, "add `duration: 1h` at the top", "the scenario has a schedule and no duration: a run lasts until its duration is over, whatever a schedule would still do")
	}
	if len(c.r.complaints) > bad || !t.kind.ok {
		return
	}
	if err := r.Validate(); err != nil {
		c.r.complain(t.schedule.at, "", "job %s: %s", j.ID, oneLine(err))
	}
	if strings.Contains(j.ID, ".") { // the hub's ids of schedules are narrower than a scenario's names
		c.r.complain(t.id.at, "use letters, digits, _ and -", "the id of a job with a schedule has no dot")
	}
}

// The verbs that let a schedule fire, or not.
var (
	enable  = plans("schedule", "let the schedule of a job fire again", true)
	disable = plans("unschedule", "let the schedule of a job fire no more; its instances go on", false)
)

// plans makes a verb that switches the schedule of a job.
func plans(name, help string, enabled bool) Action {
	return verb(name, help+" (the job's id)", where(textOf("a job id", 1, 64)),
		func(c *compiler, at spot, id placed[string]) func() Act {
			j := c.find(id.v)
			switch {
			case j == nil:
				c.noJob(id.at, id.v)
				return nil
			case j.Schedule == nil:
				c.r.complain(id.at, "", "job %s has no schedule", quote(id.v))
				return nil
			}
			return func() Act {
				return &steering{job: id.v, what: c.where(at) + ": " + name + " " + id.v, command: hub.EnableSchedule{ID: id.v, Enabled: enabled}}
			}
		})
}

// find returns a job of the plan, nil if there is none.
func (c *compiler) find(id string) *Job {
	for i := range c.plan.Jobs {
		if c.plan.Jobs[i].ID == id {
			return &c.plan.Jobs[i]
		}
	}
	return nil
}

// noJob complains that there is no job of an id; of one that is there and is
// wrong enough has been said.
func (c *compiler) noJob(at spot, id string) {
	if !slices.Contains(c.unread, id) {
		c.r.complain(at, didYouMean(id, c.jobNames()), "no job %s", quote(id))
	}
}

// instanceOf says whether a name is that of an instance of a schedule: `<job>
// - 3`.
func (c *compiler) instanceOf(name string) bool {
	i := strings.LastIndex(name, " - ")
	if i < 0 {
		return false
	}
	j := c.find(name[:i])
	number := name[i+3:]
	return j != nil && j.Schedule != nil && number != "" && number[0] != '0' && len(number) < 10 && strings.Trim(number, "0123456789") == ""
}
