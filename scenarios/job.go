package scenarios

import (
	"fmt"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/zone"
)

// Job is one job of a plan. Plan.Spec makes what is submitted.
type Job struct {
	ID      string
	Kind    string
	Package string        // name of the package to update to; "": none, or a URI is given
	At      sim.Time      // when it is due, if it does not come after another
	After   string        // id of the job it comes after, or ""
	On      Outcome       // and how that must have ended
	Delay   time.Duration // and how long ago
	Devices int           // how many targets it has; 0 with a device group, which is counted when the job starts

	DeviceGroup string           // the saved query whose members it is for, "" for a list of devices
	Schedule    *hub.PutSchedule // when its instances run, nil: it runs once; see Plan.PutSchedule

	spec    job.Spec
	targets func() []sim.DeviceID
	at      spot

	relative bool // the schedule begins at first, an instant of the run
	first    sim.Time
	zone     *zone.Zone
}

// MaxJobs is how many jobs a scenario has at most.
const MaxJobs = 1000

// Outcome is how a job must have ended for the one after it to begin.
type Outcome string

// The outcomes. A job completes when all its devices have come to an end,
// whatever that was.
const (
	OnCompleted Outcome = "completed"
	OnFailed    Outcome = "failed"
	OnCancelled Outcome = "cancelled"
	OnEnded     Outcome = "ended" // any of them
)

// outcomes are the words in order.
var outcomes = []string{string(OnCompleted), string(OnFailed), string(OnCancelled), string(OnEnded)}

// met says whether a job that ended as s is what o asks for.
func (o Outcome) met(s job.Status) bool {
	return s.Ended() && (o == OnEnded || string(o) == s.String())
}

// jobText is a job as it is written.
type jobText struct {
	node        *node
	id, kind    placed[string]
	group       placed[string]
	devices     placed[[]placed[string]]
	pack        placed[string]
	uri         placed[string]
	value       placed[string]
	names       placed[[]string]
	properties  placed[[]doc.Member]
	timeout     time.Duration
	stepTimeout time.Duration
	inFlight    int64
	grace       placed[time.Duration]
	start       placed[time.Duration]
	after       placed[string]
	delay       placed[time.Duration]
	values      placed[[]doc.Member]
	command     placed[string]
	payload     placed[doc.Value]
	durable     placed[bool]
	saved       placed[string] // deviceGroup
	schedule    placed[scheduleText]
	policy      policyText
}

// kindNames are the words of the job engine's kinds.
func kindNames() []string {
	names := make([]string, len(job.Kinds))
	for i := range job.Kinds {
		names[i] = job.Kinds[i].Name
	}
	return names
}

// afterKind is `<job> <outcome>`.
var afterKind = where(kind[string]{
	schema: &schema{types: []string{"string"}, pattern: `^\S+ (` + strings.Join(outcomes, "|") + `)$`},
	read: func(r *reader, n *node) (string, bool) {
		s, ok := scalar(r, n, "after")
		if !ok {
			return "", false
		}
		id, word, two := strings.Cut(s, " ")
		if word = strings.TrimSpace(word); !two || id == "" {
			r.complain(n.at, fmt.Sprintf("write `after: %s completed`, or %s", strings.TrimSpace(s), strings.Join(outcomes[1:], ", ")), "after needs a job and how it ended")
			return "", false
		}
		for _, o := range outcomes {
			if o == word {
				return id + " " + word, true
			}
		}
		r.complain(n.at, didYouMean(word, outcomes), "%s is not how a job ends", quote(word))
		return "", false
	},
})

