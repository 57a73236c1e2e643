package scenarios

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Error is everything that is wrong with a scenario: at least one complaint,
// in order of position. Programs end with exit code 2 on it.
type Error struct {
	Complaints []Complaint
}

// Complaint is one thing that is wrong, and where.
type Complaint struct {
	File         string // as given to Open, or `--set` for a setting
	Line, Column int    // from 1; columns count characters
	Message      string
	Hint         string // what to do about it, or ""
	Excerpt      string // the line with a caret below, or ""
}

// MaxComplaints is how many complaints an Error carries at most.
const MaxComplaints = 50

// Error prints all complaints with their excerpts.
func (e *Error) Error() string {
	var b strings.Builder
	for i, c := range e.Complaints {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(c.String())
	}
	return b.String()
}

// String prints `file:line:column: message; hint` and the excerpt below it.
func (c Complaint) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s", c.File, c.Line, c.Column, c.Message)
	if c.Hint != "" {
		s += "; " + c.Hint
	}
	if c.Excerpt != "" {
		s += "\n" + c.Excerpt
	}
	return s
}

// spot is a place in a text: where a token begins and how wide it is.
type spot struct {
	text         *text
	line, column int // from 1
	width        int // characters, at least 1
}

// text is a source as complaints quote it.
type text struct {
	name  string
	lines []string
}

func newText(name, all string) *text {
	return &text{name: name, lines: strings.Split(strings.ReplaceAll(all, "\r\n", "\n"), "\n")}
}

// excerptWidth is how many characters of a line an excerpt shows at most.
const excerptWidth = 120

// excerpt returns the line of s with carets below it, clipped around them.
func (s spot) excerpt() string {
	if s.text == nil || s.line < 1 || s.line > len(s.text.lines) {
		return ""
	}
	line := []rune(strings.Map(printable, s.text.lines[s.line-1]))
	from := min(max(s.column-1, 0), len(line))
	width := max(1, min(s.width, len(line)-from))
	if start := from - excerptWidth/2; len(line) > excerptWidth && start > 0 {
		line, from = line[start:], from-start
	}
	if len(line) > excerptWidth {
		line = line[:excerptWidth]
		width = max(1, min(width, excerptWidth-from))
	}
	margin := fmt.Sprintf("%4d | ", s.line)
	return strings.TrimRight(margin+string(line), " ") + "\n" +
		strings.Repeat(" ", len(margin)-2) + "| " + strings.Repeat(" ", from) + strings.Repeat("^", width)
}

// printable makes every character one column wide, as far as that is known.
func printable(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case r < ' ' || r == 0x7f || r == utf8.RuneError:
		return '?'
	}
	return r
}

// line says where s is, for a second place in a message: `line 7`, or `--set`.
func (s spot) String() string {
	if s.text != nil && strings.HasPrefix(s.text.name, "--set") {
		return s.text.name
	}
	return fmt.Sprintf("line %d", s.line)
}

// at returns the place some characters further on in the same line.
func (s spot) at(offset, width int) spot {
	s.column += offset
	s.width = max(1, width)
	return s
}

// reader collects complaints while a scenario is read.
type reader struct {
	complaints []Complaint
	more       int // complaints beyond MaxComplaints
}

// complain notes one thing that is wrong; hint may be "".
func (r *reader) complain(at spot, hint, format string, args ...any) {
	if r.full() {
		r.more++
		return
	}
	name := ""
	if at.text != nil {
		name = at.text.name
	}
	r.complaints = append(r.complaints, Complaint{
		File: name, Line: max(1, at.line), Column: max(1, at.column),
		Message: fmt.Sprintf(format, args...), Hint: hint, Excerpt: at.excerpt(),
	})
}

// full says whether no more complaints are kept.
func (r *reader) full() bool { return len(r.complaints) >= MaxComplaints }

// err returns what was collected as an *Error, or nil.
func (r *reader) err() error {
	if len(r.complaints) == 0 {
		return nil
	}
	all := r.complaints
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
	if r.more > 0 {
		last := &all[len(all)-1]
		last.Message += fmt.Sprintf(" (and %d more complaints)", r.more)
	}
	return &Error{Complaints: all}
}
