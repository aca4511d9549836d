package simulate

import (
	"strings"
	"testing"
	"time"
)

func TestAdviceNamesTheCause(t *testing.T) {
	if r := run(t, nil); !r.Fits() || len(r.Advice()) != 0 {
		t.Errorf("an ordinary line: %v", r.Advice())
	}
	for want, change := range map[string]func(*Options){
		"inspector is too slow":  func(o *Options) { o.Inference = []time.Duration{600 * ms} },
		"come too late":          func(o *Options) { o.Inference, o.PerMinute = []time.Duration{900 * ms}, 20 },
		"Frames are too rare":    func(o *Options) { o.FPS = 4 },
		"taken for the one":      func(o *Options) { o.Belt.MinGap = Position(600 * ms) },
		"sees no gap":            func(o *Options) { o.Arrival, o.Debounce, o.Belt.MinGap, o.Parts = Random, 50*ms, 0, 500 },
		"Bounces count as parts": func(o *Options) { o.Debounce, o.Bounce, o.Belt.MinGap = 0, 5*ms, 0 },
		"belt.capacity = 1":      func(o *Options) { o.Capacity = 1 },
		"outputs.reject.width":   func(o *Options) { o.Width = 700 * ms },
		"outputs.reject.gap":     func(o *Options) { o.Belt.GateGap, o.Belt.Neighbour = Position(600*ms), 1 },
		"with an encoder": func(o *Options) {
			o.Motion, o.Faulty = Motion{{5300 * ms, 1}, {200 * ms, 0}, {5300 * ms, 1}, {200 * ms, 0}}, 0.5
		},
		"the model's own": func(o *Options) { o.Escape = 1 },
	} {
		r := run(t, change)
		if got := strings.Join(r.Advice(), "\n"); !strings.Contains(got, want) {
			t.Errorf("%q is missing: %q", want, got)
		}
		if r.Fits() != (want == "the model's own" || strings.HasPrefix(want, "outputs.reject.gap") && r.Overkill == 0) {
			t.Errorf("%q: fits: %v", want, r.Fits())
		}
	}
}