var jobTable = newTable("job", "a job", append([]key[jobText]{
	required(field("id", "what it is called in files, expectations and by the hub", where(textOf("a job id", 0, 1000)), func(j *jobText) *placed[string] { return &j.id })),
	required(field("kind", "", where(wordOf("a kind of job", kindNames()...)), func(j *jobText) *placed[string] { return &j.kind })),
	field("group", "the group whose devices it is for", where(textOf("group", 1, 64)), func(j *jobText) *placed[string] { return &j.group }),
	field("deviceGroup", "the device group of `deviceGroups:` whose members it is for, those it has when the job starts, instead of a group", where(textOf("deviceGroup", 1, 64)), func(j *jobText) *placed[string] { return &j.saved }),
	field("devices", "ids of the devices it is for, instead of a group", where(listOf("devices", where(textOf("a device id", 0, 1000)))), func(j *jobText) *placed[[]placed[string]] { return &j.devices }),
	field("package", "firmwareUpdate: name of the package", where(textOf("package", 1, 64)), func(j *jobText) *placed[string] { return &j.pack }),
	field("packageUri", "firmwareUpdate: a URI instead of a package of the scenario", where(textOf("packageUri", 1, job.MaxURI)), func(j *jobText) *placed[string] { return &j.uri }),
	field("value", "updateDeviceConfiguration: the configuration, may be empty", where(textOf("value", 0, 255)), func(j *jobText) *placed[string] { return &j.value }),
	field("names", "readDeviceProperties: which properties", where(namesKind), func(j *jobText) *placed[[]string] { return &j.names }),
	field("properties", "writeDeviceProperties: names and values", where(writesKind), func(j *jobText) *placed[[]doc.Member] { return &j.properties }),
	field("values", "property, cloudProperty: what is set, `name` or `component.name`", where(settingsKind), func(j *jobText) *placed[[]doc.Member] { return &j.values }),
	field("command", "command: its name, or `component*name`", where(textOf("command", 1, 100)), func(j *jobText) *placed[string] { return &j.command }),
	field("payload", "command: what it is given, any value", where(jsonKind), func(j *jobText) *placed[doc.Value] { return &j.payload }),
	field("durable", "command: it is queued for a device that is offline, for 24 h, and nobody waits for an answer; default false", where(truthKind), func(j *jobText) *placed[bool] { return &j.durable }),
	field("timeout", "of the whole job, from its start; default "+brief(job.DefaultTimeout), durationOf(job.MinTimeout, job.MaxTimeout), func(j *jobText) *time.Duration { return &j.timeout }),
	field("stepTimeout", "of each step of one device; 0s, the default: only timeout counts", durationOf(0, job.MaxTimeout), func(j *jobText) *time.Duration { return &j.stepTimeout }),
	field("inFlight", "how many devices are worked on at the same time; 0, the default: all", integerOf("inFlight", 0, MaxDevices), func(j *jobText) *int64 { return &j.inFlight }),
	field("grace", "how long an offline device is waited for, 0s: not at all; default "+brief(job.DefaultGrace), where(durationOf(0, job.MaxTimeout)), func(j *jobText) *placed[time.Duration] { return &j.grace }),
	field("at", "when it starts, from the beginning of the run; default 0s", where(anyDuration), func(j *jobText) *placed[time.Duration] { return &j.start }),
	field("after", "`<job> completed`, failed, cancelled or ended: when it starts instead of at", afterKind, func(j *jobText) *placed[string] { return &j.after }),
	field("schedule", "when it runs again and again, each time over the members its device group has then; `at` is when the schedule is made", scheduleKind, func(j *jobText) *placed[scheduleText] { return &j.schedule }),
	field("delay", "how long after the end of the job it comes after it starts; default 0s", where(anyDuration), func(j *jobText) *placed[time.Duration] { return &j.delay }),
}, policyKeys...))

// jobKind is a job as one element of the list.
var jobKind = kind[jobText]{schema: jobTable.schema, read: func(r *reader, n *node) (jobText, bool) {
	j, ok := jobTable.kind().read(r, n)
	j.node = n
	return j, ok
}}

// namesKind is a list of properties of the twin.
var namesKind = kind[[]string]{
	schema: &schema{types: []string{"array"}, items: &schema{types: []string{"string"}}},
	read: func(r *reader, n *node) ([]string, bool) {
		if n.kind != listNode {
			r.complain(n.at, "write `[Timezone]`", "names must be a list, is %s", n.describe())
			return nil, false
		}
		if len(n.items) == 0 {
			r.complain(n.at, "write `[Timezone]`", "no property is named")
		}
		var all []string
		for _, i := range n.items {
			s, ok := scalar(r, i, "a property name")
			if !ok {
				continue
			}
			if res, ok := propertyNamed(r, s, i.at); ok {
				all = append(all, res.Name)
			}
		}
		return all, true
	},
}

