package fault

// wrongBytes: the package arrives whole, but not as it was made.
var wrongBytes = Recipe{
	Name:       "wrong-bytes",
	Help:       "one byte of every package is served wrong; its manifest and length are right",
	Observable: "the device refuses the package with result 5 and keeps its version",
	Build: func(string) (Conditions, error) {
		return Conditions{Download: Download{WrongByte: true}}, nil
	},
}
