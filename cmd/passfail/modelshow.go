package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"passfail/model"
	"passfail/model/graph"
)

func newModel() *cobra.Command {
	c := &cobra.Command{Use: "model", Short: "Look into model files", Args: args(cobra.NoArgs)}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(&cobra.Command{
		Use:     "show FILE",
		Short:   "Show what is in a model file: input, labels, outputs, provenance",
		Example: "  passfail model show demo/model.tflite",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			return showModel(c.OutOrStdout(), list[0])
		},
	})
	return c
}

func showModel(w io.Writer, path string) error {
	b, err := model.ReadFile(path)
	if err != nil {
		return err
	}
	d, err := model.Describe(path, b)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	row := func(name string, format string, a ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, a...))
	}
	row("file", "%s, %d bytes", path, len(b))
	row("sha256", "%x", sha256.Sum256(b))
	if m := d.File.Metadata; m != nil {
		for _, e := range []struct{ name, value string }{
			{"name", m.Name}, {"description", m.Description}, {"version", m.Version}, {"author", m.Author}, {"licence", m.License},
		} {
			if e.value != "" {
				row(e.name, "%s", strings.ReplaceAll(e.value, "\n", " "))
			}
		}
	}
	row("input", "%v", d.Input)
	if d.Labels != nil {
		row("labels", "%s", strings.Join(d.Labels, ", "))
	} else {
		row("labels", "none: a base network, to be trained")
	}
	for _, o := range d.Outputs {
		row("output", "%s %v %v", o.Name, o.Type, o.Shape)
	}
	row("operators", "%s", strings.Join(d.File.Model.Operators(), ", "))
	for _, p := range d.File.Packed {
		row("packed", "%s, %d bytes", p.Name, len(p.Data))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return showEntries(w, d.File)
}

// showEntries prints what Passfail itself wrote into the file.
func showEntries(w io.Writer, f *graph.File) error {
	for _, e := range f.Model.Metadata {
		if !strings.HasPrefix(e.Name, "PASSFAIL_") {
			continue
		}
		var pretty bytes.Buffer
		if json.Indent(&pretty, f.Entry(e.Name), "", "  ") != nil {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s\n%s\n", e.Name, pretty.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
