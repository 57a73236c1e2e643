package reports

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// A suite can be read, its counts are those of its cases, and it has a failure
// or an error exactly when the run did not pass.
func TestJUnitSweep(t *testing.T) {
	expected := filled(sixOneFailed)() // it failed one device, and that was expected
	expected.Verdict, expected.Expectations = record.Passed, expected.Expectations[:1]
	runs := []*record.Summary{expected}
	for _, c := range summaries {
		runs = append(runs, c.make())
	}
	for _, s := range runs {
		var all suites
		text := render(t, format(t, "junit"), s, Options{})
		d := xml.NewDecoder(strings.NewReader(string(text)))
		if err := d.Decode(&all); err != nil {
			t.Fatalf("%s: %v", s.Scenario, err)
		}
		if len(all.Suites) != 1 {
			t.Fatalf("%s: %d suites", s.Scenario, len(all.Suites))
		}
		suite := all.Suites[0]
		failures, errors, skipped, names := 0, 0, 0, map[string]bool{}
		for _, c := range suite.Cases {
			if c.Failure != nil {
				failures++
				if c.Failure.Message == "" {
					t.Errorf("%s: %s fails without a message", s.Scenario, c.Name)
				}
			}
			if c.Error != nil {
				errors++
			}
			if c.Skipped != nil {
				skipped++
			}
			if c.Name == "" || c.Class == "" || names[c.Class+c.Name] {
				t.Errorf("%s: case %s %s is there twice or has no name", s.Scenario, c.Class, c.Name)
			}
			names[c.Class+c.Name] = true
		}
		if suite.Tests != len(suite.Cases) || suite.Failures != failures || suite.Errors != errors || suite.Skipped != skipped || all.Tests != suite.Tests || all.Failures != failures || all.Errors != errors {
			t.Errorf("%s: counts %+v", s.Scenario, suite)
		}
		if passed := s.Verdict == record.Passed; passed != (failures+errors == 0) {
			t.Errorf("%s %s: %d failures, %d errors", s.Scenario, s.Verdict, failures, errors)
		}
		if len(suite.Properties) < 3 || suite.Properties[0].Value != s.Kind {
			t.Errorf("%s: properties %v", s.Scenario, suite.Properties)
		}
	}
}
