//go:build linux

package device

import (
	"flag"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var jitter = flag.Bool("jitter", false, "measure how late pulses begin and end, on the real clock")

// TestJitter reports how late the edges of 100 pulses of 10 ms reach a simulated pin, for each load and each way
// to time them, in turn:
//
//	sudo env "PATH=$PATH" go test ./device -run TestJitter -jitter -v
//
// It needs a machine with nothing else to do, and root for priorities and locked memory.
func TestJitter(t *testing.T) {
	if !*jitter {
		t.Skip("a measurement: run with -jitter")
	}
	cores := runtime.NumCPU()
	usual := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(usual)
	for _, load := range []struct {
		name                  string
		processes, goroutines int
		memory                bool
	}{
		{name: "idle"},
		{name: "a process per core", processes: cores},
		{name: "two processes per core", processes: 2 * cores},
		{name: "a goroutine per core", goroutines: cores},
		{name: "garbage per core", goroutines: cores, memory: true},
	} {
		t.Run(load.name, func(t *testing.T) {
			for _, way := range jitterWays {
				runtime.GOMAXPROCS(usual + way.spare)
				stop := busy(t, load.processes, load.goroutines, load.memory)
				lags := measureLags(t, way, 100)
				stop()
				t.Logf("| %-22s | %-30s | %9v | %9v | %9v |", load.name, way.name,
					lags[len(lags)/2].Round(time.Microsecond), lags[len(lags)*99/100].Round(time.Microsecond), lags[len(lags)-1].Round(time.Microsecond))
			}
		})
	}
}

// busy keeps that many processes and goroutines computing, or the goroutines making garbage, until stop is called.
func busy(t *testing.T, processes, goroutines int, memory bool) (stop func()) {
	var done atomic.Bool
	var wg sync.WaitGroup
	var running []*exec.Cmd
	for range processes {
		c := exec.Command("sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, c)
	}
	for range goroutines {
		wg.Go(func() {
			var kept [][]byte
			for !done.Load() {
				if memory { // 16 MB in pieces that are touched, again and again
					if len(kept) == 256 {
						kept = nil
					}
					piece := make([]byte, 64<<10)
					for i := 0; i < len(piece); i += 4096 {
						piece[i] = 1
					}
					kept = append(kept, piece)
				}
			}
		})
	}
	return func() {
		done.Store(true)
		wg.Wait()
		for _, c := range running {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
}

// measureLags gives 2n lags, sorted: of the beginning and the end of each pulse.
func measureLags(t *testing.T, way jitterWay, n int) []time.Duration {
	edges := make(chan time.Time, 2*n+1)
	board := OpenSimulated(func(c Change) { edges <- c.Time })
	board.exact = way.exact
	outputs, err := NewOutputs(board, []OutputSettings{reject}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer outputs.Close()
	<-edges // the pin becomes an output
	undo := way.prepare(t)
	defer undo()
	var lags []time.Duration
	for i := range n {
		width := 10*time.Millisecond + time.Duration(i%17)*137*time.Microsecond
		begin := time.Now().Add(width / 2)
		if err := outputs.list[0].PulseAt(begin, width); err != nil {
			t.Log(err) // this goroutine was held up itself
			continue
		}
		for _, want := range []time.Time{begin, begin.Add(width)} {
			select {
			case got := <-edges:
				lags = append(lags, got.Sub(want))
			case <-time.After(100 * time.Millisecond):
				if st := outputs.list[0].Stats(); st.Missed == 0 {
					t.Fatalf("no edge, and no pulse missed: %+v", st)
				}
				lags = append(lags, width) // at least
			}
		}
	}
	slices.Sort(lags)
	return lags
}
