// Package mqtt is MQTT 3.1.1 on the wire and nothing above it: it knows no
// vendor's topics, no device and no hub, and imports nothing of this module.
// Clauses in brackets, such as [MQTT-3.1.2-6], are those of "MQTT Version 3.1.1"
// (OASIS Standard, 29 October 2014), Appendix B.
//
// What is here:
//
//   - Packet, its codec (AppendTo, Decode) and Reader, which takes packets off a
//     stream with strict checks and a size limit;
//   - Pipe and MemListener: in-memory links that are whole net.Conns;
//   - Session: the server's end of one connection, a reader and a sender with a
//     bounded queue, and Wheel, which watches the keep-alive of all of them;
//   - Client: one connection of a device, spoken by paho.mqtt.golang
//     (ConnectPaho) or by this package itself (ConnectLean);
//   - Listen, TCP and TLS: sockets, on the loopback interface unless told
//     otherwise.
//
// # Who may wait
//
// A server's reader (Session.Read) waits for its socket and never writes, not
// even an acknowledgement; but over TLS it shakes hands, before anybody else
// uses the connection and within the time for CONNECT. Session.Send never waits: a full queue closes the
// connection and returns ErrSlowConsumer. So no cycle of waiting can pass
// through a server, and one stuck device silences nobody.
//
// A client's Publish, Subscribe and Unsubscribe wait for the socket, WriteTimeout
// at most; call them from the connection's own sending goroutine, never from a
// Handler. A Handler may wait until the channel it is given closes: that is the
// connection's end.
//
// # Ownership
//
// Every Session and every Client owns the goroutines it starts; after Close (or
// Cut, or Disconnect) Wait returns when they are gone. Bytes that leave a Reader
// are copies, shared with nobody; bytes given to Send or Publish are copied
// before the call returns (paho: not before the message is written, so they must
// not change for WriteTimeout).
//
// The package depends on github.com/eclipse/paho.mqtt.golang, the client that
// most Go devices use, so that a fleet behaves like such devices do.
package mqtt
