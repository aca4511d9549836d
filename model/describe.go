package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"passfail/model/graph"
)

// inputOf says how pictures must be prepared for a file's network: from its
// TFLite Metadata or, for what they leave out, from the sidecar.
func inputOf(f *graph.File, side *Sidecar) (Input, error) {
	sub := f.Model.Subgraphs[0]
	if len(sub.Inputs) != 1 {
		return Input{}, fmt.Errorf("the network has %d inputs; one, a picture, is needed", len(sub.Inputs))
	}
	t := sub.Tensors[sub.Inputs[0]]
	in := Input{Type: t.Type}
	if len(t.Shape) != 4 || t.Shape[0] != 1 || t.Shape[3] != 3 && t.Shape[3] != 1 {
		return Input{}, fmt.Errorf("input tensor %q has shape %v; [1 height width 3] or [1 height width 1] is needed", t.Name, t.Shape)
	}
	in.Height, in.Width = int(t.Shape[1]), int(t.Shape[2])
	if in.Height < 1 || in.Width < 1 || in.Height > maxSide || in.Width > maxSide {
		return Input{}, fmt.Errorf("input tensor %q has shape %v; 1 to %d pixels a side are possible", t.Name, t.Shape, maxSide)
	}
	switch t.Type {
	case graph.Float32:
	case graph.Int8, graph.Uint8:
		var zero int32
		if err := quantization(t, &in.Scale, &zero); err != nil {
			return Input{}, fmt.Errorf("input: %w", err)
		}
		in.ZeroPoint = int(zero)
	default:
		return Input{}, fmt.Errorf("input tensor %q has type %v; float32, uint8 or int8 is needed", t.Name, t.Type)
	}
	var meta *graph.TensorMetadata
	if f.Metadata != nil && len(f.Metadata.SubgraphMetadata) > 0 && len(f.Metadata.SubgraphMetadata[0].InputTensorMetadata) > 0 {
		meta = f.Metadata.SubgraphMetadata[0].InputTensorMetadata[0]
	}
	return in, in.normalization(meta.Normalization(), meta.ColorSpace(), int(t.Shape[3]), side)
}

// normalization fills in colour order, mean and standard deviation.
func (in *Input) normalization(n *graph.Normalization, space graph.ColorSpace, channels int, side *Sidecar) error {
	mean, std, color := []float32(nil), []float32(nil), Color("")
	if n != nil {
		mean, std = n.Mean, n.Std
	}
	if side != nil && side.Mean != nil {
		if mean != nil {
			return fmt.Errorf("the model itself says mean %v and std %v; take mean and std out of %s", mean, std, side.path)
		}
		mean, std = side.Mean, side.Std
	}
	if mean == nil {
		return errUndescribed
	}
	switch {
	case channels == 1:
		color = Gray
	case space == graph.ColorGray:
		return fmt.Errorf("the metadata call the input gray but it has %d channels", channels)
	default:
		color = RGB
	}
	if side != nil && side.Color != "" {
		if space == graph.ColorRGB && side.Color != RGB || side.Color.channels() != channels {
			return fmt.Errorf("%s says color = %q; the model takes %s", side.path, side.Color, color)
		}
		color = side.Color
	}
	in.Color = color
	for what, list := range map[string][]float32{"mean": mean, "std": std} {
		if len(list) != 1 && len(list) != channels {
			return fmt.Errorf("the normalization has %d values of %s; 1 or %d are needed", len(list), what, channels)
		}
	}
	for c := range channels {
		in.Mean[c], in.Std[c] = mean[min(c, len(mean)-1)], std[min(c, len(std)-1)]
		if m, s := float64(in.Mean[c]), float64(in.Std[c]); math.IsNaN(m) || math.IsInf(m, 0) || !(s > 0) || math.IsInf(s, 0) {
			return fmt.Errorf("the normalization has mean %v and std %v; numbers, and std above 0, are needed", m, s)
		}
	}
	return nil
}

