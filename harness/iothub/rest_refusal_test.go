package iothub_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

// message is the body of an error with this code.
func message(code, text string) string {
	return fmt.Sprintf(`{"Message":%q}`, "ErrorCode:"+code+`;"`+text+`"`)
}

const reboot = `{"jobParameters":{"jobType":"rebootDevice","DeviceIds":["d"]}}`

// TestRefusals has what is wrong with requests, the status, the code and the
// text of each answer. After all of them the hub goes on serving.
func TestRefusals(t *testing.T) {
	h := openHouse(t, nil)
	h.ask("PUT", "/devices/d", `{}`)
	job := func(parameters string) string { return `{"jobParameters":` + parameters + `}` }
	long := strings.Repeat("x", 129)
	for _, x := range []struct {
		method, target, body string
		status               int
		code, text           string
	}{
		// JSON
		{"PUT", "/devices/e", ``, 400, "ArgumentNull", "the request has no body"},
		{"PUT", "/devices/e", ` `, 400, "ArgumentNull", "the request has no body"},
		{"PUT", "/devices/e", `{"deviceId":`, 400, "IotHubFormatError", "the body is not JSON: byte 12: unexpected end of JSON input"},
		{"PUT", "/devices/e", `{} {}`, 400, "IotHubFormatError", "the body is not JSON: byte 4: invalid character '{' after top-level value"},
		{"PUT", "/devices/e", `[]`, 400, "ArgumentInvalid", "the body is of type array, which does not fit"},
		{"PUT", "/devices/e", `{"deviceId":5}`, 400, "ArgumentInvalid", "deviceId is of type number, which does not fit"},
		{"PUT", "/devices/e", `{"serviceProperties":{"tags":"bacon"}}`, 400, "ArgumentInvalid", "serviceProperties.tags is of type string, which does not fit"},
		{"PUT", "/devices/e", `{"lastActivityTime":"yesterday"}`, 400, "ArgumentInvalid", "\\\"yesterday\\\" is not a time such as 2016-05-01T10:00:00.123Z"},
		{"PUT", "/jobs/v2/j", strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat(`}`, 20000), 400, "IotHubFormatError", "the body is not JSON: byte 50001: invalid character '{' exceeded max depth"},

		// devices
		{"PUT", "/devices/invalid%2fname", `{}`, 400, "ArgumentInvalid", "device id \\\"invalid/name\\\" holds '/', allowed are letters, digits and - : . + % _ # * ? ! ( ) , = @ $ ' and the semicolon"},
		{"PUT", "/devices/a%20b", `{}`, 400, "ArgumentInvalid", "device id \\\"a b\\\" holds ' ', allowed are letters, digits and - : . + % _ # * ? ! ( ) , = @ $ ' and the semicolon"},
		{"PUT", "/devices/" + long, `{}`, 400, "ArgumentInvalid", "device id \\\"xxxxxxxxxxxxxxxxxxxx\\\" has 129 characters, it must have 1 to 128"},
		{"PUT", "/devices/e", `{"deviceId":"f"}`, 400, "ArgumentInvalid", "deviceId is \\\"f\\\" in the body and \\\"e\\\" in the path"},
		{"PUT", "/devices/d", `{}`, 409, "DeviceAlreadyExists", "device \\\"d\\\" is registered already"},
		{"PUT", "/devices/e", `{"status":"asleep"}`, 400, "ArgumentInvalid", "status is \\\"asleep\\\", it must be enabled or disabled"},
		{"PUT", "/devices/e", `{"statusReason":"` + long + `"}`, 400, "ArgumentInvalid", "device \\\"e\\\": the status reason has 129 characters, the limit is 128"},
		{"PUT", "/devices/e", `{"authentication":{"symmetricKey":{"primaryKey":"MDEyMzQ1Njc4OWFiY2RlZg=="}}}`, 400, "ArgumentInvalid", "authentication.symmetricKey has one key, send both or none"},
		{"PUT", "/devices/e", `{"authentication":{"symmetricKey":{"primaryKey":"?","secondaryKey":"MDEyMzQ1Njc4OWFiY2RlZg=="}}}`, 400, "ArgumentInvalid", "authentication.symmetricKey.primaryKey is not base64"},
		{"PUT", "/devices/e", `{"authentication":{"symmetricKey":{"primaryKey":"MDEyMzQ1Njc4OWFiY2RlZg==","secondaryKey":"?"}}}`, 400, "ArgumentInvalid", "authentication.symmetricKey.secondaryKey is not base64"},
		{"PUT", "/devices/e", `{"authentication":{"symmetricKey":{"primaryKey":"MDEy","secondaryKey":"MDEy"}}}`, 400, "ArgumentInvalid", "device \\\"e\\\": a key has 3 bytes, it must have 16 to 64"},
		{"PUT", "/devices/e", `{"authentication":{"x509Thumbprint":{"primaryThumbprint":"123"}}}`, 400, "ArgumentInvalid", "device \\\"e\\\": thumbprint \\\"123\\\" is not 40 hexadecimal digits"},
		{"PUT", "/devices/e", `{"serviceProperties":{"properties":[1]}}`, 400, "ArgumentInvalid", "serviceProperties.properties is of type array, it must be an object"},
		{"PUT", "/devices/e", `{"serviceProperties":{"tags":["a"," "]}}`, 400, "ArgumentInvalid", "serviceProperties.tags[1] is blank"},
		{"PUT", "/devices/d/serviceProperties", `{"properties":{"a":"` + strings.Repeat("x", 40_000) + `"}}`, 413, "MessageTooLarge", "device \\\"d\\\": the service properties have 40001 bytes, the limit is 32768"},
		{"PUT", "/devices/e/serviceProperties", `{}`, 404, "DeviceNotFound", "device \\\"e\\\" is not registered"},
		{"GET", "/devices/e", ``, 404, "DeviceNotFound", "device \\\"e\\\" is not registered"},
		{"GET", "/devices/D", ``, 404, "DeviceNotFound", "device \\\"D\\\" is not registered"},
		{"DELETE", "/devices/e", ``, 404, "DeviceNotFound", "device \\\"e\\\" is not registered"},
		{"GET", "/devices?top=0", ``, 400, "ArgumentInvalid", "top is \\\"0\\\", it must be 1 to 1000"},
		{"GET", "/devices?top=all", ``, 400, "ArgumentInvalid", "top is \\\"all\\\", it must be 1 to 1000"},
		{"POST", "/devices/query?tags=a&top=1001", ``, 400, "ArgumentInvalid", "top is \\\"1001\\\", it must be 1 to 1000"},
		{"POST", "/devices/query?tags=", ``, 400, "ArgumentInvalid", "query: tags: one of them is blank"},

		// jobs
		{"PUT", "/jobs/v2/j", `{}`, 400, "ArgumentNull", "jobParameters is missing"},
		{"PUT", "/jobs/v2/j", `{"jobId":"k"}`, 400, "ArgumentInvalid", "jobId is \\\"k\\\" in the body and \\\"j\\\" in the path"},
		{"PUT", "/jobs/v2/" + long, reboot, 400, "ArgumentInvalid", "the job id has 129 bytes, the limit is 128"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"explode","DeviceIds":["d"]}`), 400, "ArgumentInvalid", "jobType is \\\"explode\\\", it must be one of firmwareUpdate, rebootDevice, factoryResetDevice, updateDeviceConfiguration, readDeviceProperties, writeDeviceProperties"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"property","DeviceIds":["d"]}`), 400, "ArgumentInvalid", "jobType is \\\"property\\\", it must be one of firmwareUpdate, rebootDevice, factoryResetDevice, updateDeviceConfiguration, readDeviceProperties, writeDeviceProperties"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"rebootDevice"}`), 400, "ArgumentNull", "DeviceIds names no device"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"rebootDevice","DeviceIds":[]}`), 400, "ArgumentNull", "DeviceIds names no device"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"rebootDevice","DeviceIds":7}`), 400, "ArgumentInvalid", "DeviceIds is neither an array of device ids nor one id"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"rebootDevice","DeviceIds":["d",7]}`), 400, "ArgumentInvalid", "jobParameters.DeviceIds is of type number, which does not fit"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"rebootDevice","DeviceIds":["d"," "]}`), 400, "ArgumentInvalid", "DeviceIds[1] is blank"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"rebootDevice","DeviceIds":["d","e"]}`), 404, "DeviceNotFound", "device \\\"e\\\" is not registered"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"rebootDevice","DeviceIds":["d","d"]}`), 400, "ArgumentInvalid", "device \\\"d\\\" is named twice"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"firmwareUpdate","DeviceIds":["d"]}`), 400, "ArgumentNull", "PackageUri is missing"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"firmwareUpdate","DeviceIds":["d"],"PackageUri":"` + strings.Repeat("u", 256) + `"}`), 400, "ArgumentInvalid", "packageUri has 256 bytes, the limit is 255"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"firmwareUpdate","DeviceIds":["d"],"PackageUri":"u","Timeout":"00:00:59"}`), 400, "ArgumentInvalid", "Timeout is 00:00:59, it must be 1 minute to 1 day"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"firmwareUpdate","DeviceIds":["d"],"PackageUri":"u","Timeout":"1.00:00:01"}`), 400, "ArgumentInvalid", "Timeout is 1.00:00:01, it must be 1 minute to 1 day"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"firmwareUpdate","DeviceIds":["d"],"PackageUri":"u","Timeout":"soon"}`), 400, "ArgumentInvalid", "\\\"soon\\\" is not a time span such as 00:25:00 (hours, minutes, seconds, days and a dot before them)"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"firmwareUpdate","DeviceIds":["d"],"PackageUri":"u","Timeout":25}`), 400, "ArgumentInvalid", "a time span is a string such as \\\"00:25:00\\\""},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"updateDeviceConfiguration","DeviceIds":["d"],"Value":null}`), 400, "ArgumentNull", "Value is missing, it is a string and may be empty"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"readDeviceProperties","DeviceIds":["d"],"DevicePropertyNames":[]}`), 400, "ArgumentNull", "DevicePropertyNames names no property"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"readDeviceProperties","DeviceIds":["d"],"DevicePropertyNames":["Mood"]}`), 400, "ArgumentInvalid", "unknown device property \\\"Mood\\\""},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"writeDeviceProperties","DeviceIds":["d"],"DeviceProperties":{}}`), 400, "ArgumentNull", "DeviceProperties names no property"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"writeDeviceProperties","DeviceIds":["d"],"DeviceProperties":[1]}`), 400, "ArgumentInvalid", "DeviceProperties is of type array, it must be an object of names and values"},
		{"PUT", "/jobs/v2/j", job(`{"jobType":"writeDeviceProperties","DeviceIds":["d"],"DeviceProperties":{"Timezone":[]}}`), 400, "ArgumentInvalid", "property \\\"Timezone\\\": the value must be a string, a number or a boolean"},
		{"GET", "/jobs/v2/j", ``, 404, "JobNotFound", "no job \\\"j\\\""},
		{"DELETE", "/jobs/v2/j", ``, 404, "JobNotFound", "no job \\\"j\\\""},

		// queries
		{"POST", "/devices/query", ``, 400, "ArgumentNull", "the request has no body, {} asks for everything"},
		{"POST", "/devices/query", `{`, 400, "ArgumentInvalid", "query: not JSON: offset 1: the text ends, want a member's name in quotes"},
		{"POST", "/jobs/v2/query", `[]`, 400, "ArgumentInvalid", "query: $: is of type array, want an object"},
		{"POST", "/jobs/v2/query", `{"filter":{"type":"logical","logicalOperator":"xor"}}`, 400, "ArgumentInvalid", "query: $.filter.logicalOperator: is \\\"xor\\\", want one of and, or, not"},
		{"POST", "/jobs/v2/query", `{"filter":{"type":"logical","logicalOperator":"not","filters":[]}}`, 400, "ArgumentInvalid", "query: $.filter.filters: not takes exactly one filter, here are 0"},

		// paths
		{"GET", "/", ``, 404, "InvalidOperation", "there is nothing at \\\"/\\\""},
		{"GET", "/nothing", ``, 404, "InvalidOperation", "there is nothing at \\\"/nothing\\\""},
		{"GET", "/devices/%2e%2e/jobs/v2", ``, 404, "InvalidOperation", "there is nothing at \\\"/devices/../jobs/v2\\\""},
		{"GET", "/devices/../jobs/v2", ``, 404, "InvalidOperation", "there is nothing at \\\"/devices/../jobs/v2\\\""},
		{"GET", "/devices/%2e%2e", ``, 404, "DeviceNotFound", "device \\\"..\\\" is not registered"},
		{"GET", "/devices/%00", ``, 400, "ArgumentInvalid", "path: it holds a control character"},
		{"GET", "/devices/a%0d%0aX:y", ``, 400, "ArgumentInvalid", "path: it holds a control character"},
		{"GET", "/devices//", ``, 404, "InvalidOperation", "there is nothing at \\\"/devices//\\\""},
		{"GET", "//devices/d", ``, 404, "InvalidOperation", "there is nothing at \\\"//devices/d\\\""},
		{"PATCH", "/devices/d", `{}`, 405, "InvalidOperation", "PATCH is not for \\\"/devices/d\\\", only PUT, GET, DELETE"},
		{"HEAD", "/statistics/devices", ``, 405, "InvalidOperation", "HEAD is not for \\\"/statistics/devices\\\", only GET"},

		// versions
		{"GET", "/devices/d?api-version=", ``, 400, "InvalidProtocolVersion", "the request has no api-version, add ?api-version=2016-04-25-preview"},
		{"GET", "/devices/d?api-version=latest", ``, 400, "InvalidProtocolVersion", "api-version \\\"latest\\\" is not a date such as 2016-04-25-preview"},
		{"GET", "/devices/d?api-version=2015-08-15", ``, 400, "InvalidProtocolVersion", "api-version 2015-08-15 is not known, the preview's are 2016-02-03, 2016-04-25-preview, 2016-04-30"},
		{"GET", "/devices/d?api-version=2021-04-12", ``, 501, "InvalidOperation", "api-version 2021-04-12 is not built yet, this hub speaks the device management preview, api-version 2016-04-25-preview"},
		{"GET", "/devices/d?api-version=2016-09-30-preview", ``, 501, "InvalidOperation", "api-version 2016-09-30-preview is not built yet, this hub speaks the device management preview, api-version 2016-04-25-preview"},
		{"GET", "/devices/d?%zz&api-version=2016-04-30", ``, 400, "ArgumentInvalid", "query string: invalid URL escape \\\"%zz\\\""},
	} {
		res := h.raw(x.method, x.target, x.body, "Authorization", h.token("iothubowner"))
		want := `{"Message":"ErrorCode:` + x.code + `;\"` + x.text + `\""}`
		if res.Code != x.status || res.Body.String() != want || res.Header().Get("iothub-errorcode") != x.code {
			t.Errorf("%s %.80s %.120s\n got %d %s\nwant %d %s", x.method, x.target, x.body, res.Code, res.Body, x.status, want)
		}
		e := iothub.ParseError(res.Code, res.Body.Bytes())
		if _, ok := iothub.FindErrorCode(e.Code); e.Code != x.code || !ok || e.Text == "" {
			t.Errorf("ParseError of %s: %+v", res.Body, e)
		}
	}
	h.want(200, `{"totalDeviceCount":1,"enabledDeviceCount":1,"disabledDeviceCount":0}`, "GET", "/statistics/devices", "")
	if code, body := h.ask("GET", "/jobs/v2", ""); body != "[]" {
		t.Errorf("GET /jobs/v2: %d %s; want no job", code, body)
	}
}

