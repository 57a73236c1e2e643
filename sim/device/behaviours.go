package device

// behaviour is something devices do, built on the object table alone: its
// install function and what that installs use nothing that is not exported.
type behaviour struct {
	name     string
	firmware string // the Profile.Firmware it belongs to, "" for all
	install  func(*Model)
}

// behaviours is the table of what is built in, in the order of installation.
// To add one, write its file and put its line here.
var behaviours = []behaviour{
	{"properties", "", installProperties},
	{"reboot", "", installReboot},
	{"factory reset", "", installFactoryReset},
	{"configuration", "", installConfiguration},
	{"firmware, standard", FirmwareStandard, installFirmwareStandard},
	{"firmware, simple", FirmwareSimple, installFirmwareSimple},
	{"firmware, edison", FirmwareEdison, installFirmwareEdison},
	{"firmware method", "", installFirmwareMethod},
}
