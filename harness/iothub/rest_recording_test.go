package iothub_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/sas"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the answers of testdata/rest anew")

// TestRecordings replays what the SDKs of 2016 send, byte for byte, over a TLS
// socket, and holds every header of note and every member of the answers
// against what is written. The hub is in virtual time, so that ids and times
// are the same in every run.
//
// A recording has lines that begin with `#` (remarks), `=` (time goes on), `>`
// (the request) and `<` (the answer). Where the head says chunked, the body is
// sent in chunks; {node} and {csharp} stand for the owner's token as these
// SDKs write it, {policy} for that of a policy, {uri} for a package's address.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/rest/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) { replay(t, name) })
	}
}

func replay(t *testing.T, name string) {
	h := openHouse(t, nil)
	s := httptest.NewUnstartedServer(h.handler)
	s.Config = iothub.NewServer(h.handler, 0)
	s.StartTLS()
	defer s.Close()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, h: h, addr: s.Listener.Addr().String()}
	defer p.hangUp()
	var want, got []string
	var request []string
	flush := func() {
		if request == nil {
			return
		}
		got = append(got, p.play(request)...)
		request = nil
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		want = append(want, line)
		if strings.HasPrefix(line, "<") {
			continue
		}
		if !strings.HasPrefix(line, ">") {
			flush()
			got = append(got, line)
			if d, ok := strings.CutPrefix(line, "= "); ok {
				p.direct(d)
			}
			continue
		}
		got = append(got, line)
		request = append(request, strings.TrimPrefix(strings.TrimPrefix(line, ">"), " "))
	}
	flush()
	if *update {
		if err := os.WriteFile(name, []byte(strings.Join(got, "\n")+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// player sends requests over one connection as long as the server keeps it.
type player struct {
	t    *testing.T
	h    *house
	addr string
	uri  string
	conn *tls.Conn
	in   *bufio.Reader
}

func (p *player) hangUp() {
	if p.conn != nil {
		p.conn.Close()
		p.conn = nil
	}
}

// direct carries out a directive.
func (p *player) direct(s string) {
	word, rest, _ := strings.Cut(s, " ")
	switch word {
	case "six":
		p.uri = p.h.six()
	case "advance":
		d, err := time.ParseDuration(rest)
		if err != nil {
			p.t.Fatal(err)
		}
		p.h.advance(d)
	default:
		p.t.Fatalf("unknown directive %q", s)
	}
}

// node writes a token as the Node SDK does: sr as it is, skn before se.
func node(token string) string {
	head, tail, _ := strings.Cut(token, "&se=")
	se, skn, _ := strings.Cut(tail, "&skn=")
	return head + "&skn=" + skn + "&se=" + se
}

// csharp signs as the C# SDK does: escapes in lower case.
func (p *player) csharp() string {
	return lowerEscapes(sas.Sign(restHost, p.h.policies[0].Primary, sim.Date(p.h.now.Unix()+3600), "iothubowner"))
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// play sends one request and returns the lines of its answer.
func (p *player) play(lines []string) []string {
	p.t.Helper()
	pairs := []string{"{node}", node(p.h.token("iothubowner")), "{csharp}", p.csharp(), "{uri}", p.uri}
	for _, policy := range p.h.policies {
		pairs = append(pairs, "{"+policy.Name+"}", p.h.token(policy.Name))
	}
	r := strings.NewReplacer(pairs...)
	var head, body strings.Builder
	chunked, inBody := false, false
	for _, l := range lines {
		l = r.Replace(l)
		switch {
		case inBody:
			body.WriteString(l)
		case l == "":
			inBody = true
		default:
			head.WriteString(l + "\r\n")
			chunked = chunked || strings.EqualFold(l, "Transfer-Encoding: chunked")
		}
	}
	message := head.String() + "\r\n" + body.String()
	if chunked {
		message = head.String() + "\r\n"
		for piece := range slices.Chunk([]byte(body.String()), 100) {
			message += fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
		}
		message += "0\r\n\r\n"
	}
	if p.conn == nil {
		conn, err := tls.Dial("tcp", p.addr, &tls.Config{InsecureSkipVerify: true}) // httptest's certificate is for other names
		if err != nil {
			p.t.Fatal(err)
		}
		p.conn, p.in = conn, bufio.NewReader(conn)
	}
	if _, err := io.WriteString(p.conn, message); err != nil {
		p.t.Fatal(err)
	}
	method, _, _ := strings.Cut(message, " ")
	res, err := http.ReadResponse(p.in, &http.Request{Method: method})
	if err != nil {
		p.t.Fatalf("%s: %v", strings.SplitN(message, "\r\n", 2)[0], err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if res.Close {
		p.hangUp()
	}
	answer := []string{"< " + res.Status}
	for _, name := range []string{"Content-Type", "Etag", "Iothub-Errorcode", "Allow", "Connection"} {
		for _, v := range res.Header.Values(name) {
			answer = append(answer, "< "+name+": "+v)
		}
	}
	if len(b) == 0 {
		return answer
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(strings.ReplaceAll(string(b), p.orNothing(), "{uri}")), "", "  "); err != nil {
		pretty.Reset()
		pretty.Write(b)
	}
	answer = append(answer, "<")
	for l := range strings.Lines(pretty.String()) {
		answer = append(answer, "< "+strings.TrimSuffix(l, "\n"))
	}
	return answer
}

// orNothing is the package's address, or what is in no answer.
func (p *player) orNothing() string {
	if p.uri == "" {
		return "\x00"
	}
	return p.uri
}
