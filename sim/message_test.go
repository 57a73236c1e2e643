package sim_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
)

var update = flag.Bool("update", false, "rewrite the golden files; commit only a difference you understand")

// golden holds got against a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = "testdata/" + name
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestMessageTranscript(t *testing.T) {
	var b strings.Builder
	for _, m := range []sim.Message{
		{Kind: sim.Opened, Device: "a", Conn: 1},
		{Kind: sim.Connect, Device: "a", Conn: 1, ID: 1, Status: 240, Name: "hub.example", Body: []byte("SharedAccessSignature sr=x&sig=y&se=1")},
		{Kind: sim.Accept, Device: "a", Conn: 1},
		{Kind: sim.Accept, Device: "a", Conn: 1, Status: 5},
		{Kind: sim.Subscribe, Device: "a", Conn: 1, ID: uint64(sim.AllFeatures), Status: 2},
		{Kind: sim.Call, Device: "a/m", Conn: 1, ID: 7, Name: "dm.read", Body: []byte(`{"resources":["/3/0/15"]}`)},
		{Kind: sim.Answer, Device: "a/m", Conn: 1, ID: 7, Status: 200, Body: []byte(`{"/3/0/15":"Zürich"}`)},
		{Kind: sim.Telemetry, Device: "a", Conn: 1, Name: "a=1&b=%20", Body: []byte("two\nlines"), Due: 99},
		{Kind: sim.Telemetry, Device: "a", Conn: 1, Name: "a b", Body: []byte{0, 0xff, 0x7f}},
		{Kind: sim.GetTwin, Device: "a", Conn: 1, Name: "\x00"},
		{Kind: sim.TwinAnswer, Device: "a", Conn: 1, Name: "1", Status: 429, ID: 1<<64 - 1},
		{Kind: sim.Close, Device: "a", Conn: 1<<32 - 1},
		{Kind: sim.Close, Device: "a", Conn: 1, Status: int32(sim.ReasonReboot)},
		{Kind: sim.Close, Device: "a", Conn: 1, Status: -1},
		{Kind: 99, Status: -1},
		{},
	} {
		fmt.Fprintln(&b, m)
	}
	golden(t, "messages.txt", b.String())
}
