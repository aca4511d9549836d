package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gocv.io/x/gocv"

	"passfail/atomicfile"
	"passfail/capture"
	"passfail/config"
	"passfail/model"
	"passfail/model/explain"
)

func newExplain() *cobra.Command {
	var o explainOptions
	c := &cobra.Command{
		Use:   "explain MODEL IMAGE…",
		Short: "Show where in a picture a model finds what it says",
		Long: `Writes explained/IMAGE-explained.png for each picture (or each of a folder): orange
where the picture speaks for the label, blue where it speaks against it. A white line
goes around what speaks for it most. Any model that Passfail can run can be explained:
the picture is hidden piece by piece, and the map shows how the score suffers.

Files named so are taken for pictures of parts nowhere, wherever they lie.`,
		Example: `  passfail explain model.tflite part.jpg
  passfail explain model.tflite --label scratch -o heat/ parts/`,
		Args: args(cobra.MinimumNArgs(2)),
		RunE: func(c *cobra.Command, list []string) error {
			return o.run(c.Context(), c.OutOrStdout(), list[0], list[1:])
		},
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", "", "a station's configuration, for its rotation and region of interest")
	f.StringVar(&o.label, "label", "", "the label to explain (default: the likeliest of each picture)")
	f.StringVarP(&o.out, "out", "o", "explained", "the folder to write to")
	return c
}

type explainOptions struct{ config, label, out string }

func (o *explainOptions) run(ctx context.Context, w io.Writer, path string, files []string) error {
	cfg := config.Default()
	if o.config != "" {
		var err error
		if cfg, err = config.Load(o.config); err != nil {
			return err
		}
	}
	c, err := model.Open(path, model.Options{Threads: cfg.Model.Threads})
	if err != nil {
		return err
	}
	defer c.Close()
	label := -1
	if o.label != "" {
		if label = slices.Index(c.Labels(), o.label); label < 0 {
			return fmt.Errorf("--label: the model has no label %q; its labels are: %s", o.label, strings.Join(c.Labels(), ", "))
		}
	}
	if files, err = expand(files); err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	e := &explaining{view: captureSettings(cfg), classifier: c, label: label, out: o.out, taken: map[string]bool{}}
	var failures []error
	for i, f := range files {
		line, err := e.file(ctx, f)
		if ctx.Err() != nil {
			return fmt.Errorf("explain: interrupted; %d of %d pictures were explained", i-len(failures), len(files))
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

// explaining is one run of explain.
type explaining struct {
	view       capture.Settings
	classifier *model.Classifier
	label      int
	out        string
	taken      map[string]bool // what was written to out
}

// file explains a picture and returns what is to be printed of it.
func (e *explaining) file(ctx context.Context, path string) (string, error) {
	f, err := capture.ReadPicture(path, e.view)
	if err != nil {
		return "", err
	}
	defer f.Close()
	scores, err := e.classifier.Classify(&f.Image, f.ROI)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	var list []string
	for _, p := range e.classifier.Top(scores, 3, nil) {
		list = append(list, fmt.Sprintf("%s %.3f", p.Label, p.Score))
	}
	m, err := explain.Occlusion(ctx, e.classifier, &f.Image, f.ROI, e.label, explain.Fine)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	target := e.target(path)
	overlay, err := m.Overlay(&f.Image, f.ROI)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	defer overlay.Close()
	png, err := gocv.IMEncode(gocv.PNGFileExt, overlay)
	if err != nil {
		return "", fmt.Errorf("%s: %w", target, err)
	}
	defer png.Close()
	err = atomicfile.WriteBytes(target, png.GetBytes())
	return fmt.Sprintf("%s  %s  →  %s", path, strings.Join(list, "  "), target), err
}

// target is where a picture's overlay goes: in a folder for all of them, pictures
// of the same name are told apart by their own folder's, and by a number.
func (e *explaining) target(path string) string {
	dir, file := filepath.Split(path)
	name := strings.TrimSuffix(file, filepath.Ext(file))
	for n := 1; ; n++ {
		t := filepath.Join(e.out, name+capture.ExplainedSuffix)
		if !e.taken[t] {
			e.taken[t] = true
			return t
		}
		if name = filepath.Base(filepath.Clean(dir)) + "-" + name; n > 1 {
			name = fmt.Sprintf("%d-%s", n, name)
		}
	}
}
