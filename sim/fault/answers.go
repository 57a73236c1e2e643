package fault

import "github.com/flotilla-sim/flotilla/sim"

// The faults of a device that does what it is asked and then answers wrongly.

// duplicateAnswer: a client that sends again what it has sent.
var duplicateAnswer = Recipe{
	Name:       "duplicate-answer",
	Help:       "it sends every answer to a direct method again",
	Observable: "the hub takes the first one and counts the others as late answers; jobs and calls are as ever",
	Argument:   answerCopies,
	Build: func(arg string) (Conditions, error) {
		n, err := times(arg, answerCopies)
		if err != nil {
			return Conditions{}, err
		}
		return Conditions{Device: sim.Condition{Answering: sim.Answering{Copies: n - 1}}}, nil
	},
}

// lateAnswer: the handler that does all of its work first.
var lateAnswer = Recipe{
	Name:       "late-answer",
	Help:       "it does at once what a direct method asks and answers later; an answer whose connection has ended is not sent",
	Observable: "method_round_trip grows by that much; beyond the call's timeout, 30 s of jobs, the call fails and its answer counts as late, for no other one",
	Argument:   answerLate,
	Build: func(arg string) (Conditions, error) {
		d, err := duration(arg, answerLate)
		if err != nil {
			return Conditions{}, err
		}
		return Conditions{Device: sim.Condition{Answering: sim.Answering{Late: d}}}, nil
	},
}

// malformedAnswer: a buffer that was one byte too short.
var malformedAnswer = Recipe{
	Name:       "malformed-answer",
	Help:       "it does what a direct method asks, and its answer breaks off before its JSON is complete",
	Observable: "the call fails, and the reason says that the answer is not JSON",
	Build: func(string) (Conditions, error) {
		return Conditions{Device: sim.Condition{Answering: sim.Answering{Malformed: true}}}, nil
	},
}

var (
	answerCopies = Argument{Help: "how often it is sent in all", Unit: "x", Least: "2x", Most: "100x", Default: "2x"}
	answerLate   = Argument{Help: "how much later", Unit: "s", Least: "10ms", Most: "1h", Default: "35s"}
)
