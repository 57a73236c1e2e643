package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Files made to be slow or deep end in a complaint, soon. A stack that
// overflows cannot be caught, so bounds must.
func TestHostile(t *testing.T) {
	const most = time.Minute // with room for -race and a busy machine; most take milliseconds, and what is not bounded takes hours
	lines := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i))
		}
		return b.String()
	}
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + lines(12, func(i int) string {
		return fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
	})
	for _, tt := range []struct{ name, text string }{
		{"too large", strings.Repeat("# x\n", MaxSource/4+1)},
		{"aliases of aliases", bomb},
		{"brackets on one line", strings.Repeat("[", 9_000)},
		{"brackets on many lines", strings.Repeat("[\n", 100_000)},
		{"braces", strings.Repeat("{a: ", 2_000) + strings.Repeat("}", 2_000)},
		{"dashes", "groups: \n" + strings.Repeat("- ", 4_000) + "x"},
		{"deeper and deeper", lines(300, func(i int) string { return strings.Repeat(" ", i) + "a:\n" })},
		{"question marks", strings.Repeat("? ", 4_000)},
		{"question marks on many lines", strings.Repeat("?\n", 20_000)},
		{"anchors on many lines", strings.Repeat("&a\n", 50_000)},
		{"tags on many lines", strings.Repeat("!!a\n", 50_000)},
		{"a long line", "name: " + strings.Repeat("x", MaxSource-100)},
		{"many keys", lines(6_000, func(i int) string { return fmt.Sprintf("k%d: 1\n", i) })},
		{"many documents", strings.Repeat("---\n", 50_000)},
		{"many jobs", "groups: {g: {count: 1}}\njobs:\n" + lines(3_000, func(i int) string { return fmt.Sprintf("- {id: j%d, kind: rebootDevice, group: g}\n", i) })},
		{"quotes", strings.Repeat(`"`, 9_001)},
		{"a text without end", "a: \"" + strings.Repeat("x\n", 50_000)},
		{"a list of many", "groups:\n  g:\n    devices:\n" + lines(210_000/4, func(i int) string { return fmt.Sprintf("    - d%d\n", i) }) + "    - d0\n"},
		{"a map as key", "{[a]: b, {c: d}: e}"},
		{"byte order mark", "\ufeffgroups: 3"},
		{"not UTF-8", "groups:\n\xff\xfe"},
		{"NUL", "groups\x00: {}\n"},
	} {
		start := time.Now()
		_, err := Load(Source{Name: "x.yaml", Text: []byte(tt.text)}, nil)
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %v; want an *Error", tt.name, err)
		}
		if d := time.Since(start); d > most {
			t.Errorf("%s: took %s", tt.name, d)
		} else if testing.Verbose() {
			first, _, _ := strings.Cut(err.Error(), "\n")
			t.Logf("%s: %s: %s", tt.name, d.Round(time.Millisecond), first[:min(len(first), 150)])
		}
	}
}
