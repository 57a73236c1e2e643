package sim

import "time"

// Metric is the number of a measured quantity in Metrics.
type Metric uint8

// The metrics. None marks an Observation that is an event.
const (
	NoMetric Metric = iota
	MetricConnect
	MetricMethodRoundTrip
	MetricTwinRoundTrip
	MetricTelemetryAck
	MetricDownload
	MetricApply
	MetricRebootToReconnect
	MetricDeviceJob
	metrics // how many there are, NoMetric included
)

// MetricInfo describes a metric.
type MetricInfo struct {
	Name string // id in files and expectations
	Unit string // "ns": nanoseconds
	Help string
}

// Metrics is the one table of what is measured; docs, reports and
// expectations read it. All are latencies counted from the planned instant.
var Metrics = [metrics]MetricInfo{
	NoMetric:                {},
	MetricConnect:           {"connect", "ns", "from the instant the device wanted its link to the accepted CONNECT"},
	MetricMethodRoundTrip:   {"method_round_trip", "ns", "from the instant the hub wanted to call a direct method to the device's answer"},
	MetricTwinRoundTrip:     {"twin_round_trip", "ns", "from the instant the device wanted to read its twin or report properties to the hub's answer"},
	MetricTelemetryAck:      {"telemetry_ack", "ns", "from the instant telemetry was due to the hub's acknowledgement"},
	MetricDownload:          {"download", "ns", "from the accepted package URI to the package complete and checked, resumes included"},
	MetricApply:             {"apply", "ns", "from the accepted update to the new version running, flash, reboot and reconnect included"},
	MetricRebootToReconnect: {"reboot_to_reconnect", "ns", "from the device going down to the accepted CONNECT after it"},
	MetricDeviceJob:         {"device_job", "ns", "from the start of one device's part of a job to its end"},
}

// Event is the number of something that happened, in Events.
type Event uint8

// The events.
const (
	NoEvent Event = iota
	EventLink
	EventConnect
	EventWrite
	EventExecute
	EventResource
	EventBytes
	EventDevice
	EventTwin
	EventJob
	EventChild
	EventDrop
	EventCall
	EventCommand
	events
)

// EventInfo describes an event.
type EventInfo struct {
	Name string
	Help string
}

// Events is the one table of what is put down with its time beside the
// measurements; timelines and transcripts read it.
var Events = [events]EventInfo{
	NoEvent:       {},
	EventLink:     {"link", "the device's link: Text is `opened`, `closed by the device` or why it ended"},
	EventConnect:  {"connect", "the hub's answer to CONNECT: Text is `accepted` or the refusal"},
	EventWrite:    {"write", "a resource was written from outside: Text is `<Name>=<value>`"},
	EventExecute:  {"execute", "an executable resource was executed: Text is its name and, when refused, the status"},
	EventResource: {"resource", "the device changed a resource itself: Text is `<Name>=<value>`"},
	EventBytes:    {"bytes", "package bytes received: Value is how many in all, Text the state of the download"},
	EventDevice:   {"device", "the device's own state: running, answering, down, booting, connecting"},
	EventTwin:     {"twin", "reported properties reached the hub: Text is the patch"},
	EventJob:      {"job", "a job (parent) entered the state in Text; at the first, an instance of a schedule has its name behind `: `"},
	EventChild:    {"child", "one device's part of a job entered the state in Text, with the reason after a colon when it failed"},
	EventDrop:     {"drop", "something was dropped and counted: Text says what"},
	EventCall:     {"call", "a declared command reached the device: Text is its name"},
	EventCommand:  {"command", "a declared command was carried out: Text is its name and, when refused, the status"},
}

// Observation is one measurement (Metric set) or one event (Event set).
type Observation struct {
	At     Time
	Device DeviceID
	Metric Metric
	Event  Event
	Value  int64  // the measurement, or the event's number
	Job    string // job id, for events of jobs and children
	Text   string // the event's words; kept as long as the event is
}

// Measure notes a latency: from the planned instant due until now.
func (o *Outbox) Measure(now Time, d DeviceID, m Metric, due Time) {
	o.Observe = append(o.Observe, Observation{At: now, Device: d, Metric: m, Value: int64(max(0, now.Sub(due)))})
}

// Note notes an event.
func (o *Outbox) Note(now Time, d DeviceID, e Event, text string) {
	o.Observe = append(o.Observe, Observation{At: now, Device: d, Event: e, Text: text})
}

// Latency returns the measurement as a duration.
func (o Observation) Latency() time.Duration { return time.Duration(o.Value) }
