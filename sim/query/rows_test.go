package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/query"
)

// row is a row made of one JSON object: a member for each space, of which
// labels is an array and the others are objects.
type row struct{ doc.Value }

func (r row) Field(space query.Space, name string) doc.Value {
	v := r.Get(space.String())
	if name == "" {
		return v
	}
	return v.Get(name)
}

func (r row) id() string {
	v := r.Field(query.Default, "jobId")
	if v.IsAbsent() {
		v = r.Field(query.Default, "deviceId")
	}
	return v.Text()
}

func rowsOf(texts ...string) (rows query.Rows[row]) {
	for _, s := range texts {
		rows = append(rows, row{doc.MustParse(s)})
	}
	return rows
}

func idsOf(rows []query.Row) []string {
	ids := []string{}
	for _, r := range rows {
		ids = append(ids, r.(row).id())
	}
	return ids
}

// six are the devices of the preview's tutorial, in another order than that of
// their ids; 11, 31 and 51 have firmware 1.0, the others 2.0. [Azure IoT Hub
// device management preview: get started, sample devices]
var six = func() query.Rows[row] {
	device := func(n int, customer, by string, weight, qos int, version, labels string) string {
		return fmt.Sprintf(`{"default":{"deviceId":"Device%d-7ce4a850","status":"enabled","connectionState":"Connected","isManaged":true},
			"labels":[%s],"device":{"FirmwareVersion":%q,"Manufacturer":"Contoso Ltd"},
			"service":{"CustomerId":%q,"ServiceBy":%q,"Weight":%d,"QoS":%d}}`,
			n, `"`+strings.Join(strings.Fields(labels), `","`)+`"`, version, customer, by, weight, qos)
	}
	return rowsOf(
		device(61, "284721", "Contoso", 9000, 9, "2.0", "bacon lettuce tomatoes mayo"),
		device(21, "4829472", "Contoso", 100, 3, "2.0", "lettuce parmesan chicken croutons"),
		device(11, "123456", "Contoso", 1000, 10, "1.0", "milk cookies sausage bacon"),
		device(51, "985362", "Contoso", 50, 1, "1.0", "duck oranges potatoes gravy"),
		device(31, "123456", "Fabrikam", 2000, 4, "1.0", "steak buns tomatoes onions bacon"),
		device(41, "985362", "Fabrikam", 3000, 6, "2.0", "apples pears strawberries oranges"),
	)
}()

// seven are the jobs of a firmware update of the six, and a reboot of one that
// is over.
var seven = func() query.Rows[row] {
	rows := []string{`{"default":{"jobId":"p","type":"firmwareUpdate","status":"running","startTimeUtc":"2016-05-01T10:00:00Z"}}`}
	for i, n := range []int{21, 11, 61, 31, 51, 41} {
		status := "running"
		if i%2 == 1 {
			status = "completed"
		}
		rows = append(rows, fmt.Sprintf(`{"default":{"jobId":"c%d","parentJobId":"p","deviceId":"Device%d-7ce4a850","type":"firmwareUpdate","status":%q,"startTimeUtc":"2016-05-01T10:00:00.%dZ"}}`,
			n, n, status, i+1))
	}
	rows = append(rows,
		`{"default":{"jobId":"r","type":"rebootDevice","status":"completed","startTimeUtc":"2016-05-01T11:30:00+02:00"}}`,
		`{"default":{"jobId":"r1","parentJobId":"r","deviceId":"Device11-7ce4a850","type":"rebootDevice","status":"completed","startTimeUtc":"2016-05-01T09:30:00.5"}}`)
	return rowsOf(rows...)
}()

// devices spells ids of the tutorial's devices out.
func devices(ids string) []string {
	out := []string{}
	for _, s := range strings.Fields(ids) {
		out = append(out, "Device"+s+"-7ce4a850")
	}
	return out
}

// answer writes a result for comparison: ids, or rows of `name:value`.
func answer(q query.Query, res query.Result) []string {
	if q.Group == nil {
		return idsOf(res.Rows)
	}
	out := []string{}
	for _, cells := range res.Groups {
		var b strings.Builder
		for i, name := range q.Group.Names() {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%s:%s", name, cells[i])
		}
		out = append(out, b.String())
	}
	return out
}

func mustObject(t testing.TB, s query.Subject, text string) query.Query {
	t.Helper()
	q, err := query.ParseObject(s, []byte(text))
	if err != nil {
		t.Fatalf("ParseObject(%s): %v", text, err)
	}
	return q
}

func check(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}
