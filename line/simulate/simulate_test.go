package simulate

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func run(t *testing.T, change func(*Options)) *Result {
	t.Helper()
	o := ordinary()
	if change != nil {
		change(&o)
	}
	r, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheSameSeedGivesTheSame(t *testing.T) {
	for _, a := range []Arrival{Regular, Random, Bursts} {
		one, two := run(t, func(o *Options) { o.Arrival = a }), run(t, func(o *Options) { o.Arrival = a })
		if !reflect.DeepEqual(one, two) {
			t.Errorf("%s: two runs differ", a)
		}
		if other := run(t, func(o *Options) { o.Arrival, o.Seed = a, 2 }); reflect.DeepEqual(one.Parts, other.Parts) {
			t.Errorf("%s: another seed gives the same", a)
		}
		rate := float64(len(one.Parts)) / one.Parts[len(one.Parts)-1].Edge.Minutes()
		if rate < 90 || rate > 160 {
			t.Errorf("%s: %.0f parts a minute, 120 were asked for", a, rate)
		}
	}
}

func TestWhatGoesWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
		wrong  func(*Result) bool
	}{
		{"inspection too long", func(o *Options) { o.Inference = []time.Duration{900 * ms} }, func(r *Result) bool {
			return r.Late > 30 && r.Late+r.Unseen == 60 && r.Escapes == 0 && r.Overkill > 0 && r.Room < 0
		}},
		{"frames too rare", func(o *Options) { o.FPS = 4 }, func(r *Result) bool { return r.Unseen > 0 && r.Escapes == 0 }},
		{"minimum gap too long", func(o *Options) { o.Belt.MinGap = Position(900 * ms) }, func(r *Result) bool { return r.Untriggered > 0 && r.Escapes > 0 }},
		{"debounce too short", func(o *Options) { o.Debounce, o.Bounce, o.Belt.MinGap = 0, 5*ms, 0 }, func(r *Result) bool { return r.Phantoms > 0 }},
		{"pulse too long", func(o *Options) { o.Width = 700 * ms }, func(r *Result) bool { return r.Overkill > 0 && r.Escapes == 0 }},
		{"a belt that stops, by time", func(o *Options) {
			o.Motion, o.Faulty = Motion{{5300 * ms, 1}, {time.Second, 0}, {5300 * ms, 1}, {time.Second, 0}}, 0.5
		}, func(r *Result) bool { return r.Escapes+r.Overkill > 0 }},
		{"a model that errs", func(o *Options) { o.Escape = 1 }, func(r *Result) bool { return r.Escapes > 0 && r.Escapes == r.Wrong }},
		{"no room", func(o *Options) { o.Capacity = 1 }, func(r *Result) bool { return r.Stats.Full > 0 && r.Escapes == 0 }},
	} {
		if r := run(t, c.change); !c.wrong(r) {
			r.Parts, r.Pushes, r.Order = nil, nil, nil
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

func TestRefusedOptions(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"parts 0":             func(o *Options) { o.Parts = 0 },
		"parts per minute":    func(o *Options) { o.PerMinute = 0 },
		"no gap between them": func(o *Options) { o.PerMinute = 600 },
		"arrival":             func(o *Options) { o.Arrival = "often" },
		"belt:":               func(o *Options) { o.Belt.Frames = 0 },
		"missing":             func(o *Options) { o.Inference = nil },
		"of its speed":        func(o *Options) { o.Motion = Motion{{0, 1}} },
	} {
		o := ordinary()
		change(&o)
		if _, err := Run(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
