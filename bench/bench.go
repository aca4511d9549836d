// Package bench measures what Passfail costs on a machine: the whole way of a
// frame at full speed, and the way from a decoded frame to the pins against the
// bare network, in turn on the same frames.
package bench

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"passfail/capture"
	"passfail/demo"
	"passfail/device"
	"passfail/line"
	"passfail/model"
	"passfail/model/graph"
	"passfail/train"
)

// Options of Run.
type Options struct {
	Model   []byte        // a classifier with a label "good": a .tflite file
	Source  string        // a video file or folder of pictures, as package capture takes it
	AtLeast time.Duration // play it over and over for so long …
	Frames  int           // … or exactly so many frames, unless 0
	Threads int           // of the network; 0: model.DefaultThreads()
}

// Report is what Run measured.
type Report struct {
	Model         string              `json:"model"`
	Frames        int                 `json:"frames"`
	Width         int                 `json:"width"` // of the frames, pixels
	Height        int                 `json:"height"`
	Threads       int                 `json:"threads"`
	FPS           float64             `json:"fps"`            // decoding, and all else, at full speed
	OverheadRatio float64             `json:"overhead_ratio"` // PathMS / InvokeMS
	PathMS        float64             `json:"path_ms"`        // median, decoded frame to pins
	InvokeMS      float64             `json:"invoke_ms"`      // median, the bare network, in turn with PathMS
	Stages        map[string]Quantile `json:"stages"`
	MemoryMB      []float64           `json:"memory_mb"` // resident, at equal distances of frames, the start first
}

// Quantile of a stage's latency.
type Quantile struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// StageNames are the keys of Report.Stages in the order of the way of a frame;
// total is all but decode, which goes on beside the line.
var StageNames = []string{"decode", "load", "invoke", "decide", "pins", "total"}

const (
	memorySamples = 10
	keptResults   = 10000 // the last ones, that quantiles are taken of
	heldFrames    = 24    // frames that the comparison goes over: more than the caches hold
	pairs         = 400   // of path and bare network
)

// Run measures.
func Run(ctx context.Context, o Options) (*Report, error) {
	classifier, err := model.OpenBytes(o.Model, model.Options{Threads: o.Threads})
	if err != nil {
		return nil, err
	}
	defer classifier.Close()
	judge, err := line.NewJudge(line.Rule{Threshold: 0.5}, classifier.Labels())
	if err != nil {
		return nil, err
	}
	board := device.OpenSimulated(nil)
	outputs, err := device.NewOutputs(board, []device.OutputSettings{
		{Name: "pass", Pin: "GPIO17", Mode: device.Pulse, Width: 100 * time.Millisecond},
		{Name: "fail", Pin: "GPIO27", Mode: device.Pulse, Width: 100 * time.Millisecond},
		{Name: "reject", Pin: "GPIO22", Mode: device.Pulse, Width: 80 * time.Millisecond},
		{Name: "heartbeat", Pin: "GPIO23"},
	}, device.Options{})
	if err != nil {
		return nil, err
	}
	defer outputs.Close()
	all := outputs.All()
	l := &line.Line{Classifier: classifier, Judge: judge, Pins: line.Pins{
		Pass: all[0], Fail: all[1], Reject: all[2], RejectDelay: 500 * time.Millisecond,
		Heartbeat: device.NewHeartbeat(all[3], 500*time.Millisecond),
	}}
	r := &Report{Threads: o.Threads}
	if r.Threads == 0 {
		r.Threads = model.DefaultThreads()
	}
	if err := r.play(ctx, o, l); err != nil {
		return nil, err
	}
	if err := r.compare(ctx, o, l); err != nil {
		return nil, err
	}
	return r, nil
}

func settings(o Options) capture.Settings {
	s := capture.Defaults()
	s.Source, s.Loop, s.Pace = o.Source, true, capture.Fast
	return s
}

// play runs the source through the whole path at full speed.
func (r *Report) play(ctx context.Context, o Options, l *line.Line) error {
	s := settings(o)
	// A file longer than AtLeast is played to its end.
	s.Loop = o.Frames > 0
	results := newRing(keptResults)
	start := time.Now()
	r.MemoryMB = append(r.MemoryMB, residentMB())
	step := max(o.Frames/memorySamples, 1)
	for r.Frames == 0 || o.Frames == 0 && time.Since(start) < o.AtLeast {
		camera, err := capture.Open(ctx, s, nil)
		if err != nil {
			return err
		}
		for o.Frames == 0 || r.Frames < o.Frames {
			f, err := camera.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				camera.Close()
				return err
			}
			if r.Frames == 0 {
				r.Width, r.Height = f.Image.Cols(), f.Image.Rows()
				start = time.Now() // opening a file is no part of its rate
			}
			res, err := l.Inspect(f)
			if err != nil {
				camera.Close()
				return err
			}
			r.Frames++
			results.add(res.Stages)
			if o.Frames > 0 && r.Frames%step == 0 {
				r.MemoryMB = append(r.MemoryMB, residentMB())
			}
		}
		if err := camera.Close(); err != nil {
			return err
		}
	}
	r.FPS = float64(r.Frames) / time.Since(start).Seconds()
	r.MemoryMB = append(r.MemoryMB, residentMB())
	r.Stages = map[string]Quantile{}
	for name, of := range map[string]func(line.Stages) time.Duration{
		"decode": func(s line.Stages) time.Duration { return s.Decode },
		"load":   func(s line.Stages) time.Duration { return s.Load },
		"invoke": func(s line.Stages) time.Duration { return s.Invoke },
		"decide": func(s line.Stages) time.Duration { return s.Decide },
		"pins":   func(s line.Stages) time.Duration { return s.Pins },
		"total":  line.Stages.Total,
	} {
		list := make([]time.Duration, results.len())
		for i := range list {
			list[i] = of(results.stages[i])
		}
		slices.Sort(list)
		r.Stages[name] = Quantile{P50: ms(quantile(list, 0.50)), P99: ms(quantile(list, 0.99))}
	}
	return nil
}

