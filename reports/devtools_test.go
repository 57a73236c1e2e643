package reports

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/require"
)

// browser is a headless Chromium driven over a pair of pipes: JSON messages,
// each ended by a zero byte. Nothing listens on a port. [Chrome DevTools
// Protocol: "--remote-debugging-pipe"]
type browser struct {
	t    testing.TB
	in   io.Writer
	mu   sync.Mutex // guards what is below
	next int
	open map[int]chan message
	seen []message
	more chan struct{} // closed and made anew when an event came
	gone bool
}

type message struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// browserWait bounds every answer; a busy machine takes seconds to start one.
const browserWait = 60 * time.Second

// openBrowser starts a browser of its own for the test; it has never run
// before and knows nobody.
func openBrowser(t testing.TB) *browser {
	t.Helper()
	path := require.Tool(t, "browser", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
	toIt, in, err1 := os.Pipe()
	out, fromIt, err2 := os.Pipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	profile, err := os.MkdirTemp("", "flotilla-browser-")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--no-default-browser-check",
		"--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	c.ExtraFiles = []*os.File{toIt, fromIt} // descriptors 3 and 4
	var complaints bytes.Buffer
	c.Stderr = &complaints
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	toIt.Close()
	fromIt.Close()
	b := &browser{t: t, in: in, open: make(map[int]chan message), more: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.read(out)
	}()
	t.Cleanup(func() {
		b.mu.Lock()
		gone := b.gone
		b.mu.Unlock()
		if gone {
			t.Logf("the browser said:\n%s", complaints.String())
		}
		b.call("", "Browser.close", nil)
		in.Close()
		killer := time.AfterFunc(browserWait, func() { c.Process.Kill() })
		c.Wait()
		killer.Stop()
		out.Close()
		<-done
		os.RemoveAll(profile)
	})
	return b
}

// read takes messages until the browser ends.
func (b *browser) read(out io.Reader) {
	r := bufio.NewReaderSize(out, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		var m message
		if err == nil {
			err = json.Unmarshal(text[:len(text)-1], &m)
		}
		b.mu.Lock()
		switch {
		case err != nil:
			b.gone = true
			for id, c := range b.open {
				close(c)
				delete(b.open, id)
			}
		case m.ID != 0:
			if c := b.open[m.ID]; c != nil {
				c <- m
				delete(b.open, m.ID)
			}
		default:
			b.seen = append(b.seen, m)
		}
		close(b.more)
		b.more = make(chan struct{})
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// try sends a command and returns its result.
func (b *browser) try(session, method string, params any) (json.RawMessage, error) {
	if params == nil {
		params = struct{}{}
	}
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	if b.gone {
		b.mu.Unlock()
		return nil, fmt.Errorf("%s: the browser has ended", method)
	}
	b.next++
	id := b.next
	b.open[id] = answer
	b.mu.Unlock()
	text, err := json.Marshal(message{ID: id, SessionID: session, Method: method, Params: raw})
	if err != nil {
		return nil, err
	}
	if _, err := b.in.Write(append(text, 0)); err != nil {
		return nil, err
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: the browser has ended", method)
		case m.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	case <-time.After(browserWait):
		return nil, fmt.Errorf("%s: no answer within %s", method, browserWait)
	}
}

func (b *browser) call(session, method string, params any) json.RawMessage {
	b.t.Helper()
	r, err := b.try(session, method, params)
	if err != nil && method != "Browser.close" {
		b.t.Fatal(err)
	}
	return r
}

// tab is one page.
type tab struct {
	*browser
	target, session string
}

// newTab opens an empty page and asks to be told what happens in it.
func (b *browser) newTab() *tab {
	b.t.Helper()
	var target struct{ TargetID string }
	b.decode(b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	var attached struct{ SessionID string }
	b.decode(b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &attached)
	t := &tab{b, target.TargetID, attached.SessionID}
	for _, domain := range []string{"Page", "Runtime", "Log", "Network", "Security"} {
		t.do(domain+".enable", nil)
	}
	return t
}

// close closes the page; what it said stays known.
func (t *tab) close() {
	t.t.Helper()
	t.call("", "Target.closeTarget", map[string]any{"targetId": t.target})
}

func (t *tab) do(method string, params any) json.RawMessage {
	t.t.Helper()
	return t.call(t.session, method, params)
}

func (b *browser) decode(raw json.RawMessage, into any) {
	b.t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		b.t.Fatalf("%s: %v", raw, err)
	}
}

// load opens an address and waits until all of it is there.
func (t *tab) load(url string) {
	t.t.Helper()
	from := t.events("Page.loadEventFired")
	var answer struct{ ErrorText string }
	t.decode(t.do("Page.navigate", map[string]any{"url": url}), &answer)
	if answer.ErrorText != "" {
		t.t.Fatalf("%s: %s", url, answer.ErrorText)
	}
	late := time.After(browserWait)
	for {
		t.mu.Lock()
		more := t.more
		t.mu.Unlock()
		if len(t.events("Page.loadEventFired")) > len(from) {
			return
		}
		select {
		case <-more:
		case <-late:
			t.t.Fatalf("%s: not loaded within %s", url, browserWait)
		}
	}
}

// events are what the tab said of one kind so far.
func (t *tab) events(methods ...string) []message {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []message
	for _, m := range t.seen {
		for _, method := range methods {
			if m.SessionID == t.session && m.Method == method {
				list = append(list, m)
			}
		}
	}
	return list
}

// eval evaluates an expression in the page.
func (t *tab) eval(expression string, into any) {
	t.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	t.decode(t.do("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}), &r)
	if r.ExceptionDetails != nil {
		t.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	t.decode(r.Result.Value, into)
}

// size makes the window so wide and high, in CSS pixels.
func (t *tab) size(width, height int) {
	t.t.Helper()
	t.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}

// prefer sets the colour scheme and the medium.
func (t *tab) prefer(scheme, medium string) {
	t.t.Helper()
	t.do("Emulation.setEmulatedMedia", map[string]any{"media": medium, "features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
}

// shots are pictures of the whole page, from top to bottom, none of them
// higher than is good to look at.
func (t *tab) shots(width int) [][]byte {
	t.t.Helper()
	const high = 1400
	var height int
	t.eval(`document.documentElement.scrollHeight`, &height)
	var list [][]byte
	for y := 0; y < height; y += high {
		var r struct{ Data []byte }
		t.decode(t.do("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true,
			"clip": map[string]int{"x": 0, "y": y, "width": width, "height": min(high, height-y), "scale": 1}}), &r)
		list = append(list, r.Data)
	}
	return list
}
