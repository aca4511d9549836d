package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"passfail/atomicfile"
	"passfail/capture"
	"passfail/config"
	"passfail/evaluate"
	"passfail/evaluate/report"
	"passfail/evaluate/scoring"
	"passfail/model"
	"passfail/train"
	"passfail/train/dataset"
)

func newEvaluate() *cobra.Command {
	var o evaluateOptions
	c := &cobra.Command{
		Use:   "evaluate MODEL DIR",
		Short: "Measure a model on labelled pictures",
		Long: `Judges pictures whose label is known, a folder of them for each label, and says how
often the model is right and how sure one can be of that: escapes, overkill, AUC,
confusion matrix, each with its 95 % interval. Any model that Passfail can run will
do. The pictures must not be those that it was trained on.

The threshold is the model's own, or the configuration's, unless one is given or is
to be chosen by these pictures with --max-escapes or --cost.`,
		Example: `  passfail evaluate model.tflite test/
  passfail evaluate model.tflite test/ --json
  passfail evaluate model.tflite test/ --max-escapes 0.5% --report evaluation.html
  passfail evaluate other.tflite test/ --pass ok --map scratches=defect`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, list []string) error {
			o.model, o.dir = list[0], list[1]
			return o.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", "", "a station's configuration, for its decision, rotation and region of interest")
	f.StringSliceVar(&o.pass, "pass", nil, "labels of good parts (default: the configuration's, the model's own, or good, ok, pass)")
	f.StringToStringVar(&o.rename, "map", nil, "the model's label for a folder of another name: `FOLDER=LABEL`")
	f.Var(&o.threshold, "threshold", "a part passes when its pass score is this or more")
	f.Var(&o.aim.MaxEscapes, "max-escapes", "choose the threshold so that at most this share of the bad parts passes")
	f.Float64Var(&o.aim.EscapeCost, "cost", 0, "choose the threshold for an escape that is as bad as `N` good parts failed")
	f.Var(&o.aim.BadShare, "bad-share", "with --cost: the share of bad parts on the line (default as in DIR)")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.StringVar(&o.report, "report", "", "write a page with plots and the pictures judged wrong to this `FILE.html`")
	return c
}

// shareFlag is a flag such as 0.5% or 0.005. Of a number without its % sign a
// hundred times as much would come: large shares must have it.
type shareFlag float64

// mostBare is the largest share that may be given without a % sign.
const mostBare = 0.1

func (s *shareFlag) String() string { return strconv.FormatFloat(float64(*s), 'g', -1, 64) }
func (s *shareFlag) Type() string   { return "share" }
func (s *shareFlag) Set(text string) error {
	v, err := parseShare(text)
	if err != nil {
		return err
	}
	if v > mostBare && !strings.HasSuffix(strings.TrimSpace(text), "%") {
		return fmt.Errorf("%s%% or %s%%? Above %v a %% sign is needed", text, strconv.FormatFloat(v*100, 'g', 6, 64), mostBare)
	}
	*s = shareFlag(v)
	return nil
}

// scoreFlag is a flag such as 0.5, or 50%.
type scoreFlag float64

func (s *scoreFlag) String() string { return strconv.FormatFloat(float64(*s), 'g', -1, 64) }
func (s *scoreFlag) Type() string   { return "score" }
func (s *scoreFlag) Set(text string) error {
	v, err := parseShare(text)
	*s = scoreFlag(v)
	return err
}

func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v <= 1) {
		return 0, fmt.Errorf("above 0, up to 1 is possible, such as 0.005 or 0.5%%")
	}
	return v, nil
}

type evaluateOptions struct {
	model, dir     string
	config, report string
	pass           []string
	rename         map[string]string
	threshold      scoreFlag
	aim            struct {
		MaxEscapes, BadShare shareFlag
		EscapeCost           float64
	}
	json bool
}

// evaluated is what --json prints: the figures, and what belongs to them.
type evaluated struct {
	Model string `json:"model"`
	Dir   string `json:"dir"`
	*evaluate.Figures
	Choice      *evaluate.Choice `json:"choice"`
	Novelty     *report.Novelty  `json:"novelty,omitempty"` // of models that tell how unlike a part is
	Wrong       []wrong          `json:"wrong"`
	Mislabelled []wrong          `json:"mislabelled"` // the likeliest first
	Unreadable  []string         `json:"unreadable"`
}

// wrong is a picture on which model and label disagree.
type wrong struct {
	File      string  `json:"file"`
	Label     string  `json:"label"`
	Judged    string  `json:"judged"`
	Verdict   string  `json:"verdict"`
	PassScore float64 `json:"pass_score"`
}

func wrongs(list []evaluate.Suspect) []wrong {
	out := []wrong{}
	for _, s := range list {
		out = append(out, wrong{s.Path, s.Truth, s.Judged, s.Verdict, s.Pass})
	}
	return out
}

