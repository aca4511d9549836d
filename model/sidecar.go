package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// Sidecar says what a model made by another tool does not say itself. It is a
// TOML file beside the model, named like it with ".toml" added. It can't
// contradict the model: what both say is an error.
type Sidecar struct {
	Mean       []float32 `toml:"mean"`
	Std        []float32 `toml:"std"`
	Color      Color     `toml:"color"`
	Labels     []string  `toml:"labels"`
	LabelsFile string    `toml:"labels_file"` // relative to the sidecar; a label a line
	Scores     string    `toml:"scores"`      // "probabilities" (default) or "logits"

	path string
}

// errUndescribed: the model does not say how it is to be fed or what its
// scores mean. describeError makes the message of it.
var errUndescribed = errors.New("undescribed")

func sidecarPath(modelPath string) string { return modelPath + ".toml" }

// readSidecar reads the file beside a model; nil when there is none.
func readSidecar(modelPath string) (*Sidecar, error) {
	path := sidecarPath(modelPath)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := parseSidecar(string(text), path)
	if err != nil {
		return nil, err
	}
	if s.LabelsFile != "" {
		name := filepath.Join(filepath.Dir(path), s.LabelsFile)
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("%s: labels_file: %w", path, err)
		}
		for line := range strings.Lines(strings.TrimRight(string(text), "\n\r ")) {
			s.Labels = append(s.Labels, strings.TrimSpace(line))
		}
		s.Labels = withoutNumbers(s.Labels)
	}
	return s, nil
}

// withoutNumbers takes the numbers off labels that are numbered from 0, as
// Teachable Machine writes them: "0 good", "1 bad".
func withoutNumbers(labels []string) []string {
	var bare []string
	for i, l := range labels {
		name, numbered := strings.CutPrefix(l, fmt.Sprintf("%d ", i))
		if !numbered {
			return labels
		}
		bare = append(bare, strings.TrimSpace(name))
	}
	return bare
}

// Companions are the files beside a model that say what it does not say itself:
// its sidecar, and the labels that this names. Where the model is copied, they go
// with it, under names that begin with the model's or are plain.
func Companions(modelPath string) ([]string, error) {
	s, err := readSidecar(modelPath)
	if s == nil || err != nil {
		return nil, err
	}
	if s.LabelsFile == "" {
		return []string{s.path}, nil
	}
	if s.LabelsFile != filepath.Base(s.LabelsFile) {
		return nil, fmt.Errorf("%s: labels_file = %q is in another folder; write the labels into this file (labels = [...]) instead", s.path, s.LabelsFile)
	}
	return []string{s.path, filepath.Join(filepath.Dir(s.path), s.LabelsFile)}, nil
}

func parseSidecar(text, path string) (*Sidecar, error) {
	s := &Sidecar{path: path}
	meta, err := toml.Decode(text, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, bad("unknown key %q; known are mean, std, color, labels, labels_file, scores", unknown[0].String())
	}
	switch {
	case (s.Mean == nil) != (s.Std == nil):
		return nil, bad("mean and std go together")
	case s.Color != "" && s.Color.channels() == 0:
		return nil, bad("color = %q; rgb, bgr or gray is needed", s.Color)
	case s.Labels != nil && s.LabelsFile != "":
		return nil, bad("labels and labels_file are both given; one is enough")
	case s.Scores != "" && s.Scores != "probabilities" && s.Scores != "logits":
		return nil, bad(`scores = %q; "probabilities" or "logits" is needed`, s.Scores)
	}
	return s, nil
}

func (c Color) channels() int {
	switch c {
	case RGB, BGR:
		return 3
	case Gray:
		return 1
	}
	return 0
}

// describeError tells how to say what the model leaves out.
func describeError(modelPath string) error {
	return fmt.Errorf(`the file does not say how pictures must be prepared for it, or what its scores are called
(no normalization or no labels in its TFLite Metadata). Judging with a guess would judge wrongly.
Write %s with the values that the network was trained with:

    mean = [127.5, 127.5, 127.5]   # the network sees (value - mean) / std of values 0..255
    std = [127.5, 127.5, 127.5]    # -1..1, as here: Keras MobileNet, Teachable Machine; for 0..1: mean 0, std 255
    color = "rgb"                  # rgb, bgr or gray
    labels = ["good", "bad"]       # in the order of the scores; or labels_file = "labels.txt"
    scores = "probabilities"       # or "logits"`, sidecarPath(modelPath))
}
