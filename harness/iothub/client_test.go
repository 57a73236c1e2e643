package iothub_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

// carrier carries requests to a function instead of over a socket.
type carrier func(*http.Request, string) (status int, header http.Header, body string)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	status, header, body := c(r, string(sent))
	w := httptest.NewRecorder()
	for name, v := range header {
		w.Header()[name] = v
	}
	w.WriteHeader(status)
	w.WriteString(body)
	return w.Result(), nil
}

// owner is a service reached over c.
func owner(t testing.TB, c http.RoundTripper) iothub.Service {
	t.Helper()
	cs, err := iothub.ParseConnectionString("HostName=" + restHost + ";SharedAccessKeyName=iothubowner;SharedAccessKey=" + ownerKey)
	if err != nil {
		t.Fatal(err)
	}
	return iothub.Service{Connection: cs, Carrier: c, Agent: "flotilla/test", Now: func() time.Time { return time.Unix(1462000000-3600, 0) }}
}

func clientsOver(t testing.TB, c http.RoundTripper) (*iothub.JobClient, *iothub.Registry) {
	t.Helper()
	jobs, err := iothub.NewJobClient(owner(t, c))
	if err != nil {
		t.Fatal(err)
	}
	registry, err := iothub.NewRegistry(owner(t, c))
	if err != nil {
		t.Fatal(err)
	}
	return jobs, registry
}

