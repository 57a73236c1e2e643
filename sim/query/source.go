package query

import "github.com/flotilla-sim/flotilla/sim/doc"

// Space says where a field of a row is to be looked for.
type Space uint8

// The spaces. Which names a row knows in each is its own business; the front
// ends spell names of Default as Devices and Jobs list them.
const (
	Default    Space = iota // the row's own fields: deviceId, status, jobId, parentJobId ...
	Labels                  // the list of words, under the name ""
	Device                  // the preview's device properties; the value, not value and time
	Service                 // the preview's service properties
	Tags                    // GA's twin: tags
	Desired                 // GA's twin: desired properties
	Reported                // GA's twin: reported properties
	Property                // Central: a property or cloud property as its REST API shows it
	Aggregated              // in Sort alone: a column of the Aggregation
)

var spaceNames = [...]string{"default", "labels", "device", "service", "tags", "desired", "reported", "property", "aggregated"}

// String returns the space's word.
func (s Space) String() string { return spaceNames[s] }

// Row is one device or job. It may be asked from anywhere, and for each row of
// a scan: what it returns should be there already, not be made.
type Row interface {
	// Field returns a field's value: absent if there is none. The name "" is
	// the whole space, as an object where it has names. Times of Default are
	// strings in ISO 8601, in UTC.
	Field(space Space, name string) doc.Value
}

// Source is rows in an order of its own. It must not change while a query
// reads it, and may have the abilities Indexed and Ordered.
type Source interface {
	Len() int
	Row(i int) Row // 0 to Len()-1
}

// Indexed is a Source that finds rows without looking at each.
type Indexed interface {
	Source
	// Lookup returns the rows of which e may be true, as a Source of its own:
	// all of them, each once, and perhaps others. It returns false if it has
	// no index for e, in particular if it does not know a member of e.
	Lookup(e Equality) (Source, bool)
}

// Ordered is a Source that may have its rows in order of a field.
type Ordered interface {
	Source
	// OrderedBy says that all rows have a string in that field, and that these
	// ascend, byte by byte, without two alike.
	OrderedBy(p Path) bool
}

// Rows is the Source of a slice.
type Rows[R Row] []R

// Len returns how many there are.
func (s Rows[R]) Len() int { return len(s) }

// Row returns one of them.
func (s Rows[R]) Row(i int) Row { return s[i] }

// Path is a field, or a value inside it.
type Path struct {
	Space Space
	Name  string
	Rest  []string // from member to member inside the field's value
}

// The fields that identify rows.
var (
	DeviceID = Path{Name: "deviceId"}
	JobID    = Path{Name: "jobId"}
)

// Of returns what is there in a row; absent if there is nothing.
func (p Path) Of(r Row) doc.Value {
	v := r.Field(p.Space, p.Name)
	for _, n := range p.Rest {
		v = v.Get(n)
	}
	return v
}

// Is says whether two paths are the same.
func (p Path) Is(o Path) bool {
	if p.Space != o.Space || p.Name != o.Name || len(p.Rest) != len(o.Rest) {
		return false
	}
	for i := range p.Rest {
		if p.Rest[i] != o.Rest[i] {
			return false
		}
	}
	return true
}
