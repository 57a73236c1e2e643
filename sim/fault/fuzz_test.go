package fault_test

import (
	"testing"

	"github.com/flotilla-sim/flotilla/sim/fault"
)

// FuzzParse: a text is a fault or an error, never both, never nothing; a fault
// put together with itself is the same one.
func FuzzParse(f *testing.F) {
	for _, r := range fault.Recipes {
		f.Add(r.Name)
		for _, arg := range []string{r.Argument.Default, r.Argument.Least, r.Argument.Most, "", "0", "-1s", "9223372036854775807x", "503@", "1s.."} {
			f.Add(r.Name + "=" + arg)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := fault.Parse(text)
		if (err == nil) == c.IsZero() {
			t.Fatalf("Parse(%q) = %+v, %v; want a fault or an error", text, c, err)
		}
		if m := fault.Merge(c, c); m != c {
			t.Fatalf("%q twice is %+v; want %+v", text, m, c)
		}
	})
}
