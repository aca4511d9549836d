//go:build !race

package line

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestInspectAllocatesNothing(t *testing.T) {
	l, frames := benchLine(t), held(t)
	// AllocsPerRun rounds down: a run is all frames, so that one allocation in all of them counts.
	n := testing.AllocsPerRun(5, func() {
		for _, f := range frames {
			f.Taken = time.Now()
			if _, err := l.Inspect(f); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations over %d frames", n, len(frames))
	}
}

// Models that are opened, swapped in and closed leave no memory behind. A child
// process shows it: the C library's allocator keeps some pages for each thread
// that ever was, which would hide it, unless it is told otherwise.
func TestSwapLeavesNothing(t *testing.T) {
	const arenas = "MALLOC_ARENA_MAX"
	if os.Getenv(arenas) == "" {
		c := exec.CommandContext(limited(t), os.Args[0], "-test.run=^TestSwapLeavesNothing$", "-test.v")
		c.Env = append(os.Environ(), arenas+"=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		return
	}
	dir := smallPictures(t, "001-good.jpg", "004-scratch.jpg")
	demo, other := pair(t, false)
	for _, n := range []int{1, 2} {
		events := make(chan Event, 16)
		l := &Line{Camera: openLoop(t, dir), Model: openModel(t, "a", demo, n), Events: events}
		ctx, stop := context.WithCancel(limited(t))
		ended := running(t, ctx, l)
		swap := func(times int) {
			for i := range times {
				b := other
				if i%2 > 0 {
					b = demo
				}
				old, err := l.Swap(ctx, openModel(t, fmt.Sprint(i), b, n))
				if err != nil {
					t.Fatal(err)
				}
				old.Close()
			}
		}
		swap(5)
		before := resident(t)
		swap(10)
		if grown := resident(t) - before; grown > 8<<20 {
			t.Errorf("%d MB more after 10 swaps", grown>>20)
		} else {
			t.Logf("%d kB more after 10 swaps, of %d MB", grown>>10, before>>20)
		}
		stop()
		if err := wait(t, ended, "the end of Run"); err != nil {
			t.Error(err)
		}
		l.Model.Close()
	}
}

// resident is the memory of this process, in bytes, without what Go has free.
func resident(t testing.TB) int {
	t.Helper()
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
