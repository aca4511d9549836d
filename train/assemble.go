package train

import (
	"encoding/json"
	"fmt"
	"strings"

	"passfail/model/base"
	"passfail/model/graph"
)

const (
	labelFile = "labels.txt"
	// modelEntry is the metadata entry of a trained model's provenance.
	modelEntry = "PASSFAIL_MODEL"
)

// Provenance is what a trained model says of how it was made. It travels in
// the model file as JSON.
type Provenance struct {
	Description string          `json:"description"`
	Examples    map[string]int  `json:"examples"` // pictures of each label
	Penalty     float64         `json:"l2_penalty"`
	Base        json.RawMessage `json:"base,omitempty"` // what the base says of itself
}

// Assemble puts a head on a base and returns the .tflite file of the model: the
// scores as its first output, then the base's maps.
func Assemble(network []byte, h *Head, labels []string, p Provenance) ([]byte, error) {
	f, err := graph.Parse(network)
	if err != nil {
		return nil, fmt.Errorf("base network: %w", err)
	}
	taps := f.Model.Subgraphs[0].Outputs
	features, err := addPooling(f.Model)
	if err != nil {
		return nil, err
	}
	m := f.Model
	if n := int(m.Subgraphs[0].Tensors[features].Shape[1]); len(h.Weights) != n*len(h.Bias) {
		return nil, fmt.Errorf("the head has %d weights for %d outputs, but the base gives %d features", len(h.Weights), len(h.Bias), n)
	}
	if k := len(h.Bias); k != len(labels) && (k != 1 || len(labels) != 2) {
		return nil, fmt.Errorf("the head has %d outputs for %d labels", k, len(labels))
	}
	logits := m.Dense(features, h.Weights, h.Bias, "head")
	scores := int32(0)
	if len(h.Bias) == 1 {
		scores = m.Logistic(logits, "scores")
	} else {
		scores = m.Softmax(logits, "scores")
	}
	if f.Metadata == nil || len(f.Metadata.SubgraphMetadata) != 1 {
		return nil, fmt.Errorf("base network: it has no TFLite Metadata")
	}
	sub := f.Metadata.SubgraphMetadata[0]
	maps := sub.OutputTensorMetadata
	setOutputs(f, append([]int32{scores}, taps...)...)
	sub.OutputTensorMetadata = append([]*graph.TensorMetadata{graph.ScoreOutput("scores", "The probability of each label.", labelFile)}, maps...)
	f.Metadata.Name = "Passfail model"
	f.Metadata.Description = p.Description
	f.Packed = []graph.Packed{{Name: labelFile, Data: []byte(strings.Join(labels, "\n") + "\n")}}
	p.Penalty = h.Penalty
	p.Base = f.Entry(base.Entry)
	entry, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	f.SetEntry(modelEntry, entry)
	return f.Bytes()
}
