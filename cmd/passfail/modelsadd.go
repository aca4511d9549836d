package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"passfail/model"
	"passfail/model/base"
	"passfail/model/graph"
	"passfail/model/store"
)

func newModelsAdd(o *storeOptions) *cobra.Command {
	var comment string
	var use bool
	c := &cobra.Command{
		Use:   "add FILE",
		Short: "Keep a model file in the store",
		Long: `Opens a .tflite classifier, tests it, and keeps a copy in the store. What it says of
its training goes into the list. A sidecar, and the labels file that it names, are
kept with it. The model is not activated unless --use is given.`,
		Example: `  passfail models add flange.tflite --comment "new lamp"
  passfail models add --store models flange.tflite --use`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			s, cfg, err := o.open()
			if err != nil {
				return err
			}
			v, err := addModel(s, list[0], comment)
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			fmt.Fprintf(w, "%s is kept in %s\n", v.ID, s.Dir())
			if use {
				return useModel(w, s, cfg, v.ID)
			}
			_, err = fmt.Fprintf(w, "`passfail models use %s` activates it\n", v.ID)
			return err
		},
	}
	c.Flags().StringVar(&comment, "comment", "", "a note for the list")
	c.Flags().BoolVar(&use, "use", false, "activate it, too")
	return c
}

// addModel keeps a model that runs. Whether it fits the configuration is asked
// when it is activated: that may change until then.
func addModel(s *store.Store, path, comment string) (store.Version, error) {
	b, err := model.ReadFile(path)
	if err != nil {
		return store.Version{}, err
	}
	if err := testModel(path, nil); err != nil {
		return store.Version{}, err
	}
	f, err := graph.Parse(b)
	if err != nil {
		return store.Version{}, fmt.Errorf("model %s: %w", path, err)
	}
	m := metaOf(f)
	m.Comment = comment
	if active, err := s.Active(); err == nil {
		m.Parent = active.ID
	}
	beside, err := model.Companions(path)
	if err != nil {
		return store.Version{}, err
	}
	files := map[string][]byte{}
	for _, p := range beside {
		name := filepath.Base(p)
		if rest, ok := strings.CutPrefix(name, filepath.Base(path)); ok {
			name = store.ModelFile + rest // the sidecar is named like the model
		}
		if files[name], err = os.ReadFile(p); err != nil {
			return store.Version{}, err
		}
	}
	return s.Add(b, m, files)
}

// metaOf is what a model file that Passfail trained says of itself; of others it
// is empty.
func metaOf(f *graph.File) store.Meta {
	var trained struct {
		Examples map[string]int `json:"examples"`
		Base     struct {
			Name string `json:"name"`
		} `json:"base"`
	}
	var m store.Meta
	if entry := f.Entry("PASSFAIL_MODEL"); entry != nil && json.Unmarshal(entry, &trained) == nil && len(trained.Examples) > 0 {
		m.DataSet = &store.DataSet{Labels: trained.Examples}
		for _, n := range trained.Examples {
			m.DataSet.Pictures += n
		}
	}
	if m.Base = trained.Base.Name; m.Base == "" {
		if entry := f.Entry(base.Entry); entry != nil && json.Unmarshal(entry, &trained.Base) == nil {
			m.Base = trained.Base.Name
		}
	}
	return m
}
