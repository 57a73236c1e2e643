package iothub

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/hub"
)

// ErrorCode is one of the service's error codes.
type ErrorCode struct {
	Name   string
	Number int // the first three digits are the status it usually comes with
}

// ErrorCodes is the service's catalogue. [2016 preview C# SDK: ErrorCode]
var ErrorCodes = [...]ErrorCode{
	{"InvalidProtocolVersion", 400001},
	{"DeviceInvalidResultCount", 400002},
	{"InvalidOperation", 400003},
	{"ArgumentInvalid", 400004},
	{"ArgumentNull", 400005},
	{"IotHubFormatError", 400006},
	{"DeviceStorageEntitySerializationError", 400007},
	{"BlobContainerValidationError", 400008},
	{"ImportWarningExistsError", 400009},
	{"InvalidSchemaVersion", 400010},
	{"DeviceDefinedMultipleTimes", 400011},
	{"DeserializationError", 400012},
	{"BulkRegistryOperationFailure", 400013},
	{"IotHubNotFound", 401001},
	{"IotHubUnauthorizedAccess", 401002},
	{"IotHubUnauthorized", 401003},
	{"IotHubSuspended", 403001},
	{"IotHubQuotaExceeded", 403002},
	{"JobQuotaExceeded", 403003},
	{"DeviceMaximumQueueDepthExceeded", 403004},
	{"IotHubMaxCbsTokenExceeded", 403005},
	{"DeviceNotFound", 404001},
	{"JobNotFound", 404002},
	{"PartitionNotFound", 404003},
	{"DeviceAlreadyExists", 409001},
	{"PreconditionFailed", 412001},
	{"DeviceMessageLockLost", 412002},
	{"MessageTooLarge", 413001},
	{"TooManyDevices", 413002},
	{"ThrottlingException", 429001},
	{"ThrottleBacklogLimitExceeded", 429002},
	{"InvalidThrottleParameter", 429003},
	{"ServerError", 500001},
	{"JobCancelled", 500002},
	{"ServiceUnavailable", 503001},
}

// FindErrorCode returns the code of that name.
func FindErrorCode(name string) (ErrorCode, bool) {
	for _, c := range ErrorCodes {
		if c.Name == name {
			return c, true
		}
	}
	return ErrorCode{}, false
}

// ErrorHeader has an error's name beside the body.
const ErrorHeader = "iothub-errorcode"

// RESTError is a refused request, as the server says it and the client reads
// it.
type RESTError struct {
	Status int    // of HTTP
	Code   string // a Name of ErrorCodes
	Text   string
}

func (e *RESTError) Error() string {
	return fmt.Sprintf("%d %s (%s): %s", e.Status, http.StatusText(e.Status), e.Code, e.Text)
}

// errorBody is the body of an error. [Azure IoT Hub device management preview:
// errors]
type errorBody struct {
	Message string `json:"Message"`
}

// body writes the error as the SDKs take it apart: at semicolons, the code
// after the first colon, the text without its first and last character.
func (e *RESTError) body() []byte {
	text := strings.Map(func(r rune) rune {
		switch {
		case r == ';':
			return ','
		case r < ' ' || r == 0x7f:
			return ' '
		}
		return r
	}, e.Text)
	b, _ := json.Marshal(errorBody{"ErrorCode:" + e.Code + ";\"" + text + "\""})
	return b
}

// ParseError reads the body of an answer with that status; a body of another
// form is the text as it is, at most 1,024 bytes of it.
func ParseError(status int, body []byte) *RESTError {
	e := &RESTError{Status: status}
	var b errorBody
	if json.Unmarshal(body, &b) == nil {
		head, text, ok := strings.Cut(b.Message, ";")
		if _, code, is := strings.Cut(head, ":"); ok && is {
			e.Code = strings.TrimSpace(code)
			if n := len(text); n >= 2 {
				text = text[1 : n-1]
			}
			e.Text = text
			return e
		}
	}
	e.Text = string(body[:min(len(body), 1024)])
	return e
}

func refuse(status int, code, format string, args ...any) *RESTError {
	return &RESTError{status, code, fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *RESTError {
	return refuse(http.StatusBadRequest, "ArgumentInvalid", format, args...)
}

// codes says how the hub's errors are said here.
var codes = map[hub.Code]struct {
	status int
	name   string
}{
	hub.CodeInvalid:       {http.StatusBadRequest, "ArgumentInvalid"},
	hub.CodeNotFound:      {http.StatusNotFound, "DeviceNotFound"},
	hub.CodeJobNotFound:   {http.StatusNotFound, "JobNotFound"},
	hub.CodeExists:        {http.StatusConflict, "DeviceAlreadyExists"},
	hub.CodePrecondition:  {http.StatusPreconditionFailed, "PreconditionFailed"},
	hub.CodeTooLarge:      {http.StatusRequestEntityTooLarge, "MessageTooLarge"},
	hub.CodeTooMany:       {http.StatusTooManyRequests, "ThrottlingException"},
	hub.CodeState:         {http.StatusBadRequest, "InvalidOperation"},
	hub.CodeShutdown:      {http.StatusServiceUnavailable, "ServiceUnavailable"},
	hub.CodeGroupNotFound: {http.StatusBadRequest, "ArgumentInvalid"},
}

// asREST makes an error of the hub, or of waiting for it, one of the
// dialect's.
func asREST(err error) *RESTError {
	if e, ok := errors.AsType[*RESTError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*hub.Error](err); ok {
		if c, ok := codes[e.Code]; ok {
			return refuse(c.status, c.name, "%s", e.Message)
		}
		return refuse(http.StatusInternalServerError, "ServerError", "%s", e.Message)
	}
	return refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "the hub did not answer in time; try again")
}
