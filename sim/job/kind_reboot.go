package job

// rebootDevice executes the reboot; the answer ends it, as the preview's
// simulated devices never disconnect.
var rebootDevice = Kind{
	Name: "rebootDevice", Help: "reboot the device",
	Steps: []Step{connect, execute("rebooting", "/3/0/4")},
}
