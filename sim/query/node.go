package query

import (
	"fmt"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// node is a value with its place in the object.
type node struct {
	doc.Value
	path string
}

func (n node) fail(format string, args ...any) error {
	return &Error{Path: n.path, What: fmt.Sprintf(format, args...)}
}

// member returns the member of that name in any letter case, the name as it is
// before others. Null is as absent.
func (n node) member(name string) node {
	v := n.Get(name)
	if v.IsAbsent() {
		for other, x := range n.Members() {
			if compareFolded(other, name) == 0 {
				v = x
				break
			}
		}
	}
	if v.IsNull() {
		v = doc.Value{}
	}
	return node{v, n.path + "." + name}
}

func (n node) index(i int) node {
	return node{n.Index(i), fmt.Sprintf("%s[%d]", n.path, i)}
}

// what describes a value that is not as it ought to be.
func (n node) what() string {
	switch k := n.Kind(); k {
	case doc.KindAbsent:
		return "is missing"
	case doc.KindNull:
		return "is null"
	case doc.KindString:
		return "is " + shown(n.Text())
	default:
		return "is of type " + k.String()
	}
}

func (n node) object() error {
	if n.Kind() != doc.KindObject {
		return n.fail("%s, want an object", n.what())
	}
	return nil
}

// word reads one of some words in any letter case: which one it is.
func (n node) word(words ...string) (int, error) {
	if n.Kind() == doc.KindString {
		for i, w := range words {
			if compareFolded(n.Text(), w) == 0 {
				return i, nil
			}
		}
	}
	return 0, n.fail("%s, want one of %s", n.what(), strings.Join(words, ", "))
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// name reads the name of a property or column.
func (n node) name() (string, error) {
	switch {
	case n.Kind() != doc.KindString:
		return "", n.fail("%s, want a name", n.what())
	case blank(n.Text()):
		return "", n.fail("is blank, want a name")
	case strings.Contains(n.Text(), "$"):
		return "", n.fail("is %s, a name must not contain $", shown(n.Text()))
	}
	return n.Text(), nil
}
