package line

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"
	"periph.io/x/conn/v3/gpio"

	"passfail/capture"
	"passfail/device"
)

// lanes are the numbers of classifiers that the line is tested with.
var lanes = []int{1, 2, 3}

func forLanes(t *testing.T, test func(t *testing.T, n int)) {
	for _, n := range lanes {
		t.Run(fmt.Sprintf("classifiers=%d", n), func(t *testing.T) { test(t, n) })
	}
}

// levels are the edges of pass and fail that verdicts make in mode Level: the
// opposite ends before a verdict speaks, so never do both.
func levels(verdicts []Verdict) []edge {
	var list []edge
	for i, v := range verdicts {
		if i > 0 && verdicts[i-1] == v {
			continue
		}
		yes, no := passPin, failPin
		if v == Fail {
			yes, no = no, yes
		}
		if i > 0 {
			list = append(list, edge{no, gpio.Low})
		}
		list = append(list, edge{yes, gpio.High})
	}
	return list
}

// span is when a reject pulse is due.
type span struct{ start, end time.Time }

// merged are the pulses of the failed among results; they come in order of time.
func merged(results []Result, delay, width time.Duration) []span {
	var list []span
	for _, r := range results {
		if r.Verdict == Pass {
			continue
		}
		s := span{r.Taken.Add(delay), r.Taken.Add(delay + width)}
		if n := len(list); n > 0 && !s.start.After(list[n-1].end) {
			list[n-1].end = s.end
			continue
		}
		list = append(list, s)
	}
	return list
}

func TestEveryPicture(t *testing.T) {
	want, files := expected(t), pictures(t)
	const delay, width = time.Second, 200 * time.Millisecond
	forLanes(t, func(t *testing.T, n int) {
		b := newBench(t, wiring{mode: device.Level, delay: delay, rejectWidth: width})
		l := newLine(t, demoParts, n, b)
		events := make(chan Event) // without room: a line that doesn't wait would lose some
		l.Events, l.Lossless = events, true
		ended := running(t, limited(t), l)
		var results []Result
		var verdicts []Verdict
		for i := range files {
			e := wait(t, events, "an event")
			if e.Err != nil {
				t.Fatal(e.Err)
			}
			r := e.Result
			if r.Name != filepath.Base(files[i]) || r.Seq != uint64(i+1) || r.Judgement != want[i] {
				t.Errorf("event %d is frame %d %s %+v, want %s %+v", i+1, r.Seq, r.Name, r.Judgement, files[i], want[i])
			}
			if r.Pin != nil || r.Taken.IsZero() || r.Stages.Decode <= 0 || r.Stages.Load <= 0 || r.Stages.Invoke <= 0 {
				t.Errorf("event %d: %+v", i+1, r)
			}
			// One frame waits at each classifier, one for its event and one in Run's hands.
			if got, most := l.Camera.Stats().Judged, uint64(i+1+n+2); got > most {
				t.Errorf("the line took %d frames while only %d events were read", got, i+1)
			}
			results, verdicts = append(results, r), append(verdicts, r.Verdict)
		}
		if err := wait(t, ended, "the end of Run"); err != nil {
			t.Error(err)
		}
		if !slices.Contains(verdicts, Pass) || !slices.Contains(verdicts, Fail) {
			t.Fatal("the demo has no good and bad parts")
		}
		if got, want := b.edges(passPin, failPin), levels(verdicts); !slices.Equal(got, want) {
			t.Errorf("pins went\n%v, want\n%v", got, want)
		}
		if got := len(b.edges(heartbeatPin)); got != len(files) {
			t.Errorf("%d heartbeats of %d frames", got, len(files))
		}
		if l.Dropped() != 0 {
			t.Errorf("%d events dropped", l.Dropped())
		}

		due := merged(results, delay, width)
		last := due[len(due)-1].end
		rejects := b.await(t, func(list []device.Change) bool {
			n := len(list)
			return n > 0 && list[n-1].Level == gpio.Low && !list[n-1].Time.Before(last)
		}, rejectPin)
		pulses := 0
		for _, c := range rejects {
			if c.Level == gpio.Low {
				continue
			}
			if pulses >= len(due) {
				t.Fatalf("more reject pulses than the %d due", len(due))
			}
			if c.Time.Before(due[pulses].start) {
				t.Errorf("reject pulse %d is %v early", pulses+1, due[pulses].start.Sub(c.Time))
			}
			pulses++
		}
		if st := b.Reject.Stats(); st.Pulses == 0 || st.Late+st.Cut+st.Full+st.Missed != 0 {
			t.Errorf("reject: %+v", st)
		}
	})
}