// TestClientSays holds what the clients send against the requests of the
// original SDKs, written by hand. [Azure IoT Hub device management preview:
// Node SDK, endpoint table and bodies of jobs]
func TestClientSays(t *testing.T) {
	six := []string{"Device11-7ce4a850", "Device21-7ce4a850"}
	const v = "?api-version=2016-04-25-preview"
	for _, c := range []struct {
		name                    string
		do                      func(context.Context, *iothub.JobClient, *iothub.Registry) error
		method, target, ifMatch string
		body, answer            string
	}{
		{"firmware update", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.ScheduleFirmwareUpdate(ctx, "J", six, "http://url.to.firmware.update", 25*time.Minute)
			return err
		}, "PUT", "/jobs/v2/J" + v, "",
			`{"jobId":"J","jobParameters":{"DeviceIds":["Device11-7ce4a850","Device21-7ce4a850"],"PackageUri":"http://url.to.firmware.update","Timeout":"00:25:00","jobType":"firmwareUpdate"}}`, `{"jobId":"J"}`},
		{"firmware update of a day", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.ScheduleFirmwareUpdate(ctx, "J", []string{"d"}, "u", 24*time.Hour)
			return err
		}, "PUT", "/jobs/v2/J" + v, "",
			`{"jobId":"J","jobParameters":{"DeviceIds":["d"],"PackageUri":"u","Timeout":"1.00:00:00","jobType":"firmwareUpdate"}}`, `{"jobId":"J"}`},
		{"reboot", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.ScheduleReboot(ctx, "a b/c#?%", six[:1])
			return err
		}, "PUT", "/jobs/v2/a%20b%2Fc%23%3F%25" + v, "",
			`{"jobId":"a b/c#?%","jobParameters":{"DeviceIds":["Device11-7ce4a850"],"jobType":"rebootDevice"}}`, `{"jobId":"J"}`},
		{"factory reset", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.ScheduleFactoryReset(ctx, "J", six[:1])
			return err
		}, "PUT", "/jobs/v2/J" + v, "",
			`{"jobId":"J","jobParameters":{"DeviceIds":["Device11-7ce4a850"],"jobType":"factoryResetDevice"}}`, `{"jobId":"J"}`},
		{"empty configuration", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.ScheduleDeviceConfigurationUpdate(ctx, "J", six[:1], "")
			return err
		}, "PUT", "/jobs/v2/J" + v, "",
			`{"jobId":"J","jobParameters":{"Value":"","DeviceIds":["Device11-7ce4a850"],"jobType":"updateDeviceConfiguration"}}`, `{"jobId":"J"}`},
		{"deep read", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.ScheduleDevicePropertyRead(ctx, "J", six[:1], []string{"timezone"})
			return err
		}, "PUT", "/jobs/v2/J" + v, "",
			`{"jobId":"J","jobParameters":{"DevicePropertyNames":["timezone"],"DeviceIds":["Device11-7ce4a850"],"jobType":"readDeviceProperties"}}`, `{"jobId":"J"}`},
		{"deep write", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.ScheduleDevicePropertyWrite(ctx, "J", six[:1], map[string]any{"timezone": "PST", "n": 5})
			return err
		}, "PUT", "/jobs/v2/J" + v, "",
			`{"jobId":"J","jobParameters":{"DeviceProperties":{"timezone":"PST","n":5},"DeviceIds":["Device11-7ce4a850"],"jobType":"writeDeviceProperties"}}`, `{"jobId":"J"}`},
		{"get job", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.GetJob(ctx, "..")
			return err
		}, "GET", "/jobs/v2/%2E%2E" + v, "", "", `{"jobId":"J"}`},
		{"get jobs", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.GetJobs(ctx)
			return err
		}, "GET", "/jobs/v2" + v, "", "", `[]`},
		{"cancel", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			return j.Cancel(ctx, "J")
		}, "DELETE", "/jobs/v2/J" + v, "", "", ``},
		{"jobs per type", func(ctx context.Context, j *iothub.JobClient, _ *iothub.Registry) error {
			_, err := j.QueryJobHistory(ctx, iothub.CountsPerType)
			return err
		}, "POST", "/jobs/v2/query" + v, "",
			`{"project":null,"aggregate":{"keys":[{"name":"Type","type":"default"}],"properties":[{"operator":"count","property":{"name":"Type","type":"default"},"columnName":"JobCount"}]},"filter":null,"sort":null}`,
			`{"Result":null,"AggregateResult":[]}`},
		{"create", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			_, err := r.Create(ctx, iothub.Device{DeviceID: "Device11-7ce4a850", ServiceProperties: &iothub.ServiceProperties{
				Properties: parsed(t, `{"CustomerId":"123456","Weight":1000}`), Tags: []string{"milk"}}})
			return err
		}, "PUT", "/devices/Device11-7ce4a850" + v, "",
			`{"deviceId":"Device11-7ce4a850","serviceProperties":{"properties":{"CustomerId":"123456","Weight":1000},"tags":["milk"]}}`, `{"deviceId":"d"}`},
		{"update", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			_, err := r.Update(ctx, iothub.Device{DeviceID: "d", Status: "disabled"}, "")
			return err
		}, "PUT", "/devices/d" + v, "*", `{"deviceId":"d","status":"disabled"}`, `{"deviceId":"d"}`},
		{"update of a version", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			_, err := r.Update(ctx, iothub.Device{DeviceID: "d", Status: "enabled"}, "AQ==")
			return err
		}, "PUT", "/devices/d" + v, `"AQ=="`, `{"deviceId":"d","status":"enabled"}`, `{"deviceId":"d"}`},
		{"get", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			_, err := r.Get(ctx, "a#b")
			return err
		}, "GET", "/devices/a%23b" + v, "", "", `{"deviceId":"d"}`},
		{"delete", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			return r.Delete(ctx, "d", "*")
		}, "DELETE", "/devices/d" + v, "*", "", ``},
		{"list", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			_, err := r.List(ctx, 0)
			return err
		}, "GET", "/devices/" + v, "", "", `[]`},
		{"list ten", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			_, err := r.List(ctx, 10)
			return err
		}, "GET", "/devices/" + v + "&top=10", "", "", `[]`},
		{"tags", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			_, err := r.QueryDevicesByTags(ctx, []string{"a", "b&c"}, 100)
			return err
		}, "POST", "/devices/query" + v + "&tags=a%2Cb%26c&top=100", "", "", `[]`},
		{"query 2", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			f := iothub.Compare(iothub.InService, "CustomerId", "eq", doc.String("123456"))
			_, err := r.QueryDevices(ctx, iothub.QueryExpression{Filter: &f})
			return err
		}, "POST", "/devices/query" + v, "",
			`{"project":null,"aggregate":null,"filter":{"type":"comparison","property":{"name":"CustomerId","type":"service"},"value":"123456","comparisonOperator":"eq"},"sort":null}`,
			`{"Result":[],"AggregateResult":null}`},
		{"query 4", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			f := iothub.Compare(iothub.InService, "CustomerId", "ne", doc.Null())
			_, err := r.QueryDevices(ctx, iothub.QueryExpression{Filter: &f, Sort: []iothub.Sort{}, Aggregate: &iothub.Aggregation{
				Keys:       []iothub.QueryProperty{{Name: "CustomerId", Type: iothub.InService}},
				Properties: []iothub.AggregationProperty{{Operator: "sum", Property: &iothub.QueryProperty{Name: "Weight", Type: iothub.InService}, ColumnName: "TotalWeight"}},
			}})
			return err
		}, "POST", "/devices/query" + v, "",
			`{"project":null,"aggregate":{"keys":[{"name":"CustomerId","type":"service"}],"properties":[{"operator":"sum","property":{"name":"Weight","type":"service"},"columnName":"TotalWeight"}]},"filter":{"type":"comparison","property":{"name":"CustomerId","type":"service"},"value":null,"comparisonOperator":"ne"},"sort":[]}`,
			`{"Result":null,"AggregateResult":[]}`},
		{"query 12", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			version := func(op string, n int64) iothub.Filter {
				return iothub.Compare(iothub.InDevice, "FirmwareVersion", op, doc.Int(n))
			}
			f := iothub.And(iothub.Compare(iothub.InDevice, "Manufacturer", "gt", doc.String("Contoso")), iothub.Or(version("lt", 5), iothub.Not(version("gt", 1))))
			_, err := r.QueryDevices(ctx, iothub.QueryExpression{Filter: &f})
			return err
		}, "POST", "/devices/query" + v, "",
			`{"project":null,"aggregate":null,"sort":null,"filter":{"type":"logical","logicalOperator":"and","filters":[
			 {"type":"comparison","property":{"name":"Manufacturer","type":"device"},"value":"Contoso","comparisonOperator":"gt"},
			 {"type":"logical","logicalOperator":"or","filters":[
			  {"type":"comparison","property":{"name":"FirmwareVersion","type":"device"},"value":5,"comparisonOperator":"lt"},
			  {"type":"logical","logicalOperator":"not","filters":[{"type":"comparison","property":{"name":"FirmwareVersion","type":"device"},"value":1,"comparisonOperator":"gt"}]}]}]}}`,
			`{"Result":[],"AggregateResult":null}`},
		{"query as written", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			_, err := r.QueryDevicesJSON(ctx, []byte(`{"Filter":{"odd":1}}`))
			return err
		}, "POST", "/devices/query" + v, "", `{"Filter":{"odd":1}}`, `{"Result":[],"AggregateResult":null}`},
		{"service properties", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			_, err := r.SetServiceProperties(ctx, "d", iothub.ServiceProperties{ETag: "AQ==", Properties: parsed(t, `{"ü":"ä"}`), Tags: []string{}})
			return err
		}, "PUT", "/devices/d/serviceProperties" + v, `"AQ=="`, `{"etag":"AQ==","properties":{"ü":"ä"},"tags":[]}`, `{"properties":{},"tags":[]}`},
		{"statistics", func(ctx context.Context, _ *iothub.JobClient, r *iothub.Registry) error {
			s, err := r.Statistics(ctx)
			if err == nil && s != (iothub.Statistics{TotalDeviceCount: 6, EnabledDeviceCount: 5, DisabledDeviceCount: 1}) {
				err = errors.New("read wrongly")
			}
			return err
		}, "GET", "/statistics/devices" + v, "", "", `{"totalDeviceCount":6,"enabledDeviceCount":5,"disabledDeviceCount":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			jobs, registry := clientsOver(t, carrier(func(r *http.Request, body string) (int, http.Header, string) {
				asked++
				if r.Method != c.method || r.URL.RequestURI() != c.target {
					t.Errorf("%s %s; want %s %s", r.Method, r.URL.RequestURI(), c.method, c.target)
				}
				if !sameJSON(body, c.body) {
					t.Errorf("body\n%s\nwant\n%s", body, c.body)
				}
				for name, want := range map[string]string{
					"If-Match": c.ifMatch, "Accept": "application/json", "User-Agent": "flotilla/test",
					"Content-Type":  map[bool]string{true: "application/json; charset=utf-8"}[c.body != ""],
					"Authorization": "SharedAccessSignature sr=localhost&sig=uv4cYRkbC7KiwfYA4BURgL2a6JUJ27zZOW2LG8XpJNo%3D&se=1462000000&skn=iothubowner",
				} {
					if got := r.Header.Get(name); got != want {
						t.Errorf("%s: %q; want %q", name, got, want)
					}
				}
				return map[bool]int{true: 204, false: 200}[c.answer == ""], nil, c.answer
			}))
			if err := c.do(t.Context(), jobs, registry); err != nil || asked != 1 {
				t.Errorf("%d requests, %v", asked, err)
			}
		})
	}
}

func parsed(t testing.TB, s string) doc.Value {
	t.Helper()
	v, err := doc.ParseString(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestClientRefuses: what cannot be meant is not sent.
func TestClientRefuses(t *testing.T) {
	jobs, registry := clientsOver(t, carrier(func(r *http.Request, _ string) (int, http.Header, string) {
		t.Errorf("%s %s was sent", r.Method, r.URL)
		return 200, nil, "{}"
	}))
	ctx := t.Context()
	for _, c := range []struct {
		want string
		do   func() error
	}{
		{"names no device", func() error { _, err := jobs.ScheduleReboot(ctx, "J", nil); return err }},
		{"a device without an id", func() error { _, err := jobs.ScheduleReboot(ctx, "J", []string{"a", " "}); return err }},
		{"has no id", func() error { _, err := jobs.ScheduleReboot(ctx, "", []string{"a"}); return err }},
		{"1 minute to 1 day, not 59s", func() error {
			_, err := jobs.ScheduleFirmwareUpdate(ctx, "J", []string{"a"}, "u", 59*time.Second)
			return err
		}},
		{"1 minute to 1 day, not 24h0m1s", func() error {
			_, err := jobs.ScheduleFirmwareUpdate(ctx, "J", []string{"a"}, "u", 24*time.Hour+time.Second)
			return err
		}},
		{"properties", func() error {
			_, err := jobs.ScheduleDevicePropertyWrite(ctx, "J", []string{"a"}, map[string]any{"x": func() {}})
			return err
		}},
		{"has no id", func() error { _, err := jobs.GetJob(ctx, ""); return err }},
		{"has no id", func() error { return jobs.Cancel(ctx, "") }},
		{"has no id", func() error { _, err := registry.Create(ctx, iothub.Device{}); return err }},
		{"has no id", func() error { _, err := registry.Get(ctx, ""); return err }},
		{"has no id", func() error { return registry.Delete(ctx, "", "") }},
		{"1 to 1000 devices, not 1001", func() error { _, err := registry.List(ctx, 1001); return err }},
		{"1 to 1000 devices, not -1", func() error { _, err := registry.QueryDevicesByTags(ctx, []string{"a"}, -1); return err }},
		{"no tag is named", func() error { _, err := registry.QueryDevicesByTags(ctx, nil, 1); return err }},
		{"comma", func() error { _, err := registry.QueryDevicesByTags(ctx, []string{"a,b"}, 1); return err }},
		{"have no etag", func() error {
			_, err := registry.SetServiceProperties(ctx, "d", iothub.ServiceProperties{})
			return err
		}},
		{"the service needs a policy's", func() error {
			s := owner(t, nil)
			s.Connection.Policy, s.Connection.Device = "", "d"
			_, err := iothub.NewJobClient(s)
			return err
		}},
		{"connection string is empty", func() error { _, err := iothub.NewRegistry(iothub.Service{}); return err }},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
}

// TestClientReads holds what the clients make of answers against documents
// written by hand. [Azure IoT Hub device management preview: JobResponse,
// device, query result]
func TestClientReads(t *testing.T) {
	var answer string
	jobs, registry := clientsOver(t, carrier(func(*http.Request, string) (int, http.Header, string) { return 200, nil, answer }))
	ctx := t.Context()

	answer = `{"jobId":"9f..","type":"firmwareUpdate","status":"completed","startTimeUtc":"2016-05-01T10:00:00.123Z","endTimeUtc":"2016-05-01T10:01:30","statusMessage":"Devices: 6; Succeeded: 5; Failed: 1;","progress":100}`
	j, err := jobs.GetJob(ctx, "9f..")
	if err != nil {
		t.Fatal(err)
	}
	devices, succeeded, failed, ok := j.Counts()
	if !j.Finished() || devices != 6 || succeeded != 5 || failed != 1 || !ok || j.EndTimeUTC.Sub(j.StartTimeUTC.Time) != 89877*time.Millisecond || j.ParentJobID != "" {
		t.Errorf("the parent is read as %+v, %d %d %d %v", j, devices, succeeded, failed, ok)
	}
	answer = `{"jobId":"c1..","parentJobId":"9f..","deviceId":"Device11-7ce4a850","type":"firmwareUpdate","status":"running","startTimeUtc":"2016-05-01T10:00:00.1234567Z","failureReason":null}`
	if j, err = jobs.GetJob(ctx, "c1.."); err != nil || j.Finished() || j.ParentJobID != "9f.." || j.DeviceID != "Device11-7ce4a850" || j.StartTimeUTC.Nanosecond() != 123456700 {
		t.Errorf("the child is read as %+v, %v", j, err)
	}
	for _, text := range []string{"", "Devices: 6", "Devices: x; Succeeded: 1; Failed: 1;", "Devices: 6; Succeeded: 6; Failed: -1;", "a; b; c;"} {
		if _, _, _, ok := (&iothub.JobResponse{StatusMessage: text}).Counts(); ok {
			t.Errorf("%q has counts", text)
		}
	}

	answer = `{"deviceId":"Device11-7ce4a850","generationId":"635864360921156105","etag":"MA==","connectionState":"Connected","status":"enabled","statusReason":null,
	 "connectionStateUpdatedTime":"2016-05-01T10:00:00","statusUpdatedTime":"0001-01-01T00:00:00","lastActivityTime":"0001-01-01T00:00:00","cloudToDeviceMessageCount":0,
	 "authentication":{"symmetricKey":{"primaryKey":"` + ownerKey + `","secondaryKey":"a2V5"},"x509Thumbprint":{"primaryThumbprint":null,"secondaryThumbprint":null}},
	 "isManaged":true,"configuration":null,"deviceProperties":{"BatteryLevel":{"value":100,"lastUpdatedTime":"2016-05-01T10:00:05.5Z"},"Timezone":{"value":"PST","lastUpdatedTime":"2016-05-01T10:00:05Z"}},
	 "serviceProperties":{"etag":"MQ==","properties":{"Weight":1000},"tags":["milk","bacon"]}}`
	d, err := registry.Get(ctx, "Device11-7ce4a850")
	if err != nil {
		t.Fatal(err)
	}
	level := d.DeviceProperties["BatteryLevel"]
	if d.ConnectionState != iothub.Connected || d.IsManaged == nil || !*d.IsManaged || !d.StatusUpdatedTime.IsZero() || d.ServiceProperties.ETag != "MQ==" ||
		string(level.Value.JSON()) != "100" || level.LastUpdatedTime.String() != "2016-05-01T10:00:05.5Z" || string(d.ServiceProperties.Properties.JSON()) != `{"Weight":1000}` {
		t.Errorf("the device is read as %+v", d)
	}
	for secondary, want := range map[bool]string{
		false: "HostName=localhost;DeviceId=Device11-7ce4a850;SharedAccessKey=" + ownerKey,
		true:  "HostName=localhost;DeviceId=Device11-7ce4a850;SharedAccessKey=a2V5",
	} {
		if cs, err := registry.ConnectionString(d, secondary); err != nil || cs.Text() != want {
			t.Errorf("connection string %q, %v; want %q", cs.Text(), err, want)
		}
	}
	if _, err := registry.ConnectionString(&iothub.Device{DeviceID: "x"}, false); err == nil {
		t.Error("a device without keys has a connection string")
	}

	answer = `{"Result":null,"AggregateResult":[{"Type":"firmwareUpdate","JobCount":7},{"Type":null,"JobCount":1}]}`
	rows, err := jobs.QueryJobHistory(ctx, iothub.CountsPerType)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := rows.Groups()
	if err != nil || len(groups) != 2 || string(groups[0].JSON()) != `{"JobCount":7,"Type":"firmwareUpdate"}` {
		t.Errorf("groups %v, %v", groups, err)
	}
	answer = `{"Result":[{"deviceId":"a","serviceProperties":{"properties":{"Weight":1}}},{"deviceId":"b"}],"AggregateResult":null}`
	if rows, err = registry.QueryDevices(ctx, iothub.QueryExpression{}); err != nil {
		t.Fatal(err)
	}
	if list, err := rows.Devices(); err != nil || len(list) != 2 || list[1].DeviceID != "b" {
		t.Errorf("devices %v, %v", list, err)
	}
	if groups, err := rows.Groups(); err != nil || len(groups) != 0 {
		t.Errorf("groups %v, %v", groups, err)
	}
	for _, bad := range []string{"", "<html>", `{"jobId":7}`, `[]`} {
		answer = bad
		if _, err := jobs.GetJob(ctx, "J"); err == nil || !strings.Contains(err.Error(), "GET /jobs/v2/J: the answer is not what it should be") {
			t.Errorf("%q is read: %v", bad, err)
		}
	}
	answer = strings.Repeat(" ", 64<<20+1)
	if _, err := jobs.GetJobs(ctx); err == nil || !strings.Contains(err.Error(), "more than 67108864 bytes") {
		t.Errorf("an endless answer: %.200v", err)
	}
}

// TestClientErrors: a refusal has status, code and text, however it is said.
// [Azure IoT Hub device management preview: errors]
func TestClientErrors(t *testing.T) {
	for _, c := range []struct {
		status       int
		header, body string
		want         iothub.RESTError
	}{
		{404, "", `{"Message":"ErrorCode:DeviceNotFound;\"no such device\""}`, iothub.RESTError{Status: 404, Code: "DeviceNotFound", Text: "no such device"}},
		{404, "JobNotFound", `{"Message":"ErrorCode:JobNotFound;\"no job\""}`, iothub.RESTError{Status: 404, Code: "JobNotFound", Text: "no job"}},
		{401, "IotHubUnauthorized", ``, iothub.RESTError{Status: 401, Code: "IotHubUnauthorized"}},
		{502, "", `bad gateway`, iothub.RESTError{Status: 502, Text: "bad gateway"}},
		{302, "", ``, iothub.RESTError{Status: 302}},
	} {
		asked := 0
		jobs, _ := clientsOver(t, carrier(func(*http.Request, string) (int, http.Header, string) {
			asked++
			h := http.Header{"Location": {"https://elsewhere.test/"}}
			if c.header != "" {
				h["Iothub-Errorcode"] = []string{c.header}
			}
			return c.status, h, c.body
		}))
		_, err := jobs.GetJob(t.Context(), "J")
		got, ok := errors.AsType[*iothub.RESTError](err)
		if !ok || *got != c.want || !strings.HasPrefix(err.Error(), "GET /jobs/v2/J: ") || asked != 1 {
			t.Errorf("%d %q: %v, asked %d times; want %+v", c.status, c.body, err, asked, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	jobs, _ := clientsOver(t, carrier(func(*http.Request, string) (int, http.Header, string) { return 200, nil, `{}` }))
	if _, err := jobs.GetJob(ctx, "J"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
}

// TestRetries: only if asked for, only when the hub has no time, and as late as
// it says.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name     string
		retries  int
		statuses []int
		after    string
		asked    int
		took     time.Duration
		ok       bool
	}{
		{"not asked for", 0, []int{503, 200}, "", 1, 0, false},
		{"throttled", 3, []int{429, 503, 200}, "", 3, 3 * time.Second, true},
		{"as late as the hub says", 3, []int{429, 200}, "7", 2, 7 * time.Second, true},
		{"but not for ever", 1, []int{429, 200}, "60000", 2, time.Minute, true},
		{"nonsense", 1, []int{429, 200}, "soon", 2, time.Second, true},
		{"given up", 2, []int{503, 503, 503, 200}, "", 3, 3 * time.Second, false},
		{"another error", 3, []int{500, 200}, "", 1, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				s := owner(t, carrier(func(_ *http.Request, body string) (int, http.Header, string) {
					if !strings.Contains(body, "rebootDevice") {
						t.Errorf("request %d has the body %q", asked, body)
					}
					status := c.statuses[asked]
					asked++
					h := http.Header{}
					if c.after != "" {
						h.Set("Retry-After", c.after)
					}
					return status, h, `{"jobId":"J"}`
				}))
				s.Retries = c.retries
				jobs, err := iothub.NewJobClient(s)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				_, err = jobs.ScheduleReboot(t.Context(), "J", []string{"d"})
				if took := time.Since(began); asked != c.asked || took != c.took || (err == nil) != c.ok {
					t.Errorf("asked %d times in %s: %v; want %d times in %s", asked, took, err, c.asked, c.took)
				}
			})
		})
	}
}

// TestClientTokens: a token is good for an hour and renewed when half of it is over.
func TestClientTokens(t *testing.T) {
	now := time.Unix(1462000000, 0)
	var tokens []sas.Token
	s := owner(t, carrier(func(r *http.Request, _ string) (int, http.Header, string) {
		token, err := sas.Parse(r.Header.Get("Authorization"))
		if err != nil {
			t.Error(err)
		}
		tokens = append(tokens, token)
		return 200, nil, `[]`
	}))
	s.Now = func() time.Time { return now }
	jobs, err := iothub.NewJobClient(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []time.Duration{0, 29 * time.Minute, time.Minute} {
		now = now.Add(step)
		if _, err := jobs.GetJobs(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int64{1462003600, 1462003600, 1462005400} {
		if int64(tokens[i].Expiry) != want {
			t.Errorf("token %d ends at %d; want %d", i, tokens[i].Expiry, want)
		}
	}
}

// TestWait: a job is asked for until it has ended, over short silences of the
// hub but not long ones.
func TestWait(t *testing.T) {
	running, done := `{"jobId":"J","status":"running"}`, `{"jobId":"J","status":"completed"}`
	for _, c := range []struct {
		name    string
		answers []string // "": 503
		asked   int
		ok      bool
	}{
		{"at once", []string{done}, 1, true},
		{"in time", []string{running, running, done}, 3, true},
		{"over silences", []string{running, "", "", "", "", "", running, "", "", "", "", "", done}, 13, true},
		{"lost", []string{running, "", "", "", "", "", ""}, 7, false},
		{"gone", []string{running, "404"}, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				jobs, _ := clientsOver(t, carrier(func(*http.Request, string) (int, http.Header, string) {
					a := c.answers[asked]
					asked++
					switch a {
					case "":
						return 503, nil, ""
					case "404":
						return 404, nil, ""
					}
					return 200, nil, a
				}))
				began, seen := time.Now(), 0
				end, err := jobs.Wait(t.Context(), "J", 5*time.Second, func(*iothub.JobResponse) { seen++ })
				if asked != c.asked || (err == nil) != c.ok || c.ok && !end.Finished() || seen == 0 {
					t.Errorf("asked %d times, saw %d, %v, %v; want %d times", asked, seen, end, err, c.asked)
				}
				if took, want := time.Since(began), time.Duration(c.asked-1)*5*time.Second; took != want {
					t.Errorf("took %s; want %s", took, want)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		jobs, _ := clientsOver(t, carrier(func(*http.Request, string) (int, http.Header, string) { return 200, nil, running }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := jobs.Wait(ctx, "J", 0, nil); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "job J has not ended") {
			t.Errorf("a job without end: %v", err)
		}
	})
}

// TestClientPages: what has more rows than an answer is fetched page by page.
func TestClientPages(t *testing.T) {
	h := openHouse(t, nil)
	registry, jobs := h.clients()
	ctx := t.Context()
	var ids []string
	for i := range 250 {
		id := "d" + string(rune('a'+i/26%26)) + string(rune('a'+i%26)) // not in order of creation
		ids = append(ids, id)
		if _, err := registry.Create(ctx, iothub.Device{DeviceID: id}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := registry.All(ctx, nil)
	if err != nil || len(list) != 250 {
		t.Fatalf("%d devices, %v; want 250", len(list), err)
	}
	for i := range list[1:] {
		if list[i].DeviceID >= list[i+1].DeviceID {
			t.Errorf("%s comes before %s", list[i].DeviceID, list[i+1].DeviceID)
		}
	}
	if _, err := jobs.ScheduleReboot(ctx, "J", ids); err != nil {
		t.Fatal(err)
	}
	children, err := jobs.Children(ctx, "J")
	if err != nil || len(children) != 250 {
		t.Errorf("%d children, %v; want 250", len(children), err)
	}
	if all, err := jobs.All(ctx, nil); err != nil || len(all) != 251 {
		t.Errorf("%d jobs, %v; want 251", len(all), err)
	}
}

// carrier carries requests into the house.
func (h *house) carrier() http.RoundTripper {
	return carrier(func(r *http.Request, body string) (int, http.Header, string) {
		in := httptest.NewRequest(r.Method, r.URL.String(), strings.NewReader(body))
		in.Header = r.Header.Clone()
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, in)
		return w.Code, w.Header(), w.Body.String()
	})
}

// service is the house as its owner reaches it.
func (h *house) service() iothub.Service {
	return iothub.Service{
		Connection: iothub.ConnectionString{Host: restHost, Policy: "iothubowner", Key: h.policies[0].Primary},
		Carrier:    h.carrier(), Now: func() time.Time { return h.now },
	}
}

func (h *house) clients() (*iothub.Registry, *iothub.JobClient) {
	h.t.Helper()
	registry, err := iothub.NewRegistry(h.service())
	if err != nil {
		h.t.Fatal(err)
	}
	jobs, err := iothub.NewJobClient(h.service())
	if err != nil {
		h.t.Fatal(err)
	}
	return registry, jobs
}