// scoresOf finds the output that holds the scores and the labels of its values.
func scoresOf(f *graph.File, outputs []output, side *Sidecar) (index int, labels []string, err error) {
	labels, index, err = packedLabels(f)
	if err != nil {
		return 0, nil, err
	}
	if side != nil && side.Labels != nil {
		if labels != nil {
			return 0, nil, fmt.Errorf("the model itself has labels %q; take labels out of %s", labels, side.path)
		}
		labels = side.Labels
	}
	if labels == nil {
		return 0, nil, errUndescribed
	}
	if err := checkLabels(labels); err != nil {
		return 0, nil, err
	}
	if len(labels) < 2 {
		return 0, nil, fmt.Errorf("there is one label, %q; two at least are needed, also for a network with a single score", labels[0])
	}
	if index < 0 {
		// Maps have several positions; scores are a single row.
		for i, o := range outputs {
			if len(o.values) == o.shape[len(o.shape)-1] {
				if index >= 0 {
					return 0, nil, fmt.Errorf("outputs %q and %q could both be the scores, and the metadata don't say which", outputs[index].name, o.name)
				}
				index = i
			}
		}
	}
	if index < 0 || index >= len(outputs) {
		return 0, nil, fmt.Errorf("none of the %d outputs can be the scores: one with shape [1 %d] is needed", len(outputs), len(labels))
	}
	o := outputs[index]
	if len(o.values) != o.shape[len(o.shape)-1] {
		return 0, nil, fmt.Errorf("output %q has shape %v; scores have shape [1 %d]", o.name, o.shape, len(labels))
	}
	if n := len(o.values); n != len(labels) && (n != 1 || len(labels) != 2) {
		return 0, nil, fmt.Errorf("output %q has %d scores but there are %d labels: %s", o.name, n, len(labels), strings.Join(labels, ", "))
	}
	if side == nil || side.Scores == "" { // nobody says what the scores are
		if err := checkProbabilities(f.Model, index); err != nil {
			return 0, nil, err
		}
	}
	return index, labels, nil
}

// packedLabels reads the labels that the metadata name, and which output they
// belong to (−1: not said).
func packedLabels(f *graph.File) (labels []string, output int, err error) {
	name, output := f.Metadata.LabelFile()
	if name == "" {
		return nil, -1, nil
	}
	data, ok := f.File(name)
	if !ok {
		return nil, 0, fmt.Errorf("the metadata name the label file %q, which is not packed with the model", name)
	}
	for line := range strings.Lines(string(data)) {
		labels = append(labels, strings.TrimSpace(line))
	}
	for len(labels) > 0 && labels[len(labels)-1] == "" {
		labels = labels[:len(labels)-1]
	}
	if len(labels) == 0 {
		return nil, 0, fmt.Errorf("the label file %q is empty", name)
	}
	return labels, output, nil
}

// checkProbabilities looks at the operator that makes the scores: softmax and
// sigmoid make probabilities, of any other somebody has to say what it makes.
func checkProbabilities(m *graph.Model, output int) error {
	sub := m.Subgraphs[0]
	tensor := sub.Outputs[output]
	for i := len(sub.Operators) - 1; i >= 0; i-- {
		o := sub.Operators[i]
		if !slices.Contains(o.Outputs, tensor) || len(o.Inputs) == 0 {
			continue
		}
		switch op := m.Op(o); op {
		case graph.OpQuantize, graph.OpDequantize, graph.OpReshape, graph.OpSqueeze:
			tensor = o.Inputs[0] // these change no value
		case graph.OpSoftmax, graph.OpLogistic:
			return nil
		default:
			return fmt.Errorf("the scores come straight from %v, without softmax or sigmoid; say in the .toml file beside the model what they are: scores = \"logits\" or scores = \"probabilities\"", op)
		}
	}
	return errors.New("no operator makes the scores")
}

func checkLabels(labels []string) error {
	for i, l := range labels {
		if l == "" {
			return fmt.Errorf("label %d is empty", i+1)
		}
		if slices.Contains(labels[:i], l) {
			return fmt.Errorf("label %q occurs twice", l)
		}
	}
	return nil
}
