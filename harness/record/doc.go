// Package record keeps what a run observed and the document that a run hands
// to its reports.
//
// A Recorder takes the observations of every machine: measurements into one
// histogram per device and metric, events into one list per device. A Summary
// is the versioned JSON document of a whole run; reports read nothing else,
// so that any report can be made again from a file. Nothing here formats for
// people, and nothing here reads a clock.
//
// # Recording
//
//	rec := record.New(record.Options{})
//	rec.Observe(out.Observe) // from as many goroutines as there are
//	...
//	rec.Fill(&summary)       // metrics, rates, events
//
// Observe may be called from many goroutines at once (a live run) or from one
// (a virtual run); it copies what it keeps, so the caller may reuse its slice.
// It never blocks on anything but a short lock of the device's shard. Reading
// methods may be called at any time, from any goroutine, and see everything
// observed before them.
//
// # What a measurement becomes
//
// Measurements are whole nanoseconds from 0 to Highest. A value outside is
// put to the nearer bound and counted as clamped, never dropped. The first
// RawSamples values of a device and metric are kept as they are, then they
// become an HDR histogram of 3 significant digits and a resolution of
// Resolution. Count, sum, minimum and maximum stay exact. The histogram of a
// fleet has the same buckets, so its percentiles are those of the union of all
// devices' values, whatever the number of shards.
//
// # The log
//
// WriteLog writes all histograms as an HdrHistogram log, for people who work on
// with them in other tools; Log and LogDevice read it back. Stop comes before
// the first report, so that all have the same values.
//
// # What an event becomes
//
// Events are kept for the timeline as far as Options allow. Whether kept or
// not, each one moves its device from one state to another, and these moves
// are counted over time: a Campaign takes some kilobytes, however many devices
// and however long the run.
//
// # Dependencies
//
// github.com/HdrHistogram/hdrhistogram-go: the histogram every latency tool
// reads; its PackedHistogram stores only the buckets in use, which is what
// makes one histogram per device and metric affordable.
package record
