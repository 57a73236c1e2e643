package iothub_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

func TestParseMinutes(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration // -1: refused
	}{
		{"25", 25 * time.Minute}, {"0", 0}, {"1440", 24 * time.Hour}, {"25m", 25 * time.Minute}, {"90s", 90 * time.Second}, {"1h30m", 90 * time.Minute},
		{"1441", -1}, {"-5", -1}, {"-5m", -1}, {"", -1}, {"soon", -1}, {"25 m", -1}, {"99999999999999999999", -1}, {"00:25:00", -1}, {"1.5", -1},
	} {
		got, err := iothub.ParseMinutes(c.text)
		if (err != nil) != (c.want < 0) || err == nil && got != c.want {
			t.Errorf("%q is %s, %v; want %s", c.text, got, err, c.want)
		}
	}
}

func TestParseSetting(t *testing.T) {
	for _, c := range []struct{ text, name, want string }{
		{"timezone=PST", "timezone", `"PST"`}, {"n=5", "n", `5`}, {"n=-0.50", "n", `-0.50`}, {"b=true", "b", `true`}, {`s="5"`, "s", `"5"`},
		{"e=", "e", `""`}, {"u=a=b", "u", `"a=b"`}, {"z=null", "z", `"null"`}, {`o={"a":1}`, "o", `"{\"a\":1}"`}, {"l=[1]", "l", `"[1]"`}, {"v=1.0.0", "v", `"1.0.0"`},
	} {
		name, value, err := iothub.ParseSetting(c.text)
		if err != nil || name != c.name || string(value.JSON()) != c.want {
			t.Errorf("%q is %s = %s, %v; want %s = %s", c.text, name, value, err, c.name, c.want)
		}
	}
	for _, text := range []string{"", "x", "=5", "  =5"} {
		if _, v, err := iothub.ParseSetting(text); err == nil {
			t.Errorf("%q is read as %s", text, v)
		}
	}
}

