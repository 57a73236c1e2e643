package iothub

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// patience is how long the rest of a body may take whose length was said too
// short.
const patience = 5 * time.Second

// miscounted says whether a body is what was sent only in part because its
// Content-Length counts characters, as the Node SDK's setServiceProperties
// does, and the text has some of more than one byte. [2016 preview Node SDK:
// registry.js]
func (r *request) miscounted(b []byte) bool {
	return r.ContentLength > 0 && r.ContentLength == int64(len(b)) && units(b) < len(b) && !json.Valid(b)
}

// units counts the text as JavaScript does, in units of UTF-16; a character
// that is cut off at the end does not count.
func units(b []byte) (n int) {
	for len(b) > 0 && utf8.FullRune(b) {
		c, size := utf8.DecodeRune(b)
		n += utf16.RuneLen(c) // of U+FFFD too
		b = b[size:]
	}
	return n
}

// complete reads what is missing of such a body from behind it. The connection
// is of no use to the server afterwards: it is answered on and closed here.
func (r *request) complete(b []byte, limit int64) ([]byte, error) {
	h, ok := r.w.(http.Hijacker)
	if !ok {
		return b, nil
	}
	conn, rw, err := h.Hijack()
	if err != nil {
		return b, nil // the body is refused as it is
	}
	r.w = &taken{header: r.w.Header(), conn: conn, rw: rw.Writer}
	conn.SetDeadline(time.Now().Add(patience))
	for units(b) < int(r.ContentLength) {
		c, err := rw.ReadByte()
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "IotHubFormatError", "Content-Length counts %d bytes, or characters, and the body has less", r.ContentLength)
		}
		if b = append(b, c); int64(len(b)) > limit {
			return nil, refuse(http.StatusRequestEntityTooLarge, "MessageTooLarge", "the body has more than %d bytes", limit)
		}
	}
	return b, nil
}

// taken answers on a connection that was taken from the server, and closes it.
type taken struct {
	header http.Header
	conn   net.Conn
	rw     *bufio.Writer
}

func (t *taken) Header() http.Header { return t.header }

func (t *taken) WriteHeader(status int) {
	t.header.Set("Connection", "close")
	fmt.Fprintf(t.rw, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	t.header.Write(t.rw)
	fmt.Fprint(t.rw, "\r\n")
}

func (t *taken) Write(b []byte) (int, error) { return t.rw.Write(b) }

// close ends the connection.
func (t *taken) close() {
	t.rw.Flush()
	t.conn.Close()
}
