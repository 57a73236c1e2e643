package hubd

import (
	"encoding/binary"
	"syscall"
)

// States of a TCP connection whose peer has closed or reset it, as Linux numbers
// them (include/net/tcp_states.h).
const (
	tcpTimeWait  = 6
	tcpClose     = 7
	tcpCloseWait = 8
	tcpLastAck   = 9
	tcpClosing   = 11
)

// hasFin says whether the peer of a TCP socket has closed or reset it, which the
// socket knows before anybody has read what came before that.
func hasFin(c syscall.Conn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var info [4]byte
	if raw.Control(func(fd uintptr) {
		var n int // the first four bytes of struct tcp_info, of which the very first is the state
		if n, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO); err == nil {
			binary.NativeEndian.PutUint32(info[:], uint32(n))
		}
	}) != nil || err != nil {
		return false
	}
	switch info[0] {
	case tcpTimeWait, tcpClose, tcpCloseWait, tcpLastAck, tcpClosing:
		return true
	}
	return false
}
