package sim_test

import (
	"fmt"
	"go/constant"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
)

// constants returns the exported constants of a type of package sim, in order
// of their values, as the compiler sees them.
func constants(t *testing.T, of string) []int {
	t.Helper()
	p, err := loaded(t).imports.Import(module + "/sim")
	if err != nil {
		t.Fatal(err)
	}
	var values []int
	for _, name := range p.Scope().Names() {
		c, ok := p.Scope().Lookup(name).(*types.Const)
		if ok && c.Exported() && strings.HasSuffix(c.Type().String(), "/sim."+of) {
			v, _ := constant.Int64Val(c.Val())
			values = append(values, int(v))
		}
	}
	slices.Sort(values)
	return values
}

// TestWords: every kind, reason, metric and event has one word, fit for files.
func TestWords(t *testing.T) {
	for _, c := range []struct {
		of   string
		word func(int) string
		none int // a value without a word, -1 if there is none
		form string
	}{
		{"Kind", func(i int) string { return sim.Kind(i).String() }, -1, `^[a-z]+(-[a-z]+)*$`},
		{"Reason", func(i int) string { return sim.Reason(i).String() }, -1, `^[a-z]+(-[a-z]+)*$`},
		{"Metric", func(i int) string { return sim.Metrics[i].Name }, 0, `^[a-z]+(_[a-z]+)*$`},
		{"Event", func(i int) string { return sim.Events[i].Name }, 0, `^[a-z]+$`},
	} {
		seen := map[string]int{}
		values := constants(t, c.of)
		if len(values) < 5 {
			t.Errorf("%s: only the constants %v were found", c.of, values)
		}
		for _, v := range values {
			if v == c.none {
				continue
			}
			word := c.word(v)
			if !regexp.MustCompile(c.form).MatchString(word) {
				t.Errorf("%s(%d) is %q; want it to match %s", c.of, v, word, c.form)
			}
			if other, ok := seen[word]; ok {
				t.Errorf("%s(%d) and %s(%d) are both %q", c.of, v, c.of, other, word)
			}
			seen[word] = v
		}
		last := values[len(values)-1]
		if c.of == "Kind" || c.of == "Reason" {
			if word := c.word(last + 1); word != fmt.Sprintf("%s-%d", strings.ToLower(c.of), last+1) {
				t.Errorf("%s(%d) is %q: a name too many", c.of, last+1, word)
			}
		}
	}
	if got := sim.Reason(-1).String(); got != "reason--1" {
		t.Errorf("Reason(-1) is %q", got)
	}
	for i, m := range sim.Metrics[1:] {
		if m.Unit != "ns" || m.Help == "" {
			t.Errorf("metric %d: %+v", i+1, m)
		}
	}
	for i, e := range sim.Events[1:] {
		if e.Help == "" {
			t.Errorf("event %d: %+v", i+1, e)
		}
	}
}