// TestVersions has what each api-version of the preview is answered with, and
// that parameters come in any order and letter case.
func TestVersions(t *testing.T) {
	h := openHouse(t, nil)
	for _, q := range []string{
		"api-version=2016-02-03", "api-version=2016-04-25-preview", "api-version=2016-04-30", "API-Version=2016-04-30",
		"top=5&api-version=2016-04-30", "api-version=2016-04-30&top=5",
	} {
		if code, body := h.ask("GET", "/devices?x=api-version&"+q, ""); code != 200 || body != "[]" {
			t.Errorf("%s: %d %s", q, code, body)
		}
	}
}

// vectors are the signatures of the SDKs. [Azure IoT Hub device management
// preview: SAS]
func TestTokens(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	for _, x := range []struct {
		host, sr, se, sig string
		path              string
	}{
		{"localhost", "localhost", "1462000000", "uv4cYRkbC7KiwfYA4BURgL2a6JUJ27zZOW2LG8XpJNo=", "/devices"},
		{"dmhub.azure-devices.net", "dmhub.azure-devices.net", "1462000000", "KuWf2VRHaopYnYldYPp9PoFsXlB4Vyhk1EgrdzLK5iw=", "/jobs/v2"},
		{"dmhub.azure-devices.net", "dmhub.azure-devices.net%2fdevices%2fDevice11-7ce4a850", "1462000000", "+8Pjlq+UhInmbJkeYf/5phmywo4rvbJC9yt7XERZ2u8=", "/devices/Device11-7ce4a850"},
	} {
		h := openHouse(t, func(c *iothub.HandlerConfig) {
			c.Hosts = []string{"other.test", x.host}
			c.Policies = []iothub.Policy{{Name: "iothubowner", Primary: bytes.Repeat([]byte{9}, 16), Secondary: []byte(key), Rights: iothub.AllRights}}
		})
		h.now = time.Unix(1462000000, 0)
		for _, form := range []string{ // Node, C#, a plus that is not escaped, and lower-case escapes
			"sr=" + x.sr + "&sig=" + sas.Encode(x.sig) + "&skn=iothubowner&se=" + x.se,
			"sr=" + x.sr + "&sig=" + sas.Encode(x.sig) + "&se=" + x.se + "&skn=iothubowner",
			"sr=" + x.sr + "&sig=" + x.sig + "&se=" + x.se + "&skn=iothubowner",
			"sr=" + x.sr + "&sig=" + lowerEscapes(sas.Encode(x.sig)) + "&skn=IotHubOwner&se=" + x.se,
		} {
			res := h.raw("GET", x.path, "", "Authorization", "SharedAccessSignature "+form)
			if res.Code == 401 {
				t.Errorf("%s: %s", form, res.Body)
			}
			if res := h.raw("GET", "/statistics/devices", "", "Authorization", "SharedAccessSignature "+form); strings.Contains(x.sr, "%2f") != (res.Code == 401) {
				t.Errorf("%s over /statistics/devices: %d %s", form, res.Code, res.Body)
			}
		}
	}
}

