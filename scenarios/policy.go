package scenarios

import (
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/job"
)

// amountOf is a number of devices or a percentage of them, kept as written.
func amountOf(what string) kind[*job.Amount] {
	return kind[*job.Amount]{
		schema: &schema{types: []string{"integer", "string"}, pattern: `^[0-9]+(\.[0-9]+)?%?$`},
		read: func(r *reader, n *node) (*job.Amount, bool) {
			s, ok := scalar(r, n, what)
			if !ok {
				return nil, false
			}
			a, err := job.ParseAmount(s)
			if err != nil {
				r.complain(n.at, "write `10` for devices or `12.5%`", "%s: %s", what, err)
				return nil, false
			}
			return &a, true
		},
	}
}

// thresholdText is a cancellation threshold as it is written.
type thresholdText struct {
	value    *job.Amount
	perBatch bool
}

var thresholdTable = newTable("threshold", "a cancellation threshold", []key[thresholdText]{
	required(field("value", "how many devices may fail, `3` or `10%`: more cancel the job", amountOf("value"), func(t *thresholdText) **job.Amount { return &t.value })),
	field("perBatch", "whether failures are counted in each batch anew; default false", truthKind, func(t *thresholdText) *bool { return &t.perBatch }),
})

// thresholdKind is an amount, or a map with one.
var thresholdKind = kind[*job.Threshold]{
	schema: &schema{either: []*schema{amountOf("").schema, thresholdTable.schema}},
	read: func(r *reader, n *node) (*job.Threshold, bool) {
		var t thresholdText
		var ok bool
		if n.kind == mapNode {
			t, ok = thresholdTable.kind().read(r, n)
		} else {
			t.value, ok = amountOf("cancellationThreshold").read(r, n)
		}
		if !ok || t.value == nil {
			return nil, false
		}
		return &job.Threshold{Amount: *t.value, PerBatch: t.perBatch}, true
	},
}

// rolloutText is a rollout rate as it is written.
type rolloutText struct {
	perMinute, base, notified, succeeded int64
	factor                               string
}

var rolloutTable = newTable("rollout", "a rollout rate", []key[rolloutText]{
	required(field("perMinute", "devices started a minute, at most", integerOf("perMinute", 1, 1_000_000), func(t *rolloutText) *int64 { return &t.perMinute })),
	field("base", "with factor: devices a minute at first", integerOf("base", 1, 1_000_000), func(t *rolloutText) *int64 { return &t.base }),
	field("factor", "by what the rate is multiplied, above 1 and at most 5", textOf("factor", 1, 20), func(t *rolloutText) *string { return &t.factor }),
	field("notified", "after how many devices started", integerOf("notified", 1, MaxDevices), func(t *rolloutText) *int64 { return &t.notified }),
	field("succeeded", "or after how many that succeeded", integerOf("succeeded", 1, MaxDevices), func(t *rolloutText) *int64 { return &t.succeeded }),
})

// retryText is a retry policy as it is written.
type retryText struct {
	attempts int64
	wait     span
	on       []string
}

var retryTable = newTable("retry", "a retry policy", []key[retryText]{
	required(field("attempts", "tries beside the first, 1 to 10", integerOf("attempts", 1, 10), func(t *retryText) *int64 { return &t.attempts })),
	field("wait", "from the first to the longest wait between tries, doubling: `1s..1m`", spanKind, func(t *retryText) *span { return &t.wait }),
	field("on", "which failures are tried again; default all: offline, lost, timeout, refused, result",
		listOf("on", wordOf("a kind of failure", "offline", "lost", "timeout", "refused", "result")), func(t *retryText) *[]string { return &t.on }),
})

// policyText is how far a job goes at a time, as it is written.
type policyText struct {
	batch, gate   placed[*job.Amount]
	pause         time.Duration
	threshold     placed[*job.Threshold]
	rollout       placed[rolloutText]
	retry         placed[retryText]
	deviceTimeout time.Duration
	queued        bool
	continuous    placed[bool]
}

// policyKeys are the keys of a job that say so.
var policyKeys = []key[jobText]{
	field("batch", "devices in a batch, `500` or `10%`: a batch begins when the one before it has ended", where(amountOf("batch")), func(j *jobText) *placed[*job.Amount] { return &j.policy.batch }),
	field("pause", "between batches; default 0s", durationOf(0, job.MaxTimeout), func(j *jobText) *time.Duration { return &j.policy.pause }),
	field("gate", "how many of a batch's devices must succeed, else the job stops", where(amountOf("gate")), func(j *jobText) *placed[*job.Amount] { return &j.policy.gate }),
	field("cancellationThreshold", "how many devices may fail: more cancel the job", where(thresholdKind), func(j *jobText) *placed[*job.Threshold] { return &j.policy.threshold }),
	field("rollout", "how fast devices are started", where(rolloutTable.kind()), func(j *jobText) *placed[rolloutText] { return &j.policy.rollout }),
	field("retry", "which failures are tried again, and when", where(retryTable.kind()), func(j *jobText) *placed[retryText] { return &j.policy.retry }),
	field("deviceTimeout", "of one device's part, from its start; 0s, the default: none", durationOf(0, job.MaxTimeout), func(j *jobText) *time.Duration { return &j.policy.deviceTimeout }),
	field("queued", "whether it takes one of the hub's five slots, and waits for one; default false", truthKind, func(j *jobText) *bool { return &j.policy.queued }),
	field("continuous", "whether devices that come to belong to the device group join the job, which then lasts until its timeout or until it is cancelled; default false", where(truthKind), func(j *jobText) *placed[bool] { return &j.policy.continuous }),
}

// into puts a policy into a job's spec.
func (p *policyText) into(s *job.Spec) {
	s.Batch, s.Gate, s.Threshold = p.batch.v, p.gate.v, p.threshold.v
	s.Pause, s.DeviceTimeout, s.Queued, s.Continuous = p.pause, p.deviceTimeout, p.queued, p.continuous.v
	if r := p.rollout; r.ok {
		s.Rollout = &job.Rollout{PerMinute: int(r.v.perMinute), Base: int(r.v.base), Factor: r.v.factor, Notified: int(r.v.notified), Succeeded: int(r.v.succeeded)}
	}
	if r := p.retry; r.ok {
		s.Retry = &job.Retry{Attempts: int(r.v.attempts), Min: r.v.wait.low, Max: r.v.wait.high}
		for _, w := range r.v.on {
			s.Retry.On = append(s.Retry.On, job.Why(w))
		}
	}
}

// settingsKind are properties as Azure IoT Central names them, with any value.
var settingsKind = kind[[]doc.Member]{
	schema: &schema{types: []string{"object"}, named: &schema{open: true}},
	read: func(r *reader, n *node) ([]doc.Member, bool) {
		if n.kind != mapNode {
			r.complain(n.at, "write `{LightThreshold: 120}`", "values must be a map of properties, is %s", n.describe())
			return nil, false
		}
		var all []doc.Member
		for _, m := range n.members {
			if v, ok := jsonValue(r, m.value); ok {
				all = append(all, doc.Member{Name: strings.Clone(m.name), Value: v})
			}
		}
		return all, true
	},
}

// truthKind is true or false.
var truthKind = kind[bool]{
	schema: &schema{types: []string{"boolean"}},
	read: func(r *reader, n *node) (bool, bool) {
		if n.kind != boolNode {
			r.complain(n.at, "write true or false", "a truth value is wanted, not %s", n.describe())
			return false, false
		}
		return n.text == "true", true
	},
}
