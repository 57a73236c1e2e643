// Package iothub is Azure IoT Hub's dialect on MQTT, in both roles: it
// translates between MQTT packets and the messages of package sim.
//
//   - The hub's role: Session, one per connection, driven by whoever owns the
//     connection. It reads CONNECT, SUBSCRIBE and PUBLISH into messages and
//     appends the packets that say the hub's messages.
//   - The device's role: Dialer opens a DeviceConn over an MQTT client, on
//     which messages are sent and received.
//
// It decides nothing: who may connect, what a twin is and which answer fits
// are the machines' affair. It refuses only what cannot be said in messages.
// It holds no state but what a topic needs, starts no goroutine of its own and
// never waits for more than the MQTT client it is given.
//
// Sources: Azure IoT Hub documentation, "Communicate with your IoT hub using
// the MQTT protocol", "Understand and use device twins", "Understand and
// invoke direct methods", "Control access to IoT Hub using shared access
// signatures"; MQTT 3.1.1 (OASIS).
package iothub
