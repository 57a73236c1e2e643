package iothub_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
)

// serve serves the house on loopback and returns the address.
func (h *house) serve(conns int, change func(*http.Server)) string {
	h.t.Helper()
	s := iothub.NewServer(h.handler, conns)
	if change != nil {
		change(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l)
	}()
	h.t.Cleanup(func() {
		s.Close()
		<-done
	})
	return l.Addr().String()
}

// link is one connection to a server.
type link struct {
	t testing.TB
	net.Conn
	in *bufio.Reader
}

func dial(t testing.TB, addr string) *link {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute)) // bounds a hang
	return &link{t, c, bufio.NewReader(c)}
}

func (l *link) say(text string) {
	l.t.Helper()
	if _, err := io.WriteString(l, text); err != nil {
		l.t.Fatal(err)
	}
}

// hears reads an answer and compares it: its status, its code, and whether the
// connection ends.
func (l *link) hears(status int, code string, ends bool) {
	l.t.Helper()
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		l.t.Fatalf("%v; want status %d", err, status)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	if got := res.Header.Get(iothub.ErrorHeader); res.StatusCode != status || got != code || res.Close != ends {
		l.t.Fatalf("%d %s %s, ends: %t; want %d %s, ends: %t", res.StatusCode, got, b, res.Close, status, code, ends)
	}
}

// ended says whether the server has closed the connection.
func (l *link) ended() bool {
	_, err := l.in.ReadByte()
	return err != nil
}

func (h *house) head(method, target string, headers ...string) string {
	sep := "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	s := fmt.Sprintf("%s %s%s%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: %s\r\n", method, target, sep, version, h.token("iothubowner"))
	for _, x := range headers {
		s += x + "\r\n"
	}
	return s + "\r\n"
}

