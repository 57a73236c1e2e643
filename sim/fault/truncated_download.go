package fault

// truncatedDownload: a connection breaks on the way and the next one is fine.
var truncatedDownload = Recipe{
	Name:       "truncated-download",
	Help:       "the first download is cut at a part of the package; the next try is served",
	Observable: "the device resumes from where it was cut and the update succeeds",
	Argument:   place,
	Build: func(arg string) (Conditions, error) {
		at, err := perMille(arg)
		if err != nil {
			return Conditions{}, err
		}
		return Conditions{Download: Download{CutAt: at, Cuts: 1}}, nil
	},
}
