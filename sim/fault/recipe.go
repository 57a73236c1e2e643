package fault

import (
	"fmt"
	"strings"
)

// Recipe is a fault with a name.
type Recipe struct {
	Name       string
	Help       string   // what is wrong
	Observable string   // what one sees of it: in a firmware update, in counters, in latencies
	Scope      Scope    // whom it befalls
	Instant    bool     // it happens at an instant: it has a beginning, and no end of its own
	LiveOnly   bool     // it lies in a client or a socket, which virtual time does not have
	Argument   Argument // zero: takes none
	Build      func(arg string) (Conditions, error)
}

// Scope is whom a recipe befalls.
type Scope uint8

// The scopes.
const (
	OnDevice Scope = iota // devices, one by one
	OnHub                 // the hub, and so everybody
)

// Argument describes what may stand behind `name=`.
type Argument struct {
	Help    string
	Unit    string // "" for a recipe without argument
	Least   string
	Most    string
	Default string // what no argument means
}

// Recipes is the table of faults, in the order in which they are listed.
var Recipes = []Recipe{
	wrongBytes,
	truncatedDownload,
	cutForGood,
	neverReconnects,
	stuckDevice,
	neverReads,
	flooding,
	halfClose,
	hubPaused,

	// The link between a device and its hub.
	latency,
	jitter,
	loss,
	bandwidth,
	halfOpen,
	flapping,
	partition,
	refused,
	reconnectStorm,

	// The hub.
	hubSlow,
	hubDrops,
	hubRestart,

	// Devices.
	rejects,
	hangs,
	crashes,
	powerLoss,
	slowFlash,
	outOfStorage,
	outOfMemory,
	otherModel,
	invalidURI,
	duplicateAnswer,
	lateAnswer,
	malformedAnswer,

	// The package server.
	slowDownload,
	missingPackage,
	serverError,

	// Clients that try again.
	noBackoff,
	fixedBackoff,
	exponentialBackoff,
}

// Find returns the recipe of a name; the error names the nearest one.
func Find(name string) (Recipe, error) {
	near, distance := "", 1<<30
	for _, r := range Recipes {
		if r.Name == name {
			return r, nil
		}
		if d := edits(strings.ToLower(name), r.Name); d < distance {
			near, distance = r.Name, d
		}
	}
	if distance <= 2+len(near)/3 {
		return Recipe{}, fmt.Errorf("fault %q: unknown; did you mean %q?", name, near)
	}
	names := make([]string, len(Recipes))
	for i, r := range Recipes {
		names[i] = r.Name
	}
	return Recipe{}, fmt.Errorf("fault %q: unknown; there are %s", name, strings.Join(names, ", "))
}

// Parse reads `name` or `name=argument`.
func Parse(text string) (Conditions, error) {
	_, c, err := Read(text)
	return c, err
}

// Read is Parse that also says which recipe it is.
func Read(text string) (Recipe, Conditions, error) {
	name, arg, given := strings.Cut(text, "=")
	r, err := Find(strings.TrimSpace(name))
	if err != nil {
		return Recipe{}, Conditions{}, err
	}
	c, err := r.build(arg, given)
	return r, c, err
}

// build makes the conditions from what stands behind the name.
func (r Recipe) build(arg string, given bool) (Conditions, error) {
	arg = strings.TrimSpace(arg)
	switch {
	case given && r.Argument.Unit == "":
		return Conditions{}, fmt.Errorf("fault %s: takes no argument; leave out %q", r.Name, "="+arg)
	case given && arg == "":
		return Conditions{}, fmt.Errorf("fault %s: nothing behind `=`; write `%s=%s`", r.Name, r.Name, r.Argument.Default)
	}
	c, err := r.Build(arg)
	if err != nil {
		return Conditions{}, fmt.Errorf("fault %s: %w", r.Name, err)
	}
	return c, nil
}

// edits is the Levenshtein distance of two short texts in bytes.
func edits(a, b string) int {
	if len(a) > 64 {
		return 1 << 20
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := min(row[j], row[j+1]) + 1
			if a[i] == b[j] {
				next = min(next, diagonal)
			} else {
				next = min(next, diagonal+1)
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

// place is the argument of the recipes that cut a download.
var place = Argument{
	Help: "where the connection is cut, as a part of the package's length",
	Unit: "%", Least: "0.1%", Most: "99.9%", Default: "50%",
}

// perMille reads a percentage with at most one decimal, 0.1% to 99.9%; "" is
// the default.
func perMille(arg string) (int, error) {
	if arg == "" {
		arg = place.Default
	}
	number, unit := strings.CutSuffix(arg, "%")
	if !unit {
		return 0, fmt.Errorf("%q has no unit; write `%s%%`", arg, arg)
	}
	whole, tenth, dot := strings.Cut(number, ".")
	if whole == "" || len(whole) > 3 || dot && len(tenth) != 1 {
		return 0, fmt.Errorf("%q is not a percentage with at most one decimal; write `50%%` or `12.5%%`", arg)
	}
	n := 0
	for _, c := range whole + (tenth + "0")[:1] {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q is not a percentage; write `50%%` or `12.5%%`", arg)
		}
		n = n*10 + int(c-'0')
	}
	if n < 1 || n > 999 {
		return 0, fmt.Errorf("%q is out of range; from %s to %s", arg, place.Least, place.Most)
	}
	return n, nil
}
