//go:build !race

package main

// crowd is how many devices a live test has.
const crowd = 300