// The way of one part in pulses: what each pin does, in order, and when.
func TestPulses(t *testing.T) {
	const width, delay, rejectWidth = 250 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond
	gray := gocv.NewMatWithSize(480, 640, gocv.MatTypeCV8UC1)
	defer gray.Close()
	good, bad := picture(t, "001-good.jpg"), picture(t, "004-scratch.jpg")
	b := newBench(t, wiring{mode: device.Pulse, width: width, delay: delay, rejectWidth: rejectWidth})
	c := openClassifiers(t, 1)
	l := &Line{Model: Model{Classifiers: c, Judge: newJudge(t, c[0])}, Pins: b.Pins}
	for _, test := range []struct {
		name    string
		frame   capture.Frame
		verdict Verdict
		wrong   string // in the error
	}{
		{"good", *good, Pass, ""},
		{"bad", *bad, Fail, ""},
		{"wrong type", capture.Frame{Image: gray, ROI: image.Rect(0, 0, 640, 480)}, Fail, "frame 7 part.jpg: the picture has type"},
		{"region outside", capture.Frame{Image: good.Image, ROI: image.Rect(600, 0, 700, 100)}, Fail, "frame 7 part.jpg: the region of interest"},
		{"empty region", capture.Frame{Image: good.Image}, Fail, "frame 7 part.jpg: the region of interest"},
		{"good again", *good, Pass, ""},
	} {
		b.forget()
		f := test.frame
		f.Seq, f.Name, f.Taken = 7, "part.jpg", time.Now()
		r, err := l.Inspect(&f)
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.wrong)
		}
		if r.Verdict != test.verdict || r.Pin != nil || r.Seq != 7 || r.Name != "part.jpg" || !r.Taken.Equal(f.Taken) {
			t.Errorf("%s: %+v", test.name, r)
		}
		want := []edge{{passPin, gpio.High}, {passPin, gpio.Low}}
		if test.verdict == Fail {
			want = []edge{{failPin, gpio.High}, {rejectPin, gpio.High}, {failPin, gpio.Low}, {rejectPin, gpio.Low}}
		}
		seen := b.await(t, func(list []device.Change) bool { return len(list) >= len(want) }, passPin, failPin, rejectPin)
		var got []edge
		for _, c := range seen {
			got = append(got, edge{c.Pin, c.Level})
			if c.Pin == rejectPin && c.Level == gpio.High && c.Time.Before(f.Taken.Add(delay)) {
				t.Errorf("%s: reject %v after the frame was taken, want %v", test.name, c.Time.Sub(f.Taken), delay)
			}
			if c.Pin == rejectPin && c.Level == gpio.Low && c.Time.Before(f.Taken.Add(delay+rejectWidth)) {
				t.Errorf("%s: reject ended %v after the frame was taken, want %v", test.name, c.Time.Sub(f.Taken), delay+rejectWidth)
			}
		}
		slices.SortStableFunc(got, byPin)
		slices.SortStableFunc(want, byPin) // how pulses of two pins overlap is a matter of load
		if !slices.Equal(got, want) {
			t.Errorf("%s: pins %v, want %v", test.name, got, want)
		}
	}
}

func byPin(a, b edge) int { return strings.Compare(a.pin, b.pin) }

// A part whose gate it has passed already is told of, not hit late.
func TestRejectTooLate(t *testing.T) {
	b := newBench(t, wiring{mode: device.Level, delay: 10 * time.Millisecond, rejectWidth: 10 * time.Millisecond})
	c := openClassifiers(t, 1)
	l := &Line{Model: Model{Classifiers: c, Judge: newJudge(t, c[0])}, Pins: b.Pins}
	f := *picture(t, "004-scratch.jpg")
	f.Taken = time.Now().Add(-time.Second)
	r, err := l.Inspect(&f)
	if err != nil || r.Verdict != Fail || !errors.Is(r.Pin, device.ErrLate) {
		t.Errorf("%+v, %v", r, err)
	}
	if b.level(t, failPin) != gpio.High {
		t.Error("the verdict isn't shown")
	}
	if list := b.edges(rejectPin); len(list) != 0 {
		t.Errorf("reject moved: %v", list)
	}
}

