package iothub_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"pgregory.net/rapid"
)

// busy makes a hub in the middle of its work: 700 devices that are not there,
// a job over them in batches of which some have failed, one that has been
// cancelled, one that waits, one in the words of another dialect.
func busy(t testing.TB) *bare {
	t.Helper()
	b := makeBare(700, 0)
	var ids []sim.DeviceID
	for i := range 700 {
		ids = append(ids, sim.DeviceID(fmt.Sprintf("device-%06d", i)))
	}
	for _, s := range []job.Spec{
		{ID: "failing", Kind: "rebootDevice", Targets: ids, Grace: time.Minute, InFlight: 300},
		{ID: "cancelled", Kind: "factoryResetDevice", Targets: ids[:5], Grace: time.Hour},
		{ID: "waiting", Kind: "factoryResetDevice", Targets: ids[3:300], Grace: time.Hour, InFlight: 2},
		{ID: "central", Kind: "command", Command: "x", Targets: ids[:3]},
		{ID: "done", Kind: "cloudProperty", Properties: []doc.Member{{Name: "a", Value: doc.Int(1)}}, Targets: ids[:3]},
		{ID: "one", Kind: "firmwareUpdate", PackageURI: "u", Targets: ids[9:10], Grace: -1},
	} {
		if _, err := b.Do(t.Context(), hub.SubmitJob{Spec: s, Forget: true}); err != nil {
			t.Fatal(err)
		}
	}
	b.settle(0)
	if _, err := b.Do(t.Context(), hub.CancelJob{ID: "cancelled"}); err != nil {
		t.Fatal(err)
	}
	b.settle(90 * time.Second)
	return b
}

// TestIndexes asks the same with an index and without: a filter inside an `or`
// of one cannot be answered by any.
func TestIndexes(t *testing.T) {
	a := newAsker(t, busy(t))
	var some struct{ Result []iothub.JobResponse }
	if err := json.Unmarshal(a.ask("POST", "/jobs/v2/query", `{}`).body.Bytes(), &some); err != nil || len(some.Result) != 100 {
		t.Fatal(err, len(some.Result))
	}
	words := []string{"enqueued", "running", "completed", "failed", "cancelled", "Failed", "RUNNING", "unknown", "stopped",
		"rebootDevice", "factoryresetdevice", "command", "firmwareUpdate", "failing", "waiting", "central", "one", "cancelled", "device-000009", some.Result[7].JobID, some.Result[99].JobID}
	labels := []string{"fleet", "rack-3", "rack-6", "rack", "Fleet"}
	quoted := func(list []string) string {
		b, _ := json.Marshal(list)
		return string(b)
	}
	for _, name := range []string{"jobId", "parentJobId", "status", "type"} {
		for _, w := range words {
			filter := fmt.Sprintf(`{"type":"comparison","property":{"name":%q},"value":%q,"comparisonOperator":"eq"}`, name, w)
			with := a.ask("POST", "/jobs/v2/query", `{"filter":`+filter+`}`).body.String()
			without := a.ask("POST", "/jobs/v2/query", `{"filter":{"type":"logical","logicalOperator":"or","filters":[`+filter+`]}}`).body.String()
			if with != without {
				t.Fatalf("%s\n   with an index %.600s\nwithout an index %.600s", filter, with, without)
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		target := "/jobs/v2/query"
		name := rapid.SampledFrom([]string{"jobId", "parentJobId", "status", "type", "deviceId"}).Draw(rt, "name")
		value := rapid.SampledFrom(words)
		op, v := "eq", quoted([]string{value.Draw(rt, "value")})
		v = v[1 : len(v)-1]
		switch rapid.IntRange(0, 2).Draw(rt, "what") {
		case 0:
			op, v = "in", quoted(rapid.SliceOfN(value, 1, 4).Draw(rt, "values"))
		case 1:
			target = "/devices/query"
			name = "deviceId"
			if rapid.Bool().Draw(rt, "by label") {
				name, op, v = "tags", "all", quoted(rapid.SliceOfN(rapid.SampledFrom(labels), 1, 2).Draw(rt, "labels"))
			}
		}
		filter := fmt.Sprintf(`{"type":"comparison","property":{"name":%q},"value":%s,"comparisonOperator":%q}`, name, v, op)
		rest := rapid.SampledFrom([]string{
			``, `,"sort":{"order":"desc","property":{"name":"deviceId"}}`, `,"project":{"properties":[{"name":"deviceId"}]}`,
			`,"aggregate":{"keys":[{"name":"status"}],"properties":[{"operator":"count","columnName":"n"}]}`,
		}).Draw(rt, "rest")
		with := a.ask("POST", target, `{"filter":`+filter+rest+`}`).body.String()
		without := a.ask("POST", target, `{"filter":{"type":"logical","logicalOperator":"or","filters":[`+filter+`]}`+rest+`}`).body.String()
		if with != without {
			rt.Fatalf("%s%s\n   with an index %.600s\nwithout an index %.600s", filter, rest, with, without)
		}
	})
}

// TestPages turns over all pages of all rows of jobs, and of the children of
// one: every row once, in order, and none of a job the preview has no word
// for.
func TestPages(t *testing.T) {
	a := newAsker(t, busy(t))
	for _, x := range []struct {
		filter string
		want   int
	}{
		{`{"type":"logical","logicalOperator":"and","filters":[]}`, 1 + 700 + 1 + 5 + 1 + 297 + 1 + 1},
		{`{"type":"comparison","property":{"name":"parentJobId"},"value":"failing","comparisonOperator":"eq"}`, 700},
	} {
		var ids []string
		for last := ""; ; last = ids[len(ids)-1] {
			var page struct{ Result []iothub.JobResponse }
			after := fmt.Sprintf(`{"type":"comparison","property":{"name":"JobId"},"value":%q,"comparisonOperator":"gt"}`, last)
			w := a.ask("POST", "/jobs/v2/query", `{"filter":{"type":"logical","logicalOperator":"and","filters":[`+x.filter+`,`+after+`]}}`)
			if err := json.Unmarshal(w.body.Bytes(), &page); err != nil || len(page.Result) > 100 {
				t.Fatal(err, len(page.Result))
			}
			for _, j := range page.Result {
				ids = append(ids, j.JobID)
			}
			if len(page.Result) < 100 {
				break
			}
		}
		if len(ids) != x.want || !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) || slices.Contains(ids, "central") || slices.Contains(ids, "done") {
			t.Errorf("%s: %d rows, sorted %t; want %d", x.filter, len(ids), slices.IsSorted(ids), x.want)
		}
	}
}

