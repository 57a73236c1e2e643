package device

import (
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// The words of Profile.Firmware.
const (
	FirmwareStandard = "standard" // downloads, checks, flashes, reboots: a real device
	FirmwareSimple   = "simple"   // the preview's simulated device of July 2016
	FirmwareEdison   = "edison"   // the preview's sample for a real board
	FirmwareNone     = "none"     // nothing built in: executing an update answers 501
)

// Profile is what many devices have in common. It is shared by pointer and
// never changed once a device was made with it. NewProfile gives the defaults;
// Validate says what is wrong with it.
type Profile struct {
	Firmware string // which firmware behaviour: `standard`, `simple`, `edison` or `none`

	Start  sim.Dist // from the device's creation to its first dial; default 0
	Boot   sim.Dist // how long a reboot keeps the device down before it dials again; default 3s..8s
	Flash  sim.Dist // how long writing an image takes; default 5s..15s
	Answer sim.Dist // how long the device takes to answer a method; default 10ms..50ms

	BackoffMin, BackoffMax time.Duration // waits before a lost link is opened again, doubling, with jitter; default 1 s to 60 s
	ConnectTimeout         time.Duration // how long CONNECT, and then SUBSCRIBE, may go unanswered; default 30 s
	KeepAlive              time.Duration // MQTT keep-alive, in whole seconds, 0: none; default 4 min
	TokenLifetime          time.Duration // of the SAS token in CONNECT, at least 10 s; default 24 h; the device reconnects after 3/4 of it

	TelemetryPeriod time.Duration // 0: no telemetry, the default
	TelemetrySize   int           // bytes of one message's body, 16 to 262,144; default 64

	PMin, PMax                 time.Duration // notification periods of all properties; default 300 s and 6 h; PMax 0: never unasked
	FirmwarePMin, FirmwarePMax time.Duration // of the firmware job's properties; default 30 s and 6 h

	StorageFree int64 // bytes free for a downloaded package; default 64 MiB
	MemoryFree  int64 // KB, resource MemoryFree and bound for a package; default 65536

	Battery bool // whether the level drains, 1 % every 10 s from 100 to 0 and again, unless Values gives it; default true

	Values []doc.Member // initial values of resources, by service name of table D.1

	Commands []Command // direct methods beside the built-in ones, answered as said
	Writable []string  // properties acknowledged when desired: `name`, or `component.name`

	model *Model
}

// Command is a direct method a scenario declares.
type Command struct {
	Name     string // a component's is `component*name`
	Status   int32  // answered; 0 is 200
	Response doc.Value
	Takes    sim.Dist // in place of Profile.Answer when it is above 0
}

// Config makes one device.
type Config struct {
	ID      sim.DeviceID
	Number  uint64 // in the run: picks its random stream, sim.ActorDevice+Number
	Seed    uint64 // of the run
	Epoch   sim.Epoch
	Host    string // name of its hub, for its token
	Key     []byte // of its identity; kept, not copied
	Profile *Profile

	// What may differ between devices of a profile.

	FirmwareVersion string       // "" for the profile's
	Values          []doc.Member // over the profile's
	Condition       sim.Condition
	Starts          sim.Time // Profile.Start counts from here, or from the first Step if that is later
}

// NewProfile returns a profile of defaults.
func NewProfile() *Profile {
	return &Profile{
		Firmware:       FirmwareStandard,
		Boot:           sim.Uniform(3*time.Second, 8*time.Second),
		Flash:          sim.Uniform(5*time.Second, 15*time.Second),
		Answer:         sim.Uniform(10*time.Millisecond, 50*time.Millisecond),
		BackoffMin:     time.Second,
		BackoffMax:     time.Minute,
		ConnectTimeout: 30 * time.Second,
		KeepAlive:      4 * time.Minute,
		TokenLifetime:  24 * time.Hour,
		TelemetrySize:  64,
		PMin:           300 * time.Second,
		PMax:           6 * time.Hour,
		FirmwarePMin:   30 * time.Second,
		FirmwarePMax:   6 * time.Hour,
		StorageFree:    64 << 20,
		MemoryFree:     65536,
		Battery:        true,
	}
}

// Model returns the profile's object table, with the built-in behaviours in
// it. The first call builds it and panics if the profile is not valid; make
// that call (or a first device) before several goroutines make devices.
func (p *Profile) Model() *Model {
	if p.model == nil {
		if err := p.Validate(); err != nil {
			panic("device profile: " + err.Error())
		}
		p.model = newModel(p)
	}
	return p.model
}
