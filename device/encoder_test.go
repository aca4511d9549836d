package device

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"pgregory.net/rapid"
)

var (
	singleEncoder = EncoderSettings{Name: "belt", A: "GPIO5"}
	doubleEncoder = EncoderSettings{Name: "belt", A: "GPIO5", B: "GPIO6"}
)

// newBelt makes a simulated belt and what counts it.
func newBelt(t testing.TB, s EncoderSettings) (*SimulatedBelt, *Encoder, *Board) {
	t.Helper()
	board := OpenSimulated(nil)
	belt, err := NewSimulatedBelt(board, s.A, s.B)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(belt.Close)
	e, err := NewEncoder(board, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return belt, e, board
}

func setSpeed(t testing.TB, b *SimulatedBelt, counts float64) {
	t.Helper()
	if err := b.SetSpeed(counts); err != nil {
		t.Fatal(err)
	}
}

// An encoder counts what the belt moves, through any stops and turns.
func TestEncoderFollowsBelt(t *testing.T) {
	for _, s := range []EncoderSettings{singleEncoder, doubleEncoder} {
		rapid.Check(t, func(rt *rapid.T) {
			speeds := rapid.SliceOfN(rapid.IntRange(-3000, 20000), 1, 6).Draw(rt, "speeds")
			synctest.Test(t, func(t *testing.T) {
				belt, e, _ := newBelt(t, s)
				defer belt.Close()
				defer e.Close()
				for _, speed := range speeds {
					if s.B == "" {
						speed = max(speed, 0) // one channel knows no direction
					}
					setSpeed(t, belt, float64(speed))
					time.Sleep(73 * ms)
					synctest.Wait()
					if e.Count() != belt.Position() || e.Illegal() != 0 {
						rt.Fatalf("speeds %v: count %d, belt %d, illegal %d", speeds, e.Count(), belt.Position(), e.Illegal())
					}
				}
			})
		})
	}
}

func TestEncoderWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		belt, e, _ := newBelt(t, doubleEncoder)
		setSpeed(t, belt, 1000)
		near := func(at time.Time, want time.Duration) {
			t.Helper()
			if d := at.Sub(began) - want; d.Abs() > time.Microsecond {
				t.Errorf("at %v, want %v", at.Sub(began), want)
			}
		}
		at, err := e.Wait(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		near(at, 100*ms)
		if at, err := e.Wait(t.Context(), 50); err != nil || !at.Equal(time.Now()) {
			t.Errorf("past: %v, %v", at, err)
		}
		// The belt stands for an hour in between.
		setSpeed(t, belt, 0)
		go func() {
			time.Sleep(time.Hour)
			setSpeed(t, belt, 1000)
		}()
		if at, err = e.Wait(t.Context(), 150); err != nil {
			t.Fatal(err)
		}
		near(at, time.Hour+150*ms)

		setSpeed(t, belt, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := e.Wait(ctx, 1000); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a belt that stands: %v", err)
		}
		closed := make(chan struct{})
		time.AfterFunc(time.Second, func() {
			e.Close()
			close(closed)
		})
		if _, err := e.Wait(t.Context(), 1000); err == nil || !strings.Contains(err.Error(), `encoder "belt" is closed`) {
			t.Errorf("closed: %v", err)
		}
		<-closed
	})
}

func TestEncoderSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		belt, e, _ := newBelt(t, doubleEncoder)
		for _, speed := range []float64{0, 1000, 40, 3, 5000, -200, 0} {
			setSpeed(t, belt, speed)
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if got := e.Speed(); math.Abs(got-speed) > 0.03*math.Abs(speed) {
				t.Errorf("speed %.1f, want %.1f", got, speed)
			}
		}
	})
}

// Where a part was when its photo-eye's edge came is told later.
func TestEncoderCountAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		belt, e, _ := newBelt(t, singleEncoder)
		setSpeed(t, belt, 1000)
		time.Sleep(2*time.Second + ms/2)
		synctest.Wait()
		for _, test := range []struct {
			at    time.Duration
			count int64
			ok    bool
		}{{1990*ms + ms/2, 1990, true}, {2 * time.Second, 1999, true}, {time.Hour, 2000, true}, {1200*ms + ms/2, 1200, true}, {500 * ms, 977, false}} {
			if count, ok := e.CountAt(began.Add(test.at)); count != test.count || ok != test.ok {
				t.Errorf("at %v: %d, %v; want %d, %v", test.at, count, ok, test.count, test.ok)
			}
		}
	})
}

