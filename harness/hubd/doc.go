// Package hubd is the bundled hub on real connections: listeners on one side,
// the hub machine on the other, and a package server beside.
//
// # Who waits for what
//
// One goroutine, the owner, runs the hub machine. It waits for its mailbox and
// its timer and for nothing else. Every connection has a reader, which waits
// for the socket and then for the mailbox, and never writes; and a sender,
// mqtt.Session's, which has a bounded queue and only exists while there is
// something to send. Who asks the hub something (Do, Call) waits for the
// mailbox and for the answer, with a context.
//
// # Bounds
//
//	mailbox            4,096 items                 who puts waits
//	a send queue       256 messages or 512 KB      the connection is closed, Counters.SlowConsumers
//	tickets            100,000 open or not read    hub.CodeTooMany
//	CONNECT            Config.ConnectTimeout       the connection is closed
//	said by one        Config.Inflow a second      the connection is closed, Counters.Flooding
//	silence            1.5 times the keep-alive    the connection is closed, Counters.Silent
//
// Package hubd decides nothing about devices: it numbers connections, gives the
// machine what comes in and carries out what it says.
package hubd
