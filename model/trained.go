package model

import (
	"encoding/json"
	"fmt"
	"slices"

	"passfail/model/graph"
)

// Trained is what a training of Passfail wrote of itself, besides the threshold.
// Of other models it is empty.
type Trained struct {
	Pass    []string `json:"pass"`     // labels of good parts
	DataSet string   `json:"data_set"` // SHA-256 of all pictures and their labels, hex
}

// TrainedOf reads it from a model file.
func TrainedOf(f *graph.File) (t Trained, err error) {
	b := f.Entry(TrainedEntry)
	if b == nil {
		return t, nil
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("its entry %s: %w", TrainedEntry, err)
	}
	return t, nil
}

// Pass are the labels of good parts, as its training was told; nil where the
// model does not say, or names labels that it has not.
func (c *Classifier) Pass() []string {
	t, err := TrainedOf(c.net.file)
	if err != nil || slices.ContainsFunc(t.Pass, func(l string) bool { return !slices.Contains(c.labels, l) }) {
		return nil
	}
	return t.Pass
}
