package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"passfail/bench"
	"passfail/model"
	"passfail/model/base"
)

func newBench() *cobra.Command {
	var o benchOptions
	c := &cobra.Command{
		Use:   "bench [--bases [NAME|FILE...]]",
		Short: "Measure this machine: frames per second, latency of each stage, memory",
		Long: `Plays a video file or pictures as fast as it goes through the whole path, from
decoding to (simulated) pins, and then compares the path from a decoded frame to
the pins with the bare run of the network, in turn on the same frames.

Without --model the default base network is measured with a head on it. A base
network may be named or given as a file; its head then has random weights, which
cost what trained ones do.

With --bases, base networks are compared instead, by name or file: size, work,
latency in turn on the same pictures, and how good a model on each gets by the
same training, by cross-validation.`,
		Example: `  passfail bench
  passfail bench --video belt.avi --json
  passfail bench --model mobilenet_v2 --model efficientnet_lite0 --model vgg16.tflite
  passfail bench --bases --data pictures
  passfail bench --bases mobilenet_v2 efficientnet_lite0 resnet50.tflite`,
		Args: args(func(c *cobra.Command, a []string) error {
			if o.bases {
				return nil
			}
			return cobra.NoArgs(c, a)
		}),
		RunE: func(c *cobra.Command, a []string) error {
			if err := checkBenchFlags(c, o.bases); err != nil {
				return err
			}
			if o.bases {
				return o.compareBases(c.Context(), c.OutOrStdout(), a)
			}
			return runBench(c.Context(), c.OutOrStdout(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.video, "video", "", "a video file or folder of pictures (default: pictures of parts made for it)")
	f.StringArrayVarP(&o.models, "model", "m", []string{base.Default}, "a model or base network: a file, or "+strings.Join(base.Names(), ", ")+"; may be repeated")
	f.DurationVar(&o.atLeast, "for", 5*time.Second, "play for so long, over and over, or to the end of the file if that takes longer")
	f.IntVar(&o.frames, "frames", 0, "play exactly so many frames instead")
	f.IntVar(&o.threads, "threads", 0, "processors for the network (default: all but one, three at most)")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.BoolVar(&o.bases, "bases", false, "compare base networks, by name or file (default the shipped ones)")
	f.StringVar(&o.data, "data", "", "with --bases: a folder of pictures for each label (default: pictures of parts made for it)")
	f.StringSliceVar(&o.pass, "pass", nil, "with --bases and --data: labels of good parts (default good, ok, pass)")
	f.Uint64Var(&o.seed, "seed", 1, "with --bases: of the training")
	return c
}

// checkBenchFlags refuses flags that the chosen measurement has no use for.
func checkBenchFlags(c *cobra.Command, bases bool) error {
	if bases {
		for _, name := range []string{"model", "video", "for", "frames", "threads"} {
			if c.Flags().Changed(name) {
				return usageError{fmt.Errorf("--%s has no meaning with --bases", name)}
			}
		}
		return nil
	}
	for _, name := range []string{"data", "pass", "seed"} {
		if c.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s has a meaning with --bases only", name)}
		}
	}
	return nil
}

type benchOptions struct {
	video   string
	models  []string
	atLeast time.Duration
	frames  int
	threads int
	json    bool

	bases bool
	data  string
	pass  []string
	seed  uint64
}

// benchReport is what --json prints: the first model's figures, and all
// models' when there are several.
type benchReport struct {
	Passfail string        `json:"passfail"`
	Machine  bench.Machine `json:"machine"`
	bench.Report
	Models []bench.Report `json:"models,omitempty"`
}

func runBench(ctx context.Context, w io.Writer, o benchOptions) error {
	if o.frames < 0 || o.threads < 0 || o.atLeast < 0 {
		return usageError{errors.New("--frames, --threads and --for can't be negative")}
	}
	var models []bench.Options
	for _, name := range o.models { // before the pictures, which take a while
		m, err := benchModel(name)
		if err != nil {
			return err
		}
		models = append(models, m)
	}
	dir, err := os.MkdirTemp("", "passfail-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	source := o.video
	if source == "" {
		fmt.Fprintln(os.Stderr, "making pictures of parts …")
		if source, err = bench.MakePictures(ctx, dir); err != nil {
			return err
		}
	}
	var reports []bench.Report
	for i, name := range o.models {
		m := models[i]
		m.Source, m.AtLeast, m.Frames, m.Threads = source, o.atLeast, o.frames, o.threads
		r, err := bench.Run(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.Model = name
		reports = append(reports, *r)
	}
	machine := bench.ThisMachine()
	if o.json {
		report := benchReport{Passfail: version, Machine: machine, Report: reports[0]}
		if len(reports) > 1 {
			report.Models = reports
		}
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	return printBench(w, machine, reports)
}

// benchModel reads a model, or puts a head on a base network.
func benchModel(name string) (bench.Options, error) {
	b, err := base.Read(name)
	if err != nil {
		return bench.Options{}, err
	}
	isBase, err := bench.IsBase(b)
	if err != nil {
		return bench.Options{}, fmt.Errorf("model %s: %w", name, err)
	}
	if !isBase {
		return bench.Options{Path: name}, nil
	}
	if b, err = bench.WithHead(b); err != nil {
		return bench.Options{}, fmt.Errorf("model %s: %w", name, err)
	}
	return bench.Options{Model: b}, nil
}

func printBench(w io.Writer, m bench.Machine, reports []bench.Report) error {
	fmt.Fprintf(w, "%s, %d processors, %s; TensorFlow Lite %s\n", m.CPU, m.Processors, m.Arch, model.RuntimeVersion())
	for _, r := range reports {
		fmt.Fprintf(w, "\n%s, frames of %d×%d, one at a time, %s\n", filepath.Base(r.Model), r.Width, r.Height, counted(r.Threads, "thread"))
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "stage\tp50 ms\tp99 ms\t")
		for _, s := range bench.StageNames {
			q := r.Stages[s]
			fmt.Fprintf(t, "%s\t%.3f\t%.3f\t\n", s, q.P50, q.P99)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(w, "decoded frame to pins: %.3f × the bare network (%.3f ms against %.3f ms)\n%.0f frames/s, %d at a time, over %d frames; memory %.0f MB at the start, %.0f MB at the end\n",
			r.OverheadRatio, r.PathMS, r.InvokeMS, r.FPS, r.Workers, r.Frames, r.MemoryMB[0], r.MemoryMB[len(r.MemoryMB)-1])
	}
	return nil
}
