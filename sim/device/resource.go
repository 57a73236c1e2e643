package device

import (
	"math/bits"
	"strings"

	"github.com/flotilla-sim/flotilla/sim"
)

// Resource is one resource of the device's object model, a number in the
// table below. [Azure IoT Hub device management preview: "Understand the
// device management client library", LwM2M objects 1, 3, 5 and 10241]
type Resource uint8

// The resources.
const (
	Manufacturer Resource = iota
	ModelNumber
	SerialNumber
	FirmwareVersion
	BatteryLevel
	MemoryFree
	CurrentTime
	UtcOffset
	Timezone
	DeviceDescription
	HardwareVersion
	BatteryStatus
	MemoryTotal
	RegistrationLifetime
	DefaultMinPeriod
	DefaultMaxPeriod
	FirmwareUpdateState
	FirmwareUpdateResult
	FirmwarePackageName
	FirmwarePackageVersion
	ConfigurationName
	ConfigurationValue
	ShortServerID
	Binding
	FirmwarePackage
	FirmwarePackageURI
	RebootDevice
	FactoryResetDevice
	UpdateFirmware
	ConfigApply

	resources int = iota // how many there are; at most 32, sets of them are bits
)

// Info describes a resource: what device and hub agree on, and what the device
// makes of it.
type Info struct {
	sim.Resource
	Max     int    // bytes of a text, 0: MaxText
	Initial string // before the profile and the application set their own
}

// MaxText is the longest text of a resource in bytes, where its row of the
// table does not say less.
const MaxText = 4096

// rows are the resources by their constants. The two the service has no name
// for have one here. [Azure IoT Hub device management preview, client library:
// initial values]
var rows = [resources]struct {
	path, name string
	max        int
	initial    string
}{
	Manufacturer:           {path: "/3/0/0", initial: "Device_Manufacturer"},
	ModelNumber:            {path: "/3/0/1", initial: "Device_ModelNumber"},
	SerialNumber:           {path: "/3/0/2", initial: "Device_SerialNumber"},
	FirmwareVersion:        {path: "/3/0/3", initial: "1.0"},
	BatteryLevel:           {path: "/3/0/9", initial: "-1"},
	MemoryFree:             {path: "/3/0/10", initial: "-1"},
	CurrentTime:            {path: "/3/0/13"},
	UtcOffset:              {path: "/3/0/14", initial: "Device_UtcOffset"},
	Timezone:               {path: "/3/0/15", initial: "Device_Timezone"},
	DeviceDescription:      {path: "/3/0/17", initial: "Device_DeviceType"},
	HardwareVersion:        {path: "/3/0/18", initial: "Device_HardwareVersion"},
	BatteryStatus:          {path: "/3/0/20", initial: "-1"},
	MemoryTotal:            {path: "/3/0/21", initial: "-1"},
	RegistrationLifetime:   {path: "/1/0/1", initial: "300"},
	DefaultMinPeriod:       {path: "/1/0/2", initial: "-1"},
	DefaultMaxPeriod:       {path: "/1/0/3", initial: "-1"},
	FirmwareUpdateState:    {path: "/5/0/3", initial: "1"},
	FirmwareUpdateResult:   {path: "/5/0/5", initial: "0"},
	FirmwarePackageName:    {path: "/5/0/6", initial: "FirmwareUpdate_PkgName"},
	FirmwarePackageVersion: {path: "/5/0/7", initial: "FirmwareUpdate_PkgVersion"},
	ConfigurationName:      {path: "/10241/0/1", max: 255, initial: "Config_Name"},
	ConfigurationValue:     {path: "/10241/0/2", max: 255, initial: "Config_Value"},
	ShortServerID:          {path: "/1/0/0", name: "ShortServerID", initial: "124"},
	Binding:                {path: "/1/0/7", name: "Binding", initial: "T"},
	FirmwarePackage:        {path: "/5/0/0"},
	FirmwarePackageURI:     {path: "/5/0/1", max: 255},
	RebootDevice:           {path: "/3/0/4"},
	FactoryResetDevice:     {path: "/3/0/5"},
	UpdateFirmware:         {path: "/5/0/2"},
	ConfigApply:            {path: "/10241/0/3"},
}

// table is rows together with what package sim says of them.
var table = func() (t [resources]Info) {
	for r, row := range rows {
		shared, _ := sim.ResourceByPath(row.path)
		if shared.Name == "" {
			shared.Name = row.name
		}
		t[r] = Info{shared, row.max, row.initial}
	}
	return t
}()

// Info describes r.
func (r Resource) Info() Info { return table[r] }

// String returns r's service name.
func (r Resource) String() string {
	if int(r) < resources {
		return table[r].Name
	}
	return "Resource?"
}

// Named finds a resource by its service name, in any letter case.
func Named(name string) (Resource, bool) {
	if shared, ok := sim.ResourceByName(name); ok {
		return At(shared.Path)
	}
	for r := range table {
		if strings.EqualFold(table[r].Name, name) {
			return Resource(r), true
		}
	}
	return 0, false
}

// At finds a resource by its path, `/5/0/1`.
func At(path string) (Resource, bool) {
	for r := range table {
		if table[r].Path == path {
			return Resource(r), true
		}
	}
	return 0, false
}

// set is a set of resources, a bit for each.
type set uint32

func (s set) has(r Resource) bool { return s>>r&1 != 0 }

// pop takes the lowest resource out of a set that is not empty.
func (s *set) pop() Resource {
	r := bits.TrailingZeros32(uint32(*s))
	*s &= *s - 1
	return Resource(r)
}

// observed are all resources a device reports by itself.
var observed = func() (s set) {
	for r := range table {
		if table[r].Observed {
			s |= 1 << r
		}
	}
	return s
}()

// firmwareJob are the resources with the shorter notification period.
const firmwareJob set = 1<<FirmwareUpdateState | 1<<FirmwareUpdateResult | 1<<FirmwarePackageName | 1<<FirmwarePackageVersion