// TestUnauthorized has tokens that are refused, and why.
func TestUnauthorized(t *testing.T) {
	var log bytes.Buffer
	h := openHouse(t, func(c *iothub.HandlerConfig) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	owner := h.policies[0]
	now := sim.Date(h.now.Unix())
	good := owner.Token(restHost, now+60)
	second := sas.Sign(restHost, owner.Secondary, now+60, "iothubowner")
	flip := func(s string) string { return strings.Replace(s, "&sig=", "&sig=A", 1) }
	const notSigned = "the token's signature is not one of the policy's keys'"
	for _, x := range []struct {
		name, token string
		text        string // "": accepted
	}{
		{"primary key", good, ""},
		{"secondary key", second, ""},
		{"scheme in small letters", strings.Replace(good, "SharedAccessSignature", "sharedaccesssignature", 1), ""},
		{"one second before the skew ends", owner.Token(restHost, now-299), ""},
		{"when the skew ends", owner.Token(restHost, now-300), "the token expired at 2016-05-01T09:55:00Z, and here it is 2016-05-01T10:00:00Z, sign a new one, by a clock that is right"},
		{"long expired", owner.Token(restHost, 12345), "the token expired at 1970-01-01T03:25:45Z, and here it is 2016-05-01T10:00:00Z, sign a new one, by a clock that is right"},
		{"another hub", owner.Token("other.test", now+60), "the token is for another hub or resource, this hub is localhost"},
		{"another resource", sas.Sign("localhost%2Fjobs", owner.Primary, now+60, "iothubowner"), "the token is for another hub or resource, this hub is localhost"},
		{"the beginning of a name", sas.Sign("localhost%2Fdev", owner.Primary, now+60, "iothubowner"), "the token is for another hub or resource, this hub is localhost"},
		{"the resource", sas.Sign("localhost%2FDEVICES", owner.Primary, now+60, "iothubowner"), ""},
		{"with a port", owner.Token("localhost:8443", now+60), ""},
		{"unknown policy", sas.Sign(restHost, owner.Primary, now+60, "nobody"), notSigned},
		{"unknown policy, the decoy's key", sas.Sign(restHost, make([]byte, 32), now+60, "nobody"), notSigned},
		{"a device's token", sas.Sign(restHost, owner.Primary, now+60, ""), notSigned},
		{"another policy's key", sas.Sign(restHost, h.policies[1].Primary, now+60, "iothubowner"), notSigned},
		{"expiry forged", strings.Replace(good, "&se=", "&se=9", 1), notSigned},
		{"resource forged", strings.Replace(good, "sr=localhost", "sr=LOCALHOST", 1), notSigned},
		{"signature forged", flip(good), "shared access signature: sig is not the base64 text of 32 bytes"},
		{"no signature", "SharedAccessSignature sr=localhost&se=9999999999&skn=iothubowner", "shared access signature: sig is missing"},
		{"two resources", good + "&sr=localhost", "shared access signature: sr is there twice"},
		{"another scheme", "Bearer abc", "shared access signature: must begin with `SharedAccessSignature `"},
		{"too long", good + strings.Repeat(" ", 5000), "shared access signature: "},
		{"none", "", "send one header Authorization with a shared access signature"},
	} {
		var headers []string
		if x.token != "" {
			headers = []string{"Authorization", x.token}
		}
		res := h.raw("GET", "/devices", "", headers...)
		if x.text == "" {
			if res.Code != 200 {
				t.Errorf("%s: %d %s", x.name, res.Code, res.Body)
			}
			continue
		}
		e := iothub.ParseError(res.Code, res.Body.Bytes())
		if e.Status != 401 || e.Code != "IotHubUnauthorized" || !strings.HasPrefix(e.Text, x.text) || e.Text != x.text && x.name != "too long" {
			t.Errorf("%s: %d %s; want 401 IotHubUnauthorized %s", x.name, res.Code, res.Body, x.text)
		}
	}
	for _, secret := range []string{"SharedAccessSignature", "sig=", "AQEB"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %s:\n%s", secret, &log)
		}
	}
	if !strings.Contains(log.String(), "IotHubUnauthorized") {
		t.Errorf("the log does not say what was refused:\n%s", &log)
	}
}

