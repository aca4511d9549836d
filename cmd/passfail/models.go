package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"passfail/config"
	"passfail/model/store"
)

func newModels() *cobra.Command {
	var o storeOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "models",
		Short: "The trained models that are kept: list, activate, take back, compare, remove",
		Long: `Lists every model in the station's store with what it was trained on and how well
it judged. The active one has a star; a station that runs takes another one between
two parts as soon as it is activated.

A model is named by its id, by the beginning of it, or by the beginning of the
hash in it, as long as only one is meant; "active" is the active one.`,
		Example: `  passfail models
  passfail models use 20261124-2315
  passfail models rollback
  passfail models diff a1b2c3 active parts/
  passfail models --store /var/lib/passfail/models --json`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			s, _, err := o.open()
			if err != nil {
				return err
			}
			return listModels(c.OutOrStdout(), s, asJSON)
		},
	}
	c.PersistentFlags().StringVar(&o.dir, "store", "", "the folder of the models, instead of the configuration's")
	c.PersistentFlags().StringVarP(&o.config, "config", "c", "", "the station's configuration (default config.toml, unless --store is given)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(newModelsUse(&o), newModelsRollback(&o), newModelsAdd(&o), newModelsShow(&o), newModelsExport(&o), newModelsRemove(&o), newModelsDiff(&o))
	return c
}

// storeOptions say which store is meant.
type storeOptions struct{ dir, config string }

// open opens the store, and returns the configuration or, if none was meant, nil.
func (o storeOptions) open() (*store.Store, *config.Config, error) {
	if o.dir != "" && o.config == "" {
		s, err := openStore(o.dir)
		return s, nil, err
	}
	path := o.config
	if path == "" {
		path = configFile
	}
	cfg, err := config.Load(path)
	if err != nil {
		if o.config == "" && errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("%w, or the models' folder with --store DIR", err)
		}
		return nil, nil, err
	}
	dir := o.dir
	if dir == "" {
		if cfg.Model.Store == "" {
			return nil, nil, fmt.Errorf(`%s: the model is the file model.file = %q; for models that are kept write store = "models" instead of it, or name their folder with --store DIR`, path, cfg.Model.File)
		}
		dir = cfg.Path(cfg.Model.Store)
	}
	s, err := openStore(dir)
	return s, cfg, err
}

// openStore opens a store whose versions are dated by SOURCE_DATE_EPOCH, in seconds since 1970, where that is set: so two images
// of the same sources hold the same.
func openStore(dir string) (*store.Store, error) {
	s, err := store.Open(dir)
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if err != nil || text == "" {
		return s, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH=%q: whole seconds since 1970 expected; unset it to date by the clock", text)
	}
	s.Now = func() time.Time { return time.Unix(seconds, 0) }
	return s, nil
}

// findModel finds a version, by "active" too.
func findModel(s *store.Store, id string) (store.Version, error) {
	if id != "active" {
		return s.Find(id)
	}
	a, err := s.Active()
	return a.Version, err
}

// listed is a model, as --json prints it.
type listed struct {
	Active  bool   `json:"active"`
	Damaged string `json:"damaged,omitempty"`
	store.Meta
}

func listModels(w io.Writer, s *store.Store, asJSON bool) error {
	list, err := s.List()
	if err != nil {
		return err
	}
	active, err := s.Active()
	switch {
	case errors.Is(err, store.ErrNoneActive) && active.Chosen == "":
	case err != nil:
		fmt.Fprintf(os.Stderr, "passfail: %v\n", err)
	case active.Fault != nil:
		fmt.Fprintf(os.Stderr, "passfail: %v\npassfail: %s, which was active before, is used\n", active.Fault, active.ID)
	}
	if asJSON {
		all := []listed{}
		for _, v := range list {
			l := listed{Active: v.ID == active.ID, Meta: v.Meta}
			if v.Damaged != nil {
				l.Damaged = v.Damaged.Error()
			}
			all = append(all, l)
		}
		return printJSON(w, all)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintf(w, "No models in %s yet. `passfail models add FILE` keeps one.\n", s.Dir())
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, " \tID\tMADE\tBASE\tPICTURES\tACCURACY\tAUC\tCOMMENT")
	for _, v := range list {
		mark := " "
		if v.ID == active.ID {
			mark = "*"
		}
		comment := v.Comment
		if v.Damaged != nil {
			mark, comment = "!", "DAMAGED: "+v.Damaged.Error()
		}
		pictures, accuracy, auc := "-", "-", "-"
		if v.DataSet != nil {
			pictures = strconv.Itoa(v.DataSet.Pictures)
		}
		if f := v.Figures; f != nil {
			accuracy, auc = share(f.Accuracy), share(f.AUC)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", mark, v.ID, madeAt(v.Created), orDash(v.Base), pictures, accuracy, auc, strings.ReplaceAll(comment, "\n", " "))
	}
	return t.Flush()
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// madeAt is a time in the station's own zone.
func madeAt(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func share(f *float64) string {
	if f == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *f)
}
