package sim

// Access says what may be done with a resource from outside.
type Access uint8

// The ways.
const (
	Readable Access = 1 << iota
	Writable
	Executable
)

// Resource is one resource of the preview's LwM2M objects, as device and hub
// name it. [Azure IoT Hub device management preview: "Device twin", device
// properties; OMA LwM2M 1.0 (candidate), Appendix E]
type Resource struct {
	Name     string // the service's name
	Path     string // LwM2M path, instance 0
	Access   Access
	Integer  bool // else a string
	Observed bool // the service observes it by itself
}

// Resources is the one table of resources, in order of their paths.
var Resources = [...]Resource{
	{"", "/1/0/0", Readable, true, false},
	{"RegistrationLifetime", "/1/0/1", Readable | Writable, true, true},
	{"DefaultMinPeriod", "/1/0/2", Readable | Writable, true, true},
	{"DefaultMaxPeriod", "/1/0/3", Readable | Writable, true, true},
	{"", "/1/0/7", Readable | Writable, false, false},
	{"Manufacturer", "/3/0/0", Readable, false, true},
	{"ModelNumber", "/3/0/1", Readable, false, true},
	{"SerialNumber", "/3/0/2", Readable, false, true},
	{"FirmwareVersion", "/3/0/3", Readable, false, true},
	{"RebootDevice", "/3/0/4", Executable, false, false},
	{"FactoryResetDevice", "/3/0/5", Executable, false, false},
	{"BatteryLevel", "/3/0/9", Readable, true, true},
	{"MemoryFree", "/3/0/10", Readable, true, true},
	{"CurrentTime", "/3/0/13", Readable | Writable, true, true},
	{"UtcOffset", "/3/0/14", Readable | Writable, false, true},
	{"Timezone", "/3/0/15", Readable | Writable, false, true},
	{"DeviceDescription", "/3/0/17", Readable, false, true},
	{"HardwareVersion", "/3/0/18", Readable, false, true},
	{"BatteryStatus", "/3/0/20", Readable, true, true},
	{"MemoryTotal", "/3/0/21", Readable, true, true},
	{"FirmwarePackage", "/5/0/0", Writable, false, false},
	{"FirmwarePackageUri", "/5/0/1", Writable, false, false},
	{"UpdateFirmware", "/5/0/2", Executable, false, false},
	{"FirmwareUpdateState", "/5/0/3", Readable, true, true},
	{"FirmwareUpdateResult", "/5/0/5", Readable, true, true},
	{"FirmwarePackageName", "/5/0/6", Readable, false, true},
	{"FirmwarePackageVersion", "/5/0/7", Readable, false, true},
	{"ConfigurationName", "/10241/0/1", Readable | Writable, false, true},
	{"ConfigurationValue", "/10241/0/2", Readable | Writable, false, true},
	{"ConfigApply", "/10241/0/3", Executable, false, false},
}

// aliases are other spellings of a Name, folded to lower case. [the preview's
// mapping file: UTCOffset, FirmwarePackageURI, ConfigName, ConfigValue]
var aliases = map[string]string{"configname": "ConfigurationName", "configvalue": "ConfigurationValue"}

// ResourceByName finds a resource by its service name in any letter case.
func ResourceByName(name string) (Resource, bool) {
	if a, ok := aliases[fold(name)]; ok {
		name = a
	}
	for _, r := range Resources {
		if name != "" && len(r.Name) == len(name) && fold(r.Name) == fold(name) {
			return r, true
		}
	}
	return Resource{}, false
}

// ResourceByPath finds a resource by its LwM2M path.
func ResourceByPath(path string) (Resource, bool) {
	for _, r := range Resources {
		if r.Path == path {
			return r, true
		}
	}
	return Resource{}, false
}

// fold lowers the ASCII letters: the names have no others.
func fold(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
