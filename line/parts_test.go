package line

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"passfail/capture"
	"passfail/device"
	"passfail/line/belt"
)

// scene is a camera that shows what the test puts before it, 640 x 480, each frame once.
type scene struct {
	pipe   *os.File
	camera *capture.Camera
}

func newScene(t *testing.T) *scene {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "frames")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := capture.Defaults()
	s.Source = "gstreamer:filesrc location=" + fifo + " blocksize=921600 ! rawvideoparse width=640 height=480 format=bgr framerate=30/1 ! appsink sync=false"
	s.Timeout, s.FrozenAfter, s.ReopenMin, s.ReopenMax = time.Minute, 0, time.Hour, time.Hour
	camera, err := capture.Open(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pipe.Close()
		camera.Close()
	})
	return &scene{pipe, camera}
}

// show has the camera take a frame of a picture.
func (s *scene) show(t *testing.T, f *capture.Frame) {
	t.Helper()
	pixels, err := f.Image.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.pipe.Write(pixels); err != nil {
		t.Fatal(err)
	}
}

// partsLine is a line with a trigger and no camera, and its events.
func partsLine(t testing.TB, s belt.Settings, b *bench) (*Line, <-chan Event) {
	t.Helper()
	kept, err := belt.New(s, 16)
	if err != nil {
		t.Fatal(err)
	}
	epoch := time.Now()
	events := make(chan Event, 64)
	c := openClassifiers(t, 1)
	l := &Line{
		Model: Model{Name: "demo", Classifiers: c, Judge: newJudge(t, c[0])}, Pins: b.Pins,
		Parts: NewParts(kept, NewByTime(epoch), epoch), Events: events,
	}
	l.Parts.Gate = Gate{Output: b.Reject, Width: 20 * time.Millisecond}
	l.Parts.Idle = time.Hour
	return l, events
}

// sceneLine is partsLine over a scene.
func sceneLine(t *testing.T, s belt.Settings, b *bench) (*Line, *scene, <-chan Event) {
	t.Helper()
	l, events := partsLine(t, s, b)
	scene := newScene(t)
	l.Camera = scene.camera
	return l, scene, events
}

func enterPart(t *testing.T, l *Line) (belt.ID, time.Time) {
	t.Helper()
	at := time.Now()
	id, err := l.Trigger(at)
	if err != nil {
		t.Fatal(err)
	}
	return id, at
}

const far = belt.Position(time.Minute)

// Each part gets the verdict of the frame that shows it, and only a bad one is pushed, at its own moment.
func TestPartsAreJudgedAndPushed(t *testing.T) {
	b := newBench(t, wiring{mode: device.Pulse, width: time.Millisecond, rejectWidth: 20 * time.Millisecond})
	const gate = 3 * time.Second
	l, scene, events := sceneLine(t, belt.Settings{Within: far, Frames: 1, Gate: belt.Position(gate), Decide: belt.Position(50 * time.Millisecond)}, b)
	ctx, stop := context.WithCancel(limited(t))
	ended := running(t, ctx, l)
	var bad []time.Time
	for _, name := range []string{"001-good.jpg", "004-scratch.jpg", "002-good.jpg"} {
		want := Pass
		id, at := enterPart(t, l)
		if name == "004-scratch.jpg" {
			want, bad = Fail, append(bad, at)
		}
		scene.show(t, picture(t, name))
		e := wait(t, events, "a verdict")
		if e.Err != nil || e.Result.Part != id || e.Result.Verdict != want || !e.Result.Triggered.Equal(at) && e.Result.Triggered.Sub(at).Abs() > time.Microsecond {
			t.Fatalf("%s: part %d, got %+v", name, id, e)
		}
	}
	edges := b.await(t, func(c []device.Change) bool { return len(c) == 2 }, rejectPin)
	if late := edges[0].Time.Sub(bad[0].Add(gate)); late < 0 || late > 500*time.Millisecond {
		t.Errorf("the gate moved %v after the part was at it", late)
	}
	stop()
	if err := wait(t, ended, "the end of Run"); err != nil {
		t.Error(err)
	}
	if got := l.PartCounts(); got.Judged != 3 || got.Belt.Pushed != 1 || got.Unpushed+got.Overruns+got.Untracked != 0 {
		t.Errorf("%+v", got)
	}
}

// A part that no frame shows fails at its decision point, though nothing else happens then.
func TestUnseenPartIsPushed(t *testing.T) {
	b := newBench(t, wiring{mode: device.Pulse, width: time.Millisecond, rejectWidth: 20 * time.Millisecond})
	l, _, events := sceneLine(t, belt.Settings{Within: belt.Position(10 * time.Millisecond), Frames: 1, Gate: belt.Position(300 * time.Millisecond), Decide: belt.Position(100 * time.Millisecond)}, b)
	ctx, stop := context.WithCancel(limited(t))
	defer stop()
	ended := running(t, ctx, l)
	id, _ := enterPart(t, l)
	e := wait(t, events, "the part")
	if !errors.Is(e.Err, ErrUnseen) || e.Result.Part != id || e.Result.Verdict != Fail || e.Result.Taken.IsZero() {
		t.Errorf("%+v", e)
	}
	b.await(t, func(c []device.Change) bool { return len(c) == 2 }, rejectPin)
	if got := b.edges(failPin); len(got) == 0 {
		t.Error("the output for fail said nothing")
	}
	stop()
	wait(t, ended, "the end of Run")
	if got := l.PartCounts().Belt; got.Unseen != 1 || got.Pushed != 1 {
		t.Errorf("%+v", got)
	}
}

