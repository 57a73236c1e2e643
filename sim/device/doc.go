// Package device is one device as a machine: its link to the hub, telemetry,
// twin, properties, direct methods, firmware update, reboot, factory reset and
// configuration. It knows messages (package sim) and nothing of hubs or jobs.
//
// # Driving it
//
//	d := device.New(config)
//	for {
//	    wait until d.Deadline(), or for an input
//	    out.Reset()
//	    d.Step(now, in, &out)      // in is a sim.Wake if nothing has happened
//	    out.Send                   // put on the wire in this order; Close ends
//	                               // its connection after what is before it
//	    out.Dial                   // open the link; answer Received{Opened}
//	                               // with a new Conn, or Received{Close}
//	    out.Fetch                  // download; answer Downloaded inputs
//	    out.Observe                // measurements and events
//	}
//
// Beside the duties in package sim: every Dial is answered, however late; a
// message is given to the device with the number of the connection it came
// over; a Fetch that is not cancelled ends with Done. A Close the device has
// sent need not be answered.
//
// # A life
//
// After Profile.Start the device dials and says CONNECT with a clean session
// and a SAS token made of its key. When the hub has accepted it subscribes to
// everything; then it asks for its twin, reports all observed resources, and
// whatever behaviours have to say. A link that is lost or refused is opened
// again after a back-off. Before the token ends the device reconnects.
//
// A reboot is: answering, if a call asked for it (the answer leaves first),
// down (the link is dropped; timers, calls, a download and what was not
// reported are lost), booting, connecting, running.
//
// A call takes effect and is answered at one instant, Profile.Answer after it
// came; if the link ends before, it has no effect.
//
// # Making it do something
//
// What a device does when a resource is written or executed is the table in
// its profile's Model. The built-in behaviours are rows of that kind and use
// nothing that is not exported, so a behaviour of one's own looks the same:
//
//	p := device.NewProfile()
//	p.Firmware = device.FirmwareNone
//	p.Model().OnExecute(device.UpdateFirmware, func(d *device.Device, _ string) error {
//	    d.After(time.Minute, func(d *device.Device) {
//	        d.SetFirmwareUpdateResult(device.ResultSuccess)
//	        d.SetFirmwareUpdateState(device.StateIdle)
//	    })
//	    return nil
//	})
//
// Timers (After, Begin), downloads (Download), memory over reboots (Remember)
// and Reboot are the device's; a behaviour keeps nothing elsewhere.
package device
