package iothub

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/hub"
)

// Backend is the hub behind the REST surface; *hubd.Server is one. Errors are
// *hub.Error, or ctx's.
type Backend interface {
	Do(context.Context, hub.Command) (hub.Reply, error)   // never leaves a ticket behind with the commands used here
	Call(context.Context, hub.Command) (hub.Reply, error) // waits for the ticket's answer
	View(context.Context) (hub.View, error)               // a snapshot: queries run on the caller's goroutine
}

// HandlerConfig sets a Handler up.
type HandlerConfig struct {
	Hub      Backend
	Hosts    []string // the hub's names, as tokens have them; at least one
	Policies []Policy
	Strict   bool // a job id in use is refused with 412; else a running job is answered as it is and an ended one replaced

	Now   func() time.Time                              // for the expiry of tokens; nil: the clock
	Keys  func() (primary, secondary []byte, err error) // of devices created without; nil: 32 random bytes each
	Epoch sim.Epoch                                     // civil instant of the hub's Time 0
	Log   *slog.Logger                                  // nil: none. Tokens and keys are never logged
}

// Handler is the REST surface of a hub: that of the 2016 device management
// preview so far. It may be served on any number of listeners.
type Handler struct {
	cfg    HandlerConfig
	scans  chan struct{} // holds a token for each query that runs
	orders orders
}

// NewHandler makes a Handler.
func NewHandler(cfg HandlerConfig) (*Handler, error) {
	if cfg.Hub == nil || len(cfg.Hosts) == 0 {
		return nil, errors.New("REST handler: Hub and Hosts are needed")
	}
	for i, p := range cfg.Policies {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("REST handler: policies[%d]: %w", i, err)
		}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Keys == nil {
		cfg.Keys = randomKeys
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{cfg: cfg, scans: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))}, nil
}

func randomKeys() (primary, secondary []byte, err error) {
	b := make([]byte, 64)
	if _, err := rand.Read(b); err != nil {
		return nil, nil, fmt.Errorf("device keys: %w", err)
	}
	return b[:32:32], b[32:], nil
}

// The api-versions that speak the preview; every later date speaks the
// dialect that came after it.
var previewVersions = [...]string{"2016-02-03", "2016-04-25-preview", "2016-04-30", "2016-04-30-preview"}

const lastPreview = "2016-04-30"

// generation says which dialect an api-version speaks.
func generation(version string) (preview bool, err *RESTError) {
	switch {
	case version == "":
		return false, refuse(http.StatusBadRequest, "InvalidProtocolVersion", "the request has no api-version; add ?api-version=2016-04-25-preview")
	case !isAPIVersion(version):
		return false, refuse(http.StatusBadRequest, "InvalidProtocolVersion", "api-version %.40q is not a date such as 2016-04-25-preview", version)
	}
	for _, v := range previewVersions {
		if v == version {
			return true, nil
		}
	}
	if version[:10] < lastPreview {
		return false, refuse(http.StatusBadRequest, "InvalidProtocolVersion", "api-version %s is not known; the preview's are %s", version, strings.Join(previewVersions[:3], ", "))
	}
	return false, nil
}

// request is one request on its way through a Handler.
type request struct {
	*Handler
	*http.Request
	w     http.ResponseWriter
	parts []string // of the path, decoded
	query url.Values
}

// route is an endpoint: its path, an empty element standing for an id.
type route struct {
	method string
	path   []string
	rights Rights
	serve  func(*request) error // answers, or returns what is wrong
}

// routes are the preview's endpoints. [Azure IoT Hub device management
// preview: SDK for Node and for C#]
var routes = []route{
	{http.MethodPut, []string{"jobs", "v2", ""}, RegistryWrite, (*request).putJob},
	{http.MethodGet, []string{"jobs", "v2", ""}, RegistryRead, (*request).getJob},
	{http.MethodDelete, []string{"jobs", "v2", ""}, RegistryWrite, (*request).cancelJob},
	{http.MethodGet, []string{"jobs", "v2"}, RegistryRead, (*request).listJobs},
	{http.MethodPost, []string{"jobs", "v2", "query"}, RegistryRead, (*request).queryJobs},
	{http.MethodPut, []string{"devices", ""}, RegistryWrite, (*request).putDevice},
	{http.MethodGet, []string{"devices", ""}, RegistryRead, (*request).getDevice},
	{http.MethodDelete, []string{"devices", ""}, RegistryWrite, (*request).deleteDevice},
	{http.MethodGet, []string{"devices"}, RegistryRead, (*request).listDevices},
	{http.MethodPost, []string{"devices", "query"}, RegistryRead, (*request).queryDevices},
	{http.MethodPut, []string{"devices", "", "serviceProperties"}, RegistryWrite, (*request).putService},
	{http.MethodGet, []string{"statistics", "devices"}, RegistryRead, (*request).statistics},

	// What the same clients can ask beside device management.

	{http.MethodPost, []string{"jobs", "create"}, RegistryWrite, (*request).notBuilt},
	{http.MethodGet, []string{"jobs"}, RegistryRead, (*request).notBuilt},
	{http.MethodGet, []string{"jobs", ""}, RegistryRead, (*request).notBuilt},
	{http.MethodDelete, []string{"jobs", ""}, RegistryWrite, (*request).notBuilt},
	{http.MethodPost, []string{"devices"}, RegistryWrite, (*request).notBuilt},
}

