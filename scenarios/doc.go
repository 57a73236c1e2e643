// Package scenarios is the script: scenario files, the library of them, what
// they expect, and the Stage they need.
//
// # From a file to a plan
//
//	src, err := scenarios.Open("six-devices")       // a library name or a path
//	plan, err := scenarios.Load(src, []string{"groups.six.count=3"})
//
// Load reads YAML, lays the given settings over it, checks everything and
// compiles it. A bad scenario gives an *Error with all complaints that could
// be found, each with file, line, column, an excerpt and, where there is one,
// what to write instead. A Plan is never changed after Load.
//
// # Who plays it
//
// Not this package: nothing here starts, waits or reads a clock. The player
// (harness.Run) has these duties:
//
//  1. Publish every package of Plan.Packages and keep the URIs by name.
//  2. Have Plan.Spells befall the stage, before there are devices.
//  3. Add every group of Plan.Groups, in order, and put every one of
//     Plan.DeviceGroups, over which jobs select when they begin.
//  4. Ask Plan.Due at the start, whenever a job has ended and at the instant
//     Due named; submit what it says with Plan.Spec, or put its schedule with
//     Plan.PutSchedule, whose instances the hub makes.
//  5. Play Plan.Steps one after the other beside the jobs: see Act.
//  6. When all jobs have ended or are skipped, all steps are done and
//     Plan.Duration is over, or when Plan.Timeout has come, ask each
//     expectation of Plan.Expect for its Result.
//
// The stage is behind the interface Stage: the virtual world, the bundled hub
// with real connections, and a foreign hub play the same plan.
//
// # Adding to the language
//
// Keys are rows of tables (see table): one row is read, checked, printed by
// Schema and known to settings. A new step is one file and one line in
// Actions, a new thing to expect one line in Families.
//
// The YAML reader is github.com/goccy/go-yaml: it keeps the position of every
// token, which errors with a caret need. Only its parser is used; values are
// read from the text as written, so that a version 3.10 stays 3.10.
package scenarios
