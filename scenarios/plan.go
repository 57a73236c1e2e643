package scenarios

import (
	"fmt"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// Plan is a checked and compiled scenario. It is never changed after Load and
// may be read from many goroutines.
type Plan struct {
	Name         string
	Description  string
	Source       Source   // as it was read
	Settings     []string // laid over it, and faults added, as `--fault ...`
	Seed         uint64
	Epoch        sim.Epoch     // civil instant of Time 0 in virtual runs
	Duration     time.Duration // the run lasts at least this long
	Timeout      time.Duration // and is ended here at the latest
	MaxLag       time.Duration // how late a live run may be for its own plan; 0: as late as the stage says
	Groups       []Group
	DeviceGroups []hub.PutGroup // saved queries
	Packages     []pack.Spec
	Jobs         []Job
	Steps        []Step
	Expect       []Expectation
	Spells       []fault.Spell // what goes wrong at a time, with devices or the hub; the rest is in the groups' members
	Faults       []Fault       // everything that goes wrong, as it is written
	Devices      int           // in all groups
}

// DefaultTimeout bounds a run whose scenario names no timeout.
const DefaultTimeout = time.Hour

// fileText is a scenario as it is written.
type fileText struct {
	name        placed[string]
	description string
	epoch       sim.Epoch
	seed        uint64
	duration    placed[time.Duration]
	timeout     placed[time.Duration]
	connectRate int64
	maxLag      time.Duration
	hub         hubText
	faults      []faultText
	groups      placed[[]named[groupText]]
	saved       []named[placed[string]]
	packages    placed[[]named[packageText]]
	jobs        []jobText
	steps       []stepText
	expect      []placed[string]
}

// fileTable is the top of a scenario file.
var fileTable = newTable("", "a scenario", []key[fileText]{
	field("name", "what reports call it; default: the file's name", where(textOf("name", 1, 64)), func(f *fileText) *placed[string] { return &f.name }),
	field("description", "one line about it", textOf("description", 1, 500), func(f *fileText) *string { return &f.description }),
	field("epoch", "the civil instant a virtual run begins at; default 2026-01-01T00:00:00Z", epochKind, func(f *fileText) *sim.Epoch { return &f.epoch }),
	field("seed", "of everything random; default 1", seedKind, func(f *fileText) *uint64 { return &f.seed }),
	field("duration", "the run lasts at least this long; default 0s: until jobs and steps have ended", where(anyDuration), func(f *fileText) *placed[time.Duration] { return &f.duration }),
	field("timeout", "the run is ended after this time at the latest; default "+brief(DefaultTimeout), where(durationOf(time.Millisecond, 1<<63-1)), func(f *fileText) *placed[time.Duration] { return &f.timeout }),
	required(field("groups", "the devices, group by group", where(mapOf("groups", groupTable.kind(), badName)), func(f *fileText) *placed[[]named[groupText]] { return &f.groups })),
	field("deviceGroups", "saved queries, by name: a filter that selects devices whenever it is used", mapOf("deviceGroups", deviceGroupKind, badName), func(f *fileText) *[]named[placed[string]] { return &f.saved }),
	field("packages", "firmware packages, by name", where(mapOf("packages", packageTable.kind(), badName)), func(f *fileText) *placed[[]named[packageText]] { return &f.packages }),
	field("connectRate", "devices begin to connect one after the other at this rate, in the order of the groups, each group's `start` on top; default: all at once", rateKind, func(f *fileText) *int64 { return &f.connectRate }),
	field("maxLag", "a live run is void when 1 % of what its devices wanted to do was done later than this; default 50ms", durationOf(time.Millisecond, time.Hour), func(f *fileText) *time.Duration { return &f.maxLag }),
	field("hub", "what befalls the hub", hubTable.kind(), func(f *fileText) *hubText { return &f.hub }),
	field("faults", "what goes wrong with devices of any group, or with the hub", listOf("faults", fleetFaultKind), func(f *fileText) *[]faultText { return &f.faults }),
	field("jobs", "what the hub is asked to do with the devices", listOf("jobs", jobKind), func(f *fileText) *[]jobText { return &f.jobs }),
	field("steps", "what else is done, one after the other beside the jobs", listOf("steps", stepKind), func(f *fileText) *[]stepText { return &f.steps }),
	field("expect", "what must hold at the end: `job.fw.succeeded == 6`, `metric.connect.p99 < 250ms`", listOf("expect", where(textOf("an expectation", 1, 500))), func(f *fileText) *[]placed[string] { return &f.expect }),
})

// compiler turns what is written into a plan.
type compiler struct {
	r        *reader
	plan     *Plan
	troops   []*troop
	saved    bool     // all device groups were
	complete bool     // all groups were understood: an unknown id is one
	packs    bool     // all packages were
	broken   bool     // a group's profile is wrong
	unread   []string // ids of jobs that were not understood
	rate     int64
	counted  int         // faults, so far
	looked   int         // devices looked at for them
	draws    uint64      // choices of a part of the devices, so far
	rough    []fault.Who // whose links may go wrong at a time
	stepped  []string    // names of the faults that steps begin, so far
}

// Load reads, checks and compiles a scenario with settings (`path=value`) laid
// over it, and faults (in the short form of `faults:`) added to it. A bad
// scenario, setting or fault gives an *Error.
func Load(src Source, sets []string, faults ...string) (*Plan, error) {
	r := &reader{}
	root := r.parse(src.Name, src.Text)
	if root == nil {
		return nil, r.err()
	}
	if len(sets) > 0 {
		bad := len(r.complaints)
		if root = r.set(root, sets); len(r.complaints) > bad {
			return nil, r.err()
		}
	}
	if len(faults) > 0 {
		bad := len(r.complaints)
		if root = r.befall(root, faults); len(r.complaints) > bad {
			return nil, r.err()
		}
	}
	f := fileText{epoch: sim.DefaultEpoch, seed: 1}
	if !fileTable.read(r, root, &f) {
		return nil, r.err()
	}
	c := &compiler{r: r, plan: &Plan{
		Name: src.base(), Description: strings.TrimSpace(f.description), Source: src, Settings: append([]string(nil), sets...),
		Seed: f.seed, Epoch: f.epoch, Duration: f.duration.v, Timeout: DefaultTimeout,
	}}
	for _, x := range faults {
		c.plan.Settings = append(c.plan.Settings, "--fault "+x)
	}
	if f.name.ok {
		c.plan.Name = f.name.v
	}
	if f.timeout.ok {
		c.plan.Timeout = f.timeout.v
	}
	if f.duration.ok && f.duration.v > c.plan.Timeout {
		if !f.timeout.ok {
			c.plan.Timeout = f.duration.v
		} else {
			r.complain(f.duration.at, "", "the duration %s is longer than the timeout %s", brief(f.duration.v), brief(f.timeout.v))
		}
	}
	if f.groups.ok && len(f.groups.v) == 0 && len(root.get("groups").members) == 0 {
		r.complain(f.groups.at, "", "the scenario has no group")
	}
	c.rate, c.plan.MaxLag = f.connectRate, f.maxLag
	c.hub(f.hub)
	bad := len(r.complaints)
	c.groups(f.groups.v)
	c.complete = f.groups.ok && bad == len(r.complaints) && len(c.troops) == len(root.get("groups").members)
	c.faults(f.faults)
	bad = len(r.complaints)
	c.packages(f.packages.v)
	c.packs = bad == len(r.complaints) && (!f.packages.ok && root.get("packages") == nil || len(c.plan.Packages) > 0 && len(c.plan.Packages) == len(root.get("packages").members))
	c.deviceGroups(f.saved)
	c.saved = len(c.plan.DeviceGroups) == len(root.get("deviceGroups").fields())
	c.jobs(f.jobs)
	c.steps(f.steps)
	c.expect(f.expect, len(f.jobs) == len(c.plan.Jobs))
	for _, t := range c.troops {
		c.plan.Devices += t.count
		t.rough = c.rough
	}
	c.check()
	if err := r.err(); err != nil {
		return nil, err
	}
	// Object tables are built here: devices are made by many goroutines later.
	for _, t := range c.troops {
		t.base.Model()
		for _, p := range t.own {
			p.Model()
		}
		for i := range t.mix {
			t.mix[i].profile.Model()
		}
	}
	return c.plan, nil
}

// check asks the engine's own judgement of every job, for what the tables do
// not know.
func (c *compiler) check() {
	if len(c.r.complaints) > 0 {
		return
	}
	for i := range c.plan.Jobs {
		s := c.plan.Spec(&c.plan.Jobs[i], "http://packages/"+c.plan.Jobs[i].Package)
		if err := job.Check(&s); err != nil {
			c.r.complain(c.plan.Jobs[i].at, "", "job %s: %s", s.ID, err)
		}
	}
}

// Spec makes what is submitted for a job of the plan. uri is where the job's
// package was published; it counts only if the job names one.
func (p *Plan) Spec(j *Job, uri string) job.Spec {
	s := j.spec
	s.Targets = j.targets()
	if j.Package != "" {
		s.PackageURI = uri
	}
	return s
}

func (c *compiler) troopNames() []string {
	names := make([]string, len(c.troops))
	for i, t := range c.troops {
		names[i] = t.name
	}
	return names
}

func (c *compiler) packageNames() []string {
	names := make([]string, len(c.plan.Packages))
	for i := range names {
		names[i] = c.plan.Packages[i].Name
	}
	return names
}

func (c *compiler) packageNamed(name string) bool {
	for i := range c.plan.Packages {
		if c.plan.Packages[i].Name == name {
			return true
		}
	}
	return false
}

func (c *compiler) jobNames() []string {
	names := make([]string, len(c.plan.Jobs))
	for i := range names {
		names[i] = c.plan.Jobs[i].ID
	}
	return names
}

// oneLine puts the lines of an error behind each other.
func oneLine(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(fmt.Sprint(err)), "\n", "; ")
}
