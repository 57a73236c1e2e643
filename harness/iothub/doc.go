// Package iothub is Azure IoT Hub's dialect in both roles: on MQTT it
// translates between packets and the messages of package sim, over HTTPS
// between requests and the commands of package hub.
//
//   - The hub's role: Session, one per connection, driven by whoever owns the
//     connection. It reads CONNECT, SUBSCRIBE and PUBLISH into messages and
//     appends the packets that say the hub's messages.
//   - The device's role: Dialer opens a DeviceConn over an MQTT client, on
//     which messages are sent and received.
//   - The hub's role towards operators: Handler is the REST surface, so far
//     that of the 2016 device management preview; NewServer bounds what clients
//     may keep waiting. The wire_*.go files have the documents both roles read
//     and write. Commands are carried out by the hub behind it; queries are
//     answered over a snapshot, on the goroutine of who asks.
//   - The operator's role: JobClient and Registry are the preview's SDK for Go,
//     Plane makes a hub that is reached by them the control plane of a run.
//     Address says where a hub is, from a connection string or the file that a
//     served hub writes.
//
// It decides nothing: who may connect, what a twin is and which answer fits
// are the machines' affair. It refuses only what cannot be said in messages.
// It holds no state but what a topic needs and an order of rows it can make
// again, and never waits for more than the MQTT client or the hub it is given.
// It starts no goroutine of its own but a Plane's, one a job it follows, which
// have ended when its Close returns.
//
// Sources: Azure IoT Hub documentation, "Communicate with your IoT hub using
// the MQTT protocol", "Understand and use device twins", "Understand and
// invoke direct methods", "Control access to IoT Hub using shared access
// signatures"; MQTT 3.1.1 (OASIS). Of the preview: the device management
// articles of April to July 2016 and the SDKs for Node and C# of that time.
package iothub
