package reports

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// JUnit writes a run as a test suite: one case for each expectation, one for
// each job and one for the run as a whole. It is the form that build servers
// read. [Jenkins: "xunit plugin, JUnit schema"; GitLab: "Unit test reports"]
//
// The suite has a failure or error exactly when the run did not pass: a job
// that failed in a run that passed was expected to, and is a case that passed.
func JUnit(w io.Writer, s *record.Summary, _ Options) error {
	p := page{s: s.Document()}
	suite := p.suite()
	b, err := xml.MarshalIndent(suites{Name: "flotilla", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Time: suite.Time, Suites: []suiteXML{suite}}, "", "  ")
	if err != nil {
		return fmt.Errorf("junit.xml: %w", err)
	}
	if _, err := io.WriteString(w, xml.Header+string(b)+"\n"); err != nil {
		return fmt.Errorf("junit.xml: %w", err)
	}
	return nil
}

type suites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Time     string     `xml:"time,attr"` // seconds
	Suites   []suiteXML `xml:"testsuite"`
}

type suiteXML struct {
	Name       string     `xml:"name,attr"`
	Tests      int        `xml:"tests,attr"`
	Failures   int        `xml:"failures,attr"`
	Errors     int        `xml:"errors,attr"`
	Skipped    int        `xml:"skipped,attr"`
	Time       string     `xml:"time,attr"`
	Timestamp  string     `xml:"timestamp,attr,omitempty"` // ISO 8601 in UTC, without a zone, as the schema has it
	Properties []property `xml:"properties>property"`
	Cases      []caseXML  `xml:"testcase"`
	Out        string     `xml:"system-out,omitempty"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type caseXML struct {
	Class   string    `xml:"classname,attr"`
	Name    string    `xml:"name,attr"`
	Time    string    `xml:"time,attr"`
	File    string    `xml:"file,attr,omitempty"`
	Line    string    `xml:"line,attr,omitempty"`
	Failure *problem  `xml:"failure"`
	Error   *problem  `xml:"error"`
	Skipped *struct{} `xml:"skipped"`
	Out     string    `xml:"system-out,omitempty"`
}

type problem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

func (p *page) suite() suiteXML {
	s := p.s
	name := p.clean(s.Scenario)
	t := suiteXML{Name: name, Time: secondsOf(time.Duration(s.WallSeconds * float64(time.Second)))}
	if at, err := time.Parse(time.RFC3339Nano, s.Start); err == nil {
		t.Timestamp = at.UTC().Format("2006-01-02T15:04:05")
	}
	for _, v := range []property{{"kind", s.Kind}, {"seed", strconv.FormatUint(s.Seed, 10)}, {"verdict", s.Verdict}, {"digest", s.Digest},
		{"transport", s.Transport}, {"deviceClient", s.DeviceClient}, {"devices", strconv.Itoa(s.Devices.Total)}, {"flotilla", s.Versions.Flotilla}} {
		if v.Value != "" {
			t.Properties = append(t.Properties, property{v.Name, p.clean(v.Value)})
		}
	}
	for _, e := range s.Expectations {
		c := caseXML{Class: name + ".expect", Name: p.clean(e.Expression), Time: "0", File: p.clean(e.Source)}
		if i := strings.LastIndexByte(c.File, ':'); i > 0 {
			if _, err := strconv.Atoi(c.File[i+1:]); err == nil {
				c.File, c.Line = c.File[:i], c.File[i+1:]
			}
		}
		found := cmp.Or(p.clean(e.Value), "no data")
		if e.Passed {
			c.Out = "found: " + found
		} else {
			c.Failure = &problem{Message: "found " + found, Type: "expectation", Text: p.clean(e.Reason)}
			if r := p.clean(e.Reason); r != "" {
				c.Failure.Message += ": " + r
			}
		}
		t.Cases = append(t.Cases, c)
	}
	for _, f := range families(s.Jobs) {
		if f.parent != nil {
			t.Cases = append(t.Cases, p.jobCase(name, f.parent))
		}
	}
	run := caseXML{Class: name, Name: "run", Time: t.Time, Out: p.clean(s.Kind) + " run, " + p.clean(s.Verdict)}
	switch s.Verdict {
	case record.Void:
		run.Error = &problem{Message: cmp.Or(p.clean(s.VoidReason), "no reason given"), Type: s.Verdict}
	case record.Interrupted:
		run.Error = &problem{Message: "ended from outside" + p.unfinished(), Type: s.Verdict}
	case record.Failed:
		run.Failure = &problem{Message: fmt.Sprintf("%d of %s missed", p.missed(), Plural(int64(len(s.Expectations)), "expectation")), Type: s.Verdict}
	}
	t.Cases = append(t.Cases, run)
	for _, c := range t.Cases {
		t.Tests++
		if c.Failure != nil {
			t.Failures++
		}
		if c.Error != nil {
			t.Errors++
		}
		if c.Skipped != nil {
			t.Skipped++
		}
	}
	for i, w := range s.Warnings {
		if i > 0 {
			t.Out += "\n"
		}
		t.Out += "warning: " + p.clean(w)
	}
	return t
}

// jobCase is a job as a test case. In a run that did not pass it is a failure
// if it did not complete or a device failed it, and skipped if it never began or
// the run ended before it.
func (p *page) jobCase(suite string, j *record.Job) caseXML {
	c := caseXML{Class: suite + ".job", Name: p.clean(j.Label()), Time: "0", Out: p.clean(j.Type) + ", " + p.clean(j.Status)}
	if d, ok := j.Took(); ok {
		c.Time = secondsOf(d)
	}
	message := p.clean(cmp.Or(j.FailureReason, j.StatusMessage))
	if message != "" {
		c.Out += ": " + message
	}
	switch d := j.Devices; {
	case p.s.Verdict == record.Passed:
	case j.Start == "" || j.End == "" && p.s.Verdict != record.Failed:
		c.Skipped = new(struct{})
	case j.Status != "completed" || d != nil && d.Failed > 0:
		c.Failure = &problem{Message: p.clean(j.Status), Type: "job"}
		if message != "" {
			c.Failure.Message += ": " + message
		}
		for i, f := range p.s.Failures {
			if f.Job == j.ID && i < MaxChildrenShown && len(f.Devices) > 0 {
				c.Failure.Text += fmt.Sprintf("%s: %s, such as %s\n", Plural(int64(f.Count), "device"), p.clean(f.Reason), p.clean(f.Devices[0]))
			}
		}
	}
	return c
}

func secondsOf(d time.Duration) string { return strconv.FormatFloat(max(0, d.Seconds()), 'f', 3, 64) }
