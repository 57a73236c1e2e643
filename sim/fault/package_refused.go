package fault

import "github.com/flotilla-sim/flotilla/sim"

// The faults for which a device takes no package. Boards of the profile edison
// check nothing but that a file is there: they feel the last one alone.

func refuses(name, help, observable string, u sim.Updating) Recipe {
	return Recipe{Name: name, Help: help, Observable: observable, Build: func(string) (Conditions, error) {
		return Conditions{Device: sim.Condition{Updating: u}}, nil
	}}
}

var (
	outOfStorage = refuses("out-of-storage", "its storage is full: no package fits",
		"the device refuses the package with result 2 and keeps its version", sim.Updating{NoStorage: true})
	outOfMemory = refuses("out-of-memory", "it has no memory left to check a package in",
		"the device refuses the package with result 3 and keeps its version", sim.Updating{NoMemory: true})
	otherModel = refuses("other-model", "it takes every package for one of another model",
		"the device refuses the package with result 6 and keeps its version", sim.Updating{OtherModel: true})
	invalidURI = refuses("invalid-uri", "the package's URI is damaged before the device uses it",
		"the device asks for nothing, ends with result 7 and keeps its version", sim.Updating{BadURI: true})
)
