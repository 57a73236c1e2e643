package job

// factoryResetDevice executes the factory reset; the answer ends it.
var factoryResetDevice = Kind{
	Name: "factoryResetDevice", Help: "set the device back to its factory image", Exclusive: true,
	Steps: []Step{connect, execute("resetting", "/3/0/5")},
}
