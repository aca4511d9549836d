package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"passfail/line"
	"passfail/model"
	"passfail/model/base"
	"passfail/model/graph"
)

func demoModel(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../demo/model.tflite")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fewParts is a folder of three pictures.
func fewParts(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range []string{"001-good.jpg", "002-good.jpg", "004-scratch.jpg"} {
		b, err := os.ReadFile(filepath.Join("../demo/parts", n))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, n), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// check looks for what can't be in a report.
func (r *Report) check(t *testing.T) {
	t.Helper()
	if r.Width != 640 || r.Height != 480 || r.Workers != runtime.NumCPU() || r.FPS <= 0 || r.PathMS <= 0 || r.InvokeMS <= 0 {
		t.Errorf("%+v", r)
	}
	if r.OverheadRatio != r.PathMS/r.InvokeMS {
		t.Errorf("%v is not %v / %v", r.OverheadRatio, r.PathMS, r.InvokeMS)
	}
	if len(r.Stages) != len(StageNames) {
		t.Errorf("stages %v", r.Stages)
	}
	for _, s := range StageNames {
		if q := r.Stages[s]; q.P50 <= 0 || q.P99 < q.P50 || s != "decode" && q.P50 > r.Stages["total"].P50 {
			t.Errorf("%s: %+v of %+v", s, q, r.Stages["total"])
		}
	}
	for _, m := range r.MemoryMB {
		if m < 1 || m > 100000 {
			t.Errorf("memory %v", r.MemoryMB)
		}
	}
}

func TestRun(t *testing.T) {
	parts := fewParts(t)
	for name, c := range map[string]struct {
		o               Options
		frames, samples int // 0: some
		threads         int
	}{
		"frames":    {Options{Frames: 40, Threads: 1}, 40, 11, 1},
		"one frame": {Options{Frames: 1, Threads: 2}, 1, 2, 2},
		"once":      {Options{}, 3, 2, model.DefaultThreads()},
		"a time":    {Options{AtLeast: 100 * time.Millisecond}, 0, 2, model.DefaultThreads()},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Model, c.o.Source = demoModel(t), parts
			start := time.Now()
			r, err := Run(t.Context(), c.o)
			if err != nil {
				t.Fatal(err)
			}
			r.check(t)
			if c.frames > 0 && r.Frames != c.frames || r.Frames == 0 || len(r.MemoryMB) != c.samples || r.Threads != c.threads {
				t.Errorf("%+v", r)
			}
			// A rate of frames that took longer than the whole test would be made up.
			if least := float64(r.Frames) / time.Since(start).Seconds(); r.FPS < least || r.FPS > 5000 {
				t.Errorf("%d frames at %v a second", r.Frames, r.FPS)
			}
			if c.o.AtLeast > 0 && r.Frames%3 != 0 {
				t.Errorf("%d frames: the source was not played to its end", r.Frames)
			}
		})
	}
}

