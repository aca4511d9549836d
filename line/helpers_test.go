package line

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"gocv.io/x/gocv"
	"periph.io/x/conn/v3/gpio"

	"passfail/capture"
	"passfail/device"
	"passfail/model"
)

const (
	demoModel = "../demo/model.tflite"
	demoParts = "../demo/parts"

	passPin, failPin, rejectPin, heartbeatPin = "GPIO17", "GPIO27", "GPIO22", "GPIO23"
)

// limited is a context that ends a test that hangs.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// bench is a simulated board with outputs, and what its pins did.
type bench struct {
	Pins
	outputs *device.Outputs
	board   *device.Board

	mu      sync.Mutex
	changes []device.Change
	more    chan struct{} // a note that there are more changes
}

// wiring is how a test's bench is wired.
type wiring struct {
	mode          device.Mode
	width         time.Duration // of pass and fail, in mode Pulse
	delay         time.Duration // of the reject pulse
	rejectWidth   time.Duration
	heartbeatHalf time.Duration
}

func newBench(t testing.TB, w wiring) *bench {
	t.Helper()
	b := &bench{more: make(chan struct{}, 1)}
	b.board = device.OpenSimulated(func(c device.Change) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.changes = append(b.changes, c)
		select {
		case b.more <- struct{}{}:
		default:
		}
	})
	var err error
	b.outputs, err = device.NewOutputs(b.board, []device.OutputSettings{
		{Name: "pass", Pin: passPin, Mode: w.mode, Width: w.width},
		{Name: "fail", Pin: failPin, Mode: w.mode, Width: w.width},
		{Name: "reject", Pin: rejectPin, Mode: device.Pulse, Width: w.rejectWidth},
		{Name: "heartbeat", Pin: heartbeatPin},
	}, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.outputs.Close(), b.board.Close()); err != nil {
			t.Error(err)
		}
	})
	all := b.outputs.All()
	b.Pins = Pins{
		Pass: all[0], Fail: all[1], Reject: all[2], RejectDelay: w.delay,
		Heartbeat: device.NewHeartbeat(all[3], max(w.heartbeatHalf, 1)), Safe: b.outputs.Safe,
	}
	b.changes = nil // that they were brought to rest
	return b
}

// edge is a change of a pin without its time.
type edge struct {
	pin   string
	level gpio.Level
}

// edges are the changes of these pins so far.
func (b *bench) edges(pins ...string) []edge {
	var list []edge
	for _, c := range b.seen(pins...) {
		list = append(list, edge{c.Pin, c.Level})
	}
	return list
}

func (b *bench) seen(pins ...string) []device.Change {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []device.Change
	for _, c := range b.changes {
		if slices.Contains(pins, c.Pin) {
			list = append(list, c)
		}
	}
	return list
}

// await waits until done says of the changes of these pins that they are all there.
func (b *bench) await(t testing.TB, done func([]device.Change) bool, pins ...string) []device.Change {
	t.Helper()
	for ctx := limited(t); ; {
		list := b.seen(pins...)
		if done(list) {
			return list
		}
		select {
		case <-b.more:
		case <-ctx.Done():
			t.Fatalf("pins %v did only this: %v", pins, list)
		}
	}
}

// forget drops the changes so far.
func (b *bench) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes = nil
}

func (b *bench) level(t testing.TB, pin string) gpio.Level {
	t.Helper()
	p, err := b.board.Pin(pin)
	if err != nil {
		t.Fatal(err)
	}
	l, _ := p.(*device.SimulatedPin).Level()
	return l
}

func openClassifiers(t testing.TB, n int) []*model.Classifier {
	t.Helper()
	var list []*model.Classifier
	for range n {
		c, err := model.Open(demoModel, model.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		list = append(list, c)
	}
	return list
}

func newJudge(t testing.TB, c *model.Classifier) *Judge {
	t.Helper()
	j, err := NewJudge(Rule{Threshold: 0.5}, c.Labels())
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// openFolder plays a folder of pictures once, as fast as the line goes.
func openFolder(t testing.TB, dir string) *capture.Camera {
	t.Helper()
	s := capture.Defaults()
	s.Source, s.Pace = "folder:"+dir, capture.Fast
	c, err := capture.Open(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// newLine is the demo's line over a folder of pictures with n classifiers.
func newLine(t testing.TB, dir string, n int, b *bench) *Line {
	t.Helper()
	c := openClassifiers(t, n)
	return &Line{Camera: openFolder(t, dir), Model: Model{Classifiers: c, Judge: newJudge(t, c[0])}, Pins: b.Pins}
}

func pictures(t testing.TB) []string {
	t.Helper()
	list, err := capture.Pictures(demoParts)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 40 {
		t.Fatalf("%d pictures in %s", len(list), demoParts)
	}
	return list
}

func picture(t testing.TB, name string) *capture.Frame {
	t.Helper()
	f, err := capture.ReadPicture(filepath.Join(demoParts, name), capture.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// expected judges the demo's pictures one by one, without a line.
func expected(t testing.TB) []Judgement {
	t.Helper()
	c := openClassifiers(t, 1)[0]
	judge := newJudge(t, c)
	var list []Judgement
	for _, p := range pictures(t) {
		scores, err := c.Classify(&picture(t, filepath.Base(p)).Image, image.Rect(0, 0, 640, 480))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, judge.Judge(scores))
	}
	return list
}

// running runs a line beside the test.
func running(t testing.TB, ctx context.Context, l *Line) (ended chan error) {
	t.Helper()
	ended = make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	return ended
}

// wait waits for what comes through a channel, or for the end of a test that hangs.
func wait[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-limited(t).Done():
		t.Fatal("in vain waited for " + what)
		panic("unreachable")
	}
}

// copyParts makes a folder of some of the demo's pictures.
func copyParts(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(demoParts, n))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, n), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// unjudgeable adds a picture to a folder that is decoded and is too wide to be judged.
func unjudgeable(t testing.TB, dir, name string) {
	t.Helper()
	m := gocv.NewMatWithSize(4, 20000, gocv.MatTypeCV8UC3)
	defer m.Close()
	m.SetTo(gocv.NewScalar(90, 90, 90, 0))
	if !gocv.IMWrite(filepath.Join(dir, name), m) {
		t.Fatal("picture not written")
	}
}
