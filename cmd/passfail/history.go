package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"passfail/atomicfile"
	"passfail/config"
	"passfail/history"
)

func newHistory() *cobra.Command {
	o := historyOptions{filter: map[string]*string{}}
	c := &cobra.Command{
		Use:   "history",
		Short: "What was inspected: list, filter, correct and export it",
		Long: `Lists the parts that the station inspected, the newest first. It may run while the
station does. Times are a day (2026-11-25), a moment ("2026-11-25 14:30"), a time of
today (14:30), today, yesterday, or how long ago (8h, 7d).

--export copies the pictures that were kept into a folder, or into an archive if its
name ends in .zip. With --by-class they lie in a folder for each label, as passfail
train takes them: the label that a person gave, or else the one that the model gave.
To train, look through them first: a model learns nothing from its own mistakes.`,
		Example: `  passfail history --limit 20
  passfail history --verdict fail --from today
  passfail history --unsure yes --from 7d --json
  passfail history --from 2026-11-01 --to 2026-12-01 --csv > november.csv
  passfail history --export pictures --by-class --from 7d
  passfail history correct 1234 good
  passfail history counters`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return o.list(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), c.Flags().Changed("limit"))
		},
	}
	c.PersistentFlags().StringVar(&o.dir, "dir", "", "the folder of the history, instead of the configuration's")
	c.PersistentFlags().StringVarP(&o.config, "config", "c", configFile, "the station's configuration")
	f := c.Flags()
	for _, k := range []struct{ key, help string }{
		{"from", "parts from this time on"},
		{"to", "parts before this time"},
		{"verdict", "pass or fail"},
		{"label", "the label: that a person gave, or else the model's"},
		{"product", "the product"},
		{"model", "the model that judged"},
		{"reason", "why: judged, late, unseen, error, neighbour"},
		{"unsure", "yes: the model was unsure; no: it was not"},
		{"unlike", "yes: unlike all that the model knows; no: not"},
		{"corrected", "yes: a person gave a label; no: none did"},
		{"min_score", "the label's score is at least this, 0 to 1"},
		{"max_score", "the label's score is at most this, 0 to 1"},
		{"before", "parts recorded before the one with this ID: the next page"},
	} {
		o.filter[k.key] = f.String(strings.ReplaceAll(k.key, "_", "-"), "", k.help)
	}
	f.IntVar(&o.limit, "limit", 50, "so many parts at most, 0: all; an export has all unless this is given")
	f.BoolVar(&o.json, "json", false, "print JSON, an object a line")
	f.BoolVar(&o.csv, "csv", false, "print CSV, with a header")
	f.StringVar(&o.export, "export", "", "copy pictures into this folder or .zip file")
	f.BoolVar(&o.byClass, "by-class", false, "with --export: a folder for each label")
	c.MarkFlagsMutuallyExclusive("json", "csv", "export")
	c.AddCommand(newHistoryCorrect(&o), newHistoryCounters(&o))
	return c
}

type historyOptions struct {
	dir, config        string
	filter             map[string]*string // by key of history.Filter.Set
	limit              int
	json, csv, byClass bool
	export             string
}

func (o *historyOptions) open() (*history.Reader, error) {
	dir := o.dir
	if dir == "" {
		cfg, err := config.Load(o.config)
		if err != nil {
			return nil, fmt.Errorf("%w\nor name the history's folder with --dir DIR", err)
		}
		if cfg.History.Folder == "" {
			return nil, fmt.Errorf(`%s: no history is kept; write folder = "history" in its section [history], or name a folder with --dir DIR`, o.config)
		}
		dir = cfg.Path(cfg.History.Folder)
	}
	return history.OpenReader(dir)
}

// chosen is the filter that the flags are.
func (o *historyOptions) chosen(now time.Time) (history.Filter, error) {
	f := history.Filter{Limit: o.limit}
	if o.limit < 0 {
		return f, usageError{fmt.Errorf("history: --limit %d: it can't be negative", o.limit)}
	}
	for key, v := range o.filter {
		if *v == "" {
			continue
		}
		if err := f.Set(key, *v, now); err != nil {
			return f, usageError{fmt.Errorf("history: --%s", strings.Replace(err.Error(), key, strings.ReplaceAll(key, "_", "-"), 1))}
		}
	}
	return f, nil
}

