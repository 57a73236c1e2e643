package doc_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/flotilla-sim/flotilla/sim/doc"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`null`, `null`},
		{" \t\r\n true ", `true`},
		{`[]`, `[]`},
		{`{ }`, `{}`},
		{`[1, "a",null ,{"x":[ ]}]`, `[1,"a",null,{"x":[]}]`},
		{`{"b":1,"a":2}`, `{"a":2,"b":1}`},
		{`{"a":1,"b":2,"a":3,"a":{"z":1,"y":0}}`, `{"a":{"y":0,"z":1},"b":2}`},
		{`{"b":{"d":[{"f":1,"e":2}],"c":0},"a":{"b":1,"a":2}}`, `{"a":{"a":2,"b":1},"b":{"c":0,"d":[{"e":2,"f":1}]}}`},
		{`{"":1}`, `{"":1}`},
		{`{"B":1,"a":1,"Z":1,"ä":1,"aa":1}`, `{"B":1,"Z":1,"a":1,"aa":1,"ä":1}`},
		{`-0.50E+07`, `-0.50E+07`},
		{`1e000000000000000009`, `1e000000000000000009`},
		{`"\"\\\/\b\f\n\r\t\u0001\u00e4"`, `"\"\\/\b\f\n\r\t\u0001ä"`},
		{`"\ud83d\uDE00"`, `"😀"`},
		{`"\ud83dx\ude00\ud83d\ud83d\ude00"`, `"` + "\uFFFDx\uFFFD\uFFFD😀" + `"`},
		{`"\ud83d\u0041"`, `"` + "\uFFFDA" + `"`},
		{"\"\u2028<>&\x7f\"", "\"\u2028<>&\x7f\""},
		{strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 64) + strings.Repeat("]", 64)},
	} {
		v, err := doc.ParseString(c.in)
		if err != nil || v.String() != c.want || v.Changed() != 0 {
			t.Errorf("Parse(%s) = %s, %v; want %s", c.in, v, err, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		in     string
		offset int
		what   string
	}{
		{``, 0, "the text ends, want a value"},
		{`  `, 2, "the text ends, want a value"},
		{`x`, 0, `'x', want a value`},
		{`nul`, 3, "the text ends, want `null`"},
		{`trve`, 2, "'v', want `true`"},
		{`1 2`, 2, "something follows the value"},
		{`{}x`, 2, "something follows the value"},
		{`[1 2]`, 3, "'2', want `,` or `]`"},
		{`[1,]`, 3, "']', want a value"},
		{`[,1]`, 1, "',', want a value"},
		{`[1`, 2, "the text ends, want `,` or `]`"},
		{`{"a":1`, 6, "the text ends, want `,` or `}`"},
		{`{"a":1,}`, 7, "'}', want a member's name in quotes"},
		{`{a:1}`, 1, "'a', want a member's name in quotes"},
		{`{"a" 1}`, 5, "'1', want `:`"},
		{`{"a":}`, 5, "'}', want a value"},
		{`["a]`, 4, "the text ends, want the string's closing quote"},
		{"\"a\nb\"", 2, "a control character"},
		{`"\x"`, 2, "after a backslash"},
		{`"\u12g4"`, 2, `four hexadecimal digits`},
		{`"\u123`, 2, `four hexadecimal digits`},
		{`"\`, 2, "the text ends"},
		{`01`, 1, "something follows the value"},
		{`-`, 1, "the text ends, want a digit"},
		{`-x`, 1, "'x', want a digit"},
		{`1.`, 2, "the text ends, want a digit"},
		{`[1.e5]`, 3, "'e', want a digit"},
		{`1e`, 2, "the text ends, want a digit"},
		{`1e+]`, 3, "']', want a digit"},
		{`+1`, 0, "'+', want a value"},
		{`1e1000000000`, 2, "exponent"},
		{"\"a\xff\"", 2, "UTF-8"},
		{"\"\xed\xa0\x80\"", 1, "UTF-8"},
		{"\xef\xbb\xbf{}", 0, "want a value"},
		{strings.Repeat("[", 65), 64, "nested too deeply"},
		{strings.Repeat(`{"a":`, 65), 320, "nested too deeply"},
		{`"` + strings.Repeat("a", doc.MaxBytes), doc.MaxBytes, "at most 1048576 are allowed"},
	} {
		v, err := doc.ParseString(c.in)
		var at *doc.SyntaxError
		if !errors.As(err, &at) || at.Offset != c.offset || !strings.Contains(at.What, c.what) || !v.IsAbsent() {
			t.Errorf("Parse(%.40q) = %s, %v; want %q at %d", c.in, v, err, c.what, c.offset)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		limits doc.Limits
		in     string
		ok     bool
	}{
		{doc.Limits{Bytes: 5}, `[1,2]`, true},
		{doc.Limits{Bytes: 5}, `[1, 2]`, false},
		{doc.Limits{Depth: 2}, `[[],[[1,{}]]]`, false},
		{doc.Limits{Depth: 2}, `[[],[1],{"a":1}]`, true},
		{doc.Limits{Depth: 100}, strings.Repeat("[", 100) + strings.Repeat("]", 100), true},
		{doc.Limits{Bytes: 2 << 20}, `"` + strings.Repeat("a", doc.MaxBytes) + `"`, true},
	} {
		if _, err := c.limits.Parse([]byte(c.in)); (err == nil) != c.ok {
			t.Errorf("%+v: %.40s: %v", c.limits, c.in, err)
		}
	}
}

// Offsets of one to four bytes.
func TestParseLarge(t *testing.T) {
	for _, size := range []int{100, 300, 70_000, 900_000} {
		in := []byte(`{"z":"` + strings.Repeat("x", size) + `","a":[`)
		for i := range 300 {
			if i > 0 {
				in = append(in, ',')
			}
			in = append(in, `{"n":1}`...)
		}
		in = append(in, `]}`...)
		v, err := doc.Parse(in)
		if err != nil || len(v.Get("z").Text()) != size || v.Get("a").Len() != 300 || v.Get("a").Index(299).Get("n").Text() != "1" {
			t.Errorf("size %d: %v, z has %d bytes, a %d elements", size, err, len(v.Get("z").Text()), v.Get("a").Len())
		}
	}
	if v, err := (doc.Limits{Bytes: 20 << 20}).Parse([]byte(`["` + strings.Repeat("x", 17<<20) + `",7]`)); err != nil || v.Index(1).Text() != "7" {
		t.Errorf("17 MiB: %v", err)
	}
}

func TestParseJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := text(t, 4, true)
		v, err := doc.ParseString(in)
		if err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		again, err := doc.Parse(v.JSON())
		if err != nil || !doc.Equal(v, again) || again.String() != v.String() {
			t.Fatalf("%s written as %s is %s, %v", in, v, again, err)
		}
		if want, err := decode([]byte(in)); err != nil || !reflect.DeepEqual(plain(v), want) {
			t.Fatalf("%s is %s; encoding/json: %v, %v", in, v, want, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5e3,"x\u00e4\ud83d\ude00"],"b":{"c":null,"b":true},"a":-0}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := doc.Parse(in)
		if err != nil {
			var at *doc.SyntaxError
			if !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(in) || !v.IsAbsent() {
				t.Fatalf("%q: %s, %v", in, v, err)
			}
			bound := at.What == "nested too deeply" || strings.Contains(at.What, "nine digits") || len(in) > doc.MaxBytes
			if json.Valid(in) && utf8.Valid(in) && !bound {
				t.Fatalf("%q: %v, but encoding/json takes it", in, err)
			}
			return
		}
		want, err := decode(in)
		if !json.Valid(in) || err != nil || !reflect.DeepEqual(plain(v), want) {
			t.Fatalf("%q is %s; encoding/json: %v, %v", in, v, want, err)
		}
		again, err := doc.Parse(v.JSON())
		if err != nil || !doc.Equal(v, again) || again.String() != v.String() {
			t.Fatalf("%q written as %s is %s, %v", in, v, again, err)
		}
	})
}