// Outputs that are not wired are left alone.
func TestNoPins(t *testing.T) {
	c := openClassifiers(t, 1)
	l := &Line{Model: Model{Classifiers: c, Judge: newJudge(t, c[0])}}
	for name, want := range map[string]Verdict{"001-good.jpg": Pass, "004-scratch.jpg": Fail} {
		r, err := l.Inspect(picture(t, name))
		if err != nil || r.Pin != nil || r.Verdict != want {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// Among pictures that can be judged there is one that can't.
func TestUnjudgeablePictureOnTheLine(t *testing.T) {
	dir := copyParts(t, "001-good.jpg", "005-good.jpg")
	unjudgeable(t, dir, "003-wide.png")
	forLanes(t, func(t *testing.T, n int) {
		b := newBench(t, wiring{mode: device.Level, delay: 10 * time.Second, rejectWidth: time.Second})
		l := newLine(t, dir, n, b)
		// The vote of all frames so far passes; a frame that can't be judged fails all the same.
		var err error
		if l.Model.Judge, err = NewJudge(Rule{Threshold: 0.5, Vote: 9}, l.Model.Classifiers[0].Labels()); err != nil {
			t.Fatal(err)
		}
		events := make(chan Event, 10)
		l.Events = events
		if err := l.Run(limited(t)); err != nil {
			t.Fatal(err)
		}
		close(events)
		var got []string
		for e := range events {
			if e.Result.Verdict == Fail {
				if e.Err == nil || !strings.Contains(e.Err.Error(), "frame 2 003-wide.png: the picture is 20000×4 pixels") {
					t.Errorf("error %v", e.Err)
				}
			} else if e.Err != nil {
				t.Error(e.Err)
			}
			got = append(got, fmt.Sprintf("%d %s %v", e.Result.Seq, e.Result.Name, e.Result.Verdict))
		}
		want := []string{"1 001-good.jpg pass", "2 003-wide.png fail", "3 005-good.jpg pass"}
		if !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
		if got, want := b.edges(passPin, failPin), levels([]Verdict{Pass, Fail, Pass}); !slices.Equal(got, want) {
			t.Errorf("pins %v, want %v", got, want)
		}
		if st := b.Reject.Stats(); st.Pulses != 1 || st.Waiting != 1 {
			t.Errorf("reject: %+v", st)
		}
	})
}

// Nobody reads the events: the line goes on, and the first ones are there.
func TestFullQueue(t *testing.T) {
	const room = 3
	want := expected(t)
	forLanes(t, func(t *testing.T, n int) {
		b := newBench(t, wiring{mode: device.Level, delay: 10 * time.Second, rejectWidth: time.Second})
		l := newLine(t, demoParts, n, b)
		events := make(chan Event, room)
		l.Events = events
		if err := l.Run(limited(t)); err != nil {
			t.Fatal(err)
		}
		if got := l.Dropped(); got != uint64(len(want)-room) {
			t.Errorf("%d dropped, want %d", got, len(want)-room)
		}
		for i := range room {
			if e := <-events; e.Result.Seq != uint64(i+1) || e.Err != nil {
				t.Errorf("event %d: %+v", i+1, e)
			}
		}
		var verdicts []Verdict
		for _, j := range want {
			verdicts = append(verdicts, j.Verdict)
		}
		if got, want := b.edges(passPin, failPin), levels(verdicts); !slices.Equal(got, want) {
			t.Errorf("pins went\n%v, want\n%v", got, want)
		}
	})
}

// A line without a listener drops nothing that could be counted.
func TestNoListener(t *testing.T) {
	b := newBench(t, wiring{mode: device.Level, delay: 10 * time.Second, rejectWidth: time.Second})
	l := newLine(t, demoParts, 1, b)
	if err := l.Run(limited(t)); err != nil || l.Dropped() != 0 {
		t.Errorf("%v, %d dropped", err, l.Dropped())
	}
	if got := l.Camera.Stats().Judged; got != 40 {
		t.Errorf("%d frames judged", got)
	}
}

// Whatever way Run ends, nothing that it started goes on.
func TestRunEndsWhole(t *testing.T) {
	forLanes(t, func(t *testing.T, n int) {
		for name, c := range map[string]struct {
			lossless bool
			reads    int // events until ctx ends; -1: all of them, to the end of the folder
		}{
			"to the end":            {true, -1},
			"stopped":               {false, 5},
			"stopped, lossless":     {true, 5},
			"stopped, nobody reads": {true, 0},
		} {
			before := runtime.NumGoroutine()
			func() {
				b := newBench(t, wiring{mode: device.Level, delay: 10 * time.Second, rejectWidth: time.Second})
				l := newLine(t, demoParts, n, b)
				defer l.Camera.Close()
				defer b.outputs.Close()
				events := make(chan Event)
				l.Events, l.Lossless = events, c.lossless
				ctx, stop := context.WithCancel(limited(t))
				defer stop()
				ended := running(t, ctx, l)
				seen := 0
				for seen != c.reads {
					select {
					case <-events:
						seen++
						continue
					case err := <-ended:
						if c.reads >= 0 && c.lossless || err != nil {
							t.Errorf("%s: ended after %d events: %v", name, seen, err)
						}
						if c.reads < 0 && seen != 40 {
							t.Errorf("%s: %d events", name, seen)
						}
						return
					case <-limited(t).Done():
						t.Fatalf("%s: hangs after %d events", name, seen)
					}
				}
				stop()
				if err := wait(t, ended, "the end of Run"); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}()
			// The last breath of a goroutine comes after what tells of its end.
			for ctx := limited(t); runtime.NumGoroutine() > before; runtime.Gosched() {
				if ctx.Err() != nil {
					stacks := make([]byte, 1<<16)
					t.Fatalf("%s: %d goroutines before, %d after:\n%s", name, before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
				}
			}
		}
	})
}

// A camera that can't go on ends Run with its error.
func TestCameraError(t *testing.T) {
	forLanes(t, func(t *testing.T, n int) {
		b := newBench(t, wiring{mode: device.Level, delay: time.Second, rejectWidth: time.Second})
		l := newLine(t, demoParts, n, b)
		l.Camera.Close()
		if err := l.Run(limited(t)); !errors.Is(err, capture.ErrClosed) {
			t.Errorf("error %v", err)
		}
	})
}

// The heartbeat is of the frames: no frame, no beat, and no more than one in half a period.
func TestHeartbeat(t *testing.T) {
	f := picture(t, "001-good.jpg")
	c := openClassifiers(t, 1)
	for _, test := range []struct {
		half         time.Duration
		frames, want int
	}{{1, 7, 7}, {time.Hour, 7, 1}, {1, 0, 0}} {
		b := newBench(t, wiring{mode: device.Level, delay: time.Second, rejectWidth: time.Second, heartbeatHalf: test.half})
		l := &Line{Model: Model{Classifiers: c, Judge: newJudge(t, c[0])}, Pins: b.Pins}
		for range test.frames {
			if _, err := l.Inspect(f); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(b.edges(heartbeatPin)); got != test.want {
			t.Errorf("half %v: %d beats of %d frames, want %d", test.half, got, test.frames, test.want)
		}
	}
}

// An output whose pin is broken is told of with each verdict; the others move on.
func TestBrokenPin(t *testing.T) {
	broken := errors.New("short circuit")
	for pin, picked := range map[string]string{passPin: "001-good.jpg", failPin: "004-scratch.jpg", heartbeatPin: "001-good.jpg"} {
		b := newBench(t, wiring{mode: device.Level, delay: time.Second, rejectWidth: time.Second})
		c := openClassifiers(t, 1)
		l := &Line{Model: Model{Classifiers: c, Judge: newJudge(t, c[0])}, Pins: b.Pins}
		p, err := b.board.Pin(pin)
		if err != nil {
			t.Fatal(err)
		}
		p.(*device.SimulatedPin).FailOut(broken)
		f := picture(t, picked)
		f.Taken = time.Now()
		r, err := l.Inspect(f)
		if err != nil || !errors.Is(r.Pin, broken) {
			t.Errorf("%s: %+v, %v", pin, r, err)
		}
		if pin == failPin && b.Reject.Stats().Pulses != 1 {
			t.Error("no reject pulse, because the fail pin is broken")
		}
		p.(*device.SimulatedPin).FailOut(nil)
	}
}
