package record

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/flotilla-sim/flotilla/sim"
)

// MaxLogLine is the longest line of an HdrHistogram log that is read, in
// bytes; a histogram of all buckets is a tenth of it.
const MaxLogLine = 4 << 20

// LogLine is one histogram of a log, not yet decoded.
type LogLine struct {
	Metric string
	Device sim.DeviceID // "" of the fleet
	Fleet  bool
	max    float64 // in ms; what the histogram says is above it by less than a bucket
	data   []byte
}

// Log returns the histograms of an HdrHistogram log as WriteLog writes it. A
// line that is not understood ends it with an error that has the line's
// number. A LogLine is valid until the next one.
func Log(r io.Reader) iter.Seq2[*LogLine, error] {
	return func(yield func(*LogLine, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 1<<16), MaxLogLine)
		var line LogLine
		n := 0
		for lines.Scan() {
			n++
			b := lines.Bytes()
			if len(b) == 0 || b[0] == '#' || b[0] == '"' {
				continue
			}
			if err := line.parse(b); err != nil {
				yield(nil, fmt.Errorf("histograms: line %d: %w", n, err))
				return
			}
			if !yield(&line, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			if errors.Is(err, bufio.ErrTooLong) {
				err = fmt.Errorf("it has more than %d bytes", MaxLogLine)
			}
			yield(nil, fmt.Errorf("histograms: line %d: %w", n+1, err))
		}
	}
}

func (l *LogLine) parse(b []byte) error {
	rest, ok := bytes.CutPrefix(b, []byte(tagWord))
	if !ok {
		return errors.New("has no tag: the log is not of a run")
	}
	tag, rest, _ := bytes.Cut(rest, []byte{','})
	_, rest, _ = bytes.Cut(rest, []byte{','}) // start
	_, rest, _ = bytes.Cut(rest, []byte{','}) // length
	highest, data, ok := bytes.Cut(rest, []byte{','})
	if !ok {
		return errors.New("has fewer than four columns")
	}
	var err error
	if l.max, err = strconv.ParseFloat(string(highest), 64); err != nil || !(l.max >= 0 && l.max <= float64(Highest)) {
		return fmt.Errorf("%.20q is no maximum", highest)
	}
	l.data = data
	l.Metric, l.Device, l.Fleet, err = ParseTag(string(tag))
	return err
}

// Distribution decodes the histogram. Its minimum and mean are of three
// significant digits, its maximum is exact.
func (l *LogLine) Distribution() (*Distribution, error) {
	h, err := hdrhistogram.DecodePacked(l.data)
	if err != nil {
		return nil, fmt.Errorf("histogram of %s: %w", l.Metric, err)
	}
	d := &Distribution{hist: h}
	if d.count = h.TotalCount(); d.count == 0 {
		return d, nil
	}
	d.min, d.max = h.Min(), h.Max()
	if highest := int64(math.Round(l.max * 1e6)); highest >= d.min && highest < d.max {
		d.max = highest
	}
	mean := min(max(h.Mean(), 0), float64(d.max))
	d.sum.hi, d.sum.lo = bits.Mul64(uint64(mean), uint64(d.count))
	return d, nil
}

// LoggedMetric is one metric of a device as a log has it.
type LoggedMetric struct {
	Metric string
	*Distribution
}

// LogDevice returns the histograms of one device in the order of the log. A
// log without devices and one without this device are errors that say what
// to do.
func LogDevice(r io.Reader, id sim.DeviceID) ([]LoggedMetric, error) {
	var found []LoggedMetric
	near := nearest{to: string(id), distance: math.MaxInt}
	devices := false
	for line, err := range Log(r) {
		if err != nil {
			return nil, err
		}
		if line.Fleet {
			continue
		}
		devices = true
		if line.Device != id {
			if len(found) == 0 {
				near.consider(string(line.Device))
			}
			continue
		}
		d, err := line.Distribution()
		if err != nil {
			return nil, err
		}
		found = append(found, LoggedMetric{line.Metric, d})
	}
	switch {
	case len(found) > 0:
		return found, nil
	case !devices:
		return nil, errors.New("the log has the fleet's histograms only, no device's: run again with --hlog-per-device")
	case near.id != "":
		return nil, fmt.Errorf("the log has no device %q; did you mean %q?", id, near.id)
	}
	return nil, fmt.Errorf("the log has no device %q", id)
}

// nearest keeps the word that is nearest to another by the number of
// characters to insert, delete or replace.
type nearest struct {
	to, id   string
	distance int
	last     string // considered last: a device's lines follow each other
	row      []int
}

func (n *nearest) consider(word string) {
	if word == n.last || word == "" || max(len(word)-len(n.to), len(n.to)-len(word)) >= n.distance {
		return
	}
	n.last = word
	if d := n.measure(word); d < n.distance {
		n.id, n.distance = strings.Clone(word), d
	}
}

// measure is the Levenshtein distance of word, case not counted.
func (n *nearest) measure(word string) int {
	fold := func(c byte) byte {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}
	n.row = n.row[:0]
	for i := range len(word) + 1 {
		n.row = append(n.row, i)
	}
	for i := range len(n.to) {
		diagonal := n.row[0]
		n.row[0] = i + 1
		for k := range len(word) {
			cost := diagonal
			if fold(n.to[i]) != fold(word[k]) {
				cost++
			}
			diagonal = n.row[k+1]
			n.row[k+1] = min(cost, diagonal+1, n.row[k]+1)
		}
	}
	return n.row[len(word)]
}
