package doc_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestZero(t *testing.T) {
	var v doc.Value
	if !v.IsAbsent() || v.IsNull() || v.Kind() != doc.KindAbsent || v.Len() != 0 || v.Text() != "" || v.Truth() || v.JSON() != nil || v.String() != "" || v.Changed() != 0 || doc.Size(v) != 0 {
		t.Errorf("the zero Value: %+v", v)
	}
	if !v.Get("a").IsAbsent() || !v.Path("a", "b").IsAbsent() || !v.Index(0).IsAbsent() || v.Member(0) != (doc.Member{}) || v.Rat() != nil {
		t.Error("the zero Value has something in it")
	}
	for range v.Members() {
		t.Error("the zero Value has members")
	}
	if !doc.Equal(v, doc.Value{}) || doc.Equal(v, doc.Null()) || doc.Equal(doc.Object(), v) {
		t.Error("absent equals absent alone")
	}
}

func TestConstructors(t *testing.T) {
	half, err := doc.Number("0.50")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		v    doc.Value
		kind doc.Kind
		want string
	}{
		{doc.Null(), doc.KindNull, `null`},
		{doc.Bool(true), doc.KindBool, `true`},
		{doc.Bool(false), doc.KindBool, `false`},
		{doc.Int(-1 << 63), doc.KindNumber, `-9223372036854775808`},
		{half, doc.KindNumber, `0.50`},
		{doc.String("a\"\xffb"), doc.KindString, "\"a\\\"\uFFFDb\""},
		{doc.String(""), doc.KindString, `""`},
		{doc.Array(), doc.KindArray, `[]`},
		{doc.Array(doc.Int(1), doc.Value{}, doc.Object()), doc.KindArray, `[1,null,{}]`},
		{doc.Object(), doc.KindObject, `{}`},
		{doc.Object(doc.Member{Name: "b", Value: doc.Int(1)}, doc.Member{Name: "a\xff", Value: doc.Array()},
			doc.Member{Name: "c"}, doc.Member{Name: "b", Value: doc.Null()}), doc.KindObject, "{\"a\uFFFD\":[],\"b\":null}"},
	} {
		if c.v.Kind() != c.kind || c.v.String() != c.want {
			t.Errorf("%s %s, want %s %s", c.v.Kind(), c.v, c.kind, c.want)
		}
		if again := mustParse(t, c.v.String()); !doc.Equal(again, c.v) {
			t.Errorf("%s is %s when parsed", c.v, again)
		}
	}
	for _, s := range []string{"", "-", "1.", "1e", "+1", " 1", "1 ", "01", "0x1", "NaN", "1e9999999999"} {
		if v, err := doc.Number(s); err == nil {
			t.Errorf("Number(%q) = %s", s, v)
		}
	}
}

func TestAccess(t *testing.T) {
	v := mustParse(t, `{"dm":{"State":1,"On":true,"Name":"x"},"list":[10,[20]],"n":null}`)
	if got := v.Path("dm", "Name").Text(); got != "x" {
		t.Errorf("dm.Name = %q", got)
	}
	if !v.Path("dm", "On").Truth() || v.Path("dm", "State").Truth() {
		t.Error("dm.On is true, dm.State is not")
	}
	if n, ok := v.Path("dm", "State").Int64(); n != 1 || !ok {
		t.Errorf("dm.State = %d, %v", n, ok)
	}
	if !v.Get("n").IsNull() || v.Get("m").IsNull() || !v.Path("n", "x").IsAbsent() || v.Path().Len() != 3 {
		t.Error("null and absent are mixed up")
	}
	l := v.Get("list")
	if l.Index(1).Index(0).Text() != "20" || !l.Index(2).IsAbsent() || !l.Index(-1).IsAbsent() || !v.Index(0).IsAbsent() || l.Get("0").Kind() != doc.KindAbsent {
		t.Error("Index")
	}
	if m := v.Member(1); m.Name != "list" || m.Value.Len() != 2 {
		t.Errorf("Member(1) = %+v", m)
	}
	if v.Member(3) != (doc.Member{}) || v.Member(-1) != (doc.Member{}) || l.Member(0) != (doc.Member{}) {
		t.Error("Member beyond the ends")
	}
	for name := range v.Members() {
		if name != "dm" {
			t.Errorf("the first member is %q", name)
		}
		break
	}
}

