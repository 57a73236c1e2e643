package record

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/flotilla-sim/flotilla/sim"
)

// LogFile is the name of a run's HdrHistogram log in its output folder.
const LogFile = "histograms.hlog"

// LogOptions are what an HdrHistogram log says beside the histograms.
type LogOptions struct {
	// Base is the civil instant that times in the log count from. An instant
	// before 1970 cannot be said in this format; the log then has no base time.
	Base time.Time
	// Start and End are when the run began and ended: every histogram is of
	// the one interval between them.
	Start, End time.Time
	// PerDevice adds the histograms of every device to those of the fleet.
	PerDevice bool
	// About are lines of comment at the head of the log: whose it is.
	About []string
}

// WriteLog writes the histograms as an HdrHistogram log of version 1.3 with
// V2 compressed histograms, which the HdrHistogram libraries of all languages
// read [HdrHistogram, Java: class HistogramLogWriter]. Each histogram is a
// line with a tag (see Tag) and the whole run as its interval: first the
// fleet's, in the order of sim.Metrics, then with PerDevice each device's,
// ordered by id; those without a value are left out. The devices' histograms
// of a metric add up to the fleet's, bucket by bucket. Values are in ns; the
// column Interval_Max is in ms, as the format wants it, and unlike a
// histogram's own maximum it is exact.
//
// The log is written as it is made: it needs no memory that grows with the
// number of devices beyond their ids.
func (r *Recorder) WriteLog(w io.Writer, o LogOptions) error {
	l := logWriter{w: bufio.NewWriterSize(w, 1<<16), interval: interval(o)}
	l.head(o)
	for m := sim.NoMetric + 1; int(m) < len(sim.Metrics); m++ {
		d := r.Fleet(m)
		if d.Count() == 0 {
			continue
		}
		data, err := d.hist.(*hdrhistogram.Histogram).EncodeV2()
		if err != nil {
			return fmt.Errorf("histogram of %s: %w", sim.Metrics[m].Name, err)
		}
		l.line = append(append(l.line, tagWord...), sim.Metrics[m].Name...)
		l.histogram(d.Max(), data)
		l.flush()
	}
	if o.PerDevice {
		e := newEncoder()
		ids := r.Devices()
		for _, id := range append(ids, "") { // what was measured of no device counts for the fleet too
			r.logDevice(&l, e, id)
		}
	}
	if err := l.w.Flush(); err != nil {
		return fmt.Errorf("histograms: %w", err)
	}
	return nil
}

// logDevice writes the lines of one device.
func (r *Recorder) logDevice(l *logWriter, e *encoder, id sim.DeviceID) {
	s := r.shard(id)
	s.mu.Lock()
	if d := s.devices[id]; d != nil {
		for i := range d.series {
			if d.series[i].count() > 0 {
				highest := e.series(&d.series[i])
				l.line = AppendTag(append(l.line, tagWord...), sim.Metrics[i+1].Name, id)
				l.histogram(highest, e.text())
			}
		}
	}
	s.mu.Unlock() // before the file is waited for
	l.flush()
}

// logWriter writes the lines of a log. Its writer keeps the first error.
type logWriter struct {
	w        *bufio.Writer
	line     []byte // lines that are being made
	interval string // start and length of the interval, in seconds
}

// tagWord begins a line with a tag.
const tagWord = "Tag="

// histogram completes the line that was begun with a tag. highest is in ns.
func (l *logWriter) histogram(highest int64, data []byte) {
	l.line = append(l.line, ',')
	l.line = append(l.line, l.interval...)
	l.line = append(appendMillis(l.line, highest), ',')
	l.line = append(append(l.line, data...), '\n')
}

func (l *logWriter) flush() {
	l.w.Write(l.line) // its error shows at Flush
	l.line = l.line[:0]
}

// appendMillis appends ns nanoseconds, not below 0, as milliseconds with six
// decimals.
func appendMillis(b []byte, ns int64) []byte {
	b = append(strconv.AppendInt(b, ns/1e6, 10), '.')
	rest := strconv.Itoa(int(1e6 + ns%1e6))
	return append(b, rest[1:]...)
}

func interval(o LogOptions) string {
	return fmt.Sprintf("%.3f,%.3f,", max(0, o.Start.Sub(o.Base).Seconds()), max(0, o.End.Sub(o.Start).Seconds()))
}

// grammar is what the log says about itself.
var grammar = []string{
	"Values are nanoseconds; Interval_Max is milliseconds and exact.",
	"Tag of the fleet:    <metric>",
	"Tag of one device:   <metric>/<device id>, the id percent-encoded: letters, digits and - . _ ~ as they are,",
	"                     every other byte as % and two hexadecimal digits",
}

func (l *logWriter) head(o LogOptions) {
	comment := func(text string) { fmt.Fprintf(l.w, "#%s\n", oneLine(text)) }
	comment("[Histogram log format version " + hdrhistogram.HISTOGRAM_LOG_FORMAT_VERSION + "]")
	for _, text := range slices.Concat(o.About, grammar) {
		comment(" " + text)
	}
	if !o.PerDevice {
		comment(" The fleet only: `flotilla run --hlog-per-device` adds every device.")
	}
	if base := o.Base.UnixMilli(); base >= 0 {
		comment(fmt.Sprintf("[BaseTime: %s (seconds since epoch)]", decimalSeconds(base)))
		if start := o.Start.UnixMilli(); start >= 0 {
			comment(fmt.Sprintf("[StartTime: %s (seconds since epoch), %s]", decimalSeconds(start), o.Start.UTC().Format(time.RFC3339)))
		}
	}
	l.w.WriteString(`"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"` + "\n")
}

func decimalSeconds(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }

// oneLine makes a text safe for a line of comment, which readers take for a
// time when it begins with a bracket.
func oneLine(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c == 0x7f {
			b[i] = ' '
		}
	}
	return string(b)
}
