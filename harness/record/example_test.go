package record_test

import (
	"fmt"
	"os"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
	"github.com/flotilla-sim/flotilla/sim"
)

// A driver hands over what its machines observed; at the end the recorder
// fills the summary that every report is made from.
func ExampleRecorder() {
	rec := record.New(record.Options{})
	var out sim.Outbox
	for i := range 100 {
		now := sim.Time(i+1) * sim.Time(time.Millisecond)
		out.Reset()
		out.Measure(now, "dev-1", sim.MetricMethodRoundTrip, 0)
		rec.Observe(out.Observe)
	}
	fleet := rec.Fleet(sim.MetricMethodRoundTrip)
	fmt.Println(fleet.Count(), time.Duration(fleet.Mean()), time.Duration(fleet.Max()))

	s := record.Summary{Scenario: "example", Kind: record.Virtual, Verdict: record.Passed}
	rec.Fill(&s)
	v, unit, ok := s.Lookup("metric.method_round_trip.max")
	fmt.Println(v.Text, unit, ok)
	// Output:
	// 100 50.5ms 100ms
	// 100000000 ns true
}

// A report program reads the document, whatever machine wrote it.
func ExampleRead() {
	f, err := os.Open("testdata/summary.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	s, err := record.Read(f)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Scenario, s.Kind, s.Verdict)
	// Output: six-devices live failed
}