// notBuilt says that import, export and bulk calls are not there.
func (r *request) notBuilt() error {
	return refuse(http.StatusNotImplemented, "InvalidOperation", "%s %.200s: import, export and bulk operations are not built; create devices one by one", r.Method, r.URL.Path)
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{Handler: h, Request: r, w: w}
	if err := q.answer(); err != nil {
		e := asREST(err)
		h.cfg.Log.Debug("request refused", "method", r.Method, "path", r.URL.Path, "status", e.Status, "code", e.Code)
		q.fail(e)
	}
	if t, ok := q.w.(*taken); ok {
		t.close()
	}
}

// answer does what is asked, or says why not: who asks comes first, so that
// nobody learns anything else without a token.
func (r *request) answer() error {
	rights, err := r.authorize()
	if err != nil {
		return err
	}
	if r.query, err = parseQuery(r.URL.RawQuery); err != nil {
		return err
	}
	preview, bad := generation(r.query.Get("api-version"))
	switch {
	case bad != nil:
		return bad
	case !preview:
		return refuse(http.StatusNotImplemented, "InvalidOperation",
			"api-version %s is not built yet; this hub speaks the device management preview, api-version 2016-04-25-preview", r.query.Get("api-version"))
	}
	if err := r.split(); err != nil {
		return err
	}
	to, err := r.route()
	if err != nil {
		return err
	}
	if rights&to.rights != to.rights {
		return refuse(http.StatusUnauthorized, "IotHubUnauthorizedAccess", "the policy lacks the right %s", to.rights)
	}
	return to.serve(r)
}

// parseQuery reads a query string; names in any letter case.
func parseQuery(raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, invalid("query string: %v", err)
	}
	lower := make(url.Values, len(values))
	for name, v := range values { // any order: names that differ in letter case alone are joined
		lower[strings.ToLower(name)] = append(lower[strings.ToLower(name)], v...)
	}
	return lower, nil
}

// split cuts the path at its slashes and decodes the pieces, so that an
// encoded slash is part of an id. One slash at the end does not count.
func (r *request) split() error {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	r.parts = strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, p := range r.parts {
		s, err := url.PathUnescape(p)
		if err != nil {
			return invalid("path: %v", err)
		}
		if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return invalid("path: it holds a control character")
		}
		r.parts[i] = s
	}
	return nil
}

// route finds the endpoint.
func (r *request) route() (*route, error) {
	if r.parts[0] == "$admin" {
		return nil, r.notBuilt()
	}
	var allowed []string
	for i := range routes {
		to := &routes[i]
		if !to.fits(r.parts) {
			continue
		}
		if to.method == r.Method {
			return to, nil
		}
		allowed = append(allowed, to.method)
	}
	if allowed == nil {
		return nil, refuse(http.StatusNotFound, "InvalidOperation", "there is nothing at %.200q", r.URL.Path)
	}
	r.w.Header().Set("Allow", strings.Join(allowed, ", "))
	return nil, refuse(http.StatusMethodNotAllowed, "InvalidOperation", "%s is not for %.200q, only %s", r.Method, r.URL.Path, strings.Join(allowed, ", "))
}

func (t *route) fits(parts []string) bool {
	if len(parts) != len(t.path) {
		return false
	}
	for i, p := range t.path {
		if p == "" && parts[i] == "" || p != "" && !strings.EqualFold(p, parts[i]) {
			return false
		}
	}
	return true
}

// last is the id at the end of the path.
func (r *request) last() string { return r.parts[len(r.parts)-1] }

// do asks the hub.
func (r *request) do(c hub.Command) (hub.Reply, error) { return r.cfg.Hub.Do(r.Context(), c) }

// reply answers with a document.
func (r *request) reply(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return refuse(http.StatusInternalServerError, "ServerError", "the answer cannot be written: %v", err)
	}
	r.write(http.StatusOK, b)
	return nil
}

func (r *request) fail(e *RESTError) {
	r.w.Header().Set(ErrorHeader, e.Code)
	r.write(e.Status, e.body())
}

// write sends a status and a body of JSON; none if it is empty.
func (r *request) write(status int, body []byte) {
	h := r.w.Header()
	if len(body) > 0 {
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	r.w.WriteHeader(status)
	if len(body) > 0 {
		r.w.Write(body) // an error is the end of the connection, of which nobody is left to be told
	}
}
