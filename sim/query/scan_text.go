package query

import (
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// token is a piece of a text.
type token struct {
	kind tokenKind
	at   int    // offset of its first byte
	text string // as it stands there; of a string what is within the quotes
}

type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // letters, digits and _, perhaps after $
	tokenString           // in " or '
	tokenNumber           // as JSON has it
	tokenMark             // anything else: = != <> <= >= < > * . , ( ) and what has no business here
)

// lexer cuts a text into tokens.
type lexer struct {
	text string
	at   int
}

func letter(c byte) bool { return lower(c) >= 'a' && lower(c) <= 'z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
func space(c byte) bool  { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// skip steps over white space.
func (l *lexer) skip() {
	for l.at < len(l.text) && space(l.text[l.at]) {
		l.at++
	}
}

// next returns the token at hand and steps over it.
func (l *lexer) next() (token, error) {
	l.skip()
	from := l.at
	if from == len(l.text) {
		return token{tokenEnd, from, ""}, nil
	}
	switch c := l.text[from]; {
	case letter(c) || c == '$':
		l.at++
		for l.at < len(l.text) && (letter(l.text[l.at]) || digit(l.text[l.at])) {
			l.at++
		}
		return token{tokenWord, from, l.text[from:l.at]}, nil
	case c == '"' || c == '\'':
		for l.at++; l.at < len(l.text); l.at++ {
			if l.text[l.at] == c {
				l.at++
				return token{tokenString, from, l.text[from+1 : l.at-1]}, nil
			}
		}
		return token{}, textError(l.text, from, "the string that begins here has no closing %c", c)
	case digit(c) || c == '-' || c == '+':
		return l.number()
	}
	n := 1
	if from+1 < len(l.text) {
		switch l.text[from : from+2] {
		case "!=", "<>", "<=", ">=", "==", "&&", "||":
			n = 2
		}
	}
	if n == 1 {
		_, n = utf8.DecodeRuneInString(l.text[from:])
	}
	l.at += n
	return token{tokenMark, from, l.text[from:l.at]}, nil
}

// number reads all that could belong to a number and lets doc judge.
func (l *lexer) number() (token, error) {
	from := l.at
	for l.at < len(l.text) && (letter(l.text[l.at]) || digit(l.text[l.at]) || l.text[l.at] == '.' ||
		(l.text[l.at] == '-' || l.text[l.at] == '+') && (l.at == from || lower(l.text[l.at-1]) == 'e')) {
		l.at++
	}
	t := token{tokenNumber, from, l.text[from:l.at]}
	if _, err := doc.Number(t.text); err != nil {
		return t, textError(l.text, from, "%s is not a number such as 5, -0.5 or 1e3; strings are written in quotes", shown(t.text))
	}
	return t, nil
}