// TestBodies has bodies as they should not be sent; each time the next request
// is answered, on the same connection or another.
func TestBodies(t *testing.T) {
	h := openHouse(t, nil)
	addr := h.serve(0, func(s *http.Server) { s.ReadTimeout = 500 * time.Millisecond })
	big := strings.Repeat("x", iothub.MaxBody+1)
	for _, x := range []struct {
		name, text string
		status     int
		code       string
		ends       bool
	}{
		{"in order", h.head("PUT", "/devices/a", "Content-Length: 2") + "{}", 200, "", false},
		{"in order, expected", h.head("PUT", "/devices/b", "Content-Length: 2", "Expect: 100-continue") + "{}", 100, "", false},
		{"too long, as announced", h.head("PUT", "/devices/c", fmt.Sprint("Content-Length: ", len(big))) + big, 413, "MessageTooLarge", true},
		{"too long, in chunks", h.head("PUT", "/devices/c", "Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(big), big), 413, "MessageTooLarge", true},
		{"compressed", h.head("PUT", "/devices/c", "Content-Length: 2", "Content-Encoding: gzip") + "{}", 415, "ArgumentInvalid", false},
		{"a chunk that is none", h.head("PUT", "/devices/c", "Transfer-Encoding: chunked") + "zz\r\n{}\r\n0\r\n\r\n", 400, "IotHubFormatError", true},
		{"never comes", h.head("PUT", "/devices/c", "Content-Length: 2"), 408, "IotHubFormatError", true},
		{"stops in the middle", h.head("PUT", "/devices/c", "Transfer-Encoding: chunked") + "2\r\n{}\r\n", 408, "IotHubFormatError", true},
		{"ends early though its characters are fewer than its bytes", h.head("PUT", "/devices/c", "Content-Length: 8") + `{"é":1`, 408, "IotHubFormatError", true},
		{"no head", "GET / HTTP/1.1\r\nHost", 0, "", true},
		{"an escape that is none", h.head("GET", "/devices/%zz"), 400, "", true},
		{"no host", strings.Replace(h.head("GET", "/devices/a"), "Host: localhost\r\n", "", 1), 400, "", true},
		{"two lengths", h.head("PUT", "/devices/c", "Content-Length: 2", "Content-Length: 3") + "{} ", 400, "", true},
		{"too long a head", h.head("GET", "/devices/a", "X: "+strings.Repeat("x", 64<<10)), 431, "", true},
		{"two tokens", h.head("GET", "/devices/a", "Authorization: "+h.token("iothubowner")), 401, "IotHubUnauthorized", false},
	} {
		t.Run(x.name, func(t *testing.T) {
			l := dial(t, addr)
			go io.WriteString(l, x.text) // the server may answer before it has read all of it
			if x.status > 0 {
				l.hears(x.status, x.code, x.ends)
			}
			if x.status == 100 {
				l.hears(200, "", false)
			}
			if x.ends {
				l = dial(t, addr)
			}
			l.say(h.head("GET", "/devices/a"))
			l.hears(200, "", false)
		})
	}
	if code, body := h.ask("GET", "/devices/c", ""); code != 404 {
		t.Errorf("a device of a refused body: %d %s", code, body)
	}
}

// TestMiscounted: a body whose length was counted in characters is read to its
// end, wherever the packets are cut, and nothing of it is taken for a request.
func TestMiscounted(t *testing.T) {
	h := openHouse(t, nil)
	addr := h.serve(0, nil)
	h.ask("PUT", "/devices/a", `{}`)
	for _, x := range []struct {
		body  string
		units int
	}{
		{`{"properties":{"é":"ü"}}`, 24},
		{`{"properties":{"a":"😀😀"}}`, 27},
		{`{"properties":{"€":"€€€€€€€€€€"}}`, 33},
	} {
		for cut := 1; cut < len(x.body); cut += 3 {
			l := dial(t, addr)
			l.say(h.head("PUT", "/devices/a/serviceProperties", fmt.Sprint("Content-Length: ", x.units)) + x.body[:cut])
			l.say(x.body[cut:])
			l.hears(200, "", true)
			if !l.ended() {
				t.Fatal("the connection goes on")
			}
			_, got := h.ask("GET", "/devices/a", "")
			want := strings.TrimSuffix(x.body[1:], "}")
			if !strings.Contains(got, want) {
				t.Fatalf("%s, cut at %d:\n%s", x.body, cut, got)
			}
		}
	}
}

// TestQuietConnections: at the limit, a new connection takes the place of the
// one that has been quiet for longest; one that waits for its answer stays.
func TestQuietConnections(t *testing.T) {
	h := openHouse(t, nil)
	became := map[http.ConnState]chan struct{}{http.StateActive: make(chan struct{}, 200), http.StateIdle: make(chan struct{}, 200)}
	addr := h.serve(3, func(s *http.Server) {
		state := s.ConnState
		s.ConnState = func(c net.Conn, to http.ConnState) {
			state(c, to)
			if told := became[to]; told != nil {
				told <- struct{}{}
			}
		}
	})
	h.ask("PUT", "/devices/a", `{}`)
	busy := dial(t, addr)
	busy.say(h.head("PUT", "/devices/b", "Content-Length: 2") + "{") // not all of it
	<-became[http.StateActive]
	quiet := []*link{dial(t, addr), dial(t, addr)}
	for _, l := range quiet { // in this order
		l.say(h.head("GET", "/devices/a"))
		l.hears(200, "", false)
		<-became[http.StateIdle] // which is after the answer
	}
	next := dial(t, addr)
	next.say(h.head("GET", "/devices/a"))
	next.hears(200, "", false)
	if !quiet[0].ended() {
		t.Fatal("the one that is quiet for longest is still there")
	}
	quiet[1].say(h.head("GET", "/devices/a"))
	quiet[1].hears(200, "", false)
	busy.say("}")
	busy.hears(200, "", false)
	for range 100 { // that say nothing at all
		dial(t, addr)
	}
	last := dial(t, addr)
	last.say(h.head("GET", "/devices/a"))
	last.hears(200, "", false)
}

// FuzzRequest sends bodies and targets of any form to every endpoint: each is
// answered with a document, with an error that can be taken apart, or with
// nothing, and never with a status of 500 and above but 501.
func FuzzRequest(f *testing.F) {
	for _, b := range []string{
		`{}`, `{"deviceId":"a","status":"Disabled","authentication":{"symmetricKey":{"primaryKey":"MDEyMzQ1Njc4OWFiY2RlZg==","secondaryKey":"MDEyMzQ1Njc4OWFiY2RlZg=="}},"serviceProperties":{"etag":null,"properties":{"a":[1,null]},"tags":["x"]}}`,
		`{"jobId":"j","jobParameters":{"DeviceIds":"d","PackageUri":"http://x","Timeout":"00:60:00","jobType":"firmwareUpdate"}}`,
		`{"jobParameters":{"deviceproperties":{"timezone":"PST"},"DEVICEIDS":["d"],"jobtype":"WriteDeviceProperties"}}`,
		`{"aggregate":{"keys":[{"name":"Type"}],"properties":[{"operator":"count","columnName":"n"}]},"sort":[]}`,
		`{"filter":{"type":"comparison","property":{"name":"parentJobId"},"value":"j","comparisonOperator":"eq"}}`,
	} {
		for i, target := range []string{"/devices/e", "/jobs/v2/j", "/jobs/v2/query", "/devices/query", "/devices/d/serviceProperties"} {
			f.Add(uint8(i), target, []byte(b))
		}
	}
	f.Add(uint8(0), "/devices/%2e%2e%00/../x?tags=%zz", []byte("\xff"))
	h := openHouse(f, nil)
	h.ask("PUT", "/devices/d", `{}`)
	token := h.token("iothubowner")
	methods := [...]string{"PUT", "POST", "GET", "DELETE"}
	f.Fuzz(func(t *testing.T, method uint8, target string, body []byte) {
		h.t = t
		req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(methods[method%4] + " " + target + "?" + version + " HTTP/1.1\r\nHost: localhost\r\n\r\n")))
		if err != nil {
			t.Skip("not a request")
		}
		req.Header.Set("Authorization", token)
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		w := newRecorder()
		h.handler.ServeHTTP(w, req)
		h.advance(time.Second)
		switch {
		case w.status >= 500 && w.status != 501:
			t.Fatalf("%d %s", w.status, &w.body)
		case w.status >= 400:
			e := iothub.ParseError(w.status, w.body.Bytes())
			if _, known := iothub.FindErrorCode(e.Code); !known || e.Text == "" || strings.ContainsAny(e.Text, ";\n") {
				t.Fatalf("%d %s", w.status, &w.body)
			}
		case w.status == 200 && !validJSON(w.body.Bytes()):
			t.Fatalf("%q is not JSON", &w.body)
		}
	})
}
