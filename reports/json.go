package reports

import (
	"io"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// JSON writes the summary document; record.Read reads it.
func JSON(w io.Writer, s *record.Summary, _ Options) error {
	return s.Write(w)
}
