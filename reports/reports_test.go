package reports

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/flotilla-sim/flotilla/harness/record"
)

var update = flag.Bool("update", false, "rewrite golden files; read the diff before you commit it")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func render(t *testing.T, f *Format, s *record.Summary, o Options) []byte {
	t.Helper()
	o.Histograms = recorded
	var b bytes.Buffer
	if err := f.Render(&b, s, o); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return b.Bytes()
}

func format(t *testing.T, name string) *Format {
	t.Helper()
	f, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTextGolden(t *testing.T) {
	for _, c := range summaries {
		golden(t, c.name+".txt", render(t, format(t, "text"), c.make(), Options{}))
	}
	golden(t, "six-one-failed.ascii.txt", render(t, format(t, "text"), sixOneFailed(), Options{ASCII: true}))
	golden(t, "six-one-failed.color.txt", render(t, format(t, "text"), sixOneFailed(), Options{Color: true}))
	golden(t, "hostile.ascii.txt", render(t, format(t, "text"), hostile(), Options{ASCII: true}))
}

// The page's style is left out: it is a file of its own, and every page has it.
func TestHTMLGolden(t *testing.T) {
	for _, c := range summaries {
		page := string(render(t, format(t, "html"), c.make(), Options{}))
		before, rest, ok1 := strings.Cut(page, "<style>")
		_, after, ok2 := strings.Cut(rest, "</style>")
		if !ok1 || !ok2 {
			t.Fatalf("%s: no style", c.name)
		}
		golden(t, c.name+".html", []byte(before+"<style></style>"+after))
	}
}

func TestMarkdownGolden(t *testing.T) {
	for _, c := range summaries {
		golden(t, c.name+".md", render(t, format(t, "markdown"), c.make(), Options{}))
	}
	golden(t, "six-one-failed.ascii.md", render(t, format(t, "markdown"), filled(sixOneFailed)(), Options{ASCII: true}))
}

func TestJUnitGolden(t *testing.T) {
	for _, c := range summaries {
		golden(t, c.name+".xml", render(t, format(t, "junit"), c.make(), Options{}))
	}
}

func TestCSVGolden(t *testing.T) {
	for _, c := range summaries {
		if s := c.make(); len(s.Rows) > 0 {
			golden(t, c.name+".csv", render(t, format(t, "csv"), s, Options{}))
		}
	}
}

func TestTimelineGolden(t *testing.T) {
	golden(t, "six-ok.timeline.csv", render(t, format(t, "timeline"), sixOK(), Options{}))
	var b bytes.Buffer
	if err := Transcript(&b, sixOK(), string(sixOK().Timeline[0].Device)); err != nil {
		t.Fatal(err)
	}
	golden(t, "six-ok.transcript.txt", b.Bytes())
	if err := Transcript(&b, sixOK(), "nobody"); err == nil {
		t.Error("a device nothing is known of has a transcript")
	}
}

// Every format renders every summary twice the same and changes nothing in
// it; and a report made from the file is the one made at the end of the run.
func TestFormatsSweep(t *testing.T) {
	files := map[string]bool{}
	for i := range Formats {
		f := &Formats[i]
		if f.Name == "" || f.File == "" || f.MediaType == "" || f.Help == "" || files[f.File] {
			t.Errorf("format %+v: a member is missing or its file is another's", *f)
		}
		files[f.File] = true
		for _, c := range summaries {
			s := c.make()
			if f.AtEnd && (len(s.Rows) == 0 || len(s.Timeline) == 0) {
				continue
			}
			var file bytes.Buffer
			if err := s.Write(&file); err != nil {
				t.Fatal(err)
			}
			first := render(t, f, s, Options{})
			if !bytes.Equal(first, render(t, f, s, Options{})) {
				t.Errorf("%s of %s: rendered twice, two results", f.Name, c.name)
			}
			if before := c.make(); !reflect.DeepEqual(before, s) { // a diff of thousands of jobs takes seconds
				t.Errorf("%s of %s changed the summary:\n%s", f.Name, c.name, cmp.Diff(before, s))
			}
			if f.AtEnd {
				continue
			}
			again, err := record.Read(&file)
			if err != nil {
				t.Fatal(err)
			}
			if c.name == "hostile" {
				continue // JSON cannot hold bytes that are no text
			}
			if d := cmp.Diff(string(first), string(render(t, f, again, Options{}))); d != "" {
				t.Errorf("%s of %s: from the file (-run +file):\n%s", f.Name, c.name, d)
			}
		}
	}
}

// No text of a device or scenario reaches a terminal as a control sequence,
// and ASCII means ASCII.
func TestTextIsSafe(t *testing.T) {
	for _, c := range summaries {
		for _, o := range []Options{{}, {ASCII: true}} {
			out := render(t, format(t, "text"), c.make(), o)
			if !utf8.Valid(out) {
				t.Errorf("%s %+v: not UTF-8", c.name, o)
			}
			for _, r := range string(out) {
				if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == '\u202e' || o.ASCII && r > 0x7f {
					t.Errorf("%s %+v: writes %U", c.name, o, r)
				}
			}
		}
	}
}

// Colours change nothing but the colour: columns stay aligned.
func TestTextColor(t *testing.T) {
	plain := render(t, format(t, "text"), sixOneFailed(), Options{})
	colour := string(render(t, format(t, "text"), sixOneFailed(), Options{Color: true}))
	for _, p := range []paint{bold, dim, red, green, yellow, reset} {
		colour = strings.ReplaceAll(colour, string(p), "")
	}
	if d := cmp.Diff(string(plain), colour); d != "" {
		t.Errorf("without its escapes the coloured report differs:\n%s", d)
	}
}

// The rows are read back by the standard library's reader as they were.
func TestCSVIsReadBack(t *testing.T) {
	s := hostile()
	rows, err := csv.NewReader(bytes.NewReader(render(t, format(t, "csv"), s, Options{}))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 {
		t.Fatalf("%d rows; want a header and 2", len(rows))
	}
	at := func(name string) int { return slices.Index(rows[0], name) }
	if got := rows[1][at("device")]; got != `Device"11"` {
		t.Errorf("device = %q", got)
	}
	if got := rows[1][at("group")]; got != "a, b" {
		t.Errorf("group = %q", got)
	}
	if got := rows[1][at("download_max_ns")]; got != "2301000000" {
		t.Errorf("download_max_ns = %q", got)
	}
	if got := rows[1][at("job:fw")]; got != "completed" {
		t.Errorf("job:fw = %q", got)
	}
	// The reader turns \r\n within quotes into \n [encoding/csv].
	if got := rows[2][at("firmware_version")]; got != "3\n0" {
		t.Errorf("firmware_version = %q", got)
	}
}

func TestCSVWithoutRows(t *testing.T) {
	s := sixOK()
	s.Rows = nil
	err := CSV(new(bytes.Buffer), s, Options{})
	if err == nil || !strings.Contains(err.Error(), "take the devices.csv that the run wrote") {
		t.Errorf("%v; want an error that says where the rows are", err)
	}
	if err := CSV(new(bytes.Buffer), void(), Options{}); err != nil {
		t.Errorf("a run without devices: %v; want a header alone", err)
	}
}

func TestCSVUnknownMetric(t *testing.T) {
	for _, m := range []record.DeviceMetric{{Metric: 0}, {Metric: 255}} {
		s := sixOK()
		s.Rows[0].Metrics = []record.DeviceMetric{m}
		if err := CSV(new(bytes.Buffer), s, Options{}); err == nil {
			t.Errorf("metric %d was written", m.Metric)
		}
	}
}

// A full disk is an error of every format, not a short file.
func TestWriteErrors(t *testing.T) {
	full := errors.New("disk full")
	for i := range Formats {
		if err := Formats[i].Render(failing{full}, sixOK(), Options{Histograms: recorded}); !errors.Is(err, full) {
			t.Errorf("%s: %v; want %v", Formats[i].Name, err, full)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestNamed(t *testing.T) {
	if _, err := Named("html5"); err == nil || err.Error() != `report format "html5": there is no such format; write one of text, html, markdown, junit, json, csv, timeline, hlog` {
		t.Error(err)
	}
}
