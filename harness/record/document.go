package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxChildren is how many children a document holds; of more, those that did
// not complete are kept before those that did.
const MaxChildren = 10_000

// Write writes the document: indented JSON, members in a fixed order, the same
// bytes for the same summary. Children beyond MaxChildren are left out and
// counted; the summary itself is not changed.
func (s *Summary) Write(w io.Writer) error {
	d := s.Document()
	if err := d.validate(); err != nil {
		return fmt.Errorf("summary of %s: %w", s.Scenario, err)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return fmt.Errorf("summary of %s: %w", s.Scenario, err)
	}
	return nil
}

// Document returns the summary as Write writes it, so that a report is the
// same at the end of a run and from the file. What is in it is shared with s.
func (s *Summary) Document() *Summary {
	d := *s
	d.Schema = Schema
	d.Jobs, d.ChildrenOmitted = capChildren(s.Jobs, MaxChildren)
	d.ChildrenOmitted += s.ChildrenOmitted
	// Lists that every document has are [] rather than null when empty.
	if d.Jobs == nil {
		d.Jobs = []Job{}
	}
	if d.Expectations == nil {
		d.Expectations = []Expectation{}
	}
	if d.Metrics == nil {
		d.Metrics = map[string]Metric{}
	}
	return &d
}

// Read reads one document. It refuses what is not a summary, one of another
// version, and anything after it.
func Read(r io.Reader) (*Summary, error) {
	d := json.NewDecoder(r)
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, fmt.Errorf("not a summary: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not a summary: something follows the document; pass one summary.json at a time")
	}
	var head struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("not a summary: %w", err)
	}
	if head.Schema == nil {
		return nil, errors.New("not a summary: there is no member `schema`; pass the summary.json of a run")
	}
	if *head.Schema != Schema {
		return nil, fmt.Errorf("summary of schema %d, this build reads %d: use the flotilla that wrote it, or run the scenario again", *head.Schema, Schema)
	}
	s := new(Summary)
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	return s, nil
}

func (s *Summary) validate() error {
	var bad []error
	switch s.Kind {
	case Live, Virtual:
	default:
		bad = append(bad, fmt.Errorf("kind: %q is neither %s nor %s", s.Kind, Live, Virtual))
	}
	switch s.Verdict {
	case Passed, Failed, Void, Interrupted:
	default:
		bad = append(bad, fmt.Errorf("verdict: %q is none of %s, %s, %s, %s", s.Verdict, Passed, Failed, Void, Interrupted))
	}
	for i, j := range s.Jobs {
		if j.ID == "" {
			bad = append(bad, fmt.Errorf("jobs[%d]: has no jobId", i))
		}
	}
	return errors.Join(bad...)
}

// capChildren leaves out children beyond limit: first those that completed,
// from the end. Parents and the order stay.
func capChildren(jobs []Job, limit int) (kept []Job, omitted int) {
	children, completed := 0, 0
	for i := range jobs {
		if jobs[i].ParentID != "" {
			children++
			if jobs[i].Status == "completed" {
				completed++
			}
		}
	}
	if children <= limit {
		return jobs, 0
	}
	rest := min(children-completed, limit) // how many that did not complete stay
	good := limit - rest                   // how many that did
	for i := range jobs {
		switch {
		case jobs[i].ParentID == "":
		case jobs[i].Status != "completed" && rest > 0:
			rest--
		case jobs[i].Status == "completed" && good > 0:
			good--
		default:
			omitted++
			continue
		}
		kept = append(kept, jobs[i])
	}
	return kept, omitted
}
