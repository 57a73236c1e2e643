package query

import (
	"fmt"
	"unicode/utf8"
)

// Error is a query that cannot be understood or is not allowed: a bad request.
type Error struct {
	Path   string // where in a query object: $.filter.filters[1].value; "" in a text
	Offset int    // where in a text: the byte, from 0; in an object that is no JSON likewise
	What   string

	column int // in characters, from 1; 0: none
}

func (e *Error) Error() string {
	switch {
	case e.Path != "":
		return "query: " + e.Path + ": " + e.What
	case e.column > 0:
		return fmt.Sprintf("query: character %d: %s", e.column, e.What)
	}
	return "query: " + e.What
}

// textError is an Error about the byte at offset of a text.
func textError(text string, offset int, format string, args ...any) *Error {
	return &Error{Offset: offset, What: fmt.Sprintf(format, args...), column: utf8.RuneCountInString(text[:offset]) + 1}
}

// shown quotes a piece of what was sent, cut to a length for people.
func shown(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	n := 0
	for i := range s {
		if n++; n > most {
			return fmt.Sprintf("%q...", s[:i])
		}
	}
	return fmt.Sprintf("%q", s)
}