// TestRights has which policy may do what.
func TestRights(t *testing.T) {
	h := openHouse(t, nil)
	h.ask("PUT", "/devices/d", `{}`)
	for _, x := range []struct {
		method, target, body string
		read                 bool // the right to read is enough
	}{
		{"GET", "/devices/d", "", true},
		{"GET", "/devices", "", true},
		{"POST", "/devices/query", "{}", true},
		{"POST", "/devices/query?tags=a&top=1", "", true},
		{"GET", "/statistics/devices", "", true},
		{"PUT", "/jobs/v2/j", reboot, false},
		{"GET", "/jobs/v2/j", "", true},
		{"GET", "/jobs/v2", "", true},
		{"POST", "/jobs/v2/query", "{}", true},
		{"DELETE", "/jobs/v2/j", "", false},
		{"PUT", "/devices/d/serviceProperties", "{}", false},
		{"PUT", "/devices/e", "{}", false},
		{"DELETE", "/devices/d", "", false},
	} {
		for _, policy := range []string{"service", "device", "registryRead", "registryReadWrite"} {
			res := h.raw(x.method, x.target, x.body, "Authorization", h.token(policy))
			allowed := policy == "registryReadWrite" || policy == "registryRead" && x.read
			if allowed != (res.Code < 300) {
				t.Errorf("%s %s by %s: %d %s", x.method, x.target, policy, res.Code, res.Body)
			}
			if e := iothub.ParseError(res.Code, res.Body.Bytes()); !allowed && (e.Status != http.StatusUnauthorized || e.Code != "IotHubUnauthorizedAccess") {
				t.Errorf("%s %s by %s: %v", x.method, x.target, policy, e)
			}
		}
	}
}

