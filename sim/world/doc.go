// Package world is a fleet, its hub, the links between them and a package
// server in virtual time: one goroutine, one queue ordered by time and then
// by order of arrival, one digest. Weeks pass in seconds, and the same seed
// gives the same run, byte for byte.
//
// A link is TCP as devices see it: what is sent arrives in order, after a
// latency drawn for each message; when a connection ends, what is on its way
// to the side that closed it is gone, and nothing else ever is. Every link has
// a random stream of its own.
//
// The digest is the SHA-256 of one line for every Step of every machine (time,
// machine, input and body), every command, and all rows at the end: see
// Config.Trace.
package world
