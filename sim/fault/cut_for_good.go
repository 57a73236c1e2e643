package fault

// cutForGood: a place in the package that no connection survives.
var cutForGood = Recipe{
	Name:       "cut-for-good",
	Help:       "every download is cut at the same place of the package",
	Observable: "the device tries to resume 5 times and gives up with result 4; it keeps its version",
	Argument:   place,
	Build: func(arg string) (Conditions, error) {
		at, err := perMille(arg)
		if err != nil {
			return Conditions{}, err
		}
		return Conditions{Download: Download{CutAt: at, Cuts: Forever}}, nil
	},
}