// compare takes frames from the source and, in turn, inspects one and runs the
// bare network.
func (r *Report) compare(ctx context.Context, o Options, l *line.Line) error {
	camera, err := capture.Open(ctx, settings(o), nil)
	if err != nil {
		return err
	}
	var frames []*capture.Frame
	defer func() {
		for _, f := range frames {
			f.Image.Close()
		}
	}()
	for range heldFrames {
		f, err := camera.Next(ctx)
		if err != nil {
			camera.Close()
			return err
		}
		c := *f
		c.Image = f.Image.Clone()
		frames = append(frames, &c)
	}
	// Decoding must be over before the clock runs.
	if err := camera.Close(); err != nil {
		return err
	}
	var path, bare []time.Duration
	for i := range pairs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f := frames[i%len(frames)]
		f.Taken = time.Now()
		inspect := func() error {
			t := time.Now()
			_, err := l.Inspect(f)
			path = append(path, time.Since(t))
			return err
		}
		invoke := func() error {
			t := time.Now()
			err := l.Classifier.Invoke()
			bare = append(bare, time.Since(t))
			return err
		}
		if i%2 == 1 {
			inspect, invoke = invoke, inspect
		}
		if err := errors.Join(inspect(), invoke()); err != nil {
			return err
		}
	}
	slices.Sort(path)
	slices.Sort(bare)
	r.PathMS, r.InvokeMS = ms(quantile(path, 0.5)), ms(quantile(bare, 0.5))
	r.OverheadRatio = r.PathMS / r.InvokeMS
	return nil
}

// ring keeps the last results in memory that it has from the start: a list that
// grew would be a leak in the memory's curve.
type ring struct {
	stages []line.Stages
	n      int
}

func newRing(size int) *ring {
	r := &ring{stages: make([]line.Stages, size)}
	for i := range r.stages {
		r.stages[i].Pins = 1 // pages that were never written are not in RAM
	}
	return r
}

func (r *ring) add(s line.Stages) {
	r.stages[r.n%len(r.stages)] = s
	r.n++
}

func (r *ring) len() int { return min(r.n, len(r.stages)) }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile of a sorted list that is not empty.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// WithHead puts a head with random weights on a base network. A classifier is
// returned as it is.
func WithHead(b []byte) ([]byte, error) {
	f, err := graph.Parse(b)
	if err != nil {
		return nil, err
	}
	if name, _ := f.Metadata.LabelFile(); name != "" {
		return b, nil
	}
	n, err := train.FeatureCount(b)
	if err != nil {
		return nil, err
	}
	h := &train.Head{Weights: make([]float32, n), Bias: make([]float32, 1)}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range h.Weights {
		h.Weights[i] = float32(random.NormFloat64()) / 100
	}
	return train.Assemble(b, h, []string{"good", "bad"}, train.Provenance{Description: "A base network with a random head, for passfail bench."})
}

// MakePictures writes pictures of parts into dir and returns the folder.
func MakePictures(ctx context.Context, dir string) (string, error) {
	const parts, seed = 16, 1
	dir = filepath.Join(dir, "parts")
	return dir, demo.WriteLine(ctx, dir, parts, seed, demo.Options{})
}

// Machine is what a figure was measured on.
type Machine struct {
	CPU        string `json:"cpu"`
	Processors int    `json:"processors"`
	Arch       string `json:"arch"`
}

// ThisMachine describes the machine that the program runs on.
func ThisMachine() Machine {
	m := Machine{CPU: "unknown processor", Processors: runtime.NumCPU(), Arch: runtime.GOARCH}
	if b, err := os.ReadFile("/sys/firmware/devicetree/base/model"); err == nil { // a Raspberry Pi says which one it is
		m.CPU = strings.TrimRight(string(b), "\x00\n")
		return m
	}
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m
	}
	for l := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}

// residentMB is the memory that the process has in RAM, 0 where that can't be told.
func residentMB() float64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20)
}
