// Package harness plays a plan on a stage: the one path of every run, live,
// virtual or against a foreign hub.
//
//	sum := harness.Run(ctx, harness.Options{Plan: plan, Stage: stage, Recorder: rec, Kind: record.Live})
//
// Run publishes the plan's packages, adds its groups, submits its jobs when
// they are due, plays its steps, lets time go on until all of it has ended,
// and then judges what the plan expects. It never fails: what went wrong is in
// the summary's verdict, and what was reached before is in the summary.
//
// It knows no stage, reads no clock and formats nothing. Its caller makes the
// stage and closes it afterwards.
package harness
