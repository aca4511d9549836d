package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"passfail/bench"
	"passfail/config"
	"passfail/evaluate"
	"passfail/model"
	"passfail/model/base"
	"passfail/train"
)

// basesReport is what --bases --json prints.
type basesReport struct {
	Passfail  string             `json:"passfail"`
	Machine   bench.Machine      `json:"machine"`
	Data      string             `json:"data,omitempty"`
	Synthetic bool               `json:"synthetic"` // the pictures were drawn for it
	Bases     []bench.BaseReport `json:"bases"`
}

func (o *benchOptions) compareBases(ctx context.Context, w io.Writer, names []string) error {
	if o.data == "" && o.pass != nil {
		return usageError{errors.New("--pass names labels of the folder that --data gives")}
	}
	b := bench.BasesOptions{Bases: names, Dir: o.data, Seed: o.seed}
	if len(names) == 0 {
		b.Bases = nil
	}
	for _, name := range names { // before the pictures, which take a while
		if _, err := base.Read(name); err != nil {
			return err
		}
	}
	if o.data == "" {
		dir, err := os.MkdirTemp("", "passfail-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		fmt.Fprintln(os.Stderr, "making pictures of parts …")
		var good string
		if b.Dir, good, err = bench.MakeDataset(ctx, dir); err != nil {
			return err
		}
		b.Pass = []string{good}
	} else {
		var err error
		labels := &trainOptions{dir: o.data, pass: o.pass}
		if b.Pass, err = labels.passLabels(config.Default()); err != nil {
			return err
		}
	}
	bar := newSteps(os.Stderr)
	b.Progress = func(base string, s train.Step) {
		s.Doing = base + ": " + s.Doing
		bar.show(s)
	}
	list, err := bench.CompareBases(ctx, b)
	bar.clear()
	if err != nil {
		return err
	}
	r := basesReport{Passfail: version, Machine: bench.ThisMachine(), Data: o.data, Synthetic: o.data == "", Bases: list}
	if o.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.print(w)
}

func (r *basesReport) print(w io.Writer) error {
	m := r.Machine
	fmt.Fprintf(w, "%s, %d processors, %s; TensorFlow Lite %s, one thread\n\n", m.CPU, m.Processors, m.Arch, model.RuntimeVersion())
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "base\tpixels\tMB\tmultiply-adds\t× MobileNetV2\tp50 ms\tp99 ms\taccuracy\tAUC\ttrained in\tweights")
	var taught *bench.Taught
	random := false
	for _, b := range r.Bases {
		accuracy, auc, took := "–", "–", "–"
		if v := b.Taught; v != nil {
			taught = v
			accuracy = figure(v.Accuracy, v.Intervals.Accuracy)
			auc = figure(v.AUC, v.Intervals.AUC)
			took = fmt.Sprintf("%.1f s", v.Seconds)
		}
		random = random || b.Random
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.0f million\t%.2f\t%.2f\t%.2f\t%s\t%s\t%s\t%s\n",
			b.Base, b.Size, float64(b.Bytes)/1e6, float64(b.MultiplyAdds)/1e6, b.Cost, b.Latency.P50, b.Latency.P99, accuracy, auc, took, b.Weights)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nLatency: from a decoded frame to scores, with the same random head, the bases in turn on the same pictures.")
	if taught != nil {
		what := "the pictures of " + r.Data
		if r.Synthetic {
			what = "synthetic pictures of parts, drawn for this; they say nothing about real ones"
		}
		fmt.Fprintf(w, "Accuracy and AUC (intervals of %.0f %%): %s, same training for all: a head on the base at its own size, pictures as they are; %d: %s.\n",
			100*evaluate.Confidence, taught.How, taught.Pictures, what)
	}
	if random {
		fmt.Fprintln(w, "A base with random weights costs what a trained one does but recognizes nothing: it is timed and not taught.")
	}
	return nil
}

// figure is such as "0.912 (0.850–0.953)".
func figure(f evaluate.Figure, i evaluate.Interval) string {
	if !f.Known() {
		return "unknown"
	}
	return fmt.Sprintf("%.3f (%.3f–%.3f)", float64(f), i.Low, i.High)
}
