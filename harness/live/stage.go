package live

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/flotilla-sim/flotilla/scenarios"
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/device"
	"github.com/flotilla-sim/flotilla/sim/fault"
	"github.com/flotilla-sim/flotilla/sim/hub"
	"github.com/flotilla-sim/flotilla/sim/pack"
)

// The bounds of a stage.
const (
	DefaultConnects  = 64
	DefaultDownloads = 256
	mailboxSize      = 64 // inputs of one device
	sendQueue        = 64 // messages of one link
)

// Config makes a stage. Target.Dial, Now and Host are needed.
type Config struct {
	Target Target
	Now    func() sim.Time // the run's clock
	Epoch  sim.Epoch       // civil instant of Time 0
	Seed   uint64
	Host   string // the hub's name, as devices say it in their tokens

	// Observe gets what devices measured and noted. It is called from all
	// devices' goroutines at once, must be quick, and must not keep the slice.
	Observe func([]sim.Observation)

	Connects  int // connects under way at the same time; 0: DefaultConnects
	Downloads int // downloads under way at the same time; 0: DefaultDownloads
}

// Stage plays devices in real time. Its methods are called from one
// goroutine, except Now and Generator. It implements scenarios.Stage.
type Stage struct {
	cfg       Config
	group     *errgroup.Group
	life      func(func(context.Context))                  // runs something under the group, with the context that ends it at once
	span      func() (context.Context, context.CancelFunc) // one that ends with that, or before
	abandon   context.CancelFunc
	failed    <-chan struct{}
	stop      chan struct{} // closed: devices say goodbye
	stopOnce  sync.Once
	connects  *semaphore.Weighted
	downloads *semaphore.Weighted
	client    *http.Client
	pacer     *pacer
	line      *line
	players   sync.WaitGroup // that have not left
	gauges    gauges
	weather   weather
	boxes     sync.Pool // of *sim.Outbox
}

var _ scenarios.Stage = (*Stage)(nil)

// New makes a stage without devices. Close ends it.
func New(cfg Config) (*Stage, error) {
	if cfg.Target.Dial == nil || cfg.Now == nil || cfg.Host == "" {
		return nil, errors.New("live stage: Target.Dial, Now and Host are needed")
	}
	if cfg.Connects <= 0 {
		cfg.Connects = DefaultConnects
	}
	if cfg.Downloads <= 0 {
		cfg.Downloads = DefaultDownloads
	}
	if cfg.Observe == nil {
		cfg.Observe = func([]sim.Observation) {}
	}
	ctx, abandon := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(ctx)
	s := &Stage{
		cfg: cfg, group: group, abandon: abandon, failed: ctx.Done(), stop: make(chan struct{}),
		connects:  semaphore.NewWeighted(int64(cfg.Connects)),
		downloads: semaphore.NewWeighted(int64(cfg.Downloads)),
		client:    newClient(cfg.Target.HTTP),
		pacer:     newPacer(cfg.Now),
		line:      newLine(),
		boxes:     sync.Pool{New: func() any { return new(sim.Outbox) }},
	}
	s.life = func(f func(context.Context)) {
		group.Go(func() error { f(ctx); return nil })
	}
	s.span = func() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
	group.Go(func() error { s.pacer.run(s.stop); return nil })
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error { s.work(); return nil })
	}
	group.Go(func() error {
		<-s.stop
		s.pacer.wakeAll()
		s.players.Wait()
		s.line.close()
		return nil
	})
	return s, nil
}

// work plays devices, each in its turn, until there are none left.
func (s *Stage) work() {
	var spare []item
	for {
		p := s.line.take()
		if p == nil {
			return
		}
		spare = p.play(spare)
	}
}

// Now is the present instant of the run.
func (s *Stage) Now() sim.Time { return s.cfg.Now() }

// Hub is the control plane; one that refuses everything with
// errors.ErrUnsupported if the target has none.
func (s *Stage) Hub() scenarios.Hub {
	if s.cfg.Target.Hub == nil {
		return noHub{}
	}
	return s.cfg.Target.Hub
}

type noHub struct{}

func (noHub) Do(context.Context, hub.Command) (hub.Reply, error) {
	return hub.Reply{}, fmt.Errorf("the target has no control plane: %w", errors.ErrUnsupported)
}

