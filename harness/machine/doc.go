// Package machine says what this computer carries: processors, memory, open
// files and ports, how many devices fit with the hub in the same process, and
// what to raise, by which command, when a fleet does not.
//
// It reads; it changes nothing. The soft limit of open files need not be
// raised: a Go program does that itself when it starts (package os), so what
// counts is the hard limit. What a system does not say is 0 and is not checked.
//
// Sources: Linux man-pages proc(5), getrlimit(2), ip(7); "Control Group v2",
// kernel documentation.
package machine
