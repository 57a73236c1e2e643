package device

import (
	"strconv"

	"github.com/flotilla-sim/flotilla/sim"
)

// download is a download in progress, or waiting to go on.
type download struct {
	do     func(*Device, sim.Fetched)
	uri    string
	id     uint32 // of the present try; 0 between tries
	tries  uint8  // resumes since a try got further than all before
	have   uint64 // where to go on
	best   uint64 // the furthest a try has come
	check  []byte // with this checkpoint
	resume sim.Time
}

// maxResumes is how often a broken download is resumed without a new byte
// before it has failed.
const maxResumes = 5

// Download downloads a URI; f is told how it goes: several times while it
// goes on, the last time with Done. A broken connection and a server's 5xx
// are resumed from the last byte, after a back-off, 5 times in vain at most;
// f sees them only as the last answer. A second Download takes the place of
// the first; a reboot loses it.
func (d *Device) Download(uri string, f func(*Device, sim.Fetched)) {
	d.CancelDownload()
	d.atWork().download = &download{do: f, uri: uri, resume: sim.Never}
	d.fetch()
}

// Downloading says whether a download is going on.
func (d *Device) Downloading() bool { return d.busy != nil && d.busy.download != nil }

// CancelDownload forgets the download, if there is one.
func (d *Device) CancelDownload() {
	if !d.Downloading() {
		return
	}
	if l := d.busy.download; l.id != 0 {
		d.out.Fetch = append(d.out.Fetch, sim.Fetch{ID: l.id, Cancel: true})
	}
	d.busy.download = nil
}

// fetch begins a try.
func (d *Device) fetch() {
	l := d.busy.download
	d.fetches++
	l.id, l.resume = d.fetches, sim.Never
	d.out.Fetch = append(d.out.Fetch, sim.Fetch{ID: l.id, URL: d.readURI(l.uri), From: l.have, Check: l.check})
}

func (d *Device) resumeDue() { d.fetch() }

// fetched takes how the present try goes.
func (d *Device) fetched(f *sim.Fetched) {
	if !d.Downloading() || d.busy.download.id != f.ID || d.spoilt(f) {
		return
	}
	l := d.busy.download
	switch {
	case f.Fail == sim.FetchOK && !f.Done:
		d.bytes(f.Have, "downloading")
		l.do(d, *f)
		return
	case f.Fail == sim.FetchOK, f.Fail == sim.FetchLink && f.Total > 0 && f.Have == f.Total:
		// A link that broke behind the last byte has done its work.
		whole := *f
		whole.Fail = sim.FetchOK
		f = &whole
		d.bytes(f.Have, "complete")
	case l.broke(f):
		l.id, l.resume = 0, d.now.Add(d.pause(l.tries-1))
		d.bytes(l.have, why(f)+", resume "+strconv.Itoa(int(l.tries))+" of "+strconv.Itoa(maxResumes))
		return
	default:
		d.bytes(max(f.Have, l.have), "failed: "+why(f))
	}
	end := *f
	end.Done = true // a failure is the end of a try, said or not
	d.busy.download = nil
	l.do(d, end)
}

// broke takes the end of a try that went wrong and says whether there is
// another one.
func (l *download) broke(f *sim.Fetched) bool {
	switch {
	case f.Fail == sim.FetchLink, f.Fail == sim.FetchStatus && f.Status >= 500:
		if f.Have > l.best && f.Check != nil {
			l.best, l.tries = f.Have, 0
		}
		if f.Have > l.have && f.Check != nil {
			l.have, l.check = f.Have, append([]byte(nil), f.Check...)
		}
	case f.Fail == sim.FetchStatus && f.Status == 200 && l.have > 0: // no ranges here: from the start
		l.have, l.check = 0, nil
	default:
		return false
	}
	if l.tries == maxResumes {
		return false
	}
	l.tries++
	return true
}

// why says in words how a try ended.
func why(f *sim.Fetched) string {
	switch f.Fail {
	case sim.FetchBadURI:
		return "bad URI"
	case sim.FetchStatus:
		return "status " + strconv.Itoa(int(f.Status))
	}
	return "link"
}

func (d *Device) bytes(have uint64, text string) {
	d.Note(sim.EventBytes, text)
	d.out.Observe[len(d.out.Observe)-1].Value = int64(have)
}