func (o *historyOptions) list(ctx context.Context, out, notes io.Writer, limited bool) error {
	f, err := o.chosen(time.Now())
	if err != nil {
		return err
	}
	if o.byClass && o.export == "" {
		return usageError{fmt.Errorf("history: --by-class goes with --export DIR")}
	}
	if (o.csv || o.export != "") && !limited {
		f.Limit = 0
	}
	r, err := o.open()
	if err != nil {
		return err
	}
	defer r.Close()
	switch {
	case o.export != "":
		return o.exportTo(ctx, r, f, notes)
	case o.csv:
		_, err := r.WriteCSV(ctx, out, f)
		return err
	case o.json:
		e := json.NewEncoder(out)
		return r.Rows(ctx, f, func(row *history.Row) error { return e.Encode(jsonPart(row)) })
	}
	return printParts(ctx, out, r, f)
}

func (o *historyOptions) exportTo(ctx context.Context, r *history.Reader, f history.Filter, notes io.Writer) error {
	var e history.Exported
	var err error
	if strings.HasSuffix(o.export, ".zip") {
		if _, err := os.Lstat(o.export); err == nil {
			return fmt.Errorf("%s is there already; name another file, or remove it", o.export)
		}
		err = atomicfile.Write(o.export, func(w io.Writer) (err error) {
			e, err = r.ExportZip(ctx, w, f, o.byClass)
			return err
		})
	} else {
		e, err = r.ExportFolder(ctx, o.export, f, o.byClass)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(notes, "%s in %s\n", counted(e.Pictures, "picture"), o.export)
	if e.Gone > 0 {
		fmt.Fprintf(notes, "%s made room for others meanwhile\n", counted(e.Gone, "picture"))
	}
	return nil
}

func printParts(ctx context.Context, out io.Writer, r *history.Reader, f history.Filter) error {
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tTIME\tPRODUCT\tVERDICT\tLABEL\tSCORE\tMS\tNOTE\tPICTURE")
	n := 0
	err := r.Rows(ctx, f, func(row *history.Row) error {
		n++
		score := "-"
		if row.Label != "" && !math.IsNaN(float64(row.Score)) {
			score = fmt.Sprintf("%.3f", row.Score)
		}
		_, err := fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%.1f\t%s\t%s\n", row.ID, row.Time.Local().Format("2006-01-02 15:04:05"), orDash(row.Product),
			row.Verdict(), orDash(row.Label), score, milliseconds(row.Latency), orDash(notesOn(row)), orDash(row.Picture))
		return err
	})
	if err != nil {
		return err
	}
	if n == 0 {
		_, err := fmt.Fprintln(out, "No part matches.")
		return err
	}
	return t.Flush()
}

// notesOn are what is out of the ordinary about a part.
func notesOn(r *history.Row) string {
	var list []string
	if r.Corrected != "" {
		list = append(list, "is "+r.Corrected)
	}
	if r.Reason != history.Judged {
		list = append(list, r.Reason.String())
	}
	if r.Error != "" {
		list = append(list, strings.ReplaceAll(r.Error, "\n", " "))
	}
	if r.Unsure {
		list = append(list, "unsure")
	}
	if r.Unlike {
		list = append(list, "unlike")
	}
	return strings.Join(list, ", ")
}

// partJSON is a part, as --json prints it. Scores that are no number are null.
type partJSON struct {
	ID        int64      `json:"id"`
	Time      time.Time  `json:"time"`
	Number    uint64     `json:"number"`
	Product   string     `json:"product,omitempty"`
	Model     string     `json:"model,omitempty"`
	Verdict   string     `json:"verdict"`
	Label     string     `json:"label,omitempty"`
	Score     *float32   `json:"score"`
	PassScore *float32   `json:"pass_score"`
	Novelty   *float32   `json:"novelty"`
	Unsure    bool       `json:"unsure"`
	Unlike    bool       `json:"unlike"`
	Reason    string     `json:"reason"`
	Error     string     `json:"error,omitempty"`
	LatencyMS float64    `json:"latency_ms"`
	StagesMS  stagesJSON `json:"stages_ms"`
	Picture   string     `json:"picture,omitempty"`
	Hash      string     `json:"hash,omitempty"`
	Corrected string     `json:"corrected,omitempty"`
}

