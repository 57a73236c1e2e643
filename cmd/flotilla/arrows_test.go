package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/flotilla-sim/flotilla"

// TestArrows holds the architecture section of README.md against the imports
// there are. The rules:
//
//   - Every package has a row in the table of rooms, every row a package.
//   - A package imports of this module what its row allows: the names listed,
//     all below a name with `/*`, everything for `*`, nothing for `-`.
//   - A row allows only what stands above it, so arrows never make a circle.
//   - A library is imported by the rooms named in its row, and by no other.
//   - A test may also import any package on its own floor or below (sim,
//     scenarios, harness, reports, cmd) that does not itself need the package
//     under test, and any library.
func TestArrows(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := readPlan(string(readme))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Imports,TestImports,XTestImports", module+"/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var found []room
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found = append(found, room{
			name:    short(p.ImportPath),
			imports: shorts(p.Imports),
			tests:   shorts(slices.Concat(p.TestImports, p.XTestImports)),
		})
	}
	for _, c := range plan.judge(found) {
		t.Error(c)
	}
}

// room is a package with what it imports: packages of this module by their
// short names (`sim/doc`), libraries by their paths; the standard library is
// left out.
type room struct {
	name           string
	imports, tests []string
}

// plan is the architecture section: its two tables.
type plan struct {
	rooms     []row // name of the room, what it may import
	libraries []row // path of the library, the rooms that may import it
}

type row struct {
	name string
	may  []string
}

// judge returns what is wrong with the rooms found, nothing if all is well.
func (p plan) judge(found []room) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	graph := map[string]room{}
	for _, r := range found {
		graph[r.name] = r
	}
	for i, r := range p.rooms {
		if _, ok := graph[r.name]; !ok {
			complain("%s stands in README's table but there is no such package: build it or take its row out", r.name)
		}
		for _, m := range r.may {
			above := slices.ContainsFunc(p.rooms[:i], func(other row) bool { return matches(m, other.name) })
			below := slices.ContainsFunc(p.rooms[i+1:], func(other row) bool { return m != "*" && matches(m, other.name) })
			if m != "-" && (!above || below) {
				complain("README's row of %s names %s, which does not stand above it: arrows point up the table", r.name, m)
			}
		}
	}
	for _, r := range found {
		i := slices.IndexFunc(p.rooms, func(row row) bool { return row.name == r.name })
		if i < 0 {
			complain("%s is not on the plan: give it a row in README's table, with what it may import", r.name)
			continue
		}
		for _, m := range r.imports {
			if library(m) {
				if !p.lends(m, r.name) {
					complain("%s imports %s: a library lives in the rooms of its row in README; ask one of them, or add to the row and say why", r.name, m)
				}
			} else if !allows(p.rooms[i].may, m) {
				complain("%s imports %s, but its row in README does not list it: pass in what is needed, or change the plan first", r.name, m)
			}
		}
		for _, m := range r.tests {
			switch {
			case library(m) || m == r.name || allows(p.rooms[i].may, m):
			case floor(m) > floor(r.name):
				complain("a test of %s imports %s, a floor above: move the test up", r.name, m)
			case reaches(graph, m, r.name):
				complain("a test of %s imports %s, which itself needs %s: move the test up", r.name, m, r.name)
			}
		}
	}
	return complaints
}

// lends says whether a library's row lets the room import it.
func (p plan) lends(library, room string) bool {
	for _, l := range p.libraries {
		if library == l.name || strings.HasPrefix(library, l.name+"/") {
			return allows(l.may, room)
		}
	}
	return false
}

func allows(may []string, name string) bool {
	return slices.ContainsFunc(may, func(m string) bool { return matches(m, name) })
}

// matches says whether m, a word of the table, means the room name.
func matches(m, name string) bool {
	parent, all := strings.CutSuffix(m, "/*")
	return m == name || m == "*" || all && strings.HasPrefix(name, parent+"/")
}

// reaches says whether from imports to, over any number of packages.
func reaches(graph map[string]room, from, to string) bool {
	seen := map[string]bool{from: true}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, m := range graph[queue[0]].imports {
			if m == to {
				return true
			}
			if !seen[m] {
				seen[m] = true
				queue = append(queue, m)
			}
		}
	}
	return false
}

func floor(name string) int {
	first, _, _ := strings.Cut(name, "/")
	return slices.Index([]string{"sim", "scenarios", "harness", "reports", "cmd"}, first)
}

// library says whether a short name is not a package of this module.
func library(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return strings.Contains(first, ".")
}

func short(path string) string { return strings.TrimPrefix(path, module+"/") }

// shorts leaves out the standard library, whose paths begin without a dot.
func shorts(paths []string) (names []string) {
	for _, p := range paths {
		if strings.HasPrefix(p, module+"/") || library(p) {
			names = append(names, short(p))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// readPlan reads the tables under "## Architecture": of the first the columns
// `package` and `may import`, of the second `library` and `lives in`.
func readPlan(readme string) (p plan, err error) {
	_, text, ok := strings.Cut("\n"+readme, "\n## Architecture\n")
	if !ok {
		return p, fmt.Errorf("README.md has no section \"## Architecture\"")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	if p.rooms, err = readTable(text, "package", "may import"); err != nil {
		return p, err
	}
	p.libraries, err = readTable(text, "library", "lives in")
	return p, err
}

// readTable reads two columns of the Markdown table whose first column is
// headed key: names in back quotes, separated by commas, or a dash for none.
func readTable(text, key, value string) (rows []row, err error) {
	column := 0
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) < 4 {
			if column > 0 {
				break // the table has ended
			}
			continue
		}
		if column == 0 {
			if cells[1] == key {
				if column = slices.Index(cells, value); column < 0 {
					return nil, fmt.Errorf("README.md: the table of column %q has no column %q", key, value)
				}
			}
			continue
		}
		if strings.HasPrefix(cells[1], "-") {
			continue // the line under the head
		}
		if len(cells) <= column {
			return nil, fmt.Errorf("README.md: short row %q", line)
		}
		names, err := quoted(cells[1])
		if err != nil || len(names) != 1 {
			return nil, fmt.Errorf("README.md: row %q must begin with one name in back quotes", line)
		}
		if slices.ContainsFunc(rows, func(r row) bool { return r.name == names[0] }) {
			return nil, fmt.Errorf("README.md: %s has two rows", names[0])
		}
		may, err := quoted(cells[column])
		if err != nil {
			return nil, fmt.Errorf("README.md: row of %s, column %q: %w", names[0], value, err)
		}
		rows = append(rows, row{names[0], may})
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("README.md: no table under \"## Architecture\" has %q for its first column", key)
	}
	return rows, nil
}

func quoted(cell string) (names []string, err error) {
	if cell == "-" {
		return nil, nil
	}
	for word := range strings.SplitSeq(cell, ",") {
		word = strings.TrimSpace(word)
		name := strings.Trim(word, "`")
		if name == "" || word != "`"+name+"`" {
			return nil, fmt.Errorf("%q: write names in back quotes with commas between them, or a dash", cell)
		}
		names = append(names, name)
	}
	return names, nil
}
