// Package bench measures what Passfail costs on a machine: the whole way of a
// frame at full speed, and the way from a decoded frame to the pins against the
// bare network, in turn on the same frames.
package bench

import (
	"context"
	"errors"
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
	"passfail/model/base"
	"passfail/model/graph"
	"passfail/train"
	"passfail/train/feature"
	"passfail/train/head"
)

// Options of Run.
type Options struct {
	Model   []byte        // a classifier: a .tflite file
	Path    string        // where Model was read from, if its sidecar is to be read too
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
	Threads       int                 `json:"threads"`        // of the network, one frame at a time
	Workers       int                 `json:"workers"`        // frames judged at a time, for FPS
	FPS           float64             `json:"fps"`            // decoding, and all else, at full speed on all processors
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

// Run measures, in three passes: all processors on the frames of a source, for
// its rate; one frame at a time, as on a line with a belt, for the latency of
// each stage; and the path in turn with the bare network.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &Report{Threads: o.Threads, Workers: runtime.NumCPU()}
	if r.Threads == 0 {
		r.Threads = model.DefaultThreads()
	}
	board := device.OpenSimulated(nil)
	defer board.Close()
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
	if err := r.rate(ctx, o, outputs); err != nil {
		return nil, err
	}
	return r, r.latency(ctx, o, outputs)
}

// newLine opens the model n times and joins it with the pins.
func newLine(o Options, n, threads int, outputs *device.Outputs) (*line.Line, error) {
	all := outputs.All()
	l := &line.Line{Pins: line.Pins{
		Pass: all[0], Fail: all[1], Reject: all[2], RejectDelay: 500 * time.Millisecond,
		Heartbeat: device.NewHeartbeat(all[3], 500*time.Millisecond),
	}}
	for range n {
		c, err := open(o, model.Options{Threads: threads})
		if err != nil {
			closeLine(l)
			return nil, err
		}
		l.Model.Classifiers = append(l.Model.Classifiers, c)
	}
	var err error
	labels := l.Model.Classifiers[0].Labels() // whichever of them is the good one costs the same
	if l.Model.Judge, err = line.NewJudge(line.Rule{Pass: labels[:1], Threshold: 0.5}, labels); err != nil {
		closeLine(l)
		return nil, err
	}
	return l, nil
}

func open(o Options, m model.Options) (*model.Classifier, error) {
	if o.Path != "" {
		return model.Open(o.Path, m)
	}
	return model.OpenBytes(o.Model, m)
}

func closeLine(l *line.Line) {
	for _, c := range l.Model.Classifiers {
		c.Close()
	}
}

func (r *Report) rate(ctx context.Context, o Options, outputs *device.Outputs) error {
	l, err := newLine(o, r.Workers, 1, outputs)
	if err != nil {
		return err
	}
	defer closeLine(l)
	r.MemoryMB = append(r.MemoryMB, residentMB())
	step := max(o.Frames/memorySamples, 1)
	p := &playing{source: o.Source, atLeast: o.AtLeast, frames: o.Frames, each: func(n int) {
		if o.Frames > 0 && n%step == 0 {
			r.MemoryMB = append(r.MemoryMB, residentMB())
		}
	}}
	if err := p.run(ctx, l); err != nil {
		return err
	}
	if o.Frames == 0 {
		r.MemoryMB = append(r.MemoryMB, residentMB())
	}
	r.Frames = p.results.n
	r.FPS = float64(r.Frames) / p.took.Seconds()
	return nil
}

func (r *Report) latency(ctx context.Context, o Options, outputs *device.Outputs) error {
	l, err := newLine(o, 1, o.Threads, outputs)
	if err != nil {
		return err
	}
	defer closeLine(l)
	p := &playing{source: o.Source, atLeast: o.AtLeast / 2}
	if err := p.run(ctx, l); err != nil {
		return err
	}
	r.Stages = map[string]Quantile{
		"decode": p.results.quantiles(func(s line.Stages) time.Duration { return s.Decode }),
		"load":   p.results.quantiles(func(s line.Stages) time.Duration { return s.Load }),
		"invoke": p.results.quantiles(func(s line.Stages) time.Duration { return s.Invoke }),
		"decide": p.results.quantiles(func(s line.Stages) time.Duration { return s.Decide }),
		"pins":   p.results.quantiles(func(s line.Stages) time.Duration { return s.Pins }),
		"total":  p.results.quantiles(line.Stages.Total),
	}
	return r.compare(ctx, o, l)
}

// compare takes frames from the source and, in turn, inspects one and runs the
// bare network.
func (r *Report) compare(ctx context.Context, o Options, l *line.Line) error {
	s := capture.Defaults()
	s.Source, s.Loop, s.Pace = o.Source, true, capture.Fast
	camera, err := capture.Open(ctx, s, nil)
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
		r.Width, r.Height = c.Image.Cols(), c.Image.Rows()
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
			err := l.Model.Classifiers[0].Invoke()
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

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile of a sorted list that is not empty.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// IsBase tells a base network, which has no head, from a classifier.
func IsBase(b []byte) (bool, error) {
	f, err := graph.Parse(b)
	if err != nil {
		return false, err
	}
	labels, _ := f.Metadata.LabelFile()
	return labels == "" && f.Entry(base.Entry) != nil, nil
}

// WithHead puts a head with random weights on a base network. A classifier is
// returned as it is.
func WithHead(b []byte) ([]byte, error) {
	if isBase, err := IsBase(b); err != nil || !isBase {
		return b, err
	}
	f, err := graph.Parse(b)
	if err != nil {
		return nil, err
	}
	size := int(f.Model.Shape(f.Model.Subgraphs[0].Inputs[0])[1])
	n, err := feature.NewNetwork("base", b, size, nil)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 1))
	const examples, coordinates = 1000, 100
	numbers := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(random.NormFloat64()) / 10
		}
		return x
	}
	ones := make([]float32, n.Count)
	for i := range ones {
		ones[i] = 1
	}
	h := &head.Head{
		Rows: 1, Bias: []float64{0}, Width: 1, Scale: head.Scale{Mean: numbers(n.Count), Deviation: ones},
		Projection: numbers(coordinates * n.Count), Support: numbers(examples * coordinates),
		Weights: make([]float64, examples),
	}
	return train.Assemble(n, h, []feature.Turn{0}, nil, []string{"good", "bad"}, train.Provenance{Description: "A base network with a random head, for passfail bench."})
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
