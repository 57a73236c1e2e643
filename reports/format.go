// Package reports makes what people and programs read out of a run's summary:
// one file a format, listed in Formats. A format is a pure function of the
// summary and the options; it computes no result, judges nothing and reads
// neither clock nor file, so a report can be made again at any time.
//
// Every report says which kind of run it is about: numbers of a virtual run
// are about policy, numbers of a live run about performance, and the two are
// never in one table.
package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// Options say how a report looks. The zero value is plain text as it goes
// into a file; formats for programs ignore them.
type Options struct {
	Color bool // use ANSI colours
	ASCII bool // write nothing but ASCII

	Histograms *record.Recorder // of the run; nil when its summary was read from a file
	PerDevice  bool             // histograms of every device, not of the fleet alone
}

// Format is one kind of report.
type Format struct {
	Name      string // as in `--format`
	File      string // name in the run's output folder
	MediaType string
	Help      string
	AtEnd     bool // needs what a summary read from a file does not hold
	Render    func(io.Writer, *record.Summary, Options) error
}

// Formats is the one table of formats, in the order in which they are listed.
var Formats = []Format{
	{"text", "report.txt", "text/plain; charset=utf-8", "what a terminal shows at the end of a run", false, Text},
	{"html", "report.html", "text/html; charset=utf-8", "a page for people: verdict, charts, tables; needs neither network nor scripts", false, HTML},
	{"markdown", "report.md", "text/markdown; charset=utf-8; variant=GFM", "what one pastes into a pull request", false, Markdown},
	{"junit", "junit.xml", "application/xml", "a test suite for the build server: expectations and jobs as test cases", false, JUnit},
	{"json", "summary.json", "application/json", "the summary itself: every other report can be made from it", false, JSON},
	{"csv", "devices.csv", "text/csv; charset=utf-8; header=present", "one row a device; only at the end of a run, a summary does not hold them", true, CSV},
	{"timeline", "timeline.csv", "text/csv; charset=utf-8; header=present", "one row an event; only at the end of a run, a summary does not hold them", true, Timeline},
	{"hlog", record.LogFile, "text/plain; charset=us-ascii", "histograms as an HdrHistogram log; only at the end of a run, a summary does not hold them", true, HLog},
}

// Named returns the format of that name.
func Named(name string) (*Format, error) {
	var names []string
	for i := range Formats {
		if Formats[i].Name == name {
			return &Formats[i], nil
		}
		names = append(names, Formats[i].Name)
	}
	return nil, fmt.Errorf("report format %q: there is no such format; write one of %s", name, strings.Join(names, ", "))
}
