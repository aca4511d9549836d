package model

import (
	"encoding/json"
	"fmt"

	"passfail/model/graph"
)

// TrainedEntry is the metadata entry, JSON, of what a training of Passfail wrote.
const TrainedEntry = "PASSFAIL_MODEL"

// UnlikeLabel is the label of all that a model which was taught good parts only
// does not take for one.
const UnlikeLabel = "unlike_good"

// ThresholdOf is the threshold of the pass labels' scores that was chosen in the
// training of the model in a file; 0: it carries none.
func ThresholdOf(f *graph.File) (float64, error) {
	b := f.Entry(TrainedEntry)
	if b == nil {
		return 0, nil
	}
	var entry struct {
		Threshold float64 `json:"threshold"`
	}
	if err := json.Unmarshal(b, &entry); err != nil {
		return 0, fmt.Errorf("its entry %s: %w", TrainedEntry, err)
	}
	if t := entry.Threshold; !(t >= 0 && t <= 1) {
		return 0, fmt.Errorf("its entry %s has the threshold %v; above 0, up to 1 is possible", TrainedEntry, t)
	}
	return entry.Threshold, nil
}

// Trained is the metadata entry that a training of Passfail wrote; nil: none did.
func (c *Classifier) Trained() []byte { return c.net.file.Entry(TrainedEntry) }

// Threshold is what the pass labels' scores must add up to, as chosen in the
// model's training; 0: it carries none.
func (c *Classifier) Threshold() float64 { return c.threshold }
