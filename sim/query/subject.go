package query

import "fmt"

// Subject is what a query object is about.
type Subject uint8

// The subjects of the 2016 preview.
const (
	Devices Subject = iota
	Jobs
)

// field is a field of the space Default: its name as rows know it, what its
// strings are, and whether the preview lets it be projected.
type field struct {
	name    string
	text    Text
	project bool
}

// subjects has the fields of a device and of a job. [Azure IoT Hub device
// management preview: device object, JobResponse; of a device, only what is
// indexed can be projected]
var subjects = [...]struct {
	id     Path
	fields []field
}{
	Devices: {DeviceID, []field{
		{"deviceId", Ordinal, true},
		{"generationId", Ordinal, false},
		{"etag", Ordinal, false},
		{"connectionState", Word, false},
		{"connectionStateUpdatedTime", Instant, false},
		{"status", Word, false},
		{"statusReason", Ordinal, false},
		{"statusUpdatedTime", Instant, false},
		{"lastActivityTime", Instant, false},
		{"cloudToDeviceMessageCount", Ordinal, false},
		{"isManaged", Ordinal, false},
		{"configuration", Ordinal, false},
	}},
	Jobs: {JobID, []field{
		{"jobId", Ordinal, true},
		{"parentJobId", Ordinal, true},
		{"deviceId", Ordinal, true},
		{"type", Word, true},
		{"status", Word, true},
		{"startTimeUtc", Instant, true},
		{"endTimeUtc", Instant, true},
		{"failureReason", Ordinal, true},
		{"statusMessage", Ordinal, true},
	}},
}

// property is a property as a query object names it.
type property struct {
	name    string // as it was sent
	path    Path
	text    Text
	project bool
}

// resolve finds out what a name of the space Default means: letter case does
// not count there. A name that is not known is passed on as it is.
func (s Subject) resolve(name string) property {
	if compareFolded(name, "tags") == 0 {
		return property{name, Path{Space: Labels}, Ordinal, true}
	}
	for _, f := range subjects[s].fields {
		if compareFolded(name, f.name) == 0 {
			return property{name, Path{Name: f.name}, f.text, f.project}
		}
	}
	return property{name, Path{Name: name}, Ordinal, false}
}

// PageSize is how many rows the preview answers at most. [Azure IoT Hub device
// management preview: device queries]
const PageSize = 100

// MaxTop is how many devices a query by tags may ask for.
const MaxTop = 1000

// Labelled is the preview's query by tags: devices that have all of these
// words among their labels, at most top of them.
func Labelled(words []string, top int) (Query, error) {
	if len(words) == 0 {
		return Query{}, &Error{What: "tags: name at least one"}
	}
	for _, w := range words {
		if blank(w) {
			return Query{}, &Error{What: "tags: one of them is blank"}
		}
	}
	if top < 1 || top > MaxTop {
		return Query{}, &Error{What: fmt.Sprintf("top is %d, it must be 1 to %d", top, MaxTop)}
	}
	return Query{Where: HasLabels(words...), Limit: top}, nil
}
