package world

import (
	"math"
	"math/bits"
	"net/url"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// ServerCounts counts what the package server has done.
type ServerCounts struct {
	Requests, Downloads, Refused, Cut uint64 // Downloads: bodies served to their end
	BytesServed                       uint64
	PeakDownloads                     int
}

// packageHost is where the world's packages are.
const packageHost = "packages.flotilla.test"

// server is the package server: its uplink is shared fairly by the downloads
// under way; one that a fault makes slow has a line of its own, at most as wide. Service is counted in bytes of one download since the start, in
// 1/256 byte: every active download has got the same since it began, so one
// number moves on for all and a heap of the places where each has its next
// mark says what comes first.
type server struct {
	rate       int64
	packages   map[string]pack.Package
	named      map[string]string       // pack.URIKey of a package's own URI -> its name
	corrupt    map[string]pack.Package // as a wrong byte leaves them
	conditions map[uint32]*condition
	flows      []flow
	free       []uint32
	marks      sim.Timers // key: flow that shares; "time" is service
	slow       sim.Timers // key: flow with a rate of its own; time is time
	byDevice   map[uint32]uint32
	service    uint64
	last       sim.Time
	active     int
	sharing    int // of those active
	counts     ServerCounts
	answers    []answer
}

type condition struct {
	download fault.Download
	tries    map[string]*fault.Tries // by package
}

// of returns the tries of a package.
func (c *condition) of(name string) *fault.Tries {
	t := c.tries[name]
	if t == nil {
		t = new(fault.Tries)
		c.tries[name] = t
	}
	return t
}

type answer struct {
	dev     uint32
	fetched sim.Fetched
}

// flow is a download under way.
type flow struct {
	dev   uint32
	id    uint32
	p     pack.Package
	from  int64 // first byte asked for
	end   int64 // where it ends or is cut
	cut   bool
	begin uint64 // service when it began
	at    sim.Time
	rate  int64 // bytes per second, 0: its share of the uplink
	mark  int64 // byte at which the device hears of it next
	told  sim.Time
}

// unit is 1 byte of service.
const unit = 256

// progress is how often a download tells how far it is, at most.
const progress = 250 * time.Millisecond

func newServer(rate int64) *server {
	return &server{
		rate: max(1, rate), packages: map[string]pack.Package{}, named: map[string]string{}, corrupt: map[string]pack.Package{},
		conditions: map[uint32]*condition{}, byDevice: map[uint32]uint32{},
	}
}

func (s *server) publish(p pack.Package) string {
	name := p.Spec().Name
	s.packages[name] = p
	delete(s.corrupt, name)
	if key := pack.URIKey(p.Spec().URI); key != "" {
		s.named[key] = name
	}
	return "http://" + packageHost + "/packages/" + url.PathEscape(name)
}

func (s *server) condition(dev uint32, d fault.Download) {
	switch c := s.conditions[dev]; {
	case d == (fault.Download{}):
		delete(s.conditions, dev)
	case c == nil || c.download != d: // what was done to the same condition so far counts on
		s.conditions[dev] = &condition{download: d, tries: map[string]*fault.Tries{}}
	}
}

// request takes in one fetch, or the end of one.
func (s *server) request(now sim.Time, dev uint32, f sim.Fetch) {
	s.flow(now)
	if i, ok := s.byDevice[dev]; ok { // a device has one download at a time
		s.stop(i)
	}
	if f.Cancel {
		return
	}
	refuse := func(fail sim.FetchFail, status int32) {
		if fail == sim.FetchStatus { // else the device did not come here
			s.counts.Requests++
			s.counts.Refused++
		}
		s.answers = append(s.answers, answer{dev, sim.Fetched{ID: f.ID, Have: f.From, Fail: fail, Status: status, Done: true}})
	}
	u, err := url.Parse(f.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		refuse(sim.FetchBadURI, 0)
		return
	}
	name, ok := s.named[pack.URIKey(f.URL)]
	if !ok {
		if u.Host != packageHost {
			refuse(sim.FetchLink, 0)
			return
		}
		name, ok = strings.CutPrefix(u.Path, "/packages/")
	}
	p, known := s.packages[name]
	if !ok || !known {
		refuse(sim.FetchStatus, 404)
		return
	}
	c := s.conditions[dev]
	status := int32(0)
	if c != nil {
		status = c.of(name).Refused(c.download)
	}
	switch {
	case status != 0:
		refuse(sim.FetchStatus, status)
		return
	case f.From >= uint64(p.Len()):
		refuse(sim.FetchStatus, 416)
		return
	}
	s.counts.Requests++
	w := flow{dev: dev, id: f.ID, p: p, from: int64(f.From), end: p.Len(), begin: s.service, at: now, told: now}
	if c != nil {
		w.rate = min(c.download.Rate, s.rate)
		w.end, w.cut = c.of(name).Next(c.download, w.from, p.Len())
		if at, ok := c.download.WrongPlace(p.Spec().Size); ok {
			w.p = s.spoilt(p, at)
		}
	}
	w.mark = w.next(w.from)
	var i uint32
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
		s.flows[i] = w
	} else {
		i = uint32(len(s.flows))
		s.flows = append(s.flows, w)
	}
	s.byDevice[dev] = i
	s.active++
	if w.rate == 0 {
		s.sharing++
	}
	s.counts.PeakDownloads = max(s.counts.PeakDownloads, s.active)
	s.arm(i)
}

