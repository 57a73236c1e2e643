package scenarios

import (
	"strings"

	"github.com/flotilla-sim/flotilla/sim/pack"
)

// defaultModel is the ModelNumber of a device that was given none. [Azure IoT
// device management client, device object: initial values]
const defaultModel = "Device_ModelNumber"

// packageText is a package as it is written.
type packageText struct {
	version, model string
	uri            string
	size           int64
	seed           placed[uint64]
}

var packageTable = newTable("package", "a package", []key[packageText]{
	required(field("version", "the firmware version it brings", textOf("version", 1, 64), func(p *packageText) *string { return &p.version })),
	required(field("size", "of its payload", sizeOf(0, pack.MaxSize), func(p *packageText) *int64 { return &p.size })),
	field("model", "ModelNumber of the devices it is for; default "+defaultModel, textOf("model", 1, 64), func(p *packageText) *string { return &p.model }),
	field("uri", "another URI at which the run's devices find it, whatever is there in the world: `http://url.to.firmware.update`", textOf("uri", 1, 255), func(p *packageText) *string { return &p.uri }),
	field("seed", "of its bytes; default: the run's seed and its place among the packages", where(seedKind), func(p *packageText) *placed[uint64] { return &p.seed }),
})

// badName says what is wrong with the name of a group, package or job: names
// stand in paths, in URIs and in the columns of reports.
func badName(name string) string {
	if name == "" || len(name) > 64 {
		return "a name has 1 to 64 characters"
	}
	for i, c := range name {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.ContainsRune("-_.", c) && i > 0:
		default:
			return "a name begins with a letter or digit and has letters, digits and - _ . only"
		}
	}
	return ""
}

// packages compiles them.
func (c *compiler) packages(all []named[packageText]) {
	named := map[string]string{}
	for i, p := range all {
		s := pack.Spec{Name: p.name, Version: p.v.version, Model: p.v.model, Size: p.v.size, Seed: p.v.seed.v, URI: p.v.uri}
		if s.Model == "" {
			s.Model = defaultModel
		}
		if !p.v.seed.ok {
			s.Seed = c.plan.Seed + uint64(i)
		}
		if s.Version == "" {
			continue // said already
		}
		if err := s.Validate(); err != nil {
			c.r.complain(p.at, "", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		if key := pack.URIKey(s.URI); key != "" {
			if other, ok := named[key]; ok {
				c.r.complain(p.at, "", "the packages %s and %s have the same URI", other, p.name)
				continue
			}
			named[key] = p.name
		}
		c.plan.Packages = append(c.plan.Packages, s)
	}
}
