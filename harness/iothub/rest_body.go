package iothub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// How long bodies may be, in bytes: a job that names a million devices fits.
const (
	MaxBody    = 1 << 20
	MaxJobBody = 48 << 20
)

// body reads the request's body, at most limit bytes of it.
func (r *request) body(limit int64) ([]byte, error) {
	if t := r.Header.Get("Content-Encoding"); t != "" && !strings.EqualFold(t, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, "ArgumentInvalid", "the body is encoded with %.40q; send it plain", t)
	}
	b, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, limit))
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, refuse(http.StatusRequestEntityTooLarge, "MessageTooLarge", "the body has more than %d bytes", e.Limit)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.w.Header().Set("Connection", "close")
		return nil, refuse(http.StatusRequestTimeout, "IotHubFormatError", "the body took too long")
	case err != nil:
		r.w.Header().Set("Connection", "close")
		return nil, refuse(http.StatusBadRequest, "IotHubFormatError", "the body ended early")
	case r.miscounted(b):
		return r.complete(b, limit)
	}
	return b, nil
}

// read reads a document from the body into v; members in any letter case,
// those that are not known are passed over.
func (r *request) read(v any, limit int64) error {
	b, err := r.body(limit)
	if err != nil {
		return err
	}
	return decode(b, v)
}

// decode reads one JSON document.
func decode(b []byte, v any) error {
	if len(strings.TrimSpace(string(b))) == 0 {
		return refuse(http.StatusBadRequest, "ArgumentNull", "the request has no body")
	}
	err := json.Unmarshal(b, v)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return refuse(http.StatusBadRequest, "IotHubFormatError", "the body is not JSON: byte %d: %v", e.Offset, e)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		where := e.Field
		if where == "" {
			where = "the body"
		}
		return invalid("%s is of type %s, which does not fit", where, e.Value)
	}
	return invalid("%s", strings.TrimPrefix(fmt.Sprint(err), "json: "))
}
