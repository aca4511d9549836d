package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"passfail/capture"
	"passfail/demo"
	"passfail/evaluate"
	"passfail/model"
	"passfail/model/base"
	"passfail/model/graph"
	"passfail/train"
	"passfail/train/dataset"
	"passfail/train/feature"
)

// BasesOptions of CompareBases.
type BasesOptions struct {
	Bases    []string // names of shipped bases, or files; nil: all shipped ones
	Dir      string   // a folder of pictures for each label
	Pass     []string // labels of good parts
	Seed     uint64
	Progress func(base string, s train.Step) // nil: nobody is told
}

// BaseReport is what CompareBases found of a base.
type BaseReport struct {
	Base         string   `json:"base"`
	Weights      string   `json:"weights"`       // where they come from
	Random       bool     `json:"random"`        // they are random: nothing was ever learnt, and nothing is taught
	Bytes        int      `json:"bytes"`         // of the base's file
	Size         int      `json:"size"`          // side of its input, pixels
	MultiplyAdds int64    `json:"multiply_adds"` // for one picture, without the head
	Cost         float64  `json:"cost"`          // MultiplyAdds in units of the shipped MobileNetV2's
	Latency      Quantile `json:"latency"`       // decoded frame to scores, one thread, with a head
	Taught       *Taught  `json:"taught,omitempty"`
}

// Taught is what a training on a base came to, by cross-validation.
type Taught struct {
	How       string             `json:"how"`
	Pictures  int                `json:"pictures"`
	Seconds   float64            `json:"seconds"`
	Accuracy  evaluate.Figure    `json:"accuracy"` // share of pictures that are given their label
	AUC       evaluate.Figure    `json:"auc"`      // of good parts against bad ones
	Intervals evaluate.Intervals `json:"intervals"`
}

// network is a base under comparison.
type network struct {
	report     *BaseReport
	name       string // as it was given
	classifier *model.Classifier
	took       []time.Duration
}