func (o *evaluateOptions) run(ctx context.Context, w, errs io.Writer) error {
	began := time.Now()
	cfg, aim, err := o.settings()
	if err != nil {
		return err
	}
	set, err := dataset.List(o.dir, dataset.Options{MinLabels: 1})
	if err != nil {
		return err
	}
	view := captureSettings(cfg)
	if o.config != "" {
		// What passfail capture took went through the region of interest already.
		if view, err = set.Settings(view); err != nil {
			return err
		}
	}
	bar := newProgress(len(set.Pictures))
	scored, err := scoring.Run(ctx, o.model, set, scoring.Options{
		Pass: cfg.Decision.Pass, Rename: o.rename, View: view, Progress: func(int) { _ = bar.Add(1) },
	})
	_ = bar.Clear()
	if err != nil {
		return err
	}
	for _, u := range scored.Unreadable {
		fmt.Fprintf(errs, "passfail: left out: %v\n", u.Err)
	}
	choice, err := o.choose(cfg, scored, aim)
	if err != nil {
		return err
	}
	r, err := o.makeReport(cfg, scored, choice)
	if err != nil {
		return err
	}
	taught, err := taughtBy(set, scored)
	if err != nil {
		return err
	}
	if taught {
		r.Warnings = append([]string{"These are the very pictures that taught the model: it knows them by heart, and these figures say nothing of other parts."}, r.Warnings...)
		fmt.Fprintf(errs, "passfail: warning: %s\n", r.Warnings[0])
	}
	r.Seconds = time.Since(began).Seconds()
	if o.report != "" {
		if err := o.writePage(ctx, cfg.Model.Threads, view, r); err != nil {
			return err
		}
	}
	if o.json {
		return o.printJSON(w, scored, choice, r)
	}
	return r.WriteText(w)
}

// taughtBy tells whether a model learnt from these very pictures, all of them or
// all that pass.
func taughtBy(set *dataset.Set, scored *scoring.Result) (bool, error) {
	if scored.Model.DataSet == "" {
		return false, nil
	}
	unreadable := map[string]bool{}
	for _, u := range scored.Unreadable {
		unreadable[u.Path] = true
	}
	readable := set.Without(func(i int) bool { return unreadable[set.Pictures[i].Path] })
	passing := readable.Without(func(i int) bool {
		return !slices.Contains(scored.Sample.Labels, readable.Labels[readable.Pictures[i].Label]) || slices.Contains(scored.Unlike, readable.Labels[readable.Pictures[i].Label])
	})
	for _, some := range []*dataset.Set{readable, passing} {
		digest, err := train.Digest(some)
		if err != nil || digest == scored.Model.DataSet {
			return err == nil, err
		}
	}
	return false, nil
}

// settings is the configuration, and what the threshold is to be chosen for.
func (o *evaluateOptions) settings() (*config.Config, evaluate.Aim, error) {
	aim := evaluate.Aim{MaxEscapes: float64(o.aim.MaxEscapes), BadShare: float64(o.aim.BadShare), EscapeCost: o.aim.EscapeCost}
	if err := aim.Check(); err != nil {
		return nil, aim, usageError{err}
	}
	if limit, cost := aim.MaxEscapes > 0, aim.EscapeCost > 0; limit && cost || o.threshold > 0 && (limit || cost) {
		return nil, aim, usageError{fmt.Errorf("--threshold, --max-escapes and --cost each say what the threshold is: give one of them")}
	}
	if aim.BadShare > 0 && aim.EscapeCost == 0 {
		return nil, aim, usageError{fmt.Errorf("--bad-share needs --cost")}
	}
	cfg := config.Default()
	if o.config != "" {
		var err error
		if cfg, err = config.Load(o.config); err != nil {
			return nil, aim, err
		}
	}
	if o.pass != nil {
		cfg.Decision.Pass = o.pass
	}
	return cfg, aim, nil
}

// choose is the threshold that was asked for.
func (o *evaluateOptions) choose(cfg *config.Config, r *scoring.Result, aim evaluate.Aim) (*evaluate.Choice, error) {
	if aim.MaxEscapes > 0 || aim.EscapeCost > 0 {
		return evaluate.Choose(r.Sample, aim)
	}
	threshold := float64(o.threshold)
	if threshold == 0 && o.config != "" && cfg.Decision.Threshold != nil {
		threshold = *cfg.Decision.Threshold
	}
	return evaluate.Weigh(r.Sample, cmp.Or(threshold, r.Model.Threshold, evaluate.DefaultThreshold))
}

// sheetLength is how many pictures a contact sheet holds.
const sheetLength = 24

