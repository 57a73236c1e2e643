package sim_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// TestOutboxReset fills every field, so that a new one is covered unasked.
func TestOutboxReset(t *testing.T) {
	var out sim.Outbox
	v := reflect.ValueOf(&out).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 3, 8))
		case reflect.Bool:
			f.SetBool(true)
		default:
			t.Fatalf("field %s: this test does not know how to fill a %s", v.Type().Field(i).Name, f.Type())
		}
	}
	out.Send[1] = sim.Message{Body: []byte("x")}
	out.Fetch[1] = sim.Fetch{Check: []byte("x")}
	out.Observe[1] = sim.Observation{Text: "x"}
	out.Reset()
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if f.Kind() != reflect.Slice {
			if !f.IsZero() {
				t.Errorf("%s is %v after Reset", name, f)
			}
			continue
		}
		if f.Len() != 0 || f.Cap() != 8 {
			t.Errorf("%s has length %d and capacity %d after Reset; want 0 and 8", name, f.Len(), f.Cap())
		}
		if e := f.Type().Elem(); e.Kind() == reflect.Struct && !f.Slice(0, 3).Index(1).IsZero() {
			t.Errorf("%s still holds on to %v after Reset", name, f.Slice(0, 3).Index(1))
		}
	}
}

func TestOutboxObserve(t *testing.T) {
	var out sim.Outbox
	out.Measure(7, "a", sim.MetricConnect, 3)
	out.Measure(7, "a", sim.MetricConnect, 9) // due later than done: on time
	out.Note(8, "a", sim.EventLink, "opened")
	want := []sim.Observation{
		{At: 7, Device: "a", Metric: sim.MetricConnect, Value: 4},
		{At: 7, Device: "a", Metric: sim.MetricConnect, Value: 0},
		{At: 8, Device: "a", Event: sim.EventLink, Text: "opened"},
	}
	if !reflect.DeepEqual(out.Observe, want) {
		t.Errorf("observed %v; want %v", out.Observe, want)
	}
	if got := want[0].Latency(); got != 4*time.Nanosecond {
		t.Errorf("Latency() = %s; want 4ns", got)
	}
}
