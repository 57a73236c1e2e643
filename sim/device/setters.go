package device

// One setter a resource: the device changes it itself. It is reported only if
// it has changed.

// SetManufacturer sets /3/0/0.
func (d *Device) SetManufacturer(s string) { d.Set(Manufacturer, Text(s)) }

// SetModelNumber sets /3/0/1; packages are made for a model.
func (d *Device) SetModelNumber(s string) { d.Set(ModelNumber, Text(s)) }

// SetSerialNumber sets /3/0/2.
func (d *Device) SetSerialNumber(s string) { d.Set(SerialNumber, Text(s)) }

// SetFirmwareVersion sets /3/0/3.
func (d *Device) SetFirmwareVersion(s string) { d.Set(FirmwareVersion, Text(s)) }

// SetBatteryLevel sets /3/0/9, in percent; from then on it drains no more.
func (d *Device) SetBatteryLevel(n int) { d.Set(BatteryLevel, Integer(int64(n))) }

// SetMemoryFree sets /3/0/10, in KB; a larger package is refused.
func (d *Device) SetMemoryFree(n int64) { d.Set(MemoryFree, Integer(n)) }

// SetCurrentTime sets the clock, /3/0/13, in seconds since 1970.
func (d *Device) SetCurrentTime(n int64) { d.Set(CurrentTime, Integer(n)) }

// SetUtcOffset sets /3/0/14.
func (d *Device) SetUtcOffset(s string) { d.Set(UtcOffset, Text(s)) }

// SetTimezone sets /3/0/15.
func (d *Device) SetTimezone(s string) { d.Set(Timezone, Text(s)) }

// SetDeviceDescription sets /3/0/17.
func (d *Device) SetDeviceDescription(s string) { d.Set(DeviceDescription, Text(s)) }

// SetHardwareVersion sets /3/0/18.
func (d *Device) SetHardwareVersion(s string) { d.Set(HardwareVersion, Text(s)) }

// SetBatteryStatus sets /3/0/20: 0 normal, 1 charging, 2 full on mains,
// 3 damaged, 4 low, 5 absent, 6 unknown.
func (d *Device) SetBatteryStatus(n int) { d.Set(BatteryStatus, Integer(int64(n))) }

// SetMemoryTotal sets /3/0/21, in KB.
func (d *Device) SetMemoryTotal(n int64) { d.Set(MemoryTotal, Integer(n)) }

// SetRegistrationLifetime sets /1/0/1, in seconds.
func (d *Device) SetRegistrationLifetime(n int64) { d.Set(RegistrationLifetime, Integer(n)) }

// SetDefaultMinPeriod sets /1/0/2, in seconds. It tells what it is and has no
// effect: the periods of observed resources come from who observes them.
func (d *Device) SetDefaultMinPeriod(n int64) { d.Set(DefaultMinPeriod, Integer(n)) }

// SetDefaultMaxPeriod sets /1/0/3, likewise.
func (d *Device) SetDefaultMaxPeriod(n int64) { d.Set(DefaultMaxPeriod, Integer(n)) }

// SetFirmwareUpdateState sets /5/0/3: StateIdle, StateDownloading,
// StateDownloaded.
func (d *Device) SetFirmwareUpdateState(n int) { d.Set(FirmwareUpdateState, Integer(int64(n))) }

// SetFirmwareUpdateResult sets /5/0/5: ResultNone to ResultBadURI.
func (d *Device) SetFirmwareUpdateResult(n int) { d.Set(FirmwareUpdateResult, Integer(int64(n))) }

// SetFirmwarePackageName sets /5/0/6.
func (d *Device) SetFirmwarePackageName(s string) { d.Set(FirmwarePackageName, Text(s)) }

// SetFirmwarePackageVersion sets /5/0/7.
func (d *Device) SetFirmwarePackageVersion(s string) { d.Set(FirmwarePackageVersion, Text(s)) }

// SetConfigurationName sets /10241/0/1.
func (d *Device) SetConfigurationName(s string) { d.Set(ConfigurationName, Text(s)) }

// SetConfigurationValue sets /10241/0/2 without applying it.
func (d *Device) SetConfigurationValue(s string) { d.Set(ConfigurationValue, Text(s)) }
