package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"passfail/capture"
	"passfail/config"
	"passfail/train/dataset"
)

func newDataset() *cobra.Command {
	c := &cobra.Command{
		Use:     "dataset",
		Short:   "Look after a folder of labelled pictures",
		Example: `  passfail dataset check pictures`,
		Args:    args(cobra.NoArgs),
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(newDatasetCheck())
	return c
}

func newDatasetCheck() *cobra.Command {
	var o datasetOptions
	c := &cobra.Command{
		Use:   "check DIR",
		Short: "Look for what is wrong with labelled pictures before training from them",
		Long: `Reads every picture of a data set, a folder with a folder of pictures for each
label, and tells how many there are and what should be looked at: files that can't
be read, the same picture twice or under two labels, several pictures of one part,
blurred and badly exposed ones, odd sizes, labels with too few parts.

Pictures are looked at whole. With --config they are turned and cut as the station
does, unless passfail capture did so when it took them. The exit code is 1 if
training could not work with them.`,
		Example: `  passfail dataset check pictures
  passfail dataset check --config config.toml pictures
  passfail dataset check --json pictures > findings.json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			return o.check(c.Context(), c.OutOrStdout(), list[0])
		},
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", "", "turn and cut pictures as this configuration says")
	f.BoolVar(&o.json, "json", false, "print JSON, with all files")
	f.BoolVar(&o.goodOnly, "good-only", false, "one label is enough: the pictures are for training from good parts alone")
	return c
}

type datasetOptions struct {
	config         string
	json, goodOnly bool
}

func (o datasetOptions) check(ctx context.Context, w io.Writer, dir string) error {
	var list dataset.Options
	if o.goodOnly {
		list.MinLabels = 1
	}
	set, err := dataset.List(dir, list)
	if err != nil {
		return err
	}
	var view capture.Settings
	if o.config != "" {
		cfg, err := config.Load(o.config)
		if err != nil {
			return err
		}
		if view, err = set.Settings(captureSettings(cfg)); err != nil {
			return err
		}
	}
	bar := newProgress(len(set.Pictures))
	sights, err := set.Examine(ctx, view, func(done int) { _ = bar.Set(done) }) // it can't fail: it was told how many
	_ = bar.Clear()
	if err != nil {
		return err
	}
	r, err := set.Check(ctx, sights)
	if err != nil {
		return err
	}
	if o.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = printReport(w, r)
	}
	if err == nil && !r.Usable {
		return errReported
	}
	return err
}

// shown is how many files of a finding are named.
const shown = 10

func printReport(w io.Writer, r *dataset.Report) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "pictures\tparts\t  label")
	pictures, parts := 0, 0
	for _, l := range r.Labels {
		pictures, parts = pictures+l.Pictures, parts+l.Parts
		fmt.Fprintf(t, "%d\t%d\t  %s\n", l.Pictures, l.Parts, l.Label)
	}
	fmt.Fprintf(t, "%d\t%d\t  in all\n", pictures, parts)
	if err := t.Flush(); err != nil {
		return err
	}
	grave := 0
	var b strings.Builder
	for _, f := range r.Findings {
		mark := "warn"
		if f.Grave {
			mark = "FAIL"
			grave++
		}
		fmt.Fprintf(&b, "\n%s  %s\n      %s\n", mark, f.Text, f.Advice)
		printFiles(&b, r.Dir, f.Files)
	}
	switch {
	case grave > 0:
		fmt.Fprintf(&b, "\n%s to do before training can work.\n", counted(grave, "thing"))
	case len(r.Findings) > 0:
		fmt.Fprintf(&b, "\nTraining can work; %s to look at.\n", counted(len(r.Findings), "thing"))
	default:
		fmt.Fprintln(&b, "\nTraining can work; nothing was found.")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printFiles names some of a finding's files; those that belong together share a
// line.
func printFiles(b *strings.Builder, dir string, files []dataset.File) {
	for i, f := range files {
		if i == shown && len(files) > shown+1 {
			fmt.Fprintf(b, "\n        and %d more", len(files)-i)
			break
		}
		name := f.Path
		if rel, err := filepath.Rel(dir, f.Path); err == nil {
			name = rel
		}
		if i > 0 && f.With > 0 && f.With == files[i-1].With {
			b.WriteString("  =  ")
		} else {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString("        ")
		}
		b.WriteString(name)
		if f.Detail != "" {
			b.WriteString(": " + f.Detail)
		}
	}
	if len(files) > 0 {
		b.WriteByte('\n')
	}
}