func (s *server) spoilt(p pack.Package, at int64) pack.Package {
	name := p.Spec().Name
	c, ok := s.corrupt[name]
	if !ok {
		c = p.Corrupt(at)
		s.corrupt[name] = c
	}
	return c
}

// next is the byte after `have` at which the device hears of the download:
// when the head is complete, at each quarter, at the end.
func (f *flow) next(have int64) int64 {
	if head := int64(len(f.p.Head())); f.from == 0 && have < head {
		return min(head, f.end)
	}
	quarter := max(1, (f.p.Len()+3)/4)
	return min((have/quarter+1)*quarter, f.end)
}

// arm puts a flow's mark into its heap.
func (s *server) arm(i uint32) {
	f := &s.flows[i]
	if f.rate > 0 {
		s.slow.Set(i, f.at.Add(takes(f.mark-f.from, f.rate)))
		return
	}
	s.marks.Set(i, sim.Time(f.begin+uint64(f.mark-f.from)*unit))
}

// takes is how long bytes take at a rate, rounded up; at most 292 years.
func takes(bytes, rate int64) time.Duration {
	seconds, rest := bytes/rate, bytes%rate
	if seconds >= math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	hi, lo := bits.Mul64(uint64(rest), uint64(time.Second))
	q, r := bits.Div64(hi, lo, uint64(rate))
	if r > 0 {
		q++
	}
	return time.Duration(seconds)*time.Second + time.Duration(q)
}

func (s *server) stop(i uint32) {
	if s.flows[i].rate == 0 {
		s.sharing--
	}
	s.marks.Clear(i)
	s.slow.Clear(i)
	delete(s.byDevice, s.flows[i].dev)
	s.flows[i] = flow{}
	s.free = append(s.free, i)
	s.active--
}

// flow moves the service on to now.
func (s *server) flow(now sim.Time) {
	if s.sharing > 0 && now > s.last {
		hi, lo := bits.Mul64(uint64(now-s.last), uint64(s.rate)*unit)
		q, _ := bits.Div64(hi, lo, uint64(time.Second)*uint64(s.sharing))
		s.service += q
	}
	s.last = now
}

// deadline is when the first mark is reached if nothing else happens.
func (s *server) deadline() sim.Time {
	next, slow := s.marks.Next(), s.slow.Next()
	if next == sim.Never {
		return slow
	}
	if uint64(next) <= s.service {
		return s.last
	}
	hi, lo := bits.Mul64(uint64(next)-s.service, uint64(time.Second)*uint64(s.sharing))
	q, r := bits.Div64(hi, lo, uint64(s.rate)*unit)
	if r > 0 {
		q++
	}
	return min(s.last.Add(time.Duration(q)), slow)
}

// step tells the devices whose marks are reached, at most sim.MaxSlice.
func (s *server) step(now sim.Time) {
	s.flow(now)
	for range sim.MaxSlice {
		i, ok := s.marks.Pop(sim.Time(s.service))
		if !ok {
			i, ok = s.slow.Pop(now)
		}
		if !ok {
			return
		}
		f := &s.flows[i]
		have := f.mark
		if have >= f.end {
			s.finish(i)
			continue
		}
		if now.Sub(f.told) >= progress || f.from == 0 && have <= int64(len(f.p.Head())) {
			f.told = now
			s.answers = append(s.answers, answer{f.dev, f.answer(have)})
		}
		f.mark = f.next(have)
		s.arm(i)
	}
}

func (f *flow) answer(have int64) sim.Fetched {
	a := sim.Fetched{ID: f.id, Have: uint64(have), Total: uint64(f.p.Len()), Head: f.p.Head(), Status: 200}
	if int64(len(a.Head)) > have {
		a.Head = nil
	}
	if f.from > 0 {
		a.Status = 206
	}
	return a
}

// finish ends a download, whole or cut. Only now does it cost a hash.
func (s *server) finish(i uint32) {
	f := &s.flows[i]
	a := f.answer(f.end)
	a.Done = true
	s.counts.BytesServed += uint64(f.end - f.from)
	if f.cut {
		a.Fail = sim.FetchLink
		a.Sum, a.Check = f.p.Prefix(f.end)
		s.counts.Cut++
	} else {
		a.Sum = f.p.Served()
		s.counts.Downloads++
	}
	s.answers = append(s.answers, answer{f.dev, a})
	s.stop(i)
}