func (o *evaluateOptions) makeReport(cfg *config.Config, scored *scoring.Result, choice *evaluate.Choice) (*report.Report, error) {
	s := scored.Sample
	e, err := report.NewEvaluation("pictures of "+o.dir, s, choice.Threshold)
	if err != nil {
		return nil, err
	}
	worst, err := evaluate.Worst(s, choice.Threshold, len(s.Pictures))
	if err != nil {
		return nil, err
	}
	mislabelled, err := evaluate.Mislabelled(s, choice.Threshold, sheetLength)
	if err != nil {
		return nil, err
	}
	r := &report.Report{
		Title: fmt.Sprintf("%s on %s", filepath.Base(o.model), filepath.Base(filepath.Clean(o.dir))),
		Made:  time.Now(), Program: "Passfail " + version,
		Model: report.Model{File: o.model, SHA256: scored.Model.SHA256, Bytes: scored.Model.Bytes, Input: scored.Model.Input, Labels: s.Labels, Pass: e.Figures.Pass},
		Data:  report.Data{Dir: o.dir, Parts: e.Figures.Parts},
		Test:  e, Threshold: choice,
		Mislabelled: report.NewPictures(mislabelled, nil), Worst: report.NewPictures(worst, nil),
	}
	for _, c := range e.Figures.Classes {
		r.Data.Labels = append(r.Data.Labels, report.Count{Label: c.Label, Pass: c.Pass, Pictures: c.Pictures})
	}
	for _, u := range scored.Unreadable {
		r.Data.Unreadable = append(r.Data.Unreadable, u.Path)
	}
	if limit := cfg.Decision.NoveltyLimit; scored.Model.Novelty && limit > 0 && cfg.Decision.Unlike == "fail" {
		guard, err := evaluate.NewGuard(s, choice.Threshold, limit)
		if err != nil {
			return nil, err
		}
		r.Novelty = &report.Novelty{How: "the model's own measure, of which 1 is its limit", Guard: *guard}
	}
	r.Warnings = o.warnings(scored, choice)
	if c := cfg.Decision.Confidence; c > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("The line also fails or passes parts by decision.confidence = %v; that is no part of these figures.", c))
	}
	return r, nil
}

func (o *evaluateOptions) warnings(scored *scoring.Result, choice *evaluate.Choice) []string {
	var list []string
	if n := len(scored.Unreadable); n > 0 {
		list = append(list, fmt.Sprintf("%d of %d pictures could not be read and are left out.", n, n+len(scored.Sample.Pictures)))
	}
	if len(scored.Unlike) > 0 {
		list = append(list, fmt.Sprintf("The model knows good parts only: %s count as %s.", strings.Join(scored.Unlike, ", "), model.UnlikeLabel))
	}
	if choice.Basis == evaluate.ByCost || choice.Basis == evaluate.ByLimit {
		list = append(list, "The threshold was chosen by these very pictures, so escapes and overkill may look a little better here than they are. Other pictures will tell.")
	}
	return list
}

// writePage writes the page of the report, with its contact sheets.
func (o *evaluateOptions) writePage(ctx context.Context, threads int, view capture.Settings, r *report.Report) error {
	c, err := model.Open(o.model, model.Options{Threads: threads})
	if err != nil {
		return err
	}
	defer c.Close()
	page := *r
	thumbnails := report.Thumbnails(ctx, view, c)
	bar := newProgress(len(page.Worst[:min(len(page.Worst), sheetLength)]) + len(page.Mislabelled))
	illustrate := func(list []report.Picture) []report.Picture {
		var suspects []evaluate.Suspect
		for _, p := range list[:min(len(list), sheetLength)] {
			suspects = append(suspects, p.Suspect)
		}
		return report.NewPictures(suspects, func(s evaluate.Suspect) ([]byte, []byte, error) {
			defer func() { _ = bar.Add(1) }()
			return thumbnails(s)
		})
	}
	page.Worst, page.Mislabelled = illustrate(r.Worst), illustrate(r.Mislabelled)
	_ = bar.Clear()
	if err := ctx.Err(); err != nil {
		return err
	}
	return atomicfile.Write(o.report, page.WriteHTML)
}

func (o *evaluateOptions) printJSON(w io.Writer, scored *scoring.Result, choice *evaluate.Choice, r *report.Report) error {
	out := evaluated{Model: o.model, Dir: o.dir, Figures: r.Test.Figures, Choice: choice, Novelty: r.Novelty, Unreadable: []string{}}
	suspects := func(list []report.Picture) []evaluate.Suspect {
		var s []evaluate.Suspect
		for _, p := range list {
			s = append(s, p.Suspect)
		}
		return s
	}
	out.Wrong, out.Mislabelled = wrongs(suspects(r.Worst)), wrongs(suspects(r.Mislabelled))
	for _, u := range scored.Unreadable {
		out.Unreadable = append(out.Unreadable, u.Path)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}
