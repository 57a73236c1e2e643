package reports

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every row of a table has as many cells as its head, whatever is in them.
func TestMarkdownTables(t *testing.T) {
	for _, c := range summaries {
		cells := 0
		for _, line := range strings.Split(string(render(t, format(t, "markdown"), c.make(), Options{})), "\n") {
			if !strings.HasPrefix(line, "| ") {
				cells = 0
				continue
			}
			n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
			if cells != 0 && n != cells {
				t.Errorf("%s: %d bars where the head has %d: %s", c.name, n, cells, line)
			}
			cells = n
		}
	}
}

// A code span holds what it should: it ends with as many backticks as it
// began with and has no run of as many within.
func TestMarkdownCode(t *testing.T) {
	m := &markdown{}
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"a", "`a`"}, {"a`b", "``a`b``"}, {"`", "`` ` ``"}, {"a``b`", "``` a``b` ```"}, {"a|b", "`a\\|b`"}, {" a ", "`  a  `"}, {"\n", "`\\n`"},
	} {
		if got := m.code(c.in); got != c.want {
			t.Errorf("code(%q) = %s; want %s", c.in, got, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"Devices: 6; 50 %", "Devices: 6; 50 %"}, {"*a* _b_ [c](d) <e>", `\*a\* \_b\_ \[c\](d) &#60;e&#62;`}, {"see https://x.y or www.x.y", "see https&#58;//x.y or www&#46;x.y"},
		{"a|b\nc&d;#1 @e", `a\|b\\nc&#38;d;\#1 &#64;e`}, {"größer", "größer"},
	} {
		if got := m.text(c.in); got != c.want {
			t.Errorf("text(%q) = %s; want %s", c.in, got, c.want)
		}
	}
}

// A reader of GitHub's Markdown finds in a code span what was put there.
func TestMarkdownCodeIsRead(t *testing.T) {
	m := &markdown{}
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.StringMatching("[a`| ]{1,12}").Draw(rt, "text")
		got := m.code(in)
		fence := got[:len(got)-len(strings.TrimLeft(got, "`"))]
		inner := strings.TrimSuffix(strings.TrimPrefix(got, fence), fence)
		if len(inner) != len(got)-2*len(fence) || strings.Contains(inner, fence) {
			rt.Fatalf("code(%q) = %q", in, got)
		}
		if strings.HasPrefix(inner, " ") && strings.HasSuffix(inner, " ") && strings.Trim(inner, " ") != "" {
			inner = inner[1 : len(inner)-1] // as a reader does
		}
		if strings.ReplaceAll(inner, `\|`, "|") != in && strings.Trim(in, " ") != "" {
			rt.Fatalf("code(%q) = %q, which reads %q", in, got, inner)
		}
	})
}
