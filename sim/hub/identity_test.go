package hub_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/job"
	"pgregory.net/rapid"
)

// wantCode says that an error has a code.
func wantCode(t *testing.T, what string, err error, code hub.Code) {
	t.Helper()
	if e, ok := errors.AsType[*hub.Error](err); !ok || e.Code != code {
		t.Errorf("%s: error %v; want code %d", what, err, code)
	}
}

// TestUpdateIdentity: an identity is updated with the etag that was read, once;
// new keys count from the next connection on, disabling ends the present one.
func TestUpdateIdentity(t *testing.T) {
	d := newDesk(t, "a")
	d.connect("a", 1, sim.AllFeatures)
	first := d.must(hub.GetDevice{ID: "a"}).Device
	other := bytes.Repeat([]byte("k"), 32)
	second := d.must(hub.UpdateIdentity{ID: "a", Etag: strconv.FormatUint(first.Etag, 10), PrimaryKey: other, StatusReason: "rolled over"}).Device
	if second.Etag == first.Etag || !bytes.Equal(second.PrimaryKey, other) || !bytes.Equal(second.SecondaryKey, other) || second.StatusReason != "rolled over" || !second.Connected {
		t.Errorf("after the update: %+v", second)
	}
	if second.StatusChanged != sim.Never {
		t.Error("the time of the status has changed, the status has not")
	}
	_, err := d.do(hub.UpdateIdentity{ID: "a", Etag: strconv.FormatUint(first.Etag, 10)})
	wantCode(t, "with the old etag", err, hub.CodePrecondition)
	if again := d.must(hub.GetDevice{ID: "a"}).Device; again.Etag != second.Etag {
		t.Error("a refused update has changed the etag")
	}
	print := hub.Thumbprints{Primary: strings.Repeat("aB3", 13) + "0"}
	third := d.must(hub.UpdateIdentity{ID: "a", Thumbprints: print, Disabled: true}).Device
	if third.PrimaryKey != nil || third.SecondaryKey != nil || third.Thumbprints != print || third.Connected || !third.Disabled || third.StatusChanged != d.now {
		t.Errorf("with thumbprints, disabled: %+v", third)
	}
	fourth := d.must(hub.UpdateIdentity{ID: "a", Etag: "*"}).Device
	if fourth.Thumbprints != print || fourth.Disabled {
		t.Errorf("what authenticates stays if nothing is said of it: %+v", fourth)
	}
	_, err = d.do(hub.Unregister{ID: "a", Etag: "1"})
	wantCode(t, "Unregister with an old etag", err, hub.CodePrecondition)
	d.must(hub.Unregister{ID: "a", Etag: strconv.FormatUint(fourth.Etag, 10)})
	_, err = d.do(hub.UpdateIdentity{ID: "a"})
	wantCode(t, "after it was deleted", err, hub.CodeNotFound)
}

// TestNoKey: a device without keys is not let in by a token signed with no key
// at all.
func TestNoKey(t *testing.T) {
	d := newDesk(t)
	d.must(hub.Register{ID: "a", Thumbprints: hub.Thumbprints{Primary: strings.Repeat("0", 40)}})
	d.say(sim.Message{Kind: sim.Connect, Device: "a", Conn: 1, ID: 1, Body: []byte(token("a", nil, d.now, time.Hour))})
	if !strings.Contains(d.log.String(), "accept a#1 status=5") {
		t.Errorf("not refused:\n%s", &d.log)
	}
}

// TestRefusedIdentities has what may not be in an identity.
func TestRefusedIdentities(t *testing.T) {
	d := newDesk(t, "there")
	hex := strings.Repeat("0", 40)
	for _, c := range []hub.Command{
		hub.Register{ID: "a"},
		hub.Register{ID: "a", PrimaryKey: key[:15]},
		hub.Register{ID: "a", PrimaryKey: key, SecondaryKey: bytes.Repeat(key, 3)},
		hub.Register{ID: "a", PrimaryKey: key, Thumbprints: hub.Thumbprints{Secondary: hex}},
		hub.Register{ID: "a", Thumbprints: hub.Thumbprints{Primary: hex[1:]}},
		hub.Register{ID: "a", Thumbprints: hub.Thumbprints{Primary: hex[1:] + "g"}},
		hub.Register{ID: "a", PrimaryKey: key, StatusReason: strings.Repeat("ä", 129)},
		hub.Register{ID: "a", PrimaryKey: key, Labels: []string{""}},
		hub.Register{ID: "a", PrimaryKey: key, Labels: []string{"x\x00y"}},
		hub.Register{ID: "a", PrimaryKey: key, Labels: make([]string, 101)},
		hub.UpdateIdentity{ID: "there", PrimaryKey: key[:1]},
		hub.ReplaceService{ID: "there", Properties: doc.Array()},
		hub.ReplaceService{ID: "there", Labels: []string{strings.Repeat("x", 129)}},
	} {
		_, err := d.do(c)
		wantCode(t, fmt.Sprintf("%+v", c), err, hub.CodeInvalid)
	}
	_, err := d.do(hub.ReplaceService{ID: "there", Properties: doc.Object(doc.Member{Name: "a", Value: doc.String(strings.Repeat("x", 33_000))})})
	wantCode(t, "33,000 bytes", err, hub.CodeTooLarge)
	if n := d.must(hub.GetCounters{}).Counters.Devices; n != 1 {
		t.Errorf("%d devices; want the one that was there", n)
	}
}

