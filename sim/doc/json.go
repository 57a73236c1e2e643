package doc

import (
	"errors"
	"unicode/utf8"
)

// AppendJSON appends v as JSON: compact, members in order, numbers as they
// were written, characters as they are where JSON allows. An absent Value
// appends nothing.
func (v Value) AppendJSON(dst []byte) []byte {
	if v.IsAbsent() {
		return dst
	}
	switch v.tag() {
	case tagNull:
		return append(dst, "null"...)
	case tagFalse:
		return append(dst, "false"...)
	case tagTrue:
		return append(dst, "true"...)
	case tagNumber:
		return append(dst, v.Text()...)
	case tagString:
		return AppendQuoted(dst, v.Text())
	case tagOutside:
		return v.resolve().AppendJSON(dst)
	}
	f, _ := v.container()
	brackets := "[]"
	if f.names {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for i := range f.n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if f.names {
			dst = append(AppendQuoted(dst, f.name(i)), ':')
		}
		dst = f.raw(v, i).AppendJSON(dst)
	}
	return append(dst, brackets[1])
}

// AppendQuoted appends s as a JSON string.
func AppendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += n
			continue
		case c == '"' || c == '\\':
			dst = append(append(dst, s[from:i]...), '\\', c)
			from = i + 1
		case c < ' ':
			dst = append(dst, s[from:i]...)
			switch c {
			case '\b':
				dst = append(dst, `\b`...)
			case '\f':
				dst = append(dst, `\f`...)
			case '\n':
				dst = append(dst, `\n`...)
			case '\r':
				dst = append(dst, `\r`...)
			case '\t':
				dst = append(dst, `\t`...)
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			from = i + 1
		}
		i++
	}
	return append(append(dst, s[from:]...), '"')
}

// JSON returns v as JSON; nil if it is absent.
func (v Value) JSON() []byte {
	if v.IsAbsent() {
		return nil
	}
	return v.AppendJSON(make([]byte, 0, len(v.enc)+len(v.enc)/4+8))
}

// String returns v as JSON; "" if it is absent.
func (v Value) String() string { return string(v.JSON()) }

// MarshalJSON writes an absent Value as null; `omitzero` leaves it out.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.IsAbsent() {
		return []byte("null"), nil
	}
	return v.JSON(), nil
}

// UnmarshalJSON is Parse.
func (v *Value) UnmarshalJSON(b []byte) error {
	if v == nil {
		return errors.New("doc: UnmarshalJSON into a nil *Value")
	}
	x, err := Parse(b)
	if err != nil {
		return err
	}
	*v = x
	return nil
}

// IsZero says whether v is absent, for `omitzero`.
func (v Value) IsZero() bool { return v.IsAbsent() }
