package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"passfail/capture"
	"passfail/config"
	"passfail/evaluate"
	"passfail/line"
	"passfail/model"
	"passfail/model/store"
	"passfail/train/dataset"
)

func newModelsDiff(o *storeOptions) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "diff A B [DIR]",
		Short: "Which pictures do two models judge differently?",
		Long: `Judges pictures with two models, as the line would, and prints those of which the
verdicts or the labels differ. DIR is a folder of pictures, or a data set with a
folder for each label: then it also says how often each model was right, and whether
the difference could be chance (McNemar's test). Left out, it is the data set that B
was trained on; a model knows those pictures, so that shows differences, not quality.`,
		Example: `  passfail models diff a1b2c3 active parts/
  passfail models diff 20261123 20261124 --json`,
		Args: args(cobra.RangeArgs(2, 3)),
		RunE: func(c *cobra.Command, list []string) error {
			s, cfg, err := o.open()
			if err != nil {
				return err
			}
			if cfg == nil {
				cfg = config.Default()
			}
			d, err := newDiff(s, cfg, list)
			if err != nil {
				return err
			}
			defer d.close()
			if err := d.judge(c.Context()); err != nil {
				return err
			}
			if asJSON {
				err = printJSON(c.OutOrStdout(), d.report)
			} else {
				err = d.print(c.OutOrStdout())
			}
			return errors.Join(append(d.unread, err)...)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// diffReport is what --json prints.
type diffReport struct {
	A            string       `json:"a"`
	B            string       `json:"b"`
	Pictures     int          `json:"pictures"`
	OtherVerdict int          `json:"other_verdict"`
	OtherLabel   int          `json:"other_label"` // with the same verdict
	Right        *rightReport `json:"right,omitempty"`
	Differences  []difference `json:"differences"`
}

// rightReport says how often verdicts were right, where labels are known.
type rightReport struct {
	A     int             `json:"a"`
	B     int             `json:"b"`
	OnlyA int             `json:"only_a"`
	OnlyB int             `json:"only_b"`
	P     evaluate.Figure `json:"mcnemar_p"`
}

// difference is a picture that is judged differently.
type difference struct {
	File  string  `json:"file"`
	Truth string  `json:"truth,omitempty"` // its label, if known
	A     opinion `json:"a"`
	B     opinion `json:"b"`
}

// opinion is what one model says of a picture.
type opinion struct {
	Verdict string  `json:"verdict"`
	Label   string  `json:"label"`
	Score   float32 `json:"score"`
	Right   *bool   `json:"right,omitempty"`
}

// diff is a comparison of two models.
type diff struct {
	rule     line.Rule
	settings capture.Settings
	models   [2]*model.Classifier
	judges   [2]*line.Judge
	pictures []string
	truths   []string // a label for each picture; nil: not known
	report   diffReport
	unread   []error
	taught   bool // the pictures are those of B's training
}

func newDiff(s *store.Store, cfg *config.Config, list []string) (d *diff, err error) {
	d = &diff{}
	d.report.Differences = []difference{}
	var versions [2]store.Version
	for i := range versions {
		if versions[i], err = findModel(s, list[i]); err != nil {
			return nil, err
		}
	}
	d.report.A, d.report.B = versions[0].ID, versions[1].ID
	dir := ""
	if len(list) == 3 {
		dir = list[2]
	} else if set := versions[1].DataSet; set != nil && set.Path != "" {
		dir, d.taught = set.Path, true
	} else {
		return nil, usageError{fmt.Errorf("diff: it is not known which pictures %s was trained on; name a folder: diff A B DIR", versions[1].ID)}
	}
	if err := d.readFolder(dir, captureSettings(cfg)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	for i, v := range versions {
		if err := v.Check(); err != nil {
			return nil, err
		}
		if d.models[i], err = model.Open(v.Model(), model.Options{Threads: cfg.Model.Threads}); err != nil {
			return nil, err
		}
		d.rule = rule(cfg, d.models[i])
		d.rule.Vote = 1 // pictures have nothing to do with each other
		if d.judges[i], err = line.NewJudge(d.rule, d.models[i].Labels()); err != nil {
			return nil, fmt.Errorf("model %s: %w", v.ID, err)
		}
	}
	return d, nil
}

// readFolder lists a data set's pictures or, in a folder without folders, pictures.
func (d *diff) readFolder(dir string, station capture.Settings) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("diff: %w", err)
	}
	labelled := false
	for _, e := range entries {
		labelled = labelled || e.IsDir() && e.Name()[0] != '.'
	}
	if !labelled {
		d.settings = station
		d.pictures, err = capture.Pictures(dir)
		return err
	}
	set, err := dataset.List(dir, dataset.Options{MinLabels: 1})
	if err != nil {
		return err
	}
	if d.settings, err = set.Settings(station); err != nil {
		return err
	}
	for _, p := range set.Pictures {
		d.pictures, d.truths = append(d.pictures, p.Path), append(d.truths, set.Labels[p.Label])
	}
	return nil
}