// Composed values keep the times of what they are made of.
func TestObjectTimes(t *testing.T) {
	a := doc.Merge(doc.Merge(doc.Value{}, doc.MustParse(`{"x":{"p":1},"y":1}`), 5), doc.MustParse(`{"y":2}`), 9)
	o := doc.Object(doc.Member{Name: "b", Value: doc.Int(1)}, doc.Member{Name: "a", Value: a})
	if o.Changed() != 9 || o.ChangedOf("b") != 0 || o.ChangedOf("a") != 9 || o.Path("a", "x", "p").Changed() != 5 || o.Path("a", "y").Changed() != 9 {
		t.Errorf("times %d %d %d %d", o.Changed(), o.ChangedOf("a"), o.Path("a", "x", "p").Changed(), o.Path("a", "y").Changed())
	}
	if l := doc.Array(doc.Int(1), a); l.Changed() != 9 || l.Index(0).Changed() != 9 || l.Index(1).Get("x").Changed() != 9 {
		t.Error("an array's elements do not have its time")
	}
}

func TestMarshal(t *testing.T) {
	type row struct {
		A doc.Value
		B doc.Value `json:",omitzero"`
		C doc.Value `json:",omitempty"`
	}
	b, err := json.Marshal(row{C: doc.MustParse(`{"x":[1.50]}`)})
	if err != nil || string(b) != `{"A":null,"C":{"x":[1.50]}}` {
		t.Errorf("Marshal: %s, %v", b, err)
	}
	var r row
	if err := json.Unmarshal([]byte(`{"A":{"b":1,"a":1.50},"B":7}`), &r); err != nil || r.A.String() != `{"a":1.50,"b":1}` || r.B.Text() != "7" || !r.C.IsAbsent() {
		t.Errorf("Unmarshal: %+v, %v", r, err)
	}
	if err := json.Unmarshal([]byte(`{"A":1e1000000000}`), &r); err == nil {
		t.Error("Unmarshal takes what Parse does not")
	}
	if d := cmp.Diff(doc.MustParse(`{"a":1}`), doc.MustParse(`{"a":1.0}`)); d != "" {
		t.Errorf("go-cmp: %s", d)
	}
}

func TestInt64(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"-0", 0, true}, {"0.000e5", 0, true}, {"7", 7, true}, {"-7.0", -7, true}, {"1e3", 1000, true},
		{"1.5e1", 15, true}, {"1.5", 0, false}, {"1e-1", 0, false}, {"10e-1", 1, true}, {"0.001e3", 1, true},
		{"9223372036854775807", 1<<63 - 1, true}, {"9223372036854775808", 0, false}, {"-9223372036854775808", -1 << 63, true},
		{"-9223372036854775809", 0, false}, {"9223372036854775807.0", 1<<63 - 1, true}, {"1e18", 1e18, true}, {"1e19", 0, false},
		{"9999999999999999999", 0, false}, {"99999999999999999999", 0, false}, {"1e999999999", 0, false}, {"1e-999999999", 0, false},
		{"0e999999999", 0, true}, {"922337203685477580700e-2", 1<<63 - 1, true},
	} {
		if n, ok := mustParse(t, c.in).Int64(); n != c.want || ok != c.ok {
			t.Errorf("Int64 of %s = %d, %v; want %d, %v", c.in, n, ok, c.want, c.ok)
		}
	}
	if _, ok := doc.String("7").Int64(); ok {
		t.Error("a string is an integer")
	}
}

func TestCompare(t *testing.T) {
	order := []string{"-1e999999999", "-1e5", "-10.5", "-10.4", "-1", "-0.1", "-1e-999999999", "0", "1e-999999999", "0.00099", "1e-3", "0.1", "0.10001",
		"1", "2", "9.99", "10", "123456789012345678", "123456789012345678.5", "1234567890123456789", "1e999999998", "1e999999999"}
	for i, a := range order {
		for j, b := range order {
			got, ok := doc.Compare(mustParse(t, a), mustParse(t, b))
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got != want || !ok {
				t.Errorf("Compare(%s, %s) = %d, %v; want %d", a, b, got, ok, want)
			}
		}
	}
	for _, c := range []struct {
		a, b string
		want int
		ok   bool
	}{
		{`1`, `1.0`, 0, true}, {`0`, `-0.0e7`, 0, true}, {`"a"`, `"b"`, -1, true}, {`"b"`, `"ab"`, 1, true}, {`"A"`, `"a"`, -1, true}, {`""`, `""`, 0, true},
		{`false`, `true`, -1, true}, {`true`, `true`, 0, true}, {`null`, `null`, 0, true},
		{`1`, `"1"`, 0, false}, {`null`, `false`, 0, false}, {`[]`, `[]`, 0, false}, {`{}`, `{}`, 0, false},
	} {
		if got, ok := doc.Compare(mustParse(t, c.a), mustParse(t, c.b)); got != c.want || ok != c.ok {
			t.Errorf("Compare(%s, %s) = %d, %v; want %d, %v", c.a, c.b, got, ok, c.want, c.ok)
		}
	}
	if _, ok := doc.Compare(doc.Value{}, doc.Value{}); ok {
		t.Error("absent values have an order")
	}
}

