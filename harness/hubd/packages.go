package hubd

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// DeviceHeader names the device that downloads, percent-encoded. Without it a
// download is served as it should be.
const DeviceHeader = "Flotilla-Device"

// packagePath is where packages are.
const packagePath = "/packages/"

// Packages serves firmware packages over HTTP/1.1: GET and HEAD with ranges,
// an ETag, and a Repr-Digest of the whole package [RFC 9110; RFC 9530]. It
// plays a device's fault.Download on the wire: a wrong byte is sent wrong, a
// cut is the connection's end after the right number of bytes, and a rate is
// how fast bytes are written.
type Packages struct {
	base   string
	server http.Server

	mu     sync.Mutex
	byName map[string]*served
	byURI  map[string]string // pack.URIKey of a package's own URI -> its name
	faults map[sim.DeviceID]*affliction

	bytes, downloads, whole, cuts atomic.Uint64
	status                        [6]atomic.Uint64 // by hundred

	serving sync.WaitGroup
}

// served is a package with what every answer says of it.
type served struct {
	pack   pack.Package
	etag   string
	digest string
	wrong  sync.Map // offset of the wrong byte -> pack.Package
}

// affliction is what goes wrong for one device.
type affliction struct {
	download fault.Download
	mu       sync.Mutex
	tries    map[string]*fault.Tries // by package
}

// try asks one thing of the tries of a package.
func (a *affliction) try(name string, ask func(*fault.Tries)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tries[name]
	if t == nil {
		t = new(fault.Tries)
		a.tries[name] = t
	}
	ask(t)
}

// PackageCounters count what was served.
type PackageCounters struct {
	BytesServed uint64    // bodies alone
	Downloads   uint64    // GET requests answered with 200 or 206
	Completed   uint64    // of these, those that reached the package's end
	Cuts        uint64    // of these, those cut on purpose
	Status      [6]uint64 // answers by the hundred of their status: Status[4] counts 4xx
}

// NewPackages makes a server without packages. base is what URIs begin with,
// `http://127.0.0.1:8080`; over in-memory links any host name does.
func NewPackages(base string) *Packages {
	p := &Packages{base: strings.TrimSuffix(base, "/"), byName: map[string]*served{}, byURI: map[string]string{}, faults: map[sim.DeviceID]*affliction{}}
	p.server = http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	return p
}

// Listen serves what l accepts; l is the server's from now on.
func (p *Packages) Listen(l net.Listener) {
	p.serving.Go(func() { p.server.Serve(l) })
}

// Close ends the server: downloads under way may end until ctx does and are
// cut then. It returns when nothing is served any more.
func (p *Packages) Close(ctx context.Context) error {
	err := p.server.Shutdown(ctx)
	if err != nil {
		p.server.Close()
	}
	p.serving.Wait()
	return err
}

