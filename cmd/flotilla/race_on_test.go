//go:build race

package main

// crowd is how many devices a live test has: the race detector makes each of
// them ten times as dear.
const crowd = 60