func TestRunErrors(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	parts, text := fewParts(t), filepath.Join(t.TempDir(), "film.avi")
	if err := os.WriteFile(text, []byte("no film"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ctx    context.Context
		model  []byte
		source string
		want   string
	}{
		"no source":  {t.Context(), demoModel(t), "none.avi", "none.avi"},
		"no film":    {t.Context(), demoModel(t), text, "film.avi"},
		"no model":   {t.Context(), []byte("no model"), parts, "not a .tflite file"},
		"stopped":    {stopped, demoModel(t), parts, context.Canceled.Error()},
		"empty path": {t.Context(), demoModel(t), "", "is empty"},
	} {
		if _, err := Run(c.ctx, Options{Model: c.model, Source: c.source}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// A person who stops a long measurement needn't wait for it.
func TestStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o := Options{Model: demoModel(t)}
	for _, p := range []*playing{{frames: 1 << 30}, {atLeast: 1000 * time.Hour}} {
		c, stop := context.WithCancel(ctx)
		l, err := newLine(o, 2, 1, testOutputs(t))
		if err != nil {
			t.Fatal(err)
		}
		p.source = fewParts(t)
		p.each = func(n int) {
			if n == 10 {
				stop()
			}
		}
		if err := p.run(c, l); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if p.results.n < 10 {
			t.Errorf("%d frames", p.results.n)
		}
		closeLine(l)
		stop()
	}
}

// A picture that can't be judged ends the measurement: it would measure nothing.
func TestUnjudgeable(t *testing.T) {
	l, err := newLine(Options{Model: demoModel(t)}, 1, 1, testOutputs(t))
	if err != nil {
		t.Fatal(err)
	}
	defer closeLine(l)
	dir := fewParts(t)
	writeWide(t, filepath.Join(dir, "003-wide.png"))
	p := &playing{source: dir, frames: 100}
	if err := p.run(t.Context(), l); err == nil || !strings.Contains(err.Error(), "003-wide.png") {
		t.Errorf("error %v", err)
	}
}

// The time of a rate begins before the first frame is judged, not when somebody
// gets round to counting it.
func TestRateBegins(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that the one who counts comes late
	l, err := newLine(Options{Model: demoModel(t)}, 1, 1, testOutputs(t))
	if err != nil {
		t.Fatal(err)
	}
	defer closeLine(l)
	source := fewParts(t)
	for range 20 {
		p := &playing{source: source, frames: 1}
		if err := p.run(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if judging := p.results.stages[0].Total(); p.took < judging {
			t.Errorf("a frame that was judged for %v is counted as %v", judging, p.took)
		}
	}
}

func TestQuantiles(t *testing.T) {
	r := newRing(100)
	for i := range 250 { // the last hundred count: 151 to 250 ms
		r.add(line.Stages{Load: time.Duration(i+1) * time.Millisecond})
	}
	if q := r.quantiles(func(s line.Stages) time.Duration { return s.Load }); q.P50 != 201 || q.P99 != 250 {
		t.Errorf("%+v", q)
	}
	r = newRing(100)
	r.add(line.Stages{Load: 3 * time.Millisecond})
	if q := r.quantiles(func(s line.Stages) time.Duration { return s.Load }); q.P50 != 3 || q.P99 != 3 {
		t.Errorf("%+v", q)
	}
}

// A base gets a head with random weights, always the same ones; a classifier is left as it is.
func TestWithHead(t *testing.T) {
	for _, name := range base.Names() {
		b, err := base.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		first, err := WithHead(b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := WithHead(b)
		if err != nil || !slices.Equal(first, again) {
			t.Errorf("%s: another head the second time (%v)", name, err)
		}
		c, err := model.OpenBytes(first, model.Options{Threads: 1})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(c.Labels(), []string{"good", "bad"}) {
			t.Errorf("%s: labels %q", name, c.Labels())
		}
		c.Close()
	}
	demo := demoModel(t)
	if b, err := WithHead(demo); err != nil || !slices.Equal(b, demo) {
		t.Errorf("the demo's model was changed (%v)", err)
	}
	if _, err := WithHead([]byte("no model")); err == nil {
		t.Error("a head on a text")
	}
}

// A model is measured whatever its labels are called.
func TestOtherLabels(t *testing.T) {
	f, err := graph.Parse(demoModel(t))
	if err != nil {
		t.Fatal(err)
	}
	renamed := 0
	for i := range f.Packed {
		if strings.Contains(string(f.Packed[i].Data), "good") {
			f.Packed[i].Data = []byte(strings.Replace(string(f.Packed[i].Data), "good", "fine", 1))
			renamed++
		}
	}
	b, err := f.Bytes()
	if err != nil || renamed != 1 {
		t.Fatal(renamed, err)
	}
	l, err := newLine(Options{Model: b}, 1, 1, testOutputs(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Model.Classifiers[0].Labels(); !slices.Contains(got, "fine") || slices.Contains(got, "good") {
		t.Errorf("labels %q", got)
	}
	closeLine(l)
}

func TestThisMachine(t *testing.T) {
	m := ThisMachine()
	if m.CPU == "" || m.Processors != runtime.NumCPU() || m.Arch != runtime.GOARCH {
		t.Errorf("%+v", m)
	}
}