// CompareBases puts the same random head on every base and times them in turn on
// the same frames; then it trains each in the same way on the same pictures: at
// the base's own size, pictures as they are, nothing cached. A base with random
// weights is only timed.
func CompareBases(ctx context.Context, o BasesOptions) ([]BaseReport, error) {
	names := o.Bases
	if names == nil {
		names = base.Names()
	}
	unit, err := standardCost()
	if err != nil {
		return nil, err
	}
	var list []*network
	defer func() {
		for _, n := range list {
			n.classifier.Close()
		}
	}()
	for _, name := range names {
		n, err := openBase(name, unit)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	if err := timeBases(ctx, list, o.Dir); err != nil {
		return nil, err
	}
	var reports []BaseReport
	for _, n := range list {
		if !n.report.Random {
			if n.report.Taught, err = teach(ctx, n, o); err != nil {
				return nil, fmt.Errorf("base network %s: %w", n.name, err)
			}
		}
		reports = append(reports, *n.report)
	}
	return reports, nil
}

// standardCost is that of the default base, in multiplications with an addition.
func standardCost() (float64, error) {
	b, err := base.Read(base.Default)
	if err != nil {
		return 0, err
	}
	f, err := graph.Parse(b)
	if err != nil {
		return 0, fmt.Errorf("base network %s: %w", base.Default, err)
	}
	return float64(feature.MultiplyAdds(f.Model)), nil
}

func openBase(name string, unit float64) (*network, error) {
	b, err := base.Read(name)
	if err != nil {
		return nil, err
	}
	n, err := newNetwork(name, b, unit)
	if err != nil {
		return nil, fmt.Errorf("base network %s: %w", name, err)
	}
	return n, nil
}

func newNetwork(name string, b []byte, unit float64) (*network, error) {
	f, err := graph.Parse(b)
	if err != nil {
		return nil, err
	}
	if labels, _ := f.Metadata.LabelFile(); labels != "" || f.Entry(base.Entry) == nil {
		return nil, fmt.Errorf("the file is a classifier or has no entry %s: only base networks, as model/convert makes them, can be compared", base.Entry)
	}
	r := &BaseReport{
		Base: strings.TrimSuffix(filepath.Base(name), ".tflite"), Bytes: len(b),
		MultiplyAdds: feature.MultiplyAdds(f.Model), Size: int(f.Model.Shape(f.Model.Subgraphs[0].Inputs[0])[1]),
	}
	r.Cost = float64(r.MultiplyAdds) / unit
	if r.Weights, r.Random, err = weightsOf(f.Entry(base.Entry)); err != nil {
		return nil, err
	}
	whole, err := WithHead(b)
	if err != nil {
		return nil, err
	}
	c, err := model.OpenBytes(whole, model.Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	return &network{report: r, name: name, classifier: c}, nil
}

// noPackage is what model/convert writes for a package where weights are random.
const noPackage = "none"

// weightsOf says where a base's weights come from, by its metadata entry.
func weightsOf(entry []byte) (from string, random bool, err error) {
	var e struct {
		Source struct{ Package, Version, File string }
	}
	if err := json.Unmarshal(entry, &e); err != nil {
		return "", false, fmt.Errorf("metadata entry %s: %w", base.Entry, err)
	}
	switch s := e.Source; s.Package {
	case "":
		return "", false, fmt.Errorf("metadata entry %s does not say where the weights come from (source.package)", base.Entry)
	case noPackage:
		return s.File, true, nil // such as "random weights, seed 0"
	default:
		return s.Package + " " + s.Version, false, nil
	}
}

const (
	timedPictures = 8  // more than the caches hold
	timedRuns     = 60 // of each base
)

// timeBases lets each base judge the same frames in turn, so that whatever else
// the machine does meets all of them.
func timeBases(ctx context.Context, list []*network, dir string) error {
	frames, err := readFrames(dir)
	defer func() {
		for _, f := range frames {
			f.Close()
		}
	}()
	if err != nil {
		return err
	}
	for i := range timedRuns + 1 {
		f := frames[i%len(frames)]
		for _, n := range list {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			start := time.Now()
			if _, err := n.classifier.Classify(&f.Image, f.ROI); err != nil {
				return fmt.Errorf("base network %s: %w", n.name, err)
			}
			if i > 0 { // the first run is slower
				n.took = append(n.took, time.Since(start))
			}
		}
	}
	for _, n := range list {
		slices.Sort(n.took)
		n.report.Latency = Quantile{P50: ms(quantile(n.took, 0.5)), P99: ms(quantile(n.took, 0.99))}
	}
	return nil
}

// readFrames decodes some pictures of the folders of labels.
func readFrames(dir string) (frames []*capture.Frame, err error) {
	set, err := dataset.List(dir, dataset.Options{})
	if err != nil {
		return nil, err
	}
	for i, p := range set.Pictures {
		if i*timedPictures/len(set.Pictures) < len(frames) {
			continue // a few of each label
		}
		f, err := capture.ReadPicture(p.Path, capture.Defaults())
		if err != nil {
			continue // the training says what is wrong with a picture
		}
		frames = append(frames, f)
	}
	if len(frames) == 0 {
		return nil, fmt.Errorf("%s: none of the pictures in its folders can be read", dir)
	}
	return frames, nil
}

func teach(ctx context.Context, n *network, o BasesOptions) (*Taught, error) {
	t := train.Options{
		Dir: o.Dir, Pass: o.Pass, View: capture.Defaults(), Bases: []string{n.name}, Sizes: []int{n.report.Size},
		Augment: train.AugmentNone, MaxCost: math.Inf(1), Seed: o.Seed, // whatever it costs: that is what is compared
	}
	if o.Progress != nil {
		t.Progress = func(s train.Step) { o.Progress(n.report.Base, s) }
	}
	r, err := train.Run(ctx, t)
	if err != nil {
		return nil, err
	}
	v := r.Report.CrossValidated
	return &Taught{
		How: v.How, Pictures: r.Pictures, Seconds: r.Report.Seconds,
		Accuracy: v.Figures.Accuracy, AUC: v.Figures.AUC, Intervals: v.Figures.Intervals,
	}, nil
}

// MakeDataset writes pictures of parts in a folder for each label into dir and
// returns the folder and the label of good ones. The parts are synthetic.
func MakeDataset(ctx context.Context, dir string) (folder, pass string, err error) {
	const perLabel, seed = 25, 1
	folder = filepath.Join(dir, "labelled")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", "", err
	}
	return folder, string(demo.Good), demo.WriteDataset(ctx, folder, perLabel, seed, demo.Options{})
}
