// Package hub is the bundled hub as a machine: registry, twins, sessions,
// direct methods, durable commands, device groups, schedules and the job
// engine, in neutral words. It takes in what
// devices say (Step) and what operators ask (Do); see package sim for the
// duties of its driver. Besides:
//
//   - connections are numbered by the driver, each number once for the whole
//     hub (in the virtual world: once for each device); a message of a
//     connection that is not its device's present one is dropped and counted;
//   - a Reply with a Ticket is answered later: the outbox lists it in Settled
//     and the driver calls Take in the same turn;
//   - View returns an immutable snapshot, for readers on other goroutines;
//   - secrets come with commands, the hub makes none.
//
// The state of one device lives in one Device and one session and never looks
// at another device or a job; only the routing code here crosses.
package hub
