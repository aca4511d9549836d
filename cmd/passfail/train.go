package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"passfail/atomicfile"
	"passfail/config"
	"passfail/evaluate"
	"passfail/line"
	"passfail/model/store"
	"passfail/train"
	"passfail/train/dataset"
)

func newTrain() *cobra.Command {
	var o trainOptions
	c := &cobra.Command{
		Use:   "train DIR",
		Short: "Teach a model your own parts, by folders of pictures",
		Long: `Makes a model from a folder with a folder of pictures for each label, such as
good and scratch. Bases, input sizes and ways of turning the pictures are tried
and chosen by cross-validation on these very pictures; the report says what was
tried, how good the result is and how sure that is.

The pictures are seen through the configuration's rotation, flip and region of
interest, where there is one, unless "passfail capture" took them: those are cut
already.`,
		Example: `  passfail train pictures -o flange.tflite
  passfail train pictures -o flange.tflite --test more-pictures --report flange.html
  passfail train pictures -o flange.tflite --max-escapes 0.5% --budget 5m
  passfail train pictures --store models --use      # keep it, and let the station judge with it
  passfail train pictures -o flange.tflite --good-only`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			o.dir = a[0]
			if err := o.check(c.Flags().Changed); err != nil {
				return err
			}
			return o.run(c.Context(), c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVarP(&o.out, "output", "o", "", "the model file to write")
	f.StringVar(&o.store, "store", "", "keep the model and its report in this folder of models (default the configuration's, unless -o is given)")
	f.BoolVar(&o.use, "use", false, "activate the model in the store")
	f.BoolVar(&o.fineTune, "fine-tune", false, "train the top of the base too, which takes minutes, and keep that if it judges better")
	f.BoolVar(&o.goodOnly, "good-only", false, "learn from good parts alone: what is unlike them fails")
	o.failGood = 0.01
	f.Var(&o.failGood, "fail-good", "with --good-only: the share of good parts that may fail")
	f.StringVar(&o.report, "report", "", "write the report as a page, or as JSON if the name ends with .json")
	f.BoolVar(&o.json, "json", false, "print the report as JSON")
	f.StringVar(&o.test, "test", "", "a folder of pictures that do not teach but are judged at the end")
	f.StringSliceVar(&o.pass, "pass", nil, "labels of good parts (default the configuration's, or good, ok, pass)")
	f.StringSliceVar(&o.bases, "base", nil, "base networks that may be tried, by name or file (default all)")
	f.IntSliceVar(&o.sizes, "size", nil, "input sizes that may be tried, pixels")
	f.StringVar(&o.augment, "augment", string(train.AugmentAuto), "variants of the pictures that teach too: auto, none, turns, jitter, all")
	f.Float64Var(&o.maxCost, "max-cost", train.DefaultMaxCost, "the most that judging a part may cost, in units of MobileNetV2 at 224 pixels")
	f.DurationVar(&o.budget, "budget", train.DefaultBudget, "after so long nothing new is tried")
	f.Uint64Var(&o.seed, "seed", 1, "the same pictures, options and seed give the same model")
	f.Var(&o.maxEscapes, "max-escapes", "choose the threshold so that at most so many bad parts pass, such as 0.5%")
	f.Float64Var(&o.cost, "cost", 0, "choose the threshold so that an escape counts as so many good parts failed (default 1)")
	f.StringVarP(&o.config, "config", "c", "", "the station's configuration (default config.toml, where there is one)")
	f.StringVar(&o.comment, "comment", "", "goes into the model's description")
	f.StringVar(&o.cache, "cache", "", `folder for computed features (default in the user's cache; "none": not kept)`)
	return c
}

// heapBytes is about how much memory Go may take in a training; networks and
// pictures take more, outside its heap.
const heapBytes = 112 << 20

type trainOptions struct {
	dir, out, report, test  string
	store                   string
	use, goodOnly, fineTune bool
	failGood                shareFlag
	json                    bool
	pass, bases             []string
	sizes                   []int
	augment                 string
	maxCost, cost           float64
	maxEscapes              shareFlag
	budget                  time.Duration
	seed                    uint64
	config, comment, cache  string
}

func (o *trainOptions) run(ctx context.Context, w io.Writer) error {
	cfg, err := o.load()
	if err != nil {
		return err
	}
	keep, err := o.openStore(cfg)
	if err != nil {
		return err
	}
	if err := o.checkOutputs(); err != nil {
		return err
	}
	if err := o.checkFolders(); err != nil {
		return err
	}
	pass, err := o.passLabels(cfg)
	if err != nil {
		return err
	}
	// The smallest stations have 512 MB. Go's garbage would otherwise take as much
	// again as what is needed.
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(heapBytes)
	returnLargeBlocks()
	progress := newSteps(os.Stderr)
	t := train.Options{
		Dir: o.dir, Test: o.test, Pass: pass, View: captureSettings(cfg), Bases: o.bases, Sizes: o.sizes,
		Augment: train.Augment(o.augment), FineTune: o.fineTune, MaxCost: o.maxCost, Budget: o.budget, Seed: o.seed,
		Cache: o.cacheDir(), Comment: o.comment, Program: "passfail " + version, Progress: progress.show,
	}
	t.Sheets = o.report != "" && !strings.EqualFold(filepath.Ext(o.report), ".json")
	t.Sheets = t.Sheets || keep != nil
	t.Aim.EscapeCost, t.Aim.MaxEscapes = o.cost, float64(o.maxEscapes)
	var r *train.Result
	if o.goodOnly {
		r, err = train.RunGoodOnly(ctx, t, float64(o.failGood))
	} else {
		r, err = train.Run(ctx, t)
	}
	progress.clear()
	if ctx.Err() != nil {
		if t.Cache == "" {
			return errors.New("train: interrupted; nothing was written")
		}
		return errors.New("train: interrupted; nothing was written, and what is in the cache makes the next training shorter")
	}
	if err != nil {
		return err
	}
	r.Report.Model.File = o.out
	if o.out != "" {
		if err := atomicfile.WriteBytes(o.out, r.Model); err != nil {
			return err
		}
	}
	if o.report != "" {
		write := r.Report.WriteHTML
		if strings.EqualFold(filepath.Ext(o.report), ".json") {
			write = r.Report.WriteJSON
		}
		if err := atomicfile.Write(o.report, write); err != nil {
			return err
		}
	}
	if o.json {
		err = r.Report.WriteJSON(w)
	} else {
		err = r.Report.WriteText(w)
	}
	if err != nil {
		return err
	}
	told := w
	if o.json {
		told = os.Stderr // the report alone is the output
	}
	if o.out != "" {
		if _, err := io.WriteString(told, o.sayWritten(len(r.Model))); err != nil {
			return err
		}
	}
	if keep == nil {
		return nil
	}
	return o.keep(told, keep, r)
}

// checkOutputs looks whether what will be written can be: better known now than
// after the training.
func (o *trainOptions) checkOutputs() error {
	if o.out != "" && o.report != "" && filepath.Clean(o.out) == filepath.Clean(o.report) {
		return usageError{fmt.Errorf("-o and --report both name %s: model and report are files of their own", o.out)}
	}
	if o.out != "" {
		if err := checkModelTarget(o.out); err != nil {
			return err
		}
	}
	for _, path := range []string{o.out, o.report} {
		if path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return fmt.Errorf("%s can't be written: it is a folder; name a file in it", path)
		}
		dir := filepath.Dir(path)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return fmt.Errorf("%s can't be written: there is no folder %s", path, dir)
		}
		f, err := os.CreateTemp(dir, ".passfail-*")
		if err != nil {
			return fmt.Errorf("%s can't be written: nothing can be in folder %s: %w", path, dir, errors.Unwrap(err))
		}
		f.Close()
		if err := os.Remove(f.Name()); err != nil {
			return fmt.Errorf("%s can't be written: %w", path, err)
		}
	}
	return nil
}

