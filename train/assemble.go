package train

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"passfail/model"
	"passfail/model/base"
	"passfail/model/graph"
	"passfail/train/dataset"
	"passfail/train/feature"
	"passfail/train/head"
	"passfail/train/novelty"
)

const labelFile = "labels.txt"

// Provenance is what a trained model says of how it was made and how it is to be
// used. It travels in the model file, as the metadata entry model.TrainedEntry.
type Provenance struct {
	Description string          `json:"description"`
	Threshold   float64         `json:"threshold,omitempty"` // of the pass labels' scores; 0: not said
	Pass        []string        `json:"pass,omitempty"`      // labels of good parts
	Examples    map[string]int  `json:"examples,omitempty"`  // pictures of each label
	DataSet     string          `json:"data_set,omitempty"`  // SHA-256 of all pictures and their labels, hex
	BaseName    string          `json:"base_name,omitempty"`
	Size        int             `json:"size,omitempty"`  // side of the network's input, pixels
	View        *dataset.View   `json:"view,omitempty"`  // of the line's frames
	Views       []string        `json:"views,omitempty"` // that are judged together
	Head        string          `json:"head,omitempty"`
	Seed        uint64          `json:"seed"`
	Program     string          `json:"program,omitempty"`
	Base        json.RawMessage `json:"base,omitempty"` // what the base says of itself
}

// ParseProvenance reads the metadata entry model.TrainedEntry.
func ParseProvenance(entry []byte) (*Provenance, error) {
	p := &Provenance{}
	if err := json.Unmarshal(entry, p); err != nil {
		return nil, fmt.Errorf("the model's entry %s: %w", model.TrainedEntry, err)
	}
	return p, nil
}

// assembly is a model under way.
type assembly struct {
	network *feature.Network
	file    *graph.File
	m       *graph.Model
	taps    []int32
	pooled  feature.Pooled
}

// begin takes a base that sees a picture in all the turns of serve.
func begin(n *feature.Network, serve []feature.Turn) (*assembly, error) {
	f, err := n.Base()
	if err != nil {
		return nil, err
	}
	if f.Metadata == nil || len(f.Metadata.SubgraphMetadata) != 1 {
		return nil, fmt.Errorf("base network %s: it has no TFLite Metadata", n.Name)
	}
	a := &assembly{network: n, file: f, m: f.Model}
	if len(serve) > 1 {
		if err := a.m.Views(feature.Views(serve)); err != nil {
			return nil, fmt.Errorf("base network %s: %w", n.Name, err)
		}
	}
	a.taps = a.m.Subgraphs[0].Outputs
	if a.pooled, err = feature.Pool(a.m); err != nil {
		return nil, fmt.Errorf("base network %s: %w", n.Name, err)
	}
	return a, nil
}

// finish returns the model's file: its outputs are the scores, others, and the
// base's maps.
func (a *assembly) finish(scores int32, others []int32, described []*graph.TensorMetadata, labels []string, p Provenance) ([]byte, error) {
	f := a.file
	sub := f.Metadata.SubgraphMetadata[0]
	maps := sub.OutputTensorMetadata
	feature.SetOutputs(f, slices.Concat([]int32{scores}, others, a.taps)...)
	if err := f.Model.Sign(); err != nil {
		return nil, fmt.Errorf("base network %s: %w", a.network.Name, err)
	}
	first := graph.ScoreOutput("scores", "The probability of each label.", labelFile)
	sub.OutputTensorMetadata = slices.Concat([]*graph.TensorMetadata{first}, described, maps)
	f.Metadata.Name = "Passfail model"
	f.Metadata.Description = p.Description
	f.Packed = []graph.Packed{{Name: labelFile, Data: []byte(strings.Join(labels, "\n") + "\n")}}
	p.Base = f.Entry(base.Entry)
	entry, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	f.SetEntry(model.TrainedEntry, entry)
	return f.Bytes()
}

// Assemble puts a head on a base and returns the .tflite file of the model: the
// scores as its first output, then the base's maps. The network sees a picture
// in all the turns of serve, and the logits of these are averaged. A guard, unless
// nil, adds the outputs novelty and novelty_map.
func Assemble(n *feature.Network, h *head.Head, serve []feature.Turn, guard *novelty.Model, labels []string, p Provenance) ([]byte, error) {
	if h.Rows != len(labels) && (h.Rows != 1 || len(labels) != 2) {
		return nil, fmt.Errorf("the head has %d logits for %d labels", h.Rows, len(labels))
	}
	a, err := begin(n, serve)
	if err != nil {
		return nil, err
	}
	m := a.m
	if got := int(m.Shape(a.pooled.Features)[1]); got != h.Features() {
		return nil, fmt.Errorf("the head takes %d features, base network %s gives %d", h.Features(), n.Name, got)
	}
	logits := appendHead(m, a.pooled.Features, h)
	if len(serve) > 1 {
		logits = m.MeanOverBatch(logits, "logits")
	}
	scores := int32(0)
	if h.Rows == 1 {
		scores = m.Logistic(logits, "scores")
	} else {
		scores = m.Softmax(logits, "scores")
	}
	if guard == nil {
		return a.finish(scores, nil, nil, labels, p)
	}
	value, places, err := addGuard(m, a.pooled, guard)
	if err != nil {
		return nil, fmt.Errorf("base network %s: %w", n.Name, err)
	}
	return a.finish(scores, []int32{value, places}, novelty.Metadata(), labels, p)
}

// appendHead adds a head to features [views features] and returns its logits
// [views rows]. It is head.Head.Logits, operator by operator.
func appendHead(m *graph.Model, features int32, h *head.Head) int32 {
	n := int32(h.Features())
	if h.Root {
		features = m.Sqrt(features, "head/roots")
	}
	centred := m.Sub(features, m.AddFloats("head/means", h.Scale.Mean, 1, n), "head/centred")
	z := m.Mul(centred, m.AddFloats("head/factors", h.Scale.Factors(), 1, n), "head/standardized")
	if h.Projection != nil {
		z = m.Dense(z, h.Projection, nil, "head/coordinates")
	}
	squares := m.Relu(m.SquaredDistances(z, h.Support, "head/squares"), "head/positive")
	distance := m.Mul(m.Sqrt(squares, "head/distance"), m.Constant("head/width", float32(-h.Width)), "head/scaled")
	near := m.Exp(distance, "head/nearness")
	weights, bias := make([]float32, len(h.Weights)), make([]float32, h.Rows)
	for i, v := range h.Weights {
		weights[i] = float32(v)
	}
	for i, v := range h.Bias {
		bias[i] = float32(v)
	}
	return m.Dense(near, weights, bias, "head/logits")
}