func (d *diff) close() {
	for _, c := range d.models {
		if c != nil {
			c.Close()
		}
	}
}

func (d *diff) judge(ctx context.Context) error {
	bar := newProgress(len(d.pictures))
	for i, path := range d.pictures {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := d.picture(i); err != nil {
			d.unread = append(d.unread, fmt.Errorf("%s: %w", path, err))
		}
		_ = bar.Add(1) // it can't fail: it is told of as many as there are
	}
	_ = bar.Clear()
	if r := d.report.Right; r != nil {
		r.P = evaluate.McNemar(r.OnlyA, r.OnlyB)
	}
	return nil
}

func (d *diff) picture(i int) error {
	f, err := capture.ReadPicture(d.pictures[i], d.settings)
	if err != nil {
		return err
	}
	defer f.Close()
	row := difference{File: d.pictures[i]}
	for m, o := range []*opinion{&row.A, &row.B} {
		scores, err := d.models[m].Classify(&f.Image, f.ROI)
		if err != nil {
			return err
		}
		novelty, _ := d.models[m].Novelty()
		j := d.judges[m].JudgeNovel(scores, novelty)
		*o = opinion{Verdict: j.Verdict.String(), Label: j.Label, Score: j.Score}
	}
	d.report.Pictures++
	if d.truths != nil {
		row.Truth = d.truths[i]
		d.count(&row)
	}
	switch {
	case row.A.Verdict != row.B.Verdict:
		d.report.OtherVerdict++
	case row.A.Label != row.B.Label:
		d.report.OtherLabel++
	default:
		return nil
	}
	d.report.Differences = append(d.report.Differences, row)
	return nil
}

// count adds to how often each model was right: a part whose label passes should pass.
func (d *diff) count(row *difference) {
	if d.report.Right == nil {
		d.report.Right = &rightReport{}
	}
	r, want := d.report.Right, line.Fail
	if d.rule.Passes(row.Truth) {
		want = line.Pass
	}
	a, b := row.A.Verdict == want.String(), row.B.Verdict == want.String()
	row.A.Right, row.B.Right = &a, &b
	if a {
		r.A++
	}
	if b {
		r.B++
	}
	switch {
	case a && !b:
		r.OnlyA++
	case b && !a:
		r.OnlyB++
	}
}

func (d *diff) print(w io.Writer) error {
	r := d.report
	if len(r.Differences) > 0 {
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		fmt.Fprintf(t, "FILE\tTRUTH\tA: %s\tB: %s\n", r.A, r.B)
		for _, row := range r.Differences {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", row.File, orDash(row.Truth), row.A, row.B)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if d.taught {
		fmt.Fprintf(w, "These are the pictures of B's training, which it knows by heart: other ones tell which is better (models diff A B DIR).\n")
	}
	fmt.Fprintf(w, "%d pictures: %d with another verdict, %d more with another label\n", r.Pictures, r.OtherVerdict, r.OtherLabel)
	if c := r.Right; c != nil {
		fmt.Fprintf(w, "right: A %d (%s), B %d (%s); only A %d, only B %d; McNemar's test p = %.3f\n", c.A, percent(c.A, r.Pictures), c.B, percent(c.B, r.Pictures),
			c.OnlyA, c.OnlyB, float64(c.P))
		switch {
		case c.OnlyA == c.OnlyB:
			fmt.Fprintln(w, "Neither judges better on these pictures.")
		case c.P < 0.05:
			fmt.Fprintf(w, "%s judges better on these pictures; that is hardly chance.\n", map[bool]string{true: "A", false: "B"}[c.OnlyA > c.OnlyB])
		default:
			fmt.Fprintln(w, "The difference may well be chance.")
		}
	}
	return nil
}

// String is such as "fail scratch 0.981".
func (o opinion) String() string {
	s := fmt.Sprintf("%s %s %.3f", o.Verdict, o.Label, o.Score)
	if o.Right != nil && !*o.Right {
		s += " (wrong)"
	}
	return s
}

func percent(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}