// Both channels changed before anybody looked: two counts, in the last direction, and it is counted.
func TestEncoderIllegal(t *testing.T) {
	var q quadrature
	for _, test := range []struct {
		phase, steps int
		legal        bool
	}{{1, 1, true}, {3, 2, false}, {3, 0, true}, {0, 1, true}, {3, -1, true}, {1, -2, false}, {0, -1, true}} {
		if steps, legal := q.step(test.phase); steps != test.steps || legal != test.legal {
			t.Errorf("to phase %d: %d, %v; want %d, %v", test.phase, steps, legal, test.steps, test.legal)
		}
	}
}

func TestEncoderReverseAndBothEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := doubleEncoder
		s.Reverse = true
		belt, e, _ := newBelt(t, s)
		setSpeed(t, belt, 1000)
		time.Sleep(100*ms + ms/2)
		synctest.Wait()
		if e.Count() != -100 {
			t.Errorf("reversed: %d", e.Count())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		board := OpenSimulated(nil)
		e, err := NewEncoder(board, EncoderSettings{Name: "belt", A: "GPIO5", BothEdges: true, PullUp: true})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		synctest.Wait()
		p, _ := findSimulated(board, "GPIO5")
		for range 5 {
			p.Drive(gpio.Low)
			p.Drive(gpio.High)
		}
		synctest.Wait()
		if e.Count() != 10 {
			t.Errorf("both edges: %d, want 10", e.Count())
		}
	})
}

// A photo-eye on the belt sees a part for its length.
func TestSimulatedBeltDrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		belt, _, board := newBelt(t, doubleEncoder)
		in, err := NewInput(board, InputSettings{Name: "trigger", Pin: "GPIO24", Debounce: 2 * ms})
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		began := time.Now()
		// The end first: the order is the belt's.
		for _, err := range []error{belt.DriveAt(80, "GPIO24", gpio.Low), belt.DriveAt(50, "GPIO24", gpio.High), belt.SetSpeed(1000)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		at, err := in.Next(t.Context())
		if d := at.Sub(began) - 50*ms; err != nil || d.Abs() > time.Microsecond {
			t.Errorf("the part came at %v, %v", at.Sub(began), err)
		}
		time.Sleep(40 * ms)
		if in.Active() {
			t.Error("the part is still there")
		}
		if belt.SetSpeed(math.NaN()) == nil || belt.SetSpeed(1e9) == nil || belt.DriveAt(1, "GPIO99", gpio.Low) == nil {
			t.Error("nonsense was taken")
		}
	})
}

func TestEncoderErrors(t *testing.T) {
	board := OpenSimulated(nil)
	for _, test := range []struct {
		settings EncoderSettings
		want     string
	}{
		{EncoderSettings{A: "GPIO5"}, "has no name"},
		{EncoderSettings{Name: "belt"}, `such as "GPIO5"`},
		{EncoderSettings{Name: "belt", A: "GPIO5", Reverse: true}, "second channel"},
		{EncoderSettings{Name: "belt", A: "GPIO5", B: "GPIO6", BothEdges: true}, "leave BothEdges out"},
		{EncoderSettings{Name: "belt", A: "GPIO5", B: "GPIO5"}, "already used"},
		{EncoderSettings{Name: "belt", A: "GPIO5", B: "GPIO99"}, "no such pin"},
	} {
		if _, err := NewEncoder(board, test.settings); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.settings, err, test.want)
		}
	}
	if err := board.Close(); err != nil {
		t.Errorf("a refused encoder kept a pin: %v", err)
	}
}

func TestEncoderAllocatesNothing(t *testing.T) {
	_, e, board := newBelt(t, doubleEncoder)
	a, _ := findSimulated(board, "GPIO5")
	level := gpio.Low
	if n := testing.AllocsPerRun(1000, func() {
		level = !level
		a.external = &level
		a.level = level // no edge for the watchers, which are others' business
		e.double()
		_, _ = e.Wait(t.Context(), e.Count())
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// How many edges a second an encoder keeps up with, on simulated pins: each waits for the count of the one before.
func BenchmarkEncoder(b *testing.B) {
	for name, s := range map[string]EncoderSettings{"single": singleEncoder, "quadrature": doubleEncoder} {
		b.Run(name, func(b *testing.B) {
			belt, e, _ := newBelt(b, s)
			b.ReportAllocs()
			for n := int64(1); b.Loop(); n++ {
				belt.mu.Lock()
				belt.count++
				belt.show()
				belt.mu.Unlock()
				if _, err := e.Wait(b.Context(), n); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "edges/s")
		})
	}
}