// openStore opens the folder of models that is meant, if one is.
func (o *trainOptions) openStore(cfg *config.Config) (*store.Store, error) {
	dir := o.store
	if dir == "" && o.out == "" && cfg.Model.Store != "" {
		dir = cfg.Path(cfg.Model.Store)
	}
	switch {
	case dir != "":
		return store.Open(dir)
	case o.out == "":
		return nil, usageError{errors.New("train: where should the model go? Give a file with -o FILE, or a folder of models with --store DIR")}
	case o.use:
		return nil, usageError{errors.New("--use activates the model in a folder of models: name it with --store DIR")}
	}
	return nil, nil
}

// keep adds the model and its report to the store.
func (o *trainOptions) keep(told io.Writer, s *store.Store, r *train.Result) error {
	var asJSON, asHTML bytes.Buffer
	if err := errors.Join(r.Report.WriteJSON(&asJSON), r.Report.WriteHTML(&asHTML)); err != nil {
		return err
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	meta := store.Meta{
		Comment: o.comment, Base: r.Base,
		DataSet: &store.DataSet{Path: dir, Hash: r.DataSet, Pictures: r.Pictures, Labels: r.Examples},
	}
	if v := r.Report.CrossValidated; v != nil {
		known := func(f evaluate.Figure) *float64 {
			if !f.Known() {
				return nil
			}
			return (*float64)(&f)
		}
		meta.Figures = &store.Figures{How: v.How, Accuracy: known(v.Figures.Accuracy), F1: known(v.Figures.F1), AUC: known(v.Figures.AUC)}
	}
	if active, err := s.Active(); err == nil {
		meta.Parent = active.ID
	}
	v, err := s.Add(r.Model, meta, map[string][]byte{store.ReportJSON: asJSON.Bytes(), store.ReportHTML: asHTML.Bytes()})
	if err != nil {
		return err
	}
	fmt.Fprintf(told, "\nKept as %s in %s.\n", v.ID, s.Dir())
	if !o.use {
		return nil
	}
	if _, err := s.Use(v.ID); err != nil {
		return err
	}
	fmt.Fprintln(told, "It is active: a station that runs takes it between two parts.")
	return nil
}

// load is the configuration whose view and decision count. Without one parts are
// seen whole.
func (o *trainOptions) load() (*config.Config, error) {
	path := o.config
	if path == "" {
		if _, err := os.Stat(configFile); errors.Is(err, fs.ErrNotExist) {
			return config.Default(), nil
		}
		path = configFile
	}
	return config.Load(path)
}

// passLabels are the labels of good parts: as given, or those of the
// configuration's or the usual ones that the data set has.
func (o *trainOptions) passLabels(cfg *config.Config) ([]string, error) {
	if o.pass != nil {
		return o.pass, nil
	}
	set, err := dataset.List(o.dir, dataset.Options{MinLabels: o.leastLabels()})
	if err != nil {
		return nil, err
	}
	var list []string
	for _, l := range set.Labels {
		if slices.Contains(cfg.Decision.Pass, l) || len(cfg.Decision.Pass) == 0 && slices.Contains(line.GoodLabels, strings.ToLower(l)) {
			list = append(list, l)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	for _, l := range set.Labels {
		if slices.Contains(line.GoodLabels, strings.ToLower(l)) {
			list = append(list, l)
		}
	}
	if len(list) == 0 && o.goodOnly && len(set.Labels) == 1 {
		return set.Labels, nil
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("which of the labels mean a good part? None of %s is called %s; say it with --pass", strings.Join(set.Labels, ", "), strings.Join(line.GoodLabels, ", "))
	}
	return list, nil
}

// cacheDir is where features are kept, "" for nowhere.
func (o *trainOptions) cacheDir() string {
	switch o.cache {
	case "none":
		return ""
	case "":
		dir, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(dir, "passfail", "features")
		// Nobody asked for it, so a system that is read-only does without.
		if os.MkdirAll(dir, 0o755) != nil || unix.Access(dir, unix.W_OK|unix.X_OK) != nil {
			return ""
		}
		return dir
	}
	return o.cache
}