// Warm ends the warm-up: what was late until now says nothing about the run
// proper. Counts go on.
func (s *Stage) Warm() {
	s.gauges.wake.reset()
	s.gauges.say.reset()
	s.gauges.send.reset()
}

// Generator says how the stage's own machinery fares.
func (s *Stage) Generator() Generator { return s.gauges.read() }

// Publish puts a package on the target's package server.
func (s *Stage) Publish(p pack.Package) (string, error) {
	if s.cfg.Target.Publish == nil {
		return "", fmt.Errorf("package %s: the target has no package server: %w", p.Spec().Name, errors.ErrUnsupported)
	}
	return s.cfg.Target.Publish(p)
}

// Advance waits until to, or until a ticket has settled.
func (s *Stage) Advance(ctx context.Context, to sim.Time) ([]scenarios.Settled, error) {
	var timer *time.Timer
	var due <-chan time.Time
	if to != sim.Never {
		timer = time.NewTimer(max(0, to.Sub(s.cfg.Now())))
		defer timer.Stop()
		due = timer.C
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.cfg.Target.Settled != nil {
			if settled := s.cfg.Target.Settled(); len(settled) > 0 {
				return settled, nil
			}
		}
		select {
		case <-s.cfg.Target.Ready:
		case <-due:
			if left := to.Sub(s.cfg.Now()); left > 0 { // timers may run ahead of the clock by a hair
				timer.Reset(left)
				continue
			}
			return nil, nil
		case <-s.failed:
			return nil, errors.New("the stage was closed")
		case <-ctx.Done():
		}
	}
}

// Add registers a group's devices one after the other, with keys of their
// own, and starts each of them as soon as it is registered.
func (s *Stage) Add(ctx context.Context, g scenarios.Group) error {
	for i := range g.Count {
		select {
		case <-s.stop:
			return fmt.Errorf("group %s: the stage was closed", g.Name)
		default:
		}
		if err := s.add(ctx, g.First+uint64(i), g.Member(i)); err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
	}
	return nil
}

func (s *Stage) add(ctx context.Context, number uint64, m scenarios.Member) error {
	keys := make([]byte, 64)
	rand.Read(keys)
	reply, err := s.Hub().Do(ctx, hub.Register{
		ID: m.ID, PrimaryKey: keys[:32:32], SecondaryKey: keys[32:],
		Labels: m.Labels, Tags: m.Tags, Service: m.Service,
	})
	if err != nil {
		return fmt.Errorf("device %s: %w", m.ID, err)
	}
	if err := s.plays(m.Fault); err != nil {
		return fmt.Errorf("device %s: %w", m.ID, err)
	}
	w := &s.weather
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.course.At(number, m.Fault)
	if c.Download != (fault.Download{}) {
		if err := s.cfg.Target.Afflict(m.ID, c.Download); err != nil {
			return fmt.Errorf("device %s: %w", m.ID, err)
		}
	}
	key := keys[:32:32]
	if d := reply.Device; d != nil && len(d.PrimaryKey) > 0 { // a hub may have had the device, with a key of its own
		key = d.PrimaryKey
	}
	p := newPlayer(s, device.New(device.Config{
		ID: m.ID, Number: number, Seed: s.cfg.Seed, Epoch: s.cfg.Epoch, Host: s.cfg.Host, Key: key,
		Profile: m.Profile, FirmwareVersion: m.FirmwareVersion, Values: m.Values, Condition: c.Device, Starts: m.Starts,
	}), m.ID, m.Fault, c)
	if m.Rough || m.Fault.Link != (fault.Link{}) {
		p.road = &road{link: c.Link, rand: sim.NewRand(s.cfg.Seed, sim.ActorTrouble+number)}
	}
	for uint64(len(w.players)) <= number {
		w.players = append(w.players, nil)
	}
	w.players[number] = p
	s.players.Add(1)
	p.wake()
	return nil
}

// Close lets every device say goodbye and waits until all that the stage
// started has ended. When ctx ends first it cuts what is left, waits for no
// more than the connections' own bounds, and returns ctx's error.
func (s *Stage) Close(ctx context.Context) error {
	s.stopOnce.Do(func() { close(s.stop) })
	unhook := context.AfterFunc(ctx, s.abandon)
	defer s.abandon()
	err := s.group.Wait()
	if !unhook() && err == nil {
		err = ctx.Err()
	}
	s.client.CloseIdleConnections()
	return err
}
