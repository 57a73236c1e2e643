// Package job is the job engine: a job is a parent over a frozen, ordered
// list of devices; each of them has a child that runs the steps of the job's
// kind. The engine decides who is worked on next, sends what a step needs
// through its Fleet, takes in what devices answer and report, and knows every
// time limit.
//
// It is a machine of the hub's (see package sim): time is an argument, and
// its owner calls
//
//   - Submit and Cancel for an operator,
//   - Answered for each Fleet.Call, exactly once,
//   - Online, Offline, Reported and Deleted as devices come, go and speak,
//   - Step when Deadline has come,
//
// and afterwards reads Ended. Long work (starting 100,000 children, cancelling
// or failing them) is a cursor that goes on by sim.MaxSlice a Step.
//
// It does not choose devices and knows no dialect's words.
package job