// TestReplaceService: the properties are replaced as a whole, under an etag of
// their own.
func TestReplaceService(t *testing.T) {
	d := newDesk(t, "a")
	first := d.must(hub.GetDevice{ID: "a"}).Device
	second := d.must(hub.ReplaceService{ID: "a", Etag: "1", Properties: doc.MustParse(`{"x":{"y":1}}`), Labels: []string{"bacon"}}).Device
	if second.Service.String() != `{"x":{"y":1}}` || !slices.Equal(second.Labels, []string{"bacon"}) || second.ServiceEtag == first.ServiceEtag || second.Etag != first.Etag {
		t.Errorf("%+v", second)
	}
	_, err := d.do(hub.ReplaceService{ID: "a", Etag: "1"})
	wantCode(t, "with the old etag", err, hub.CodePrecondition)
	third := d.must(hub.ReplaceService{ID: "a"}).Device
	if third.Service.Len() != 0 || len(third.Labels) != 0 {
		t.Errorf("%+v", third)
	}
}

// TestForgottenJob: a job that nobody waits for leaves no ticket, and a unique
// one is not taken twice.
func TestForgottenJob(t *testing.T) {
	d := newDesk(t, "a")
	s := job.Spec{ID: "j", Kind: "rebootDevice", Targets: []sim.DeviceID{"a"}, Grace: -1}
	if r := d.must(hub.SubmitJob{Spec: s, Forget: true, Unique: true}); r.Ticket != 0 || r.Job == nil || r.Job.ID != "j" {
		t.Errorf("%+v", r)
	}
	d.settle()
	if n := d.hub.OpenTickets(); n != 0 {
		t.Errorf("%d open tickets", n)
	}
	_, err := d.do(hub.SubmitJob{Spec: s, Forget: true, Unique: true})
	wantCode(t, "the same id", err, hub.CodePrecondition)
	if r := d.must(hub.SubmitJob{Spec: s, Forget: true}); r.Job.Status != job.Pending {
		t.Errorf("an ended job is not replaced: %+v", r.Job)
	}
}

// TestViewIndexes changes the registry at random and holds the indexes of
// every snapshot against a walk over its devices.
func TestViewIndexes(t *testing.T) {
	labels := []string{"a", "b", "a\x01", "ab"}
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesk(t)
		var views []hub.View
		var dumb []string
		ids := rapid.SampledFrom([]sim.DeviceID{"a", "b", "B", "a-1", "a!", "c"})
		some := rapid.SliceOfNDistinct(rapid.SampledFrom(labels), 0, 3, rapid.ID)
		for range rapid.IntRange(1, 30).Draw(rt, "changes") {
			switch id := ids.Draw(rt, "id"); rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0:
				d.do(hub.Register{ID: id, PrimaryKey: key, Labels: some.Draw(rt, "labels"), Disabled: rapid.Bool().Draw(rt, "disabled")})
			case 1:
				if rapid.Bool().Draw(rt, "labels alone") {
					d.do(hub.SetLabels{ID: id, Labels: some.Draw(rt, "labels")})
				} else {
					d.do(hub.ReplaceService{ID: id, Labels: some.Draw(rt, "labels")})
				}
			case 2:
				d.do(hub.Unregister{ID: id})
			case 3:
				d.do(hub.SetStatus{ID: id, Disabled: rapid.Bool().Draw(rt, "disabled")})
			case 4:
				v := d.hub.View()
				views, dumb = append(views, v), append(dumb, walk(v, labels))
			}
		}
		for i, v := range views {
			if got := indexed(v, labels); got != dumb[i] {
				rt.Fatalf("snapshot %d\n got %s\nwant %s", i, got, dumb[i])
			}
		}
	})
}

