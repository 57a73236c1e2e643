package scenarios_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestMix: every so many-th device of a group has something of its own, over
// what the group has; of two entries the one further down counts.
func TestMix(t *testing.T) {
	p := plan(t, `
groups:
  vans:
    count: 7
    firmwareVersion: "1.0"
    tags: {site: a}
    commands: {service: {}, blink: {status: 202}}
    mix:
      - {every: 2, commands: {service: {status: 500}}}
      - {every: 3, from: 1, firmwareVersion: "2.0", tags: {site: b}, labels: [red]}
`)
	var got []string
	for i := range 7 {
		m := p.Groups[0].Member(i)
		commands := ""
		for _, c := range m.Profile.Commands {
			commands += fmt.Sprintf(" %s=%d", c.Name, c.Status)
		}
		got = append(got, fmt.Sprintf("%d %s %s %v%s", i+1, m.FirmwareVersion, m.Tags, m.Labels, commands))
	}
	want := `1 2.0 {"site":"b"} [red] service=0 blink=202
2 1.0 {"site":"a"} [] service=500 blink=202
3 1.0 {"site":"a"} [] service=0 blink=202
4 2.0 {"site":"b"} [red] service=0 blink=202
5 1.0 {"site":"a"} [] service=0 blink=202
6 1.0 {"site":"a"} [] service=500 blink=202
7 2.0 {"site":"b"} [red] service=0 blink=202`
	if strings.Join(got, "\n") != want {
		t.Errorf("the members are\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}