// frameBy gives a frame to the shutter as if it came from the camera now, and has it judged.
func frameBy(t testing.TB, l *Line, s *shutter, f *capture.Frame) {
	f.Taken = time.Now()
	if err := s.take(f); err != nil {
		t.Fatal(err)
	}
	select {
	case k := <-s.queue:
		l.judgeShot(t.Context(), k)
		s.free <- k
	default:
	}
}

// Of a burst the majority counts, or the sharpest frame, and the part is told once.
func TestBurst(t *testing.T) {
	const good, bad, blurred = "001-good.jpg", "004-scratch.jpg", "blurred 004-scratch.jpg"
	for name, test := range map[string]struct {
		sharpest bool
		pictures []string
		want     Verdict
	}{
		"two of three are good":        {false, []string{good, bad, good}, Pass},
		"one of three is good":         {false, []string{bad, good, bad}, Fail},
		"a tie":                        {false, []string{good, bad}, Fail},
		"the sharpest is good":         {true, []string{blurred, good, blurred}, Pass},
		"the sharpest is bad":          {true, []string{bad, blurred}, Fail},
		"of the same the first counts": {true, []string{good, good}, Pass},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, wiring{mode: device.Pulse, width: time.Millisecond, rejectWidth: 20 * time.Millisecond})
			l, events := partsLine(t, belt.Settings{Within: far, Frames: len(test.pictures), Gate: far, Decide: 1}, b)
			l.Parts.Sharpest = test.sharpest
			s := newShutter(l)
			defer s.close()
			id, _ := enterPart(t, l)
			for _, p := range test.pictures {
				name, blur := strings.CutPrefix(p, "blurred ")
				f := picture(t, name)
				if blur {
					gocv.Blur(f.Image, &f.Image, image.Pt(9, 9))
				}
				frameBy(t, l, s, f)
			}
			e := wait(t, events, "the part")
			if e.Err != nil || e.Result.Part != id || e.Result.Verdict != test.want {
				t.Errorf("%+v", e)
			}
			frameBy(t, l, s, picture(t, good))
			if len(events) != 0 {
				t.Errorf("told again: %+v", <-events)
			}
		})
	}
}

// A frame for which there is no room is counted, and its part fails as one that nobody saw.
func TestOverrun(t *testing.T) {
	b := newBench(t, wiring{mode: device.Pulse, width: time.Millisecond, rejectWidth: 20 * time.Millisecond})
	l, _ := partsLine(t, belt.Settings{Within: far, Frames: 1, Gate: far, Decide: 1}, b)
	l.Parts.Pictures = 2
	s := newShutter(l)
	defer s.close()
	f := picture(t, "001-good.jpg")
	for range 3 {
		enterPart(t, l)
		f.Taken = time.Now()
		if err := s.take(f); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.PartCounts(); got.Overruns != 1 || len(s.queue) != 2 {
		t.Errorf("%d pictures wait, %+v", len(s.queue), got)
	}
	if got := l.Parts.Belt.Advance(far*2, nil); len(got) != 3 || got[2].Outcome != belt.Unseen {
		t.Errorf("%+v", got)
	}
}

// Where parts come to the gate by an encoder, the gate moves at the part's count, also if the belt stops on the way.
func TestEncoderMovesTheGate(t *testing.T) {
	b := newBench(t, wiring{mode: device.Pulse, width: time.Millisecond, rejectWidth: 20 * time.Millisecond})
	encoder, err := device.NewEncoder(b.board, device.EncoderSettings{Name: "belt", A: "GPIO5"})
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	move, err := device.NewSimulatedBelt(b.board, "GPIO5", "")
	if err != nil {
		t.Fatal(err)
	}
	defer move.Close()
	l, scene, events := sceneLine(t, belt.Settings{Within: far, Frames: 1, Gate: 40, Decide: 10}, b)
	l.Parts.Way = ByEncoder{encoder}
	ctx, stop := context.WithCancel(limited(t))
	ended := running(t, ctx, l)
	enterPart(t, l)
	scene.show(t, picture(t, "004-scratch.jpg"))
	if e := wait(t, events, "a verdict"); e.Err != nil || e.Result.Verdict != Fail {
		t.Fatalf("%+v", e)
	}
	if err := move.SetSpeed(200); err != nil {
		t.Fatal(err)
	}
	edges := b.await(t, func(c []device.Change) bool { return len(c) == 2 }, rejectPin)
	if at, ok := encoder.CountAt(edges[0].Time); !ok || at < 40 || at > 44 {
		t.Errorf("the gate moved at count %d, want 40", at)
	}
	stop()
	wait(t, ended, "the end of Run")
	if got := l.PartCounts(); got.Unpushed != 0 || !slices.Equal([]uint64{got.Belt.Failed, got.Belt.Pushed}, []uint64{1, 1}) {
		t.Errorf("%+v", got)
	}
}

// While no part comes the line shows that it could judge: its heart beats, and health sees it.
func TestIdleLineLives(t *testing.T) {
	b := newBench(t, wiring{mode: device.Pulse, width: time.Millisecond, rejectWidth: 20 * time.Millisecond})
	l, scene, _ := sceneLine(t, belt.Settings{Within: far, Frames: 1, Gate: far, Decide: 1}, b)
	l.Parts.Idle = 1
	health := NewHealth(l, time.Now())
	ctx, stop := context.WithCancel(limited(t))
	ended := running(t, ctx, l)
	scene.show(t, picture(t, "001-good.jpg"))
	b.await(t, func(c []device.Change) bool { return len(c) > 0 }, heartbeatPin)
	if err := health.Check(time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if got := b.edges(passPin, failPin, rejectPin); len(got) > 0 {
		t.Errorf("a frame without a part moved pins: %v", got)
	}
	stop()
	wait(t, ended, "the end of Run")
}
