package reports

import (
	"strings"
	"unicode/utf8"
)

// paint is an ANSI colour, used only when asked for.
type paint string

const (
	plain  paint = ""
	bold   paint = "\x1b[1m"
	dim    paint = "\x1b[2m"
	red    paint = "\x1b[31m"
	green  paint = "\x1b[32m"
	yellow paint = "\x1b[33m"
	reset        = "\x1b[0m"
)

func (p paint) on(s string, o Options) string {
	if p == plain || !o.Color || s == "" {
		return s
	}
	return string(p) + s + reset
}

// table is columns of text, aligned. A cell is never wrapped or cut (a cut
// number is a wrong number, and reasons are what people look for), and the
// last cell of a row is not padded.
type table struct {
	indent string
	right  []bool // which columns are aligned to the right
	rows   []row
}

type row struct {
	cells []string
	paint paint // of the cell at column painted, or of all of them
	at    int   // -1: all
	free  bool  // takes no part in the columns' widths
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, row{cells: cells}) }

func (t *table) head(cells ...string) {
	t.rows = append(t.rows, row{cells: cells, paint: dim, at: -1})
}

func (t *table) paint(p paint, at int, cells ...string) {
	t.rows = append(t.rows, row{cells: cells, paint: p, at: at})
}

// append writes the table to b.
func (t *table) append(b *strings.Builder, o Options) {
	var width []int
	for _, r := range t.rows {
		if r.free {
			continue
		}
		for i, c := range r.cells {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for _, r := range t.rows {
		line := t.indent
		for i, c := range r.cells {
			if i > 0 {
				line += "  "
			}
			gap := strings.Repeat(" ", max(0, width[i]-utf8.RuneCountInString(c)))
			if r.at < 0 || r.at == i {
				c = r.paint.on(c, o)
			}
			if i < len(t.right) && t.right[i] {
				line += gap + c
			} else {
				line += c + gap
			}
		}
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
	}
}

// note is a row of one text that takes part in no column.
func (t *table) note(text string) {
	t.rows = append(t.rows, row{cells: []string{text}, paint: dim, at: -1, free: true})
}