// Numbers against big.Rat.
func TestCompareRat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, u := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		a, b := doc.MustParse(s), doc.MustParse(u)
		x, y := a.Rat(), b.Rat()
		want := x.Cmp(y)
		if got, ok := doc.Compare(a, b); got != want || !ok {
			t.Fatalf("Compare(%s, %s) = %d, want %d", s, u, got, want)
		}
		if doc.Equal(a, b) != (want == 0) {
			t.Fatalf("Equal(%s, %s) = %v", s, u, want != 0)
		}
		n, ok := a.Int64()
		if ok != (x.IsInt() && x.Num().IsInt64()) || ok && n != x.Num().Int64() {
			t.Fatalf("Int64 of %s = %d, %v; Rat %s", s, n, ok, x)
		}
	})
}

func TestRat(t *testing.T) {
	if r := doc.MustParse("-12.50e1").Rat(); r.Cmp(big.NewRat(-125, 1)) != 0 {
		t.Errorf("Rat = %s", r)
	}
	for _, s := range []string{`"1"`, `null`, `1e4097`, `1e-5000`, `1e999999999`, "1" + strings.Repeat("0", 5000)} {
		if r := mustParse(t, s).Rat(); r != nil {
			t.Errorf("Rat of %.20s is not nil", s)
		}
	}
	if r := doc.MustParse("0e999999999").Rat(); r == nil || r.Sign() != 0 {
		t.Errorf("Rat of a long zero = %v", r)
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":[1,{"b":2.0}]}`, `{"a":[1.0,{"b":2}]}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":1}`, `{"b":1}`, false},
		{`[1,2]`, `[2,1]`, false},
		{`[]`, `{}`, false},
		{`"1"`, `1`, false},
		{`true`, `false`, false},
	} {
		if got := doc.Equal(mustParse(t, c.a), mustParse(t, c.b)); got != c.want {
			t.Errorf("Equal(%s, %s) = %v", c.a, c.b, got)
		}
	}
	a := doc.MustParse(`{"a":{"b":1}}`)
	if b := doc.Merge(a, doc.MustParse(`{"a":{"b":1}}`), 7); !doc.Equal(a, b) {
		t.Error("times take part in Equal")
	}
}

// [Azure IoT Hub: "Understand and use device twins", "Device twin size"]
func TestSize(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
	}{
		{`{}`, 0}, {`{"a":1}`, 9}, {`{"ab":true}`, 6}, {`{"a":"xyz"}`, 4}, {`{"ä":"ö"}`, 4}, {`{"a":{"b":{"c":1.5e3}}}`, 11},
		{`{"a":"x\u0000\n\u007f\u0085y"}`, 3}, {`{"$version":12,"$metadata":{"a":1},"a":1}`, 9}, {`{"a":{"$x":"long"}}`, 1},
		{`{"a":[1,"bc",false,null,{"d":2}]}`, 1 + 8 + 2 + 4 + 4 + 9},
	} {
		if got := doc.Size(mustParse(t, c.in)); got != c.want {
			t.Errorf("Size(%s) = %d, want %d", c.in, got, c.want)
		}
	}
}

func TestSizeTwin(t *testing.T) {
	var size func(x any) int
	size = func(x any) (n int) {
		switch x := x.(type) {
		case nil, bool:
			return 4
		case json.Number:
			return 8
		case string:
			for _, r := range x {
				if r >= 0xa0 || r >= 0x20 && r < 0x7f {
					n += len(string(r))
				}
			}
		case []any:
			for _, y := range x {
				n += size(y)
			}
		case map[string]any:
			for name, y := range x {
				if !strings.HasPrefix(name, "$") {
					n += len(name) + size(y)
				}
			}
		}
		return n
	}
	rapid.Check(t, func(t *rapid.T) {
		in := text(t, 4, true)
		x, _ := decode([]byte(in))
		v := doc.Share(doc.MustParse(`{"a":1}`), doc.MustParse(in))
		if got, want := doc.Size(v), size(x); got != want {
			t.Fatalf("Size(%s) = %d, want %d", in, got, want)
		}
	})
}

func ExampleMerge() {
	const second = sim.Time(1e9)
	v := doc.Merge(doc.Value{}, doc.MustParse(`{"dm":{"FirmwareVersion":"2.0","FirmwareUpdateState":1}}`), 1*second)
	v = doc.Merge(v, doc.MustParse(`{"dm":{"FirmwareVersion":"3.0"},"gone":null}`), 5*second)
	fmt.Println(v)
	for name, x := range v.Get("dm").Members() {
		fmt.Println(name, x.Text(), x.Changed())
	}
	// Output:
	// {"dm":{"FirmwareUpdateState":1,"FirmwareVersion":"3.0"}}
	// FirmwareUpdateState 1 1s
	// FirmwareVersion 3.0 5s
}
