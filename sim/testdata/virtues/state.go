package virtue

import (
	"errors"
	"fmt"
	"regexp"
)

var (
	errOdd = errors.New("odd")
	word   = regexp.MustCompile(`^\w+$`)
	names  = [...]string{"a", "b"}
	rows   []string
)

func init() {
	rows = append(rows, names[0])
}

type machine struct {
	n    int
	seen map[string]bool
}

func (m *machine) step(s string) (string, error) {
	if !word.MatchString(s) || m.seen[s] {
		return "", fmt.Errorf("word %q: %w", s, errOdd)
	}
	local := names
	local[0] = s
	row := &rows[0]
	m.n++
	m.seen[s] = true
	return fmt.Sprintf("%d%%p%s%s", m.n, local[0], *row), nil
}