// Publish puts a package on the server, under its name, and returns its URI.
// The same package may be published again; another one of the same name may
// not.
func (p *Packages) Publish(pk pack.Package) (uri string, err error) {
	name := pk.Spec().Name
	hash := sha256.New()
	if _, err := io.Copy(hash, reader(pk)); err != nil {
		return "", fmt.Errorf("package %s: %w", name, err)
	}
	sum := hash.Sum(nil)
	s := &served{
		pack: pk, etag: `"` + hex.EncodeToString(sum[:16]) + `"`,
		digest: "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":",
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.byName[name]; old != nil && old.digest != s.digest {
		return "", fmt.Errorf("package %s: another one of this name is published (version %s); choose another name", name, old.pack.Spec().Version)
	} else if old == nil {
		p.byName[name] = s
	}
	if key := pack.URIKey(pk.Spec().URI); key != "" {
		if other, taken := p.byURI[key]; taken && other != name {
			return "", fmt.Errorf("package %s: its URI %s is that of package %s", name, pk.Spec().URI, other)
		}
		p.byURI[key] = name
	}
	return p.uri(name), nil
}

// Over returns a transport for devices that fetch a package at the URI it says
// of itself from this server, and everything else where it is.
func (p *Packages) Over(rt http.RoundTripper) http.RoundTripper { return rerouted{p, rt} }

type rerouted struct {
	packages *Packages
	rt       http.RoundTripper
}

// RoundTrip carries a request out.
func (r rerouted) RoundTrip(q *http.Request) (*http.Response, error) {
	r.packages.mu.Lock()
	name, own := r.packages.byURI[pack.URIKey(q.URL.String())]
	r.packages.mu.Unlock()
	if own {
		u, err := url.Parse(r.packages.uri(name))
		if err != nil {
			return nil, err
		}
		q = q.Clone(q.Context())
		q.URL, q.Host = u, u.Host
	}
	return r.rt.RoundTrip(q)
}

// CloseIdleConnections lets an http.Client do so.
func (r rerouted) CloseIdleConnections() {
	if c, ok := r.rt.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// uri is where a package is.
func (p *Packages) uri(name string) string { return p.base + packagePath + url.PathEscape(name) }

// Afflict has d go wrong for a device's downloads from now on; the zero
// Download heals it, the one it has already changes nothing.
func (p *Packages) Afflict(id sim.DeviceID, d fault.Download) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch a := p.faults[id]; {
	case d == (fault.Download{}):
		delete(p.faults, id)
	case a == nil || a.download != d:
		p.faults[id] = &affliction{download: d, tries: map[string]*fault.Tries{}}
	}
	return nil
}

// Counters says what was served so far.
func (p *Packages) Counters() PackageCounters {
	c := PackageCounters{BytesServed: p.bytes.Load(), Downloads: p.downloads.Load(), Completed: p.whole.Load(), Cuts: p.cuts.Load()}
	for i := range c.Status {
		c.Status[i] = p.status[i].Load()
	}
	return c
}

// ServeHTTP answers a request for a package.
func (p *Packages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	meter := &meteredWriter{ResponseWriter: w, server: p}
	name, ok := strings.CutPrefix(r.URL.Path, packagePath)
	p.mu.Lock()
	pk := p.byName[name]
	p.mu.Unlock()
	switch {
	case !ok || pk == nil:
		http.Error(meter, "there is no package of this name", http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		meter.Header().Set("Allow", "GET, HEAD")
		http.Error(meter, "a package can be read only", http.StatusMethodNotAllowed)
	default:
		p.serve(meter, r, pk)
	}
}

func (p *Packages) serve(w *meteredWriter, r *http.Request, pk *served) {
	body := &body{pack: pk.pack, end: pk.pack.Len(), length: pk.pack.Len()}
	if id, err := url.PathUnescape(r.Header.Get(DeviceHeader)); err == nil && id != "" && r.Method == http.MethodGet {
		p.mu.Lock()
		body.fault = p.faults[sim.DeviceID(id)]
		p.mu.Unlock()
	}
	if body.fault != nil {
		d, status := body.fault.download, int32(0)
		body.fault.try(pk.pack.Spec().Name, func(t *fault.Tries) { status = t.Refused(d) })
		if status != 0 {
			http.Error(w, "refused, as the device's conditions say", int(status))
			return
		}
		if d.Rate > 0 {
			w.flush = true
			body.pace = &pace{ctx: r.Context(), rate: d.Rate}
		}
		if at, wrong := d.WrongPlace(pk.pack.Spec().Size); wrong {
			body.pack = pk.corrupt(at)
		}
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("ETag", pk.etag)
	h.Set("Repr-Digest", pk.digest)
	h.Set("Cache-Control", "no-transform")
	http.ServeContent(w, r, "", time.Time{}, body)
	if r.Method != http.MethodGet || w.code != http.StatusOK && w.code != http.StatusPartialContent {
		return
	}
	p.downloads.Add(1)
	switch {
	case body.cut:
		p.cuts.Add(1)
		http.NewResponseController(w.ResponseWriter).Flush()
		panic(http.ErrAbortHandler) // net/http closes the connection
	case body.at == body.length:
		p.whole.Add(1)
	}
}

// corrupt returns the package with one byte wrong; it is made once.
func (s *served) corrupt(at int64) pack.Package {
	if x, ok := s.wrong.Load(at); ok {
		return x.(pack.Package)
	}
	x, _ := s.wrong.LoadOrStore(at, s.pack.Corrupt(at))
	return x.(pack.Package)
}

// body is a package as one request reads it.
type body struct {
	pack   pack.Package
	fault  *affliction
	at     int64
	length int64
	end    int64 // where reading ends: at the cut, if there is one
	begun  bool
	cut    bool
	pace   *pace // nil: as fast as it goes
}

// pace is how fast a body may be read.
type pace struct {
	ctx   context.Context // the request's
	rate  int64           // bytes per second
	began time.Time
	read  int64
}

// slice is at most what is read at once of a body with a pace: a tenth of a
// second's bytes.
func (p *pace) slice(n int) int { return int(min(int64(n), max(1, p.rate/10))) }

// wait waits until n bytes more may have been read.
func (p *pace) wait(n int) error {
	if p.began.IsZero() {
		p.began = time.Now()
	}
	p.read += int64(n)
	seconds, rest := p.read/p.rate, p.read%p.rate
	due := p.began.Add(time.Duration(seconds)*time.Second + time.Duration(float64(rest)/float64(p.rate)*1e9))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

var errCut = errors.New("cut off, as the device's conditions say")

// Read reads on, up to the cut.
func (b *body) Read(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		if f := b.fault; f != nil {
			f.try(b.pack.Spec().Name, func(t *fault.Tries) { b.end, b.cut = t.Next(f.download, b.at, b.length) })
		}
	}
	if b.at >= b.end {
		if b.cut {
			return 0, errCut
		}
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), b.end-b.at)]
	if b.pace != nil {
		p = p[:b.pace.slice(len(p))]
		if err := b.pace.wait(len(p)); err != nil {
			return 0, err
		}
	}
	n, _ := b.pack.ReadAt(p, b.at)
	b.at += int64(n)
	return n, nil
}

// Seek is for http.ServeContent: to learn the length, and to begin at a range.
func (b *body) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekEnd:
		offset += b.length
	case io.SeekCurrent:
		offset += b.at
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	b.at = offset
	return offset, nil
}

// reader reads a package from its start.
func reader(p pack.Package) io.Reader { return &body{pack: p, length: p.Len(), end: p.Len()} }

// meteredWriter counts what is answered.
type meteredWriter struct {
	http.ResponseWriter
	server *Packages
	code   int
	flush  bool // at once what is written
}

func (w *meteredWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
		w.server.status[min(code/100, 5)].Add(1)
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *meteredWriter) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	if w.code < 300 { // an error's text is no package
		w.server.bytes.Add(uint64(n))
	}
	if w.flush && err == nil {
		err = http.NewResponseController(w.ResponseWriter).Flush()
	}
	return n, err
}
