//go:build !race

package line

import (
	"testing"
	"time"
)

func TestInspectAllocatesNothing(t *testing.T) {
	guarded := benchLine(t)
	guarded.Model = guardedModel(t, Rule{Threshold: 0.5, NoveltyLimit: 1})
	for name, l := range map[string]*Line{"the demo's model": benchLine(t), "with a guard": guarded} {
		frames := held(t)
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
			t.Errorf("%s: %v allocations over %d frames", name, n, len(frames))
		}
	}
}
