package main

import (
	"crypto/x509"
	"errors"
	"net"
	"syscall"

	"github.com/flotilla-sim/flotilla/harness/iothub"
)

// remedies say what to do about an error of a hub, on the way to it or at its
// start, where something of this program helps: the first that fits.
var remedies = []struct {
	fits func(error) bool
	do   string
}{
	{onTheWay(isA[x509.UnknownAuthorityError]), "name it with --ca, or name the hub by its ready file"},
	{onTheWay(isA[x509.HostnameError]), "`flotilla serve --host NAME` answers to more names"},
	{onTheWay(isA[*net.DNSError]), "HostName in the connection string must be a name that leads here from this machine"},
	{onTheWay(is(syscall.ECONNREFUSED)), "is the hub up, and is that its port? `flotilla serve` prints it, --https-port takes another"},
	{is(syscall.EADDRINUSE), "another program has that port: end it, or give another, 0 for any that is free"},
	{coded("IotHubUnauthorized"), "take the hub's connection string again, from `flotilla serve` or its ready file: without --data its keys are new at each start, and without --host its name is localhost"},
	{coded("IotHubUnauthorizedAccess"), "use a policy that has it: registryRead to look, registryReadWrite or iothubowner to change"},
}

func isA[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// onTheWay is of a hub's clients alone.
func onTheWay(fits func(error) bool) func(error) bool {
	return func(err error) bool { return isA[*iothub.Unreachable](err) && fits(err) }
}

func coded(code string) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*iothub.RESTError](err)
		return ok && e.Code == code
	}
}

// remedied is an error and what to do about it.
type remedied struct {
	error
	do string
}

func (r remedied) Error() string { return r.error.Error() + "; " + r.do }
func (r remedied) Unwrap() error { return r.error }

// withRemedy adds to an error what to do about it, if that is known.
func withRemedy(err error) error {
	for _, r := range remedies {
		if r.fits(err) {
			return remedied{err, r.do}
		}
	}
	return err
}
