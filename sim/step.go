package sim

// InputKind says what happened to a machine.
type InputKind uint8

// The kinds of input.
const (
	Wake       InputKind = iota // the deadline asked for has come; nothing else is set
	Received                    // Msg was received
	Downloaded                  // Fetched says how a download goes
	Afflicted                   // Condition holds from now on
)

// Input is what happened: one call of Step takes one.
type Input struct {
	Kind      InputKind
	Msg       Message
	Fetched   *Fetched   // owned by the driver; a machine copies what it keeps
	Condition *Condition // likewise
}

// Fetch asks the driver for a download; Fetched inputs with the same ID
// answer it.
type Fetch struct {
	ID     uint32
	Cancel bool   // forget download ID; no more answers are wanted
	URL    string // as the device was given it
	From   uint64 // first byte wanted: 0, or Have of the download that broke off
	Check  []byte // the hash's checkpoint that came with that Have; nil at 0
}

// FetchFail says how a download ended badly.
type FetchFail uint8

// The failures of a download.
const (
	FetchOK     FetchFail = iota
	FetchBadURI           // the URI cannot be parsed or its scheme is not http(s)
	FetchStatus           // the server answered Status (4xx, 5xx, or 200 to a range it cannot serve)
	FetchLink             // the connection could not be opened or broke before the end
)

// Fetched tells a device how a download goes: at most 4 times a second, as
// soon as Head is complete, and once at the end. Answers to another ID than
// the device's present download are ignored by it.
type Fetched struct {
	ID     uint32
	Have   uint64   // bytes from the package's start received so far
	Total  uint64   // length of the whole package in bytes, 0 while unknown
	Head   []byte   // its first 512 bytes (fewer if it is shorter); present in every answer once received
	Sum    [32]byte // SHA-256 of everything after the manifest line, up to Have
	Check  []byte   // checkpoint of that hash, for Fetch.Check
	Digest string   // value of the answer's Repr-Digest header, "" if there is none
	Status int32    // HTTP status of the answer, 0 if none came
	Fail   FetchFail
	Done   bool // nothing more will come of this ID
}

// Condition is what a fault does to a device: the part of a fault that the
// device's own machine plays. The zero value is a healthy device. It is shared
// and never changed.
type Condition struct {
	NeverReconnects bool  // after its next reboot the device does not dial again
	Flood           int32 // telemetry messages per second that it sends in place of its own; 0: none

	Answering    Answering
	Updating     Updating
	Reconnecting Reconnecting
}

// Row names something of the hub that changed in a Step: what a store would
// write.
type Row struct {
	Table Table
	Key   uint64 // number of the device, of the job or of the job whose child it is
	Sub   uint32 // number of the child
}

// Table is a kind of row.
type Table uint8

// The tables of the hub.
const (
	TableDevice Table = iota + 1
	TableJob
	TableChild
)

// Outbox collects what a Step wants done. It is owned and reused by the
// driver, which calls Reset before a Step and carries out everything after it,
// Send in order.
type Outbox struct {
	Send    []Message     // also Kind Close: end connection Conn after what was sent before it
	Dial    bool          // device: open the link
	Fetch   []Fetch       // device: download, or stop doing so
	Dirty   []Row         // hub: rows that changed
	Settled []uint64      // hub: tickets whose answer is there; the driver calls Take in the same turn
	Observe []Observation // measurements and events
}

// Reset empties the outbox and keeps its memory.
func (o *Outbox) Reset() {
	clear(o.Send) // lets go of bodies, texts and checkpoints
	clear(o.Fetch)
	clear(o.Observe)
	o.Send, o.Fetch, o.Dirty = o.Send[:0], o.Fetch[:0], o.Dirty[:0]
	o.Settled, o.Observe, o.Dial = o.Settled[:0], o.Observe[:0], false
}