// jobs compiles them.
func (c *compiler) jobs(all []jobText) {
	index := make(map[string]int, len(all))
	if len(all) > MaxJobs {
		c.r.complain(all[MaxJobs].id.at, "", "the scenario has %d jobs, at most %d are allowed", len(all), MaxJobs)
		all = all[:MaxJobs]
	}
	for i := range all {
		j := &all[i]
		if !j.id.ok || !j.kind.ok {
			c.unread = append(c.unread, j.id.v)
			continue
		}
		if wrong := badName(j.id.v); wrong != "" {
			c.r.complain(j.id.at, "", "job %s: %s", quote(j.id.v), wrong)
			continue
		}
		if o, ok := index[j.id.v]; ok {
			c.r.complain(j.id.at, "", "job %s is there twice, first in %s", quote(j.id.v), c.plan.Jobs[o].at)
			continue
		}
		index[j.id.v] = len(c.plan.Jobs)
		c.plan.Jobs = append(c.plan.Jobs, c.job(j))
	}
	for i := range all {
		if o, ok := index[all[i].id.v]; ok && all[i].after.ok && c.plan.Jobs[o].at == all[i].id.at {
			c.follow(&c.plan.Jobs[o], all[i].after, index)
		}
	}
	c.cycles(all, index)
}

// job compiles one job, but for what it comes after.
func (c *compiler) job(t *jobText) Job {
	j := Job{ID: t.id.v, Kind: t.kind.v, At: sim.Time(t.start.v), at: t.id.at}
	j.spec = job.Spec{
		ID: t.id.v, Kind: t.kind.v, Timeout: t.timeout, StepTimeout: t.stepTimeout, InFlight: int(t.inFlight),
		PackageURI: t.uri.v, Configuration: t.value.v, Names: t.names.v, Properties: t.properties.v,
	}
	if t.values.ok {
		j.spec.Properties = t.values.v
	}
	j.spec.Command, j.spec.Durable = t.command.v, t.durable.v
	if t.payload.ok {
		j.spec.Payload = t.payload.v.JSON()
	}
	t.policy.into(&j.spec)
	if t.grace.ok {
		j.spec.Grace = t.grace.v
		if t.grace.v == 0 {
			j.spec.Grace = -1 // the engine's word for not at all
		}
	}
	if t.start.ok && t.after.ok {
		c.r.complain(t.start.at, "use one of them", "job %s has both at and after", j.ID)
	}
	if t.delay.ok && !t.after.ok {
		c.r.complain(t.delay.at, "write `at:` for a time from the beginning", "delay has no use without after")
	}
	j.Delay = t.delay.v
	c.targets(&j, t)
	if t.schedule.ok {
		c.schedule(&j, t)
	}
	bad := len(c.r.complaints)
	c.needs(t)
	if len(c.r.complaints) == bad { // else the engine would say the same in its words
		c.sound(&j, t)
	}
	if t.pack.ok {
		if c.packageNamed(t.pack.v) {
			j.Package = t.pack.v
		} else if c.packs {
			hint := didYouMean(t.pack.v, c.packageNames())
			if hint == "" {
				hint = "add it under `packages:`"
			}
			c.r.complain(t.pack.at, hint, "no package %s", quote(t.pack.v))
		}
	}
	return j
}

// param is a key of a job that only one kind has a use for.
type param struct {
	kind, name string
	at         spot
	ok         bool
}

