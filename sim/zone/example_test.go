package zone_test

import (
	"fmt"

	"github.com/flotilla-sim/flotilla/sim/zone"
)

// A schedule on the wall clock of Paris, over the night in which the clocks
// skip 02:30.
func Example() {
	paris, err := zone.Load("Europe/Paris")
	if err != nil {
		fmt.Println(err)
		return
	}
	start, err := zone.ParseStart("2026-03-28T02:30:00+01:00", paris)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := zone.Rule{Start: start, Kind: zone.Daily, End: zone.Times(3)}
	if err := r.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	created := 0
	for at, ok := r.From(start.At(), created); ok; at, ok = r.Next(at, created) {
		created++
		fmt.Println(at)
	}
	// Output:
	// 2026-03-28T01:30:00Z
	// 2026-03-29T01:30:00Z
	// 2026-03-30T00:30:00Z
}

func ExampleLoad() {
	_, err := zone.Load("Europe/Pari")
	fmt.Println(err)
	// Output: time zone "Europe/Pari": unknown; did you mean "Europe/Paris"?
}
