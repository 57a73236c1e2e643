// Package fault is what goes wrong, as data: the conditions under which a
// device and its downloads live, and named recipes that make them.
//
// A condition is never an action. Conditions.Device reaches the device's own
// machine (in its Config, or later as an Afflicted input) and is played there.
// Conditions.Download is played by whoever serves packages, the real server
// and the virtual one alike, and both ask the same questions: Tries.Refused,
// whether a try is served at all, Tries.Next, where it is cut, and
// Download.WrongPlace, which byte is wrong.
// Conditions.Client is played around a real connection; in virtual time there
// is neither client nor socket, and it is refused. Conditions.Link is played by
// whoever carries what a device and its hub say to each other; both carriers,
// the real one and the virtual one, ask Path when something arrives.
// Conditions.Hub is played by whoever drives the hub machine. Which of them
// hold when, and for whom, is told by a Course. The package touches no
// connection and keeps nothing but the state of Tries, Path and Course.
//
// To add a fault, write its file and put its row into Recipes.
package fault

import "github.com/flotilla-sim/flotilla/sim"

// Conditions is everything that is wrong with one device, or with the hub. The
// zero value is healthy.
type Conditions struct {
	Device   sim.Condition // played by the device's machine
	Download Download      // played by the package server towards this device
	Client   Client        // played around the device's connections, where there are real ones
	Link     Link          // played between the device and the hub
	Hub      Hub           // played by the driver of the hub machine
}

// IsZero says whether nothing is wrong.
func (c Conditions) IsZero() bool { return c == Conditions{} }

// Client is how a device's MQTT client misbehaves in each of its sessions, from
// the moment its subscriptions are granted.
type Client struct {
	Stuck      bool // its callback for messages never returns; the connection stays
	NeverReads bool // it reads nothing more from its socket, but goes on writing
	HalfCloses bool // it shuts its side of the socket down for writing and keeps it; what it says goes nowhere
}

// Forever as Download.Cuts cuts every try.
const Forever = -1

// Download is what a package server does to one device's downloads.
type Download struct {
	WrongByte bool // one byte of the payload is served wrong, every time; the manifest is true
	CutAt     int  // where the connection is cut, in 1/1000 of the package's length: 1 to 999
	Cuts      int  // how many tries are cut there: 0 none, Forever all

	Status   int32 // with which tries are refused before anything else
	Refusals int   // how many tries are: 0 none, Forever all
	Rate     int64 // bytes per second at most; 0: as the server can
}

// WrongPlace is the offset, in the payload behind the manifest line, of the
// byte that WrongByte spoils; a payload without bytes has none to spoil.
func (d Download) WrongPlace(payload int64) (at int64, ok bool) {
	return payload / 2, d.WrongByte && payload > 0
}

// CutPlace is the offset in the whole package, manifest line included, before
// which the connection is cut.
func (d Download) CutPlace(length int64) int64 {
	// Whole thousands and the rest apart: length times 999 may not fit.
	return length/1000*int64(d.CutAt) + length%1000*int64(d.CutAt)/1000
}

// Tries counts what was done to one device's downloads of one package so far.
// A server keeps them for every device that has conditions; the zero value is
// the start.
type Tries struct{ cut, refused int }

// Refused is asked once a try, before Next: it answers the status with which
// the try is refused, 0 if it is not.
func (t *Tries) Refused(d Download) (status int32) {
	if d.Refusals == 0 || d.Refusals > 0 && t.refused >= d.Refusals {
		return 0
	}
	t.refused++
	return d.Status
}

// Next is asked once a try: the device wants the bytes from `from` to the end
// of a package of that length. It answers how far the try gets and whether it
// is then cut off. A try that begins behind the place is not cut; one that
// begins exactly there is cut without a byte.
func (t *Tries) Next(d Download, from, length int64) (end int64, cut bool) {
	place := d.CutPlace(length)
	if d.Cuts == 0 || from > place || place >= length || d.Cuts > 0 && t.cut >= d.Cuts {
		return length, false
	}
	t.cut++
	return place, true
}

// Merge puts several conditions together. Where two cut a download, the later
// one says where and how often; of two floods or pauses the larger counts.
func Merge(list ...Conditions) Conditions {
	var all Conditions
	for _, c := range list {
		all.Device = mergeDevice(all.Device, c.Device)
		all.Client.Stuck = all.Client.Stuck || c.Client.Stuck
		all.Client.NeverReads = all.Client.NeverReads || c.Client.NeverReads
		all.Client.HalfCloses = all.Client.HalfCloses || c.Client.HalfCloses
		all.Link = all.Link.with(c.Link)
		all.Hub = all.Hub.with(c.Hub)
		all.Download = mergeDownload(all.Download, c.Download)
	}
	return all
}

// mergeDownload puts two together. Of two rates the slower counts.
func mergeDownload(a, b Download) Download {
	a.WrongByte = a.WrongByte || b.WrongByte
	if b.Cuts != 0 {
		a.CutAt, a.Cuts = b.CutAt, b.Cuts
	}
	if b.Refusals != 0 {
		a.Status, a.Refusals = b.Status, b.Refusals
	}
	if a.Rate == 0 || b.Rate > 0 && b.Rate < a.Rate {
		a.Rate = b.Rate
	}
	return a
}
