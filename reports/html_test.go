package reports

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// alone are the elements that the page has without an end: those that never
// have one, and a path, which ends itself. [HTML Standard: "Void elements"]
var alone = []string{"meta", "link", "path"}

// TestHTMLIsWhole reads every page tag by tag: each is closed where it should
// be, ids are unique and those referred to are there, and nothing in it could
// fetch anything or run.
func TestHTMLIsWhole(t *testing.T) {
	for _, c := range summaries {
		page := render(t, format(t, "html"), c.make(), Options{})
		var open []string
		ids, refers := map[string]int{}, []string{}
		policy := ""
		for z := html.NewTokenizer(bytes.NewReader(page)); ; {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			tag := z.Token()
			switch kind {
			case html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != tag.Data {
					t.Fatalf("%s: </%s> closes %v", c.name, tag.Data, open)
				}
				open = open[:len(open)-1]
			case html.StartTagToken, html.SelfClosingTagToken:
				if kind == html.StartTagToken && !slices.Contains(alone, tag.Data) {
					open = append(open, tag.Data)
				}
				if slices.Contains([]string{"script", "iframe", "object", "embed", "img", "image", "use", "a", "form", "base", "video", "audio"}, tag.Data) {
					t.Errorf("%s: has <%s>", c.name, tag.Data)
				}
				for _, a := range tag.Attr {
					value := strings.ToLower(a.Val)
					switch {
					case a.Key == "id":
						ids[a.Val]++
					case a.Key == "aria-labelledby":
						refers = append(refers, a.Val)
					case a.Key == "http-equiv" && value == "content-security-policy":
						policy = tag.Attr[1].Val
					case strings.HasPrefix(a.Key, "on"):
						t.Errorf("%s: <%s %s>", c.name, tag.Data, a.Key)
					case slices.Contains([]string{"src", "href", "srcset", "xlink:href", "action", "data", "background", "poster", "ping"}, a.Key) && value != "data:,",
						a.Key == "style" && strings.Contains(value, "url"):
						t.Errorf("%s: <%s %s=%q>", c.name, tag.Data, a.Key, a.Val)
					}
				}
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: left open: %v", c.name, open)
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: %d elements have the id %s", c.name, n, id)
			}
		}
		for _, id := range refers {
			if ids[id] == 0 {
				t.Errorf("%s: nothing has the id %s", c.name, id)
			}
		}
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'unsafe-inline'; img-src data:;") {
			t.Errorf("%s: policy %q", c.name, policy)
		}
		if style := strings.ToLower(pageStyle); strings.Contains(style, "url(") || strings.Contains(style, "@import") || strings.Contains(style, "@font-face") {
			t.Errorf("the style fetches something")
		}
	}
}

// Texts of the run stay texts, whatever they are.
func TestHTMLEscapes(t *testing.T) {
	const evil = `</style><script>alert(1)</script>" onload="x' <!-- ]]> &amp; {{.}}`
	s := filled(sixOneFailed)()
	s.Scenario, s.About, s.Digest, s.VoidReason, s.Transport = evil, evil, evil, evil, evil
	s.Source = record.Source{Name: evil, Text: evil, Settings: []string{evil}}
	s.Warnings, s.Faults = []string{evil}, []record.Fault{{Fault: evil, Group: evil, Devices: 1}}
	s.Metrics[evil] = record.Metric{Unit: "ns", Count: 1, Percentiles: []record.Percentile{{P: 100}}}
	s.Hub[evil], s.Devices.FirmwareVersions[evil] = 1, 1
	s.Expectations[0] = record.Expectation{Expression: evil, Source: evil, Value: evil, Reason: evil}
	for i := range s.Jobs {
		j := &s.Jobs[i]
		j.ID, j.Type, j.Status, j.DeviceID, j.FailureReason = j.ID+evil, evil, evil, evil, evil
		if j.ParentID != "" {
			j.ParentID += evil
		}
	}
	s.Failures[0] = record.Failure{Job: evil, Reason: evil, Count: 1, Devices: []string{evil}}
	s.Campaign.Devices[0].State = evil
	s.Slowest[0].Device = evil
	page := string(render(t, format(t, "html"), s, Options{}))
	for _, bad := range []string{"<script", `onload="`, "</style><", "<!-- ]]"} {
		if strings.Count(page, bad) > 0 {
			t.Errorf("the page has %s", bad)
		}
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "b" && n.Parent.Data == "pre") {
			t.Errorf("<%s> was made of text", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "onload" {
				t.Errorf("<%s onload> was made of text", n.Data)
			}
		}
	}
}

// fleet is a run of so many devices, of which every tenth failed.
func fleet(n int) *record.Summary {
	s := filled(fleetVirtual)()
	s.Jobs = s.Jobs[:1]
	s.ChildrenOmitted = 0
	s.Jobs[0].Devices = &record.JobDevices{Total: n, Succeeded: n - n/10, Failed: n / 10}
	for i := range n {
		j := record.Job{ID: childID(i), ParentID: s.Jobs[0].ID, DeviceID: fmt.Sprintf("dev-%06d", i), Type: "firmwareUpdate", Status: "completed",
			Start: at(time.Minute), End: at(5 * time.Minute)}
		if i%10 == 0 {
			j.Status, j.FailureReason = "failed", fmt.Sprintf("firmware update result %d: a reason that is told at some length", i%700)
		}
		s.Jobs = append(s.Jobs, j)
	}
	s.Failures = record.Failures(s.Jobs)
	return s
}

// A page does not grow with the fleet.
func TestHTMLSize(t *testing.T) {
	for _, n := range []int{10_000, 40_000} {
		if size := len(render(t, format(t, "html"), fleet(n), Options{})); size > 300_000 {
			t.Errorf("%d devices: %d bytes", n, size)
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	for _, n := range []int{6, 10_000, 100_000} {
		b.Run(fmt.Sprintf("devices=%d", n), func(b *testing.B) {
			s := fleet(n)
			var page bytes.Buffer
			for b.Loop() {
				page.Reset()
				if err := HTML(&page, s, Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(page.Len())/1024, "KiB/page")
		})
	}
}

// Large jobs list what did not complete, and count the rest.
func TestHTMLJobs(t *testing.T) {
	for _, c := range []struct {
		devices, rows int
		rest          string
		open          bool
	}{
		{6, 6, "", true},
		{20, 20, "", true},
		{30, 3, "27 more device jobs: 27 completed", true},
		{200, 20, "180 more device jobs: 180 completed", true},
		{210, 21, "189 more device jobs: 189 completed", false},
		{5000, MaxPageChildren, "4,900 more device jobs: 4,500 completed, 400 failed", false},
		{15_000, MaxPageChildren, "14,900 more device jobs: 13,500 completed, 1,400 failed", false},
	} {
		jobs := newSheet(fleet(c.devices).Document()).Jobs
		if len(jobs) != 1 {
			t.Fatalf("%d devices: %d jobs", c.devices, len(jobs))
		}
		if j := jobs[0]; len(j.Children) != c.rows || j.Rest != c.rest || j.Open != c.open {
			t.Errorf("%d devices: %d rows, open %t, %q; want %d, %t, %q", c.devices, len(j.Children), j.Open, j.Rest, c.rows, c.open, c.rest)
		}
	}
}
