package reports

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/harness/record"
)

// Charts are drawn in a square of side units, which the page stretches to
// whatever room there is; marks and words are laid over it as text, so that
// they keep their size.
const side = 1000

// areas is a stack of areas over time: how many are in which state.
type areas struct {
	Name    string // what the chart is about
	What    string // what is counted
	Bands   []band // from the top of the stack to its foot, as a legend reads
	Moments []moment
	Grid    string // path of the horizontal lines
	X, Y    []tick
	End     string
}

// band is one state of a stack.
type band struct {
	State string
	Peak  string // most there were at once
	Last  string // at the end
	Path  string
	Label bool // there is room for its name, at Left and Top percent
	Left  string
	Top   string
}

// moment is a stretch of time in which nothing changes, and what there was.
type moment struct{ X, Width, Text string }

// stackOrder puts what stays at the foot of a stack and what passes, or is
// away, on top of it.
var stackOrder = map[string]int{
	"connected": 0, "downloading": 1, "downloaded": 2, "applying": 3, "rebooting": 4, "offline": 5,
	"failed": 0, "cancelled": 1, "completed": 2, "running": 3, "pending": 4,
}

func campaignCharts(c *record.Campaign) []*areas {
	if c == nil || c.BucketNs <= 0 || c.EndNs <= 0 {
		return nil
	}
	var list []*areas
	for _, part := range []struct {
		name, what string
		states     []record.States
	}{{"Devices by state", "devices", c.Devices}, {"Device jobs by state", "device jobs", c.Children}} {
		if a := newAreas(part.name, part.what, part.states, c); a != nil {
			list = append(list, a)
		}
	}
	return list
}

// newAreas draws a stack; nil if there is nothing to draw.
func newAreas(name, what string, states []record.States, c *record.Campaign) *areas {
	stack := slices.Clone(states)
	slices.SortStableFunc(stack, func(a, b record.States) int {
		place := func(s string) int {
			if i, ok := stackOrder[s]; ok {
				return i
			}
			return len(stackOrder)
		}
		return cmp.Compare(place(a.State), place(b.State))
	})
	n, top := 0, 0
	for _, s := range stack {
		n = max(n, len(s.Counts))
	}
	edges := make([][]int, len(stack)+1) // edges[i] is the foot of band i
	edges[0] = make([]int, n)
	for i, s := range stack {
		edges[i+1] = slices.Clone(edges[i])
		for k, v := range s.Counts {
			edges[i+1][k] += max(0, v)
			top = max(top, edges[i+1][k])
		}
	}
	if n == 0 || top == 0 {
		return nil
	}
	end := time.Duration(c.EndNs)
	a := &areas{Name: name, What: what, X: timeTicks(end), Y: countTicks(top), End: Duration(end, Options{})}
	x := make([]float64, n+1) // where the parts of time begin
	for i := range x {
		x[i] = min(float64(i)*float64(c.BucketNs)/float64(c.EndNs), 1) * side
	}
	y := func(v int) float64 { return side - float64(v)/float64(top)*side }
	for i, s := range stack {
		b := band{State: s.State, Path: bandPath(x, edges[i], edges[i+1], y)}
		peak := 0
		for _, v := range s.Counts {
			peak = max(peak, v)
		}
		b.Peak, b.Last = Count(int64(peak)), Count(int64(s.Counts[len(s.Counts)-1]))
		if left, height, ok := roomFor(x, edges[i], edges[i+1], y); ok {
			b.Label, b.Left, b.Top = true, decimal(left/side*100), decimal(height/side*100)
		}
		a.Bands = append(a.Bands, b)
	}
	slices.Reverse(a.Bands)
	a.Moments = moments(x, stack, n, c)
	var grid strings.Builder
	for _, t := range a.Y[1:] {
		grid.WriteString("M0 " + decimal(side-t.At*side) + "H" + strconv.Itoa(side))
	}
	a.Grid = grid.String()
	return a
}

// bandPath is the outline of one band, in steps: forth along its top and back
// along its foot.
func bandPath(x []float64, low, high []int, y func(int) float64) string {
	var b strings.Builder
	n := len(low)
	b.WriteString("M0 " + decimal(y(high[0])))
	for i := 1; i < n; i++ {
		if high[i] != high[i-1] {
			b.WriteString("H" + decimal(x[i]) + "V" + decimal(y(high[i])))
		}
	}
	b.WriteString("H" + decimal(x[n]) + "V" + decimal(y(low[n-1])))
	for i := n - 1; i > 0; i-- {
		if low[i] != low[i-1] {
			b.WriteString("H" + decimal(x[i]) + "V" + decimal(y(low[i-1])))
		}
	}
	b.WriteString("H0Z")
	return b.String()
}

// roomFor finds the middle of the place where a band is highest over a quarter
// of the chart's width; ok if it is high enough there for a line of text.
func roomFor(x []float64, low, high []int, y func(int) float64) (left, top float64, ok bool) {
	const width, least = side / 4, side / 9
	best := 0.0
	n := len(low)
	for i := range n {
		ceiling, floor := 0.0, float64(side) // in units from the top: the band's text must be between
		k := i
		for ; k < n && x[k]-x[i] < width; k++ {
			ceiling, floor = max(ceiling, y(high[k])), min(floor, y(low[k]))
		}
		if x[k]-x[i] < width || floor-ceiling <= best {
			continue
		}
		best, left, top = floor-ceiling, (x[i]+x[k])/2, (ceiling+floor)/2
	}
	return left, top, best >= least
}

// moments says what there was, once for every stretch of time without a
// change.
func moments(x []float64, stack []record.States, n int, c *record.Campaign) []moment {
	var list []moment
	for i := 0; i < n; {
		k := i + 1
		for k < n && !slices.ContainsFunc(stack, func(s record.States) bool { return s.Counts[k] != s.Counts[i] }) {
			k++
		}
		var parts []string
		for s := len(stack) - 1; s >= 0; s-- {
			if v := stack[s].Counts[i]; v > 0 {
				parts = append(parts, Count(int64(v))+" "+stack[s].State)
			}
		}
		text := "nothing"
		if len(parts) > 0 {
			text = strings.Join(parts, ", ")
		}
		at := time.Duration(min(c.EndNs, int64(i+1)*c.BucketNs))
		list = append(list, moment{decimal(x[i]), decimal(x[k] - x[i]), "from " + Duration(at, Options{}) + ": " + text})
		i = k
	}
	return list
}

// decimal writes a coordinate with at most two decimals.
func decimal(f float64) string {
	s := strconv.FormatFloat(f, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
