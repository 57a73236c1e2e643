package sim_test

import "strings"

// What the core may use. Everything not named here is refused, so a new
// package or function of the standard library is refused until somebody has
// thought about it.

const module = "github.com/flotilla-sim/flotilla"

// allowedImports is the whole standard library as far as the core may see it.
// Packages of this module at or below sim are allowed beside it; which of them
// may import which is the architecture table's business.
var allowedImports = words(`bytes cmp crypto/hmac crypto/sha256 crypto/subtle embed
	encoding/base64 encoding/binary encoding/hex encoding/json errors fmt iter maps
	math math/big math/bits math/rand/v2 net/url regexp slices strconv strings
	time unicode unicode/utf8`)

// tagged are the files that need not be part of every build, as long as they
// declare nothing but constants: whether there are bugs put in on purpose.
var tagged = words(module + "/sim/planted/planted_on.go " + module + "/sim/planted/planted_off.go")

// importAdvice says what to do instead, where it is not obvious.
var importAdvice = map[string]string{
	"context":     "the core never waits; the shell that drives it owns the context",
	"crypto/rand": "secrets come in with the command that needs them",
	"io":          "return bytes, or take an offset as sim/pack does",
	"log":         "machines observe, they do not talk: Outbox.Note",
	"log/slog":    "machines observe, they do not talk: Outbox.Note",
	"math/rand":   "draw from a sim.Rand made from the run's seed and the actor's number",
	"net":         "addresses and connections belong to a shell in harness",
	"os":          "files and the environment belong to cmd and harness; pass the value in",
	"reflect":     "its walks follow map order; write the cases out",
	"sort":        "use slices",
	"sync":        "a machine is driven from one goroutine and needs no lock",
	"sync/atomic": "a machine is driven from one goroutine and needs no lock",
	"unsafe":      "the core has no business with memory",
}

// The reasons; each ends a complaint and says what to do instead.
const (
	clock   = "time is an argument: take `now sim.Time` and let the driver ask Deadline"
	local   = "depends on $TZ and on the machine's zone files: use time.UTC or a zone loaded from embedded data"
	global  = "draws from the process-wide source: draw from a sim.Rand made from the run's seed"
	floats  = "its result differs between processors: use integers, as sim.Dist does"
	prints  = "machines observe, they do not talk: Outbox.Note"
	intSize = "its result depends on the size of int: use a sized draw"
)

// refused holds, per package, the package-level names and, as Type.Method, the
// methods that the core must not use although the package is allowed.
var refused = map[string]map[string]string{
	"time": join(
		each(clock, "Now Since Until Sleep After AfterFunc Tick NewTimer NewTicker Timer Ticker"),
		each(local, "Local LoadLocation Time.Local"),
		each("reads $TZ: use time.ParseInLocation(..., time.UTC)",
			"Parse Time.UnmarshalJSON Time.UnmarshalText Time.UnmarshalBinary Time.GobDecode"),
	),
	"math/rand/v2": join(
		each(intSize, "Rand.Int Rand.Uint"),
		each(floats, "Rand.NormFloat64 Rand.ExpFloat64 NewZipf Zipf"),
	),
	"fmt": each(prints, "Print Printf Println Scan Scanf Scanln"),
}

// onlyAllowed names the packages of which only a few names are allowed, with
// what is wrong with the rest. Methods are not meant, constants always pass.
var onlyAllowed = map[string]struct {
	names map[string]bool
	why   string
}{
	// Exactly defined by IEEE 754 or exact by construction; everything else
	// has an assembly version somewhere. FMA is exact too and refused: code
	// that needs it decides something with floating point.
	"math": {words(`Abs Ceil Copysign Float32bits Float32frombits Float64bits Float64frombits
		Floor Frexp Inf IsInf IsNaN Ldexp Max Min Mod Modf NaN Nextafter Remainder Round
		RoundToEven Signbit Sqrt Trunc`), floats},
	"math/rand/v2": {words("New NewChaCha8 NewPCG ChaCha8 PCG Rand Source Zipf NewZipf"), global},
}

// streams are the types that carry a random stream: none lives at package
// level, where every machine would draw from it.
var streams = words("math/rand/v2.Rand math/rand/v2.PCG math/rand/v2.ChaCha8 " + module + "/sim.Rand")

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

func each(why, names string) map[string]string {
	m := map[string]string{}
	for w := range words(names) {
		m[w] = why
	}
	return m
}

func join(ms ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range ms {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}
