// Package service puts the bundled hub up to be used from outside: REST over
// HTTPS, MQTT over TLS, and without TLS where it is asked for; a private
// authority, the default policies with keys of their own, and a package
// server. `flotilla serve` is this package with flags; flotillatest is this
// package in a test.
//
// Start returns when the hub can be used, and Service.Ready says how. Who
// starts a Service closes it: devices that it plays say goodbye, requests
// under way are answered, connections are closed, and the folder is removed if
// it was made for this run.
//
// # What is kept
//
// Config.Data keeps the authority and the policies, so that clients may go on
// trusting and using them. Devices and jobs are in memory alone and end with
// the Service.
//
// # Bounds
//
//	connections to REST    half of what files the process may open; one more ends the one that has been idle longest
//	connections to MQTT    the other half; one more ends the oldest that has not said a word, else itself
//	Close                  two seconds for requests under way; what is left is answered 503 or cut
//
// Nothing listens beyond the loopback interface unless an address says so.
package service