// walk says what is in a view by looking at each device.
func walk(v hub.View, labels []string) string {
	var all []*hub.Device
	for n := range v.Len() {
		if d := v.Device(n); d != nil {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b *hub.Device) int { return strings.Compare(string(a.ID), string(b.ID)) })
	var b strings.Builder
	for _, d := range all {
		fmt.Fprintf(&b, "%s=%d ", d.ID, d.Generation)
	}
	b.WriteString("disabled:")
	for _, d := range all {
		if d.Disabled {
			fmt.Fprintf(&b, " %s", d.ID)
		}
	}
	for _, l := range labels {
		fmt.Fprintf(&b, "%q:", l)
		for _, d := range all {
			if slices.Contains(d.Labels, l) {
				fmt.Fprintf(&b, " %s", d.ID)
			}
		}
	}
	return b.String()
}

// indexed says the same by the indexes.
func indexed(v hub.View, labels []string) string {
	var b strings.Builder
	all := v.Devices("", "")
	for i := range all.Len() {
		d := all.At(i)
		if v.Find(d.ID) != d {
			return "Find does not find " + string(d.ID)
		}
		fmt.Fprintf(&b, "%s=%d ", d.ID, d.Generation)
	}
	b.WriteString("disabled:")
	barred := v.Disabled()
	for i := range barred.Len() {
		fmt.Fprintf(&b, " %s", barred.At(i).ID)
	}
	for _, l := range labels {
		fmt.Fprintf(&b, "%q:", l)
		some := v.Labelled(l)
		for i := range some.Len() {
			fmt.Fprintf(&b, " %s", some.At(i).ID)
		}
	}
	return b.String()
}

// TestJobSnapshots: a snapshot finds jobs and children by id, as they were,
// also while devices are added to them.
func TestJobSnapshots(t *testing.T) {
	var ids []sim.DeviceID
	for i := range 3000 {
		ids = append(ids, sim.DeviceID(fmt.Sprintf("d%04d", i)))
	}
	d := newDesk(t, ids...)
	d.must(hub.PutGroup{ID: "all", Filter: "id!=nobody"})
	d.out.Reset()
	if _, err := d.hub.Do(d.now, hub.SubmitJob{Spec: job.Spec{ID: "j", Kind: "rebootDevice", Group: "all", InFlight: 1}, Forget: true}, &d.out); err != nil {
		t.Fatal(err)
	}
	var counts []int
	var handed []*job.View
	for range 20 {
		v := d.hub.View()
		ref, child, ok := v.Jobs.Find("j")
		if !ok || child {
			t.Fatalf("Find(j) = %v, %t, %t", ref, child, ok)
		}
		b, _ := v.Jobs.Brief(int(ref.Job))
		counts = append(counts, b.Counts.Total)
		for i := range b.Counts.Total {
			id := v.Jobs.ChildID(int(ref.Job), i)
			if r, child, ok := v.Jobs.Find(id); !ok || !child || int(r.Child) != i || v.Jobs.Child(int(ref.Job), i).Device != ids[i] {
				t.Fatalf("child %d: Find(%s) = %v, %t, %t", i, id, r, child, ok)
			}
			if i > 0 && (strings.Compare(v.Jobs.ChildID(int(ref.Job), i-1), id) < 0) != (v.Jobs.Order(int(ref.Job), uint32(i-1), uint32(i)) < 0) {
				t.Fatalf("children %d and %d are not in the order of their ids", i-1, i)
			}
		}
		if b.Counts.Total == len(ids) {
			break
		}
		d.out.Reset()
		d.hub.Step(d.now, sim.Input{}, &d.out)
		d.out.Reset()
		r, err := d.hub.Do(d.now, hub.GetJob{ID: "j"}, &d.out)
		if err != nil {
			t.Fatal(err)
		}
		handed = append(handed, r.Job)
		d.out.Reset()
		d.hub.Step(d.now, sim.Input{}, &d.out)
	}
	for _, v := range handed {
		if len(v.Spec.Targets) != v.Counts.Total {
			t.Errorf("a job handed out with %d devices has %d targets now", v.Counts.Total, len(v.Spec.Targets))
		}
	}
	if len(counts) < 2 || counts[0] != 0 || counts[len(counts)-1] != len(ids) {
		t.Errorf("devices of the job in the snapshots: %d", counts)
	}
}