// needs checks that a job has what its kind needs, and nothing it has no use
// for.
func (c *compiler) needs(t *jobText) {
	var names, have []string
	var last spot
	for _, p := range [...]param{
		{"firmwareUpdate", "package", t.pack.at, t.pack.ok},
		{"firmwareUpdate", "packageUri", t.uri.at, t.uri.ok},
		{"updateDeviceConfiguration", "value", t.value.at, t.value.ok},
		{"readDeviceProperties", "names", t.names.at, t.names.ok},
		{"writeDeviceProperties", "properties", t.properties.at, t.properties.ok},
		{"property", "values", t.values.at, t.values.ok},
		{"cloudProperty", "values", t.values.at, t.values.ok},
		{"command", "command", t.command.at, t.command.ok},
	} {
		switch {
		case p.kind == t.kind.v:
			names = append(names, p.name)
			if n := t.node.get(p.name); n != nil { // if it is wrong, that was said already
				have, last = append(have, p.name), n.at
			}
		case p.name == "values" && (t.kind.v == "property" || t.kind.v == "cloudProperty"):
		case p.ok:
			c.r.complain(p.at, "leave it out", "a job of kind %s has no use for %s", t.kind.v, p.name)
		}
	}
	if t.durable.ok && t.kind.v != "command" {
		c.r.complain(t.durable.at, "leave it out", "a job of kind %s has no use for durable", t.kind.v)
	}
	switch {
	case len(names) > 0 && len(have) == 0:
		c.r.complain(t.kind.at, "", "a job of kind %s needs %s", t.kind.v, strings.Join(names, " or "))
	case len(have) > 1:
		c.r.complain(last, "use one of them", "job %s has both %s", t.id.v, strings.Join(have, " and "))
	}
}

// targets finds the devices of a job.
func (c *compiler) targets(j *Job, t *jobText) {
	if t.saved.ok {
		if t.group.ok || t.devices.ok {
			c.r.complain(t.saved.at, "use one of them", "job %s has a device group and other devices", t.id.v)
		}
		j.targets = func() []sim.DeviceID { return nil }
		c.deviceGroup(j, t.saved)
		return
	}
	a := aim{what: "job " + t.id.v, at: t.id.at, group: t.group, devices: t.devices}
	j.targets, j.Devices = c.aim(a)
	if t.policy.continuous.v {
		c.r.complain(t.policy.continuous.at, "write `deviceGroup: <name>`", "job %s is continuous: it needs a device group, which devices can join", j.ID)
	}
}

// follow resolves what a job comes after.
func (c *compiler) follow(j *Job, after placed[string], index map[string]int) {
	id, word, _ := strings.Cut(after.v, " ")
	before, ok := index[id]
	if !ok {
		c.noJob(after.at.at(0, len(id)), id)
		return
	}
	if c.plan.Jobs[before].Schedule != nil {
		c.r.complain(after.at.at(0, len(id)), "write `at:` for a time from the beginning", "job %s has a schedule: it has no end a job could come after", quote(id))
		return
	}
	j.After, j.On = id, Outcome(word)
}

// cycles complains about jobs that wait for each other, once a cycle.
func (c *compiler) cycles(all []jobText, index map[string]int) {
	done := make([]int, len(c.plan.Jobs)) // 0 not seen, else the number of the walk that saw it
	for i := range c.plan.Jobs {
		var path []string
		for k := i; ; {
			if done[k] == i+1 {
				for path[0] != c.plan.Jobs[k].ID {
					path = path[1:]
				}
				at := c.plan.Jobs[k].at
				for a := range all {
					if all[a].id.at == at {
						at = all[a].after.at
					}
				}
				c.r.complain(at, "let one of them start with `at:`", "jobs wait for each other: %s -> %s", strings.Join(path, " -> "), path[0])
				break
			}
			if done[k] != 0 {
				break
			}
			done[k] = i + 1
			path = append(path, c.plan.Jobs[k].ID)
			next, ok := index[c.plan.Jobs[k].After]
			if !ok {
				break
			}
			k = next
		}
	}
}

// sound asks the engine what it thinks of a job's policies and values.
func (c *compiler) sound(j *Job, t *jobText) {
	p := &t.policy
	if !t.kind.ok || !(p.batch.ok || p.gate.ok || p.threshold.ok || p.rollout.ok || p.retry.ok || p.continuous.v || t.values.ok || t.command.ok) {
		return
	}
	s := j.spec
	if s.Group == "" {
		s.Targets = []sim.DeviceID{"any"}
	}
	if s.PackageURI == "" {
		s.PackageURI = "http://any"
	}
	if err := job.Check(&s); err != nil {
		c.r.complain(t.id.at, "", "job %s: %s", quote(j.ID), err)
	}
}
