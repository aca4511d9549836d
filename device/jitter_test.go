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

// TestJitter reports how late the edges of 200 pulses of 10 ms reach a simulated pin:
//
//	go test ./device -run TestJitter -jitter -v
//
// It needs a machine with nothing else to do. As root, or with LimitRTPRIO, the
// kernel's timer runs at real-time priority.
func TestJitter(t *testing.T) {
	if !*jitter {
		t.Skip("a measurement: run with -jitter")
	}
	cores := runtime.NumCPU()
	for _, load := range []struct {
		name                  string
		processes, goroutines int
	}{{"idle", 0, 0}, {"one busy process", 1, 0}, {"a busy process per core", cores, 0}, {"one busy goroutine", 0, 1}, {"a busy goroutine per core", 0, cores}} {
		stop := busy(t, load.processes, load.goroutines)
		for _, exact := range []bool{true, false} {
			how := map[bool]string{true: "kernel's timer", false: "Go's timer"}[exact]
			lags := measureLags(t, exact, 200)
			t.Logf("%-26s %-15s p50 %8v  p99 %8v  max %8v", load.name, how, lags[len(lags)/2], lags[len(lags)*99/100], lags[len(lags)-1])
		}
		stop()
	}
}

// busy keeps that many processes and goroutines computing until stop is called.
func busy(t *testing.T, processes, goroutines int) (stop func()) {
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
			for !done.Load() {
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
func measureLags(t *testing.T, exact bool, n int) []time.Duration {
	edges := make(chan time.Time, 2*n+1)
	board := OpenSimulated(func(c Change) { edges <- c.Time })
	board.exact = exact
	outputs, err := NewOutputs(board, []OutputSettings{reject}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer outputs.Close()
	<-edges // the pin becomes an output
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
			case <-time.After(time.Second):
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
