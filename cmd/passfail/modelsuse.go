package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"passfail/atomicfile"
	"passfail/config"
	"passfail/model"
	"passfail/model/store"
)

func newModelsUse(o *storeOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "use ID",
		Short: "Activate a model, once it has passed its self-test",
		Long: `Opens a model, tests it, and activates it. A station that runs takes it between two
parts within a second. If it can't be opened, fails its self-test, or lacks the
labels that the configuration's decision names, nothing changes.`,
		Example: "  passfail models use a1b2c3",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			s, cfg, err := o.open()
			if err != nil {
				return err
			}
			return useModel(c.OutOrStdout(), s, cfg, list[0])
		},
	}
}

func useModel(w io.Writer, s *store.Store, cfg *config.Config, id string) error {
	v, err := findModel(s, id)
	if err != nil {
		return err
	}
	if err := v.Check(); err != nil {
		return err
	}
	if err := testModel(v.Model(), cfg); err != nil {
		return err
	}
	before, _ := s.Chosen() // only to be told
	if v, err = s.Use(v.ID); err != nil {
		return err
	}
	if before == "" || before == v.ID {
		before = "no other"
	}
	_, err = fmt.Fprintf(w, "%s is active (before: %s)\n", v.ID, before)
	return err
}

// testModel opens a model and has it test itself. With a configuration its labels
// must be those that the decision needs.
func testModel(path string, cfg *config.Config) error {
	c, err := model.Open(path, model.Options{Threads: 1})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SelfTest(); err != nil {
		return fmt.Errorf("model %s: %w", path, err)
	}
	if cfg == nil {
		return nil
	}
	if _, err := newJudge(cfg, c); err != nil {
		return fmt.Errorf("model %s: %w", path, err)
	}
	return nil
}

func newModelsRollback(o *storeOptions) *cobra.Command {
	return &cobra.Command{
		Use:     "rollback",
		Short:   "Activate the model that was active before; once more goes back further",
		Example: "  passfail models rollback",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			s, cfg, err := o.open()
			if err != nil {
				return err
			}
			return rollback(c.OutOrStdout(), s, cfg)
		},
	}
}

// rollback tests the model that it goes back to: the configuration may have
// changed since it judged.
func rollback(w io.Writer, s *store.Store, cfg *config.Config) error {
	list, err := s.Candidates()
	if err != nil {
		return err
	}
	for _, v := range list[1:] {
		if v.Check() != nil {
			continue // the store passes over it as well
		}
		if err := testModel(v.Model(), cfg); err != nil {
			return fmt.Errorf("%w\nanother one is activated by `passfail models use ID`", err)
		}
		break
	}
	v, err := s.Rollback()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s is active again\n", v.ID)
	return err
}

func newModelsRemove(o *storeOptions) *cobra.Command {
	return &cobra.Command{
		Use:     "rm ID…",
		Short:   "Remove models; the active one can't be",
		Example: "  passfail models rm 20261101 20261102",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			s, _, err := o.open()
			if err != nil {
				return err
			}
			var failures []error
			for _, id := range list {
				v, err := findModel(s, id)
				if err == nil {
					v, err = s.Remove(v.ID)
				}
				if err != nil {
					failures = append(failures, err)
					continue
				}
				fmt.Fprintf(c.OutOrStdout(), "%s is removed\n", v.ID)
			}
			return errors.Join(failures...)
		},
	}
}

func newModelsShow(o *storeOptions) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show what is kept of a model, and what is in its file",
		Example: "  passfail models show active",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			s, _, err := o.open()
			if err != nil {
				return err
			}
			v, err := findModel(s, list[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), v.Meta)
			}
			return showVersion(c.OutOrStdout(), s, v)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print what is kept as JSON")
	return c
}

func showVersion(w io.Writer, s *store.Store, v store.Version) error {
	if err := v.Check(); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	row := func(name, format string, a ...any) {
		if text := fmt.Sprintf(format, a...); text != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, text)
		}
	}
	row("id", "%s", v.ID)
	row("made", "%s", madeAt(v.Created))
	row("comment", "%s", v.Comment)
	row("base", "%s", v.Base)
	row("active before it", "%s", v.Parent)
	if d := v.DataSet; d != nil {
		row("data set", "%s", d.Path)
		row("data set's hash", "%s", d.Hash)
		row("pictures", "%s", countsText(d))
	}
	if f := v.Figures; f != nil {
		row("figures", "accuracy %s, F1 %s, AUC %s %s", share(f.Accuracy), share(f.F1), share(f.AUC), f.How)
	}
	history, _ := s.History() // what of it can be read
	times, last := 0, ""
	for _, a := range history {
		if a.ID == v.ID {
			times, last = times+1, madeAt(a.Time)
		}
	}
	if times > 0 {
		row("activated", "%s, last %s", counted(times, "time"), last)
	}
	for _, name := range fileNames(v) {
		row("kept", "%s", v.Path(name))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return showModel(w, v.Model())
}

func countsText(d *store.DataSet) string {
	var parts []string
	for l, n := range d.Labels {
		parts = append(parts, fmt.Sprintf("%s %d", l, n))
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		return fmt.Sprint(d.Pictures)
	}
	return fmt.Sprintf("%d: %s", d.Pictures, strings.Join(parts, ", "))
}

func fileNames(v store.Version) []string {
	var names []string
	for n := range v.Files {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func newModelsExport(o *storeOptions) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "export ID -o FILE",
		Short: "Copy a model out of the store",
		Example: `  passfail models export active -o flange.tflite
  passfail models export a1b2c3 -o /media/usb/flange.tflite`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			if out == "" {
				return usageError{errors.New("export: where to? Name a file with -o FILE")}
			}
			if err := checkModelTarget(out); err != nil {
				return err
			}
			s, _, err := o.open()
			if err != nil {
				return err
			}
			v, err := findModel(s, list[0])
			if err != nil {
				return err
			}
			return exportModel(c.OutOrStdout(), v, out)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "the file to write")
	return c
}

// exportModel copies a model, and what lies beside it because the model does not
// say it itself.
func exportModel(w io.Writer, v store.Version, out string) error {
	if err := v.Check(); err != nil {
		return err
	}
	beside, err := model.Companions(v.Model())
	if err != nil {
		return err
	}
	for _, path := range append(beside, v.Model()) { // the model last: it is whole when it is there
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(filepath.Dir(out), filepath.Base(path))
		if rest, ok := strings.CutPrefix(filepath.Base(path), store.ModelFile); ok {
			to = out + rest
		}
		if err := atomicfile.WriteBytes(to, b); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s written\n", to)
	}
	return nil
}