// TestStrict has a job id that is in use refused.
func TestStrict(t *testing.T) {
	h := openHouse(t, func(c *iothub.HandlerConfig) { c.Strict = true })
	h.ask("PUT", "/devices/d", `{}`)
	if code, body := h.ask("PUT", "/jobs/v2/j", reboot); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	h.want(412, message("PreconditionFailed", `job "j" exists`), "PUT", "/jobs/v2/j", reboot)
	h.advance(time.Minute)
	h.want(412, message("PreconditionFailed", `job "j" exists`), "PUT", "/jobs/v2/j", reboot)
}

// TestReadOnly: a property that can only be read is written in a job whose
// child fails with the device's refusal.
func TestReadOnly(t *testing.T) {
	h := openHouse(t, nil)
	h.six()
	h.ask("PUT", "/jobs/v2/j", `{"jobParameters":{"jobType":"writeDeviceProperties","DeviceIds":"Device11-7ce4a850","DeviceProperties":{"batterylevel":5}}}`)
	h.advance(time.Minute)
	_, body := h.ask("POST", "/jobs/v2/query", `{"project":{"properties":[{"name":"status"},{"name":"failureReason"}]},"sort":{"property":{"name":"parentJobId"}}}`)
	for _, want := range []string{`"status":"failed"`, "device refused (4.05) while writing: BatteryLevel", `"failureReason":"1 of 1 devices failed","jobId":"j","status":"completed"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s\nwant %s in it", body, want)
		}
	}
}

// TestSetClock: a device's clock is set to seconds since 1970, or to a time as
// the SDK for C# writes one; the device refuses what is neither.
func TestSetClock(t *testing.T) {
	const refused = "device refused (4.00) while writing: CurrentTime"
	for _, x := range []struct{ value, want string }{
		{`1462096800`, "2016-05-01T10:00"},
		{`"1462096800"`, "2016-05-01T10:00"},
		{`"2016-05-01T10:00:00"`, "2016-05-01T10:00"},
		{`"2016-05-01T10:00:00.1234567Z"`, "2016-05-01T10:00"},
		{`"2016-05-01T12:00:00+02:00"`, "2016-05-01T10:00"},
		{`"10:00"`, refused},
		{`""`, refused},
		{`"Tuesday"`, refused},
	} {
		h := openHouse(t, nil)
		h.six()
		h.ask("PUT", "/jobs/v2/w", `{"jobParameters":{"jobType":"writeDeviceProperties","DeviceIds":"Device11-7ce4a850","DeviceProperties":{"currentTime":`+x.value+`}}}`)
		h.advance(time.Second)
		h.ask("PUT", "/jobs/v2/r", `{"jobParameters":{"jobType":"readDeviceProperties","DeviceIds":"Device11-7ce4a850","DevicePropertyNames":["CurrentTime"]}}`)
		h.advance(time.Second)
		_, jobs := h.ask("POST", "/jobs/v2/query", `{}`)
		if got := strings.Contains(jobs, refused); got != (x.want == refused) {
			t.Errorf("CurrentTime %s: the jobs are %s; want %s", x.value, jobs, x.want)
			continue
		}
		_, device := h.ask("GET", "/devices/Device11-7ce4a850", "")
		if _, now, _ := strings.Cut(device, `"CurrentTime":{"value":"`); x.want != refused && !strings.HasPrefix(now, x.want) {
			t.Errorf("CurrentTime %s: the clock is %.30s; want %s", x.value, now, x.want)
		}
	}
}
