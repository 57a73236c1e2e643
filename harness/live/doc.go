// Package live is the stage in real time: it plays a fleet of device machines
// against a Target over real connections. It knows no protocol: a Target's
// connections carry messages of package sim.
//
// # Who waits for what
//
// A device has its turn when something came into its mailbox or something is
// due. One worker plays it then, and as many workers as there are processors
// play all devices: a machine's Step never waits, so a goroutine of its own
// would be stack and scheduling for nothing (4.5 KB a device at rest). A worker
// waits for turns, never for a dial, a download or a socket. What a connection
// hears is put into the mailbox by the connection's own reader (Pusher) or by
// one of ours, which wait for the connection, then for room (and for the
// connection's end). A connection's sender, a goroutine only while there is
// something to send, waits for the connection. So a stuck peer
// holds up its own sender and nobody else: the device sees its queue fill and
// opens another link, and the sender left behind is waited for at the end.
//
// # Bounds
//
//	a device's mailbox     64   the reader waits, also for its connection's end
//	a link's send queue    64   telemetry is dropped and counted; for anything else the link is closed and counted
//	connects under way     Config.Connects    the dial waits, counted as Generator.ConnectWait
//	downloads under way    Config.Downloads   the download waits, counted as Generator.DownloadWait
//
// The package depends on golang.org/x/sync: errgroup owns every device's
// life, semaphore bounds connects and downloads.
package live