type stagesJSON struct {
	Decode float64 `json:"decode"`
	Load   float64 `json:"load"`
	Invoke float64 `json:"invoke"`
	Decide float64 `json:"decide"`
	Pins   float64 `json:"pins"`
}

func jsonPart(r *history.Row) partJSON {
	number := func(v float32) *float32 {
		if math.IsNaN(float64(v)) {
			return nil
		}
		return &v
	}
	s := r.Stages
	p := partJSON{
		ID: r.ID, Time: r.Time.UTC(), Number: r.Number, Product: r.Product, Model: r.Model, Verdict: r.Verdict(), Label: r.Label,
		Score: number(r.Score), PassScore: number(r.PassScore), Novelty: number(r.Novelty), Unsure: r.Unsure, Unlike: r.Unlike,
		Reason: r.Reason.String(), Error: r.Error, LatencyMS: milliseconds(r.Latency), Picture: r.Picture, Corrected: r.Corrected,
		StagesMS: stagesJSON{milliseconds(s.Decode), milliseconds(s.Load), milliseconds(s.Invoke), milliseconds(s.Decide), milliseconds(s.Pins)},
	}
	if r.Picture != "" {
		p.Hash = fmt.Sprintf("%016x", r.Hash)
	}
	return p
}

func newHistoryCorrect(o *historyOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "correct ID LABEL",
		Short: "Note the label that a part really has",
		Long: `Notes the label that an inspected part really has. Corrected parts are kept longest,
and an export by class puts their pictures where they belong.`,
		Example: `  passfail history correct 1234 good
  passfail history correct 1234 ""         # take it back`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, list []string) error {
			id, err := strconv.ParseInt(list[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("history correct: ID %q: a number is needed, from the first column of passfail history", list[0])}
			}
			r, err := o.open()
			if err != nil {
				return err
			}
			defer r.Close()
			return r.Correct(c.Context(), id, list[1])
		},
	}
}

func newHistoryCounters(o *historyOptions) *cobra.Command {
	var shifts int
	var asJSON bool
	c := &cobra.Command{
		Use:     "counters",
		Short:   "What was counted: ever, and in the last shifts",
		Example: "  passfail history counters\n  passfail history counters --shifts 21 --json",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if shifts < 0 {
				return usageError{fmt.Errorf("history counters: --shifts %d: it can't be negative", shifts)}
			}
			r, err := o.open()
			if err != nil {
				return err
			}
			defer r.Close()
			list, err := r.Counters(c.Context(), shifts)
			if err != nil {
				return err
			}
			return printCounters(c.OutOrStdout(), list, asJSON)
		},
	}
	c.Flags().IntVar(&shifts, "shifts", 3, "so many shifts, the newest first")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// countersJSON is what was counted of a product in a shift.
type countersJSON struct {
	Shift    *time.Time        `json:"shift"` // when it began; null: ever
	Product  string            `json:"product"`
	Counters map[string]uint64 `json:"counters"`
	Labels   map[string]uint64 `json:"failed_by_label"`
}

func printCounters(w io.Writer, list []history.Shift, asJSON bool) error {
	if asJSON {
		all := []countersJSON{}
		for _, s := range list {
			for _, c := range s.Counts {
				j := countersJSON{Product: c.Product, Counters: map[string]uint64{}, Labels: c.Labels}
				if !s.Began.IsZero() {
					j.Shift = &s.Began
				}
				for k := range history.NumCounters {
					j.Counters[k.String()] = c.N[k]
				}
				all = append(all, j)
			}
		}
		return printJSON(w, all)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "SINCE\tPRODUCT\tCOUNTER\tN")
	for _, s := range list {
		since := "ever"
		if !s.Began.IsZero() {
			since = s.Began.Local().Format("2006-01-02 15:04")
		}
		for _, c := range s.Counts {
			for k := range history.NumCounters {
				if c.N[k] > 0 || k <= history.Failed {
					fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", since, orDash(c.Product), k, c.N[k])
				}
				if k == history.Failed {
					for _, l := range slices.Sorted(maps.Keys(c.Labels)) {
						fmt.Fprintf(t, "%s\t%s\t  %s\t%d\n", since, orDash(c.Product), orDash(l), c.Labels[l])
					}
				}
			}
		}
	}
	return t.Flush()
}
