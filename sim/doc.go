// Package sim is the vocabulary of Flotilla's pure core: time, messages,
// inputs and outboxes, what is observed and measured, timers and random
// streams. The machines below it (device, job, hub, world) are written in
// these words and in nothing else.
//
// # What a machine is
//
// A machine is a plain object with
//
//	Step(now sim.Time, in sim.Input, out *sim.Outbox)
//	Deadline() sim.Time
//
// and no goroutine, clock, socket, file, logger, lock or global random
// number. Time is an argument. Its driver has these duties:
//
//  1. Call from one goroutine only, with a now that never goes back.
//  2. Reset the outbox, call Step, and carry out the whole outbox in order
//     before the next Step of that machine.
//  3. When Deadline has come, call Step with a Wake. A machine with longer
//     work to do asks for Deadline() == now and goes on at the next Step:
//     drivers alternate due work and inputs.
//  4. Number connections: every link opened for a device gets a number above
//     all earlier ones of that device; Opened and Close carry it.
//  5. Panic, naming the machine, after MaxSteps Steps at one instant without
//     an input: such a machine would never let time go on.
//
// A Step touches at most MaxSlice devices or rows.
package sim

// MaxSlice is how many devices or rows one Step touches at most.
const MaxSlice = 1000

// MaxSteps is how many Steps at one instant, without an input, a driver takes
// for a machine that has lost its way.
const MaxSteps = 1_000_000

// Machine is what a driver drives.
type Machine interface {
	Step(now Time, in Input, out *Outbox)
	Deadline() Time
}