// TestListJobs: parents come first, the latest of them first, then children,
// 1,000 in all; a job of another dialect is not there at all.
func TestListJobs(t *testing.T) {
	a := newAsker(t, busy(t))
	var list []iothub.JobResponse
	if err := json.Unmarshal(a.ask("GET", "/jobs/v2", "").body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	var parents []string
	for i, j := range list {
		if j.ParentJobID == "" {
			parents = append(parents, j.JobID)
			if i >= 4 {
				t.Errorf("parent %s behind children", j.JobID)
			}
		}
	}
	if len(list) != 1000 || !slices.Equal(parents, []string{"one", "waiting", "cancelled", "failing"}) {
		t.Errorf("%d jobs, parents %q", len(list), parents)
	}
	for _, method := range []string{"GET", "DELETE"} {
		w := newRecorder()
		a.serve(w, method, "/jobs/v2/central", "")
		if e := iothub.ParseError(w.status, w.body.Bytes()); e.Status != 404 || e.Code != "JobNotFound" {
			t.Errorf("%s of another dialect's job: %v", method, e)
		}
	}
}

// TestCancel: children that wait are cancelled at once, one that runs stops at
// its next step, and the parent is cancelled.
func TestCancel(t *testing.T) {
	h := openHouse(t, nil)
	uri := h.six()
	h.ask("PUT", "/devices/away", `{}`)
	h.ask("PUT", "/jobs/v2/j", `{"jobParameters":{"DeviceIds":["Device11-7ce4a850","away"],"PackageUri":"`+uri+`","jobType":"firmwareUpdate"}}`)
	h.advance(10 * time.Second)
	h.want(204, "", "DELETE", "/jobs/v2/j", "")
	h.want(204, "", "DELETE", "/jobs/v2/j", "")
	h.advance(time.Minute)
	h.want(200, `{"Result":null,"AggregateResult":[{"status":"cancelled","n":3}]}`, "POST", "/jobs/v2/query",
		`{"aggregate":{"keys":[{"name":"status"}],"properties":[{"operator":"count","columnName":"n"}]}}`)
	_, body := h.ask("POST", "/devices/query", `{"project":{"properties":[{"name":"FirmwareVersion","type":"device"}]},"filter":{"type":"comparison","property":{"name":"deviceId"},"value":"Device11-7ce4a850","comparisonOperator":"eq"}}`)
	if !strings.Contains(body, `"value":"1.0"`) {
		t.Errorf("the cancelled device: %s", body)
	}
}

// TestPropertyTypes has what the service makes of a device's integers.
// [Azure IoT Hub device management preview: device properties, types]
func TestPropertyTypes(t *testing.T) {
	h := openHouse(t, nil)
	for _, x := range []struct{ name, reported, want string }{
		{"CurrentTime", `-1`, `"1969-12-31T23:59:59"`},
		{"CurrentTime", `1462096800`, `"2016-05-01T10:00:00"`},
		{"CurrentTime", `99999999999999`, `99999999999999`},
		{"CurrentTime", `"noon"`, `"noon"`},
		{"BatteryStatus", `0`, `"0"`},
		{"BatteryStatus", `6`, `"6"`},
		{"FirmwareUpdateState", `3`, `"3"`},
		{"FirmwareUpdateResult", `1`, `1`},
		{"BatteryLevel", `50`, `50`},
		{"MemoryFree", `1024`, `1024`},
		{"Timezone", `"PST"`, `"PST"`},
	} {
		d, err := doc.ParseString(`{"dm":{"` + x.name + `":` + x.reported + `}}`)
		if err != nil {
			t.Fatal(err)
		}
		got := string(iothub.AsDevice(h.handler, &hub.Device{ID: "d", Reported: d}).DeviceProperties[x.name].Value.JSON())
		if got != x.want {
			t.Errorf("%s %s: %s; want %s", x.name, x.reported, got, x.want)
		}
	}
}

// TestTimeout has time spans as the SDKs write them.
func TestTimeout(t *testing.T) {
	for _, x := range []struct {
		text string
		want time.Duration // 0: refused
		back string        // as it is written; "": as it was
	}{
		{"00:25:00", 25 * time.Minute, ""},
		{"00:60:00", time.Hour, "01:00:00"},
		{"00:100:00", 100 * time.Minute, "01:40:00"},
		{"1.00:00:00", 24 * time.Hour, ""},
		{"0:1:5", 65 * time.Second, "00:01:05"},
		{"00:01:00.5", 60500 * time.Millisecond, "00:01:00.5000000"},
		{"00:00:00.0000001", 100, ""},
		{"10.23:59:59.9999999", 11*24*time.Hour - 100, ""},
		{"25", 0, ""}, {"", 0, ""}, {"00:25", 0, ""}, {"00:25:", 0, ""}, {"-00:25:00", 0, ""}, {"00:25:00.", 0, ""},
		{"00:25:00.12345678", 0, ""}, {"a:b:c", 0, ""}, {"00:00:99999999", 0, ""}, {"9999999.00:00:00", 0, ""}, {"1.2.00:00:00", 0, ""}, {"00:25:00Z", 0, ""},
	} {
		d, err := iothub.ParseTimeout(x.text)
		if d != x.want || (err == nil) != (x.want > 0) {
			t.Errorf("ParseTimeout(%q) = %s, %v; want %s", x.text, d, err, x.want)
		}
		if x.back == "" {
			x.back = x.text
		}
		if got := iothub.Timeout(d).String(); err == nil && got != x.back {
			t.Errorf("%q is written %q; want %q", x.text, got, x.back)
		}
	}
}

// TestTime has instants as the service and the SDKs write them.
func TestTime(t *testing.T) {
	for _, x := range []struct{ text, back string }{
		{`"2016-05-01T10:00:00.123Z"`, ""},
		{`"2016-05-01T10:00:00Z"`, ""},
		{`"2016-05-01T10:00:00.1234567Z"`, ""},
		{`"2016-05-01T12:00:00.5+02:00"`, `"2016-05-01T10:00:00.5Z"`},
		{`"2016-05-01T10:00:00"`, `"2016-05-01T10:00:00Z"`},
		{`"0001-01-01T00:00:00"`, ""},
		{`"0001-01-01T00:00:00Z"`, `"0001-01-01T00:00:00"`},
		{`null`, `"0001-01-01T00:00:00"`},
		{`"May 1"`, "error"}, {`5`, "error"}, {`"2016-05-01"`, "error"},
	} {
		var at iothub.Time
		err := json.Unmarshal([]byte(x.text), &at)
		if x.back == "" {
			x.back = x.text
		}
		b, _ := json.Marshal(at)
		if got := string(b); err == nil && got != x.back || (err != nil) != (x.back == "error") {
			t.Errorf("%s: %s, %v; want %s", x.text, got, err, x.back)
		}
	}
}

// TestManyTargets: of many devices too, one that is not there or named twice
// means that there is no job.
func TestManyTargets(t *testing.T) {
	b := makeBare(1500, 0)
	a := newAsker(t, b)
	put := func(id string, more ...string) *iothub.RESTError {
		var ids []string
		for i := range 1500 {
			ids = append(ids, fmt.Sprintf("device-%06d", i))
		}
		body, err := json.Marshal(iothub.JobRequest{JobParameters: &iothub.JobParameters{JobType: iothub.JobReboot, DeviceIDs: append(ids, more...)}})
		if err != nil {
			t.Fatal(err)
		}
		w := newRecorder()
		a.serve(w, "PUT", "/jobs/v2/"+id, string(body))
		if w.status == 200 {
			return nil
		}
		return iothub.ParseError(w.status, w.body.Bytes())
	}
	if e := put("a", "nobody"); e == nil || e.Status != 404 || e.Code != "DeviceNotFound" || !strings.Contains(e.Text, "nobody") {
		t.Errorf("one is not there: %v", e)
	}
	if e := put("b", "device-000007"); e == nil || e.Status != 400 || e.Code != "ArgumentInvalid" || !strings.Contains(e.Text, "device-000007") {
		t.Errorf("one is named twice: %v", e)
	}
	if e := put("c"); e != nil {
		t.Errorf("in order: %v", e)
	}
	b.settle(time.Minute)
	if v := b.Hub.View(); v.Jobs.Len() != 1 {
		t.Errorf("%d jobs; want one", v.Jobs.Len())
	}
}

// Every way to ask for a device tells how many commands wait for it, and when
// it was last heard of.
func TestWaiting(t *testing.T) {
	h := openHouse(t, nil)
	h.six()
	const here = "Device11-7ce4a850"
	h.ask("PUT", "/devices/idle", `{"deviceId":"idle","serviceProperties":{"tags":["x"]}}`)
	h.ask("PUT", "/devices/"+here+"/serviceProperties", `{"tags":["x"]}`)
	if _, err := h.Do(t.Context(), hub.SubmitJob{Spec: job.Spec{ID: "c", Kind: "command", Command: "blink", Durable: true, Targets: []sim.DeviceID{"idle"}, Timeout: -1}, Forget: true}); err != nil {
		t.Fatal(err)
	}
	h.ask("PUT", "/jobs/v2/read", `{"jobParameters":{"jobType":"readDeviceProperties","DeviceIds":"`+here+`","DevicePropertyNames":["Manufacturer"]}}`)
	h.advance(time.Second)

	type row struct {
		DeviceID                  string
		LastActivityTime          string
		CloudToDeviceMessageCount int
	}
	both := func(method, target, body string) map[string]row {
		t.Helper()
		_, answer := h.ask(method, target, body)
		answer = strings.TrimSuffix(strings.TrimPrefix(answer, `{"Result":`), `,"AggregateResult":null}`)
		var list []row
		if err := json.Unmarshal([]byte(answer), &list); err != nil {
			t.Fatalf("%s %s: %v in %s", method, target, err, answer)
		}
		m := map[string]row{}
		for _, r := range list {
			if r.DeviceID == "idle" || r.DeviceID == here {
				m[r.DeviceID] = r
			}
		}
		return m
	}
	list := both("GET", "/devices", "")
	tags := both("POST", "/devices/query?tags=x", "")
	found := both("POST", "/devices/query", `{"filter":{"type":"comparison","property":{"name":"lastActivityTime"},"comparisonOperator":"gte","value":"`+list[here].LastActivityTime+`"}}`)
	queued := both("POST", "/devices/query", `{"filter":{"type":"comparison","property":{"name":"cloudToDeviceMessageCount"},"comparisonOperator":"eq","value":1}}`)
	want := map[string]row{"idle": {"idle", "0001-01-01T00:00:00", 1}}
	if !maps.Equal(queued, want) {
		t.Errorf("a command waits for %v; want %v", queued, want)
	}
	for id := range list {
		var one row
		_, answer := h.ask("GET", "/devices/"+id, "")
		if err := json.Unmarshal([]byte(answer), &one); err != nil {
			t.Fatal(err)
		}
		want[id] = one
	}
	if at := want[here].LastActivityTime; at < "2016-05-01T10:01:00" {
		t.Errorf("%s is said to be last heard of at %s, before it was asked for a property", here, at)
	}
	if !maps.Equal(list, want) || !maps.Equal(tags, want) {
		t.Errorf("the list has %v, a query by tags %v; one by one they are %v", list, tags, want)
	}
	if delete(want, "idle"); !maps.Equal(found, want) {
		t.Errorf("heard of since then: %v; want %v", found, want)
	}
}
