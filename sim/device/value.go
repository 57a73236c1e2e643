package device

import (
	"strconv"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// Value is the value of a resource: a text or an integer.
type Value struct {
	text    string // an integer in decimal digits
	integer bool
}

// Text returns a text value.
func Text(s string) Value { return Value{text: s} }

// Integer returns an integer value.
func Integer(n int64) Value { return Value{strconv.FormatInt(n, 10), true} }

// Text returns the text, or the integer's digits.
func (v Value) Text() string { return v.text }

// Int returns the integer, 0 for a text that is none.
func (v Value) Int() int64 {
	n, _ := strconv.ParseInt(v.text, 10, 64)
	return n
}

// String returns the text.
func (v Value) String() string { return v.text }

// appendJSON appends the value as JSON.
func (v Value) appendJSON(b []byte) []byte {
	if v.integer {
		return append(b, v.text...)
	}
	return doc.AppendQuoted(b, v.text)
}

// The integers a twin can hold. [Azure IoT Hub: "Understand and use device
// twins", "Tags and properties format"]
const (
	minInteger = -1 << 52
	maxInteger = 1<<52 - 1
)

// Parse reads a JSON scalar as a value of r. An integer may come as text, a
// text as number or boolean, for the preview's write jobs take any scalar. The
// error has status 400.
func (r Resource) Parse(v doc.Value) (Value, error) {
	info := &table[r]
	text := ""
	switch v.Kind() {
	case doc.KindString, doc.KindNumber:
		text = v.Text()
	case doc.KindBool:
		text = strconv.FormatBool(v.Truth())
	default:
		return Value{}, Errorf(BadRequest, "%s: %s is not a value; send a string or a number", info.Name, v.Kind())
	}
	if !info.Integer {
		return Value{strings.Clone(text), false}, r.fits(text)
	}
	n, ok := v.Int64()
	if v.Kind() != doc.KindNumber {
		var err error
		n, err = strconv.ParseInt(text, 10, 64)
		ok = err == nil
	}
	if !ok || n < minInteger || n > maxInteger {
		return Value{}, Errorf(BadRequest, "%s: %.40q is not an integer a twin can hold", info.Name, text)
	}
	return Integer(n), nil
}

// fits checks the length of a text.
func (r Resource) fits(text string) error {
	most := table[r].Max
	if most == 0 {
		most = MaxText
	}
	if len(text) > most {
		return Errorf(BadRequest, "%s: %d bytes; at most %d", table[r].Name, len(text), most)
	}
	return nil
}

// Doc returns the value as JSON value.
func (v Value) Doc() doc.Value {
	if v.integer {
		return doc.Int(v.Int())
	}
	return doc.String(v.text)
}
