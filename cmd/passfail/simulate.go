package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"gocv.io/x/gocv"
	"golang.org/x/term"

	"passfail/config"
	"passfail/line/belt"
	"passfail/line/simulate"
	"passfail/model"
)

func newSimulate() *cobra.Command {
	var o simulateOptions
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Will the timings work? A simulated line with this configuration",
		Long: `Runs a line that exists only as numbers, with the timings of the configuration:
parts on a belt, a photo-eye that bounces, the camera, the inspection, the reject
gate. It counts escapes (bad parts that stay), overkill (good parts pushed off), late
verdicts and parts that nobody saw, and says what is too slow and what to change.

How long an inspection takes is measured with the configured model on this machine,
unless --inference says it. In a terminal the line is shown as it runs; --report
prints the report only.`,
		Example: `  passfail simulate --parts-per-minute 120
  passfail simulate --parts-per-minute 120 --arrival bursts --inference 60ms --speed 4
  passfail simulate --parts-per-minute 300 --parts 10000 --json`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context(), c.OutOrStdout()) },
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", configFile, "the station's configuration")
	f.Float64Var(&o.perMinute, "parts-per-minute", 60, "how many parts come")
	f.IntVar(&o.parts, "parts", 600, "simulate so many")
	f.StringVar(&o.arrival, "arrival", "regular", "regular, random or bursts")
	f.Float64Var(&o.jitter, "jitter", 0.1, "regular parts come off their place by up to this share of the takt, 0 to 0.5")
	f.Float64Var(&o.faulty, "faulty", 0.05, "share of bad parts, 0 to 1")
	f.Float64Var(&o.escape, "escape-rate", 0, "share of bad parts that the model calls good")
	f.Float64Var(&o.overkill, "overkill-rate", 0, "share of good parts that the model calls bad")
	f.DurationVar(&o.inference, "inference", 0, "how long the inspection of a frame takes (default: measured)")
	f.Float64Var(&o.fps, "fps", 0, "frames a second (default: camera.fps, or 30)")
	f.DurationVar(&o.length, "covers", 0, "for so long a part covers the photo-eye (default: a quarter of the takt)")
	f.DurationVar(&o.bounce, "bounce", time.Millisecond, "for so long the photo-eye bounces at each edge")
	f.Float64Var(&o.beltSpeed, "belt-speed", 200, "mm a second, where an encoder measures")
	f.Uint64Var(&o.seed, "seed", 1, "of everything that is random")
	f.Float64Var(&o.speed, "speed", 1, "show it so many times as fast as it is")
	f.BoolVar(&o.report, "report", false, "print the report, show nothing")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

type simulateOptions struct {
	config                                      string
	perMinute, jitter, faulty, escape, overkill float64
	fps, beltSpeed, speed                       float64
	parts                                       int
	arrival                                     string
	inference, length, bounce                   time.Duration
	seed                                        uint64
	report, json                                bool
}

func (o *simulateOptions) run(ctx context.Context, w io.Writer) error {
	switch {
	case !(o.speed > 0 && o.speed <= 1000):
		return usageError{fmt.Errorf("--speed %v: above 0, up to 1000 is possible", o.speed)}
	case !(o.beltSpeed > 0 && o.beltSpeed <= 100_000):
		return usageError{fmt.Errorf("--belt-speed %v: above 0, up to 100000 mm a second is possible", o.beltSpeed)}
	case !(o.perMinute >= 0.1):
		return usageError{fmt.Errorf("--parts-per-minute %v: 0.1 and more is possible", o.perMinute)}
	case o.inference < 0 || o.length < 0:
		return usageError{errors.New("--inference and --covers can't be negative")}
	}
	cfg, err := config.Load(o.config)
	if err != nil {
		return err
	}
	s := o.line(cfg)
	if s.Inference, err = o.inspections(cfg); err != nil {
		return err
	}
	r, err := simulate.Run(s)
	if err != nil {
		return usageError{err}
	}
	if o.json {
		return writeSimulation(w, r)
	}
	if out, ok := w.(*os.File); ok && term.IsTerminal(int(out.Fd())) && !o.report {
		if err := watch(ctx, out, r, o.speed); err != nil {
			return err
		}
	}
	return o.print(w, cfg, r)
}

// line is the configuration's line in the simulation's terms.
func (o *simulateOptions) line(cfg *config.Config) simulate.Options {
	t, g := cfg.Trigger, cfg.Outputs.Reject
	s := simulate.Options{
		Seed: o.seed, Parts: o.parts, PerMinute: o.perMinute, Arrival: simulate.Arrival(o.arrival), Jitter: o.jitter, Faulty: o.faulty,
		Escape: o.escape, Overkill: o.overkill, Length: o.length, Bounce: o.bounce, Debounce: time.Duration(t.Debounce),
		Capacity: cfg.Belt.Capacity, Quantum: 1, FPS: o.fps, FrameJitter: 0.2, Queue: picturesWaiting(cfg), Width: time.Duration(g.Width),
		Belt: beltSettings(cfg),
	}
	if t.Mode == "continuous" { // a picture is a part
		s.Belt.Delay, s.Belt.Frames = 0, 1
	}
	if s.Length == 0 {
		s.Length = time.Duration(float64(time.Minute) / o.perMinute / 4)
	}
	if s.FPS == 0 {
		s.FPS = cfg.Camera.FPS
	}
	if s.FPS == 0 {
		s.FPS = 30
	}
	s.Transfer = time.Duration(float64(time.Second) / s.FPS)
	if cfg.Belt.Measure == "encoder" {
		s.Encoder = true
		s.Quantum = max(belt.Position(cfg.Belt.MMPerCount/o.beltSpeed*float64(time.Second)), 1)
		for _, p := range []*belt.Position{&s.Belt.MinGap, &s.Belt.Gate, &s.Belt.Decide, &s.Belt.GateGap} {
			*p *= s.Quantum // from counts to the simulation's time
		}
	}
	return s
}

