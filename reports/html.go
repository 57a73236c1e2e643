package reports

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// HTML writes one page that needs nothing else: no network, no fonts, no
// scripts. Its policy forbids it to fetch anything, so that a page that was
// passed on tells nobody that it is read. [W3C Content Security Policy Level
// 3: "default-src"]
//
// Of a job with more than MaxChildrenShown devices a page lists those that did
// not complete, at most MaxPageChildren of them, what failed first; its size is
// bounded whatever the size of the fleet.
func HTML(w io.Writer, s *record.Summary, _ Options) error {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, newSheet(s.Document())); err != nil {
		return fmt.Errorf("report.html: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("report.html: %w", err)
	}
	return nil
}

// MaxPageChildren is how many children of one job a page lists, and
// maxPageRows how many of all jobs together.
const (
	MaxPageChildren = 100
	maxPageRows     = 2000
)

var (
	//go:embed html.css
	pageStyle string
	//go:embed html.tmpl
	pageText string

	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
		"style":   func() template.CSS { return template.CSS(pageStyle) },
		"percent": func(at float64) string { return decimal(at * 100) },
		"top":     func(at float64) string { return decimal(100 - at*100) },
		"fields":  strings.Fields,
		"words":   func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	}).Parse(pageText))
)
