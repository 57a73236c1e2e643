package reports

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	shots = flag.String("shots", "", "folder for pictures of the pages that TestPageInBrowser opens")
	pages = flag.String("pages", "", "more pages to open, as paths with commas between them")
)

// widths are those of a phone, a small window and a desk, in CSS pixels.
var widths = []int{400, 900, 1440}

// TestPageInBrowser opens every page in a real browser: no error and no
// warning in its console, no request but for the file itself, no scrolling
// sideways at any width, light and dark in the colours they promise.
func TestPageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	b := openBrowser(t)
	notices(t, b)
	dir := t.TempDir()
	files := map[string]string{}
	var order []string
	for _, c := range summaries {
		name := filepath.Join(dir, c.name+".html")
		if err := os.WriteFile(name, render(t, format(t, "html"), c.make(), Options{}), 0o600); err != nil {
			t.Fatal(err)
		}
		files[c.name], order = name, append(order, c.name)
	}
	for _, path := range strings.Split(*pages, ",") {
		if path != "" {
			name := strings.TrimSuffix(filepath.Base(filepath.Dir(path))+"-"+filepath.Base(path), ".html")
			files[name], order = path, append(order, name)
		}
	}
	for _, name := range order {
		p := b.newTab()
		p.size(1440, 900)
		p.prefer("light", "screen")
		p.load("file://" + files[name])
		p.quiet(t, name, files[name])
		var background [2]string
		for i, scheme := range []string{"light", "dark"} {
			p.prefer(scheme, "screen")
			p.eval(`getComputedStyle(document.body).backgroundColor`, &background[i])
			for _, width := range widths {
				p.size(width, 900)
				var page struct {
					Width int
					Wide  []string
				}
				p.eval(`({Width: document.documentElement.scrollWidth, Wide: [...document.querySelectorAll("body *")]
					.filter(e => !e.closest(".scroll, svg, details:not([open])") && e.getBoundingClientRect().right > innerWidth + 0.5).slice(0, 5)
					.map(e => e.tagName + "." + e.className + " " + Math.round(e.getBoundingClientRect().right))})`, &page)
				if page.Width > width || len(page.Wide) > 0 {
					t.Errorf("%s: %d wide in a window of %d: %v", name, page.Width, width, page.Wide)
				}
				if *shots == "" {
					continue
				}
				for n, png := range p.shots(width) {
					if err := os.WriteFile(filepath.Join(*shots, fmt.Sprintf("%s-%d-%s-%d.png", name, width, scheme, n)), png, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if background[0] == background[1] {
			t.Errorf("%s: light and dark have the same background %s", name, background[0])
		}
		p.size(794, 1123) // A4 at 96 dpi
		p.prefer("light", "print")
		var width int
		p.eval(`document.documentElement.scrollWidth`, &width)
		if width > 794 {
			t.Errorf("%s: %d wide on paper of 794", name, width)
		}
		p.quiet(t, name, files[name])
		p.close()
	}
}

// quiet fails for whatever a page said or asked for.
func (p *tab) quiet(t *testing.T, name, path string) {
	t.Helper()
	for _, m := range p.complaints() {
		t.Errorf("%s: %s", name, m)
	}
	for _, url := range p.requests() {
		if url != "file://"+path {
			t.Errorf("%s: asks for %s", name, url)
		}
	}
}

// complaints are the messages in the page's console and what the browser
// itself logged.
func (t *tab) complaints() []string {
	var list []string
	for _, m := range t.events("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Network.loadingFailed") {
		list = append(list, m.Method+": "+string(m.Params))
	}
	return list
}

// requests are the addresses that the page asked for.
func (t *tab) requests() []string {
	var list []string
	for _, m := range t.events("Network.requestWillBeSent") {
		var p struct{ Request struct{ URL string } }
		t.decode(json.RawMessage(m.Params), &p)
		if !strings.HasPrefix(p.Request.URL, "data:") {
			list = append(list, p.Request.URL)
		}
	}
	return list
}

// notices: the test would see what it looks for. The first page asks for
// things and has no policy, the second has the report's.
func notices(t *testing.T, b *browser) {
	t.Helper()
	const bad = `<img src="http://127.0.0.1:9/leak.png"><script>console.error("planted")</script><div style="width:3000px">wide</div>`
	page := string(render(t, format(t, "html"), sixOK(), Options{}))
	for _, c := range []struct {
		name, text string
		asks       bool
	}{
		{"without a policy", "<!doctype html><title>x</title><body>" + bad, true},
		{"with the report's policy", strings.Replace(page, "</body>", bad+"</body>", 1), false},
	} {
		file := filepath.Join(t.TempDir(), "planted.html")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := b.newTab()
		p.size(900, 900)
		p.load("file://" + file)
		var wide int
		p.eval(`document.documentElement.scrollWidth`, &wide)
		if len(p.complaints()) == 0 || wide < 3000 {
			t.Errorf("%s: nothing was seen of what was planted: %v, %d wide", c.name, p.complaints(), wide)
		}
		leaks := 0
		for _, m := range p.events("Network.responseReceived", "Network.requestWillBeSentExtraInfo") {
			if strings.Contains(string(m.Params), "leak.png") {
				leaks++
			}
		}
		asked := strings.Contains(strings.Join(p.requests(), " "), "leak.png")
		blocked := strings.Contains(strings.Join(p.complaints(), " "), "Content Security Policy")
		ran := strings.Contains(strings.Join(p.complaints(), " "), "planted\"")
		if c.asks && (!asked || !ran) {
			t.Errorf("%s: the request or the script was not seen: %v %v", c.name, p.requests(), p.complaints())
		}
		if !c.asks && (!blocked || ran || leaks > 0) {
			t.Errorf("%s: the policy did not stop it: %v", c.name, p.complaints())
		}
	}
}
