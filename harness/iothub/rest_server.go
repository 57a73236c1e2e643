package iothub

import (
	"container/list"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// The bounds of a server. [Go: net/http.Server]
const (
	DefaultConns  = 4096             // open connections
	headerTimeout = 10 * time.Second // TLS handshake and head of a request
	readTimeout   = time.Minute      // head and body
	writeTimeout  = 2 * time.Minute  // from the head of the request to the end of the answer
	idleTimeout   = 2 * time.Minute  // between requests
	maxHeader     = 32 << 10         // bytes
)

// NewServer returns an HTTP server for h with bounds on everything a client
// may keep waiting: the time for the head, the body and the answer, the size
// of the head, and open connections, at most conns (0: DefaultConns). One more
// is not refused: of those on which nothing is going on, the one that has been
// quiet longest is closed for it. It speaks HTTP/1.1 alone, as the SDKs do, over
// TLS too.
func NewServer(h http.Handler, conns int) *http.Server {
	if conns <= 0 {
		conns = DefaultConns
	}
	q := &quiet{most: conns, open: map[net.Conn]*list.Element{}}
	var one http.Protocols
	one.SetHTTP1(true)
	return &http.Server{
		Handler: h, Protocols: &one, ConnState: q.state, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: log.New(discard{}, "", 0), // what clients do wrong at TLS and HTTP is no news
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// quiet keeps the connections of a server below a number.
type quiet struct {
	most int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // in idle, nil while a request is served
	idle list.List                  // of net.Conn: quiet for longest first
}

// state is an http.Server's ConnState.
func (q *quiet) state(c net.Conn, s http.ConnState) {
	q.mu.Lock()
	var surplus net.Conn
	if e := q.open[c]; e != nil {
		q.idle.Remove(e)
	}
	switch s {
	case http.StateNew, http.StateIdle:
		q.open[c] = q.idle.PushBack(c)
	case http.StateActive:
		q.open[c] = nil
	default:
		delete(q.open, c)
	}
	if len(q.open) > q.most && q.idle.Len() > 0 {
		surplus = q.idle.Remove(q.idle.Front()).(net.Conn)
		delete(q.open, surplus)
	}
	q.mu.Unlock()
	if surplus != nil {
		surplus.Close()
	}
}