func TestReadDevices(t *testing.T) {
	const one = `{"deviceId":"a","serviceProperties":{"properties":{"Weight":1000.50},"tags":["milk"]}}`
	want := []iothub.Device{{DeviceID: "a", ServiceProperties: &iothub.ServiceProperties{Properties: parsed(t, `{"Weight":1000.50}`), Tags: []string{"milk"}}}}
	for _, text := range []string{one, "[" + one + "]", `{"devices":[` + one + `]}`, "\ufeff [" + one + "]\r\n"} {
		got, err := iothub.ReadDevices(strings.NewReader(text))
		if err != nil || !cmp.Equal(got, want, comparing...) {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                            "line 1: not JSON",
		"[\n{\"deviceId\":\n]":        "line 3: not JSON",
		"[]":                          "it names no device",
		"{}":                          "it names no device",
		`[{"deviceId":"a"},{}]`:       "device 2 has no deviceId",
		`[{"deviceId":"a"},` + one[:]: "not JSON",
		"[" + one + "," + one + "]":   "device a is there twice",
		`[{"deviceId":7}]`:            "not a list of devices",
		`"a"`:                         "not a list of devices",
		strings.Repeat(" ", 64<<20+1): "more than 67108864 bytes",
	} {
		if got, err := iothub.ReadDevices(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q is read as %+v, %v; want %q", text, got, err, want)
		}
	}
}

func TestReadQuery(t *testing.T) {
	q, raw, err := iothub.ReadQuery([]byte(" {\"PROJECT\":{\"all\":false,\"properties\":[{\"name\":\"QoS\",\"type\":\"service\"}]},\"extra\":1}\n"))
	if err != nil || q.Project == nil || q.Project.Properties[0].Name != "QoS" || !strings.Contains(string(raw), `"extra":1`) {
		t.Errorf("%+v, %s, %v", q, raw, err)
	}
	for _, text := range []string{"", "null x", "[]", `"a"`, "{"} {
		if _, _, err := iothub.ReadQuery([]byte(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// TestTable: the answer to a query is laid out by what the query asked for.
func TestTable(t *testing.T) {
	for _, c := range []struct{ name, query, answer, columns, rows string }{
		{"groups in the order of the query",
			`{"aggregate":{"keys":[{"name":"Type"}],"properties":[{"operator":"count","columnName":"JobCount"},{"operator":"max","columnName":"Most"}]}}`,
			`{"AggregateResult":[{"JobCount":7,"Type":"firmwareUpdate"},{"Type":null,"JobCount":1,"Most":[1,"a"]}]}`,
			`["Type","JobCount","Most"]`, `[["firmwareUpdate","7",""],["","1","[1,\"a\"]"]]`},
		{"no group", `{"aggregate":{"keys":[{"name":"Type"}],"properties":[]}}`, `{"Result":null,"AggregateResult":[]}`, `["Type"]`, `[]`},
		{"a part of devices",
			`{"project":{"all":false,"properties":[{"name":"Weight","type":"service"},{"name":"BatteryLevel","type":"system"},{"name":"TAGS"},{"name":"Status","type":"default"},{"name":"deviceid"},{"name":"none","type":"custom"}]}}`,
			`{"Result":[{"deviceId":"a","status":"enabled","deviceProperties":{"BatteryLevel":{"value":99}},"serviceProperties":{"properties":{"Weight":1.50},"tags":["x"]}}]}`,
			`["deviceId","Weight","BatteryLevel","TAGS","Status","none"]`, `[["a","1.50","99","[\"x\"]","enabled",""]]`},
		{"whole rows", `{"project":{"all":true,"properties":[]}}`, `{"Result":[{"deviceId":"a"}]}`, `null`, `null`},
		{"everything", `{}`, `{"Result":[]}`, `null`, `null`},
	} {
		q, _, err := iothub.ReadQuery([]byte(c.query))
		var r iothub.QueryResult
		if err == nil {
			err = json.Unmarshal([]byte(c.answer), &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		columns, rows, err := r.Table(q, "deviceId")
		gotColumns, _ := json.Marshal(columns)
		gotRows, _ := json.Marshal(rows)
		if err != nil || string(gotColumns) != c.columns || string(gotRows) != c.rows {
			t.Errorf("%s: %s %s, %v\nwant %s %s", c.name, gotColumns, gotRows, err, c.columns, c.rows)
		}
	}
	r := iothub.QueryResult{AggregateResult: []json.RawMessage{[]byte("7")}}
	if _, _, err := r.Table(iothub.QueryExpression{}, "jobId"); err == nil {
		t.Error("a group that is no object is laid out")
	}
	if _, err := r.Groups(); err == nil {
		t.Error("a group that is no object is read")
	}
}

func TestRows(t *testing.T) {
	at := &iothub.Time{Time: time.Date(2016, 5, 1, 10, 0, 0, 123456700, time.UTC)}
	managed := true
	for _, c := range []struct {
		got  []string
		want string
	}{
		{iothub.JobRow(&iothub.JobResponse{JobID: "p", Type: "t", Status: "completed", StartTimeUTC: at, EndTimeUTC: &iothub.Time{}, FailureReason: "1 of 2 devices failed", StatusMessage: "Devices: 2;"}),
			"p||t|completed|2016-05-01T10:00:00.123Z||Devices: 2;|"},
		{iothub.JobRow(&iothub.JobResponse{JobID: "c", ParentJobID: "p", DeviceID: "d", Status: "failed", FailureReason: "no", StatusMessage: "downloading"}), "c|d||failed|||no|p"},
		{iothub.JobRow(&iothub.JobResponse{JobID: "c", ParentJobID: "p", Status: "running", StatusMessage: "downloading"}), "c|||running|||downloading|p"},
		{iothub.DeviceRow(&iothub.Device{DeviceID: "d", Status: "enabled", ConnectionState: "Connected", IsManaged: &managed,
			DeviceProperties:  map[string]iothub.DeviceProperty{"FirmwareVersion": {Value: doc.String("3.0")}},
			ServiceProperties: &iothub.ServiceProperties{Properties: parsed(t, `{"b":"x","a":1.0}`), Tags: []string{"milk", "bacon"}}}),
			"d|enabled|Connected|true|3.0|milk bacon|a=1.0 b=x"},
		{iothub.DeviceRow(&iothub.Device{DeviceID: "d"}), "d||||||"},
	} {
		if got := strings.Join(c.got, "|"); got != c.want {
			t.Errorf("row %q; want %q", got, c.want)
		}
	}
	for name, n := range map[string][2]int{
		"JobRow":    {len(iothub.JobColumns), len(iothub.JobRow(&iothub.JobResponse{}))},
		"DeviceRow": {len(iothub.DeviceColumns), len(iothub.DeviceRow(&iothub.Device{}))},
	} {
		if n[0] != n[1] {
			t.Errorf("%s has %d columns, and %d names of them", name, n[1], n[0])
		}
	}
	columns, rows := iothub.PropertyRows(&iothub.Device{DeviceProperties: map[string]iothub.DeviceProperty{"B": {Value: doc.Int(1), LastUpdatedTime: at}, "A": {}}})
	if len(columns) != 3 || !cmp.Equal(rows, [][]string{{"A", "", ""}, {"B", "1", "2016-05-01T10:00:00.123Z"}}) {
		t.Errorf("properties %v", rows)
	}
}

// TestSortJobs: whatever order the rows come in, a parent comes before its
// parts, and newer families before older ones.
func TestSortJobs(t *testing.T) {
	at := func(s int64) *iothub.Time { return &iothub.Time{Time: time.Unix(s, 0)} }
	want := []iothub.JobResponse{
		{JobID: "new", StartTimeUTC: at(20)},
		{JobID: "z", ParentJobID: "new", DeviceID: "a", StartTimeUTC: at(30)},
		{JobID: "y", ParentJobID: "new", DeviceID: "b"},
		{JobID: "old-1", StartTimeUTC: at(10)},
		{JobID: "x", ParentJobID: "old-1", DeviceID: "a", StartTimeUTC: at(40)},
		{JobID: "old-2", StartTimeUTC: at(10)},
		{JobID: "w", ParentJobID: "unseen", DeviceID: "a", StartTimeUTC: at(50)},
		{JobID: "v", ParentJobID: "unseen", DeviceID: "b", StartTimeUTC: at(5)},
	}
	rapid.Check(t, func(t *rapid.T) {
		got := rapid.Permutation(want).Draw(t, "order")
		iothub.SortJobs(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want (-), got (+)\n%s", diff)
		}
	})
}

func FuzzReadDevices(f *testing.F) {
	f.Add([]byte(`[{"deviceId":"a","serviceProperties":{"properties":{"Weight":1},"tags":["milk"]}}]`))
	f.Add([]byte(`{"devices":[{"deviceId":"a"},{"deviceId":"a"}]}`))
	f.Add([]byte(`{"deviceId":"a","statusUpdatedTime":"0001-01-01T00:00:00"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := iothub.ReadDevices(strings.NewReader(string(b)))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, d := range list {
			if d.DeviceID == "" || seen[d.DeviceID] {
				t.Errorf("%q: device %q has no id, or one that was there before", b, d.DeviceID)
			}
			seen[d.DeviceID] = true
			iothub.DeviceRow(&d)
		}
		if len(list) == 0 {
			t.Errorf("%q: no devices and no error", b)
		}
	})
}
