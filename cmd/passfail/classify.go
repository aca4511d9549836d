package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"passfail/capture"
	"passfail/config"
	"passfail/line"
	"passfail/model"
)

func newClassify() *cobra.Command {
	var o classifyOptions
	c := &cobra.Command{
		Use:   "classify FILE…",
		Short: "Judge pictures, folders of pictures or video files",
		Long: `Judges pictures, folders of pictures, or each frame of video files, and prints a
table or, with --json, a list of objects.

Model, decision, rotation and region of interest come from the configuration, so
that a picture is judged as on the line. With --model and without --config there
is no configuration: pictures are judged whole and by the default decision.`,
		Example: `  passfail classify demo/parts/*.jpg
  passfail classify --json --model model.tflite part.jpg
  passfail classify --model other.tflite --pass ok,fine belt.mp4`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			return classify(c.Context(), c.OutOrStdout(), o, files)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", "", "the station's configuration (default config.toml, unless --model is given)")
	f.StringVarP(&o.model, "model", "m", "", "a .tflite classifier, instead of the configuration's")
	f.StringSliceVar(&o.pass, "pass", nil, "labels of good parts, instead of the configuration's")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.IntVar(&o.top, "top", 3, "how many labels a line of the table shows")
	return c
}

type classifyOptions struct {
	config, model string
	pass          []string
	json          bool
	top           int
}

// load is the configuration that these options mean.
func (o classifyOptions) load() (*config.Config, error) {
	cfg := config.Default()
	if o.config != "" || o.model == "" {
		path := o.config
		if path == "" {
			path = configFile
		}
		var err error
		if cfg, err = config.Load(path); err != nil {
			if o.config == "" && errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%w, or a model with --model FILE", err)
			}
			return nil, err
		}
	}
	if o.model != "" {
		cfg.Model.File, cfg.Model.Store = o.model, ""
		if !filepath.IsAbs(o.model) {
			cfg.Model.File, _ = filepath.Abs(o.model)
		}
	}
	if o.pass != nil {
		cfg.Decision.Pass = o.pass
	}
	cfg.Decision.Vote = 1 // pictures have nothing to do with each other
	return cfg, nil
}

// judged is one picture's result, as --json prints it.
type judged struct {
	File    string             `json:"file"`
	Label   string             `json:"label"`
	Verdict string             `json:"verdict"`
	Unsure  bool               `json:"unsure,omitempty"`
	Novelty *float32           `json:"novelty,omitempty"` // of models that can tell
	Unlike  bool               `json:"unlike,omitempty"`
	Scores  map[string]float32 `json:"scores"`
}

func classify(ctx context.Context, w io.Writer, o classifyOptions, files []string) error {
	if o.top < 1 {
		return usageError{fmt.Errorf("--top %d: 1 at least is needed", o.top)}
	}
	cfg, err := o.load()
	if err != nil {
		return err
	}
	path, fault, err := modelPath(cfg)
	if err != nil {
		return err
	}
	if fault != nil {
		fmt.Fprintf(os.Stderr, "passfail: %v\npassfail: judging with %s\n", fault, path)
	}
	classifier, err := model.Open(path, model.Options{Threads: cfg.Model.Threads})
	if err != nil {
		return err
	}
	defer classifier.Close()
	judge, err := newJudge(cfg, classifier)
	if err != nil {
		return err
	}
	k := &classifying{settings: captureSettings(cfg), classifier: classifier, judge: judge, options: o}
	if files, err = expand(files); err != nil {
		return err
	}
	// A file that can't be judged does not keep the others from it.
	var failures []error
	bar := newProgress(len(files))
	for _, f := range files {
		if err := k.file(ctx, f); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			failures = append(failures, err)
		}
		_ = bar.Add(1) // it can't fail: it is told of as many as there are
	}
	_ = bar.Clear()
	if len(k.results) == 0 && len(failures) > 0 && !o.json {
		return errors.Join(failures...) // a table of nothing says nothing
	}
	if err := k.print(w); err != nil {
		return err
	}
	return errors.Join(failures...)
}

// newProgress is a bar on a terminal, and nothing elsewhere.
func newProgress(n int) *progressbar.ProgressBar {
	visible := n > 20 && term.IsTerminal(int(os.Stderr.Fd()))
	return progressbar.NewOptions(n, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(visible),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true))
}

// expand replaces folders by their pictures.
func expand(files []string) ([]string, error) {
	var list []string
	for _, f := range files {
		info, err := os.Stat(f)
		if err == nil && info.IsDir() {
			pictures, err := capture.Pictures(f)
			if err != nil {
				return nil, err
			}
			list = append(list, pictures...)
			continue
		}
		list = append(list, f) // that it is missing is said where it is read
	}
	return list, nil
}

// classifying is one run of classify.
type classifying struct {
	settings   capture.Settings
	classifier *model.Classifier
	judge      *line.Judge
	options    classifyOptions
	results    []judged
	tops       [][]model.Prediction
}

func (k *classifying) file(ctx context.Context, path string) error {
	if capture.IsVideo(path) {
		return k.video(ctx, path)
	}
	f, err := capture.ReadPicture(path, k.settings)
	if err != nil {
		return err
	}
	defer f.Close()
	return k.frame(f, path)
}

func (k *classifying) video(ctx context.Context, path string) error {
	s := k.settings
	s.Source, s.Dir, s.Loop, s.Pace = "file:"+path, "", false, capture.Fast
	camera, err := capture.Open(ctx, s, nil)
	if err != nil {
		return err
	}
	defer camera.Close()
	for {
		f, err := camera.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := k.frame(f, fmt.Sprintf("%s#%d", path, f.Seq)); err != nil {
			return err
		}
	}
}

func (k *classifying) frame(f *capture.Frame, name string) error {
	scores, err := k.classifier.Classify(&f.Image, f.ROI)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	novelty, known := k.classifier.Novelty()
	j := k.judge.JudgeNovel(scores, novelty)
	r := judged{File: name, Label: j.Label, Verdict: j.Verdict.String(), Unsure: j.Unsure, Unlike: j.Unlike, Scores: map[string]float32{}}
	if known {
		r.Novelty = &novelty
	}
	for i, l := range k.classifier.Labels() {
		r.Scores[l] = scores[i]
	}
	k.results = append(k.results, r)
	k.tops = append(k.tops, k.classifier.Top(scores, k.options.top, nil))
	return nil
}

func (k *classifying) print(w io.Writer) error {
	if k.options.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if k.results == nil {
			k.results = []judged{}
		}
		return e.Encode(k.results)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	header := "FILE\tVERDICT\tSCORES"
	if k.classifier.HasNovelty() {
		header = "FILE\tVERDICT\tNOVELTY\tSCORES"
	}
	fmt.Fprintln(t, header)
	for i, r := range k.results {
		var scores []string
		for _, p := range k.tops[i] {
			scores = append(scores, fmt.Sprintf("%s %.3f", p.Label, p.Score))
		}
		novelty := ""
		if r.Novelty != nil {
			novelty = fmt.Sprintf("%.2f\t", *r.Novelty)
			if r.Unlike {
				novelty = fmt.Sprintf("%.2f unlike\t", *r.Novelty)
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s%s\n", r.File, r.Verdict, novelty, strings.Join(scores, "  "))
	}
	return t.Flush()
}
