package iothub

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
)

// PreviewVersion is the api-version our clients of the 2016 preview ask for,
// the last that its SDKs sent.
const PreviewVersion = "2016-04-25-preview"

// The bounds of a client of the service.
const (
	maxResponse   = 64 << 20 // bytes; a list of 1,000 devices with full twins has about 40 MB
	tokenLife     = time.Hour
	maxRetryAfter = time.Minute // of the wait a hub may ask for
	firstRetry    = time.Second // where it asks for none, doubling
	idleConns     = 16          // kept for the next request
)

// Service says where a hub is and how it is talked to; JobClient, Registry and
// ControlPlane are made of one. Connection is needed.
type Service struct {
	Connection ConnectionString  // of a policy
	Addr       string            // host:port to dial; "": the connection string's host and port, 443 without one
	Roots      *x509.CertPool    // that may sign the hub's certificate; nil: the system's
	Plain      bool              // plain HTTP: for the loopback interface and tests alone
	Agent      string            // what the client says it is, `flotilla/1.2`
	Now        func() time.Time  // for tokens; nil: time.Now
	Carrier    http.RoundTripper // carries the requests instead of connections to Addr; nil: none
	Retries    int               // how often a request is tried again that the hub answered with 429 or 503; 0: not at all
}

// Unreachable is an error before an answer: no connection, no trust in the
// certificate, or a connection that broke.
type Unreachable struct {
	Addr string
	Err  error
}

func (e *Unreachable) Error() string { return fmt.Sprintf("hub %s: %v", e.Addr, e.Err) }
func (e *Unreachable) Unwrap() error { return e.Err }

// caller sends requests to one hub. It may be used from any goroutine.
type caller struct {
	service Service
	addr    string
	client  *http.Client

	mu    sync.Mutex
	token string
	renew time.Time
}

func newCaller(s Service) (*caller, error) {
	switch {
	case s.Connection.Host == "" || len(s.Connection.Key) == 0:
		return nil, errors.New("hub client: the connection string is empty")
	case s.Connection.Policy == "":
		return nil, fmt.Errorf("hub client: the connection string is device %s's; the service needs a policy's, with SharedAccessKeyName", s.Connection.Device)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Agent == "" {
		s.Agent = "flotilla"
	}
	c := &caller{service: s, addr: s.Addr}
	if c.addr == "" {
		port := s.Connection.Port()
		if port == "" {
			port = map[bool]string{false: "443", true: "80"}[s.Plain]
		}
		c.addr = net.JoinHostPort(s.Connection.Name(), port)
	}
	if s.Carrier != nil {
		c.client = &http.Client{Transport: s.Carrier, CheckRedirect: stay}
		return c, nil
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	c.client = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, c.addr)
			},
			TLSClientConfig:     &tls.Config{RootCAs: s.Roots, ServerName: s.Connection.Name(), MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute,
			MaxIdleConnsPerHost: idleConns, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: stay,
	}
	return c, nil
}

// stay follows no redirect: the token is this hub's.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (c *caller) close() { c.client.CloseIdleConnections() }

// call is one request of the service's REST interface.
type call struct {
	method string
	path   string // escaped, from `/`
	query  url.Values
	header map[string]string
	body   any // nil: none
}

// do sends a request and reads the answer into out, unless that is nil.
// Errors are *RESTError, *Unreachable, the context's, or say what is wrong
// with the answer.
func (c *caller) do(ctx context.Context, r call, out any) (http.Header, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
	}
	wait := firstRetry
	for try := 0; ; try++ {
		h, err := c.once(ctx, r, body, out)
		refused, ok := errors.AsType[*RESTError](err)
		if !ok || try >= c.service.Retries || refused.Status != http.StatusTooManyRequests && refused.Status != http.StatusServiceUnavailable {
			return h, err
		}
		if s, err := strconv.ParseUint(h.Get("Retry-After"), 10, 16); err == nil {
			wait = min(time.Duration(s)*time.Second, maxRetryAfter)
		}
		pause := time.NewTimer(wait)
		wait = min(2*wait, maxRetryAfter)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return h, err
		}
	}
}

func (c *caller) once(ctx context.Context, r call, body []byte, out any) (http.Header, error) {
	scheme := "https"
	if c.service.Plain {
		scheme = "http"
	}
	query := "?api-version=" + PreviewVersion
	if len(r.query) > 0 {
		query += "&" + r.query.Encode()
	}
	op := r.method + " " + r.path
	req, err := http.NewRequestWithContext(ctx, r.method, scheme+"://"+c.service.Connection.Host+r.path+query, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	req.Header.Set("Authorization", c.authorization())
	req.Header.Set("User-Agent", c.service.Agent)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	res, err := c.client.Do(req)
	if err != nil {
		if cerr := ctx.Err(); cerr != nil {
			return nil, fmt.Errorf("%s: %w", op, cerr)
		}
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // the URL says nothing more
		}
		return nil, &Unreachable{c.addr, c.explain(err)}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxResponse+1))
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: %w", op, ctx.Err())
	case err != nil:
		return nil, &Unreachable{c.addr, fmt.Errorf("%s: the answer broke off: %w", op, err)}
	case len(answer) > maxResponse:
		return nil, fmt.Errorf("%s: the answer has more than %d bytes", op, maxResponse)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return res.Header, fmt.Errorf("%s: %w", op, refusal(res, answer))
	case out == nil:
		return res.Header, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return res.Header, fmt.Errorf("%s: the answer is not what it should be: %w", op, err)
	}
	return res.Header, nil
}

// explain adds the remedy to what users meet first.
func (c *caller) explain(err error) error {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("its certificate is signed by an authority that is not trusted here; give the hub's CA file: %w", err)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Errorf("its certificate is for another host; use a name the hub answers to: %w", err)
	}
	return err
}

// authorization is the token, renewed when half of its life is over.
func (c *caller) authorization() string {
	now := c.service.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == "" || !now.Before(c.renew) {
		c.token = c.service.Connection.Token(sim.Date(now.Add(tokenLife).Unix()))
		c.renew = now.Add(tokenLife / 2)
	}
	return c.token
}

// refusal reads what a hub answered instead.
func refusal(res *http.Response, body []byte) *RESTError {
	e := ParseError(res.StatusCode, body)
	if code := res.Header.Get(ErrorHeader); code != "" {
		e.Code = code
	}
	return e
}

// query runs a query expression.
func (c *caller) query(ctx context.Context, path string, q any) (*QueryResult, error) {
	var r QueryResult
	if _, err := c.do(ctx, call{method: http.MethodPost, path: path, body: q}, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

// segment escapes an id as one segment of a path. A dot alone would be taken
// as the folder it is in.
func segment(id string) string {
	if id == "." || id == ".." {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}