// measured is how many frames an inspection is timed with.
const measured = 60

// inspections is how long the inspection of a frame takes: as was said, or measured.
func (o *simulateOptions) inspections(cfg *config.Config) ([]time.Duration, error) {
	if o.inference > 0 {
		return []time.Duration{o.inference}, nil
	}
	path, _, err := modelPath(cfg)
	if err != nil {
		return nil, fmt.Errorf("%w\nor say how long an inspection takes: --inference 40ms", err)
	}
	c, err := model.Open(path, model.Options{Threads: cfg.Model.Threads})
	if err != nil {
		return nil, fmt.Errorf("%w\nor say how long an inspection takes: --inference 40ms", err)
	}
	defer c.Close()
	picture := gocv.NewMatWithSize(480, 640, gocv.MatTypeCV8UC3)
	defer picture.Close()
	roi := cfg.Camera.ROI.Rectangle()
	if roi.Empty() || roi.Max.X > 640 || roi.Max.Y > 480 {
		roi.Min.X, roi.Min.Y, roi.Max.X, roi.Max.Y = 0, 0, 640, 480
	}
	list := make([]time.Duration, 0, measured)
	for i := range measured + 3 {
		start := time.Now()
		if err := c.Load(&picture, roi); err != nil {
			return nil, err
		}
		if err := c.Invoke(); err != nil {
			return nil, err
		}
		if _, err := c.Scores(); err != nil {
			return nil, err
		}
		if i >= 3 { // the first ones fill the caches
			list = append(list, time.Since(start))
		}
	}
	return list, nil
}

// simulation is what --json prints. Times are milliseconds.
type simulation struct {
	Passfail       string   `json:"passfail"`
	Parts          int      `json:"parts"`
	PartsPerMinute float64  `json:"parts_per_minute"`
	Fits           bool     `json:"fits"`
	Escapes        int      `json:"escapes"`
	Overkill       int      `json:"overkill"`
	Late           int      `json:"late"`
	Missed         int      `json:"missed"`
	Untriggered    int      `json:"untriggered"`
	Unseen         int      `json:"unseen"`
	Pushed         int      `json:"pushed"`
	Neighbours     int      `json:"neighbours"`
	TooNear        int      `json:"too_near"`
	Phantoms       int      `json:"phantoms"`
	ModelErrors    int      `json:"model_errors"`
	SeenShare      float64  `json:"seen_share"`
	InspectorBusy  float64  `json:"inspector_busy"`
	InspectionMS   figures  `json:"inspection_ms"`
	VerdictMS      figures  `json:"verdict_ms"`
	RoomMS         float64  `json:"room_ms"`
	Seed           uint64   `json:"seed"`
	Advice         []string `json:"advice"`
}

type figures struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func inMilliseconds(s simulate.Spread) figures {
	return figures{milliseconds(s.P50), milliseconds(s.P99), milliseconds(s.Max)}
}

func writeSimulation(w io.Writer, r *simulate.Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	advice := r.Advice()
	if advice == nil {
		advice = []string{}
	}
	return e.Encode(simulation{
		Passfail: version, Parts: len(r.Parts), PartsPerMinute: r.Options.PerMinute, Fits: r.Fits(), Escapes: r.Escapes, Overkill: r.Overkill,
		Late: r.Late, Missed: r.Missed, Untriggered: r.Untriggered, Unseen: r.Unseen, Pushed: r.Pushed,
		Neighbours: r.TooClose, TooNear: r.Near, Phantoms: r.Phantoms, ModelErrors: r.Wrong,
		SeenShare: float64(len(r.Parts)-r.Missed) / float64(len(r.Parts)), InspectorBusy: r.Busy,
		InspectionMS: inMilliseconds(r.Inspections()), VerdictMS: inMilliseconds(r.Latency), RoomMS: milliseconds(r.Room),
		Seed: r.Options.Seed, Advice: advice,
	})
}

func (o *simulateOptions) print(w io.Writer, cfg *config.Config, r *simulate.Result) error {
	answer := "Yes: the timings fit"
	if !r.Fits() {
		answer = "No: the timings do not fit"
	}
	s, l := r.Inspections(), r.Latency
	fmt.Fprintf(w, "%s %v parts a minute (%s, %s over %v).\n\n", answer, o.perMinute, counted(len(r.Parts), "part"), o.arrival, r.Took.Round(time.Second))
	fmt.Fprintf(w, "escapes %d, overkill %d, late %d, missed %d; pushed %d\n", r.Escapes, r.Overkill, r.Late, r.Missed, r.Pushed)
	fmt.Fprintf(w, "inspection of a frame: p50 %v ms, p99 %v ms, longest %v ms; the inspector is busy for %.0f %% of the time\n",
		milliseconds(s.P50), milliseconds(s.P99), milliseconds(s.Max), 100*r.Busy)
	fmt.Fprintf(w, "edge to verdict: p50 %v ms, p99 %v ms, longest %v ms; room to the deadline: %v ms\n", milliseconds(l.P50), milliseconds(l.P99), milliseconds(l.Max), milliseconds(r.Room))
	for _, a := range r.Advice() {
		fmt.Fprintf(w, "\n- %s\n", a)
	}
	if cfg.Trigger.Mode == "continuous" {
		fmt.Fprintln(w, "\nWith trigger.mode = \"continuous\" a station knows no parts: this is as if each came with a trigger, before the camera.")
	}
	return nil
}
