package scenarios

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// Action is a verb of `steps:`.
type Action struct {
	Name string
	Help string

	schema *schema
	// read reads what stands behind the verb; compile, called once all groups
	// and jobs are known, gives what makes the step's acts.
	read func(r *reader, n *node) (compile func(*compiler, spot) func() Act, ok bool)
}

// Actions is the table of verbs.
var Actions = []Action{wait, invoke, patch, cancel, stop, resume, rerun, duplicate, enable, disable, weather}

// Step is one entry of `steps:`.
type Step struct {
	Verb  string
	Where string // file:line
	Act   func() Act
}

// Act is a step being played: a small machine that never waits. Steps are
// played in order, each until its Turn is Done; the first that fails ends the
// steps, and the run has failed.
//
// Its player calls Next when the step's turn has come, after each Answer, when
// a job was submitted, skipped or has ended, and at the instant Turn.Wake. It
// runs the commands of the turn at once, in order, and brings each answer with
// Answer: at once, or, when the reply has a ticket, after that has settled.
type Act interface {
	Next(Scene, *Turn)
	// Answer brings the answer to the n-th command of the act, from 0; err is
	// what Do or Take returned.
	Answer(n int, reply hub.Reply, err error)
}

// Scene is what an act may look at.
type Scene struct {
	Now sim.Time
	Job func(id string) JobState
}

// Turn is what an act wants. The player clears it before Next.
type Turn struct {
	Do   []hub.Command // at most sim.MaxSlice a turn
	Wake sim.Time      // call again then; sim.Never: not by time
	Done bool
	Err  error // with Done: the step has failed

	Befall  []fault.Spell // faults that begin
	Relieve []string      // names of faults that end; "": all
}

// stepText is a step as it is written.
type stepText struct {
	verb    string
	at      spot
	compile func(*compiler, spot) func() Act
}

// stepKind is a map of one verb.
var stepKind = kind[stepText]{
	schema: stepSchema(),
	read: func(r *reader, n *node) (stepText, bool) {
		if n.kind != mapNode || len(n.members) != 1 {
			r.complain(n.at, "write `- wait: 5s`; "+didYouMean("", verbs()), "a step is a map of one verb")
			return stepText{}, false
		}
		m := n.members[0]
		for i := range Actions {
			if Actions[i].Name != m.name {
				continue
			}
			if m.value.kind == nullNode {
				r.complain(m.at, Actions[i].Help, "%q has no value", m.name)
				return stepText{}, false
			}
			compile, ok := Actions[i].read(r, m.value)
			return stepText{m.name, m.at, compile}, ok
		}
		r.complain(m.at, didYouMean(m.name, verbs()), "unknown step %s", quote(m.name))
		return stepText{}, false
	},
}

func verbs() []string {
	names := make([]string, len(Actions))
	for i := range Actions {
		names[i] = Actions[i].Name
	}
	return names
}

func stepSchema() *schema {
	s := &schema{name: "step", help: "a map of one verb"}
	for i := range Actions {
		a := &Actions[i]
		s.either = append(s.either, &schema{
			types: []string{"object"},
			keys:  []property{{a.Name, true, documented(a.schema, a.Help)}},
		})
	}
	return s
}

// steps compiles them.
func (c *compiler) steps(all []stepText) {
	for _, s := range all {
		if act := s.compile(c, s.at); act != nil {
			c.plan.Steps = append(c.plan.Steps, Step{Verb: s.verb, Where: c.where(s.at), Act: act})
		}
	}
}

// verb makes an action whose value is read by a kind.
func verb[V any](name, help string, k kind[V], compile func(*compiler, spot, V) func() Act) Action {
	return Action{Name: name, Help: help, schema: k.schema, read: func(r *reader, n *node) (func(*compiler, spot) func() Act, bool) {
		v, ok := k.read(r, n)
		return func(c *compiler, at spot) func() Act { return compile(c, at, v) }, ok
	}}
}
