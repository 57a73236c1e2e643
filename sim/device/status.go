package device

import (
	"errors"
	"fmt"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// The statuses with which a device answers, and which a callback's error may
// carry. They are the CoAP codes of the LwM2M client as HTTP writes them:
// 2.04 and 2.05, 4.00, 4.04, 4.05, 5.00, 5.01.
const (
	OK                  int32 = 200
	Accepted            int32 = 202 // will be done after the answer
	BadRequest          int32 = 400 // refused, or a value that is none
	NotFound            int32 = 404 // no such resource
	NotAllowed          int32 = 405 // not this operation on this resource
	Conflict            int32 = 409 // another one is running
	TooMany             int32 = 429 // more calls at a time than the device takes
	DeviceFailure       int32 = 500 // a callback failed
	NotImplemented      int32 = 501 // no callback, or no such method
	maxErrorText              = 300 // bytes of an error's text in an answer
	unexpectedStatusMin int32 = 300 // errors have no status below
)

// Error is a refusal with its status.
type Error struct {
	Status int32
	Text   string
}

func (e *Error) Error() string { return e.Text }

// Errorf makes the error a callback returns to be answered with a status;
// any other error is answered with DeviceFailure.
func Errorf(status int32, format string, args ...any) error {
	return &Error{status, fmt.Sprintf(format, args...)}
}

// StatusOf returns the status an error is answered with, OK for none.
func StatusOf(err error) int32 {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Status >= unexpectedStatusMin {
		return e.Status
	}
	return DeviceFailure
}

// refusal is the body of an answer that is no success. What was named may be
// "".
func refusal(what string, err error) doc.Value {
	text := err.Error()
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	members := []doc.Member{{Name: "error", Value: doc.String(text)}}
	if what != "" {
		members = append(members, doc.Member{Name: "resource", Value: doc.String(what)})
	}
	return doc.Object(members...)
}
