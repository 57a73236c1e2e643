package reports

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Listing is what a hub was asked for, as rows: of devices, of jobs, of the
// groups of a query. Value is the same as the hub said it, for programs.
type Listing struct {
	Columns []string
	Right   []bool // which columns are numbers; short or nil: none
	Rows    [][]string
	Value   any
}

// ListingFormats are the words for --output, the default first.
var ListingFormats = []string{"table", "json", "csv"}

// Write writes the listing in one of ListingFormats: a table with its heads in
// capitals as kubectl has them, the value as indented JSON, or CSV with a line
// of names. [RFC 4180: "Common Format and MIME Type for CSV Files"]
func (l Listing) Write(w io.Writer, format string, o Options) error {
	switch format {
	case "table":
		t := table{right: l.Right}
		heads := make([]string, len(l.Columns))
		for i, c := range l.Columns {
			heads[i] = capitals(c)
		}
		t.head(heads...)
		for _, r := range l.Rows {
			cells := make([]string, len(r))
			for i, c := range r {
				cells[i] = visible(c)
			}
			t.add(cells...)
		}
		var b strings.Builder
		t.append(&b, o)
		_, err := io.WriteString(w, b.String())
		return err
	case "json":
		b, err := json.MarshalIndent(l.Value, "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	case "csv":
		out := csv.NewWriter(w)
		out.UseCRLF = true
		out.Write(l.Columns)
		out.WriteAll(l.Rows)
		return out.Error()
	}
	return fmt.Errorf("output %q: there is %s", format, strings.Join(ListingFormats, ", "))
}

// capitals writes jobId as JOB ID, and QoS as QOS: a word has more than one
// letter.
func capitals(s string) string {
	var b strings.Builder
	for i, c := range s {
		if i > 0 && isUpper(s[i]) && isLower(s[i-1]) && i+1 < len(s) && isLower(s[i+1]) {
			b.WriteByte(' ')
		}
		b.WriteString(strings.ToUpper(string(c)))
	}
	return b.String()
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

// visible writes what would break a line or steer a terminal as an escape, and
// nothing as a dash.
func visible(s string) string {
	if s == "" {
		return "-"
	}
	clean := true
	for _, c := range s {
		clean = clean && c >= ' ' && (c < 0x7f || c > 0x9f)
	}
	if clean {
		return s
	}
	quoted := fmt.Sprintf("%q", s)
	return quoted[1 : len(quoted)-1]
}
