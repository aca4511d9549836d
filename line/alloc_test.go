//go:build !race

package line

import (
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
