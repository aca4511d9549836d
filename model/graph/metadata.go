package graph

// Normalization returns how an input is normalized, nil when not said. It can
// be called on nil.
func (t *TensorMetadata) Normalization() *Normalization {
	if t == nil {
		return nil
	}
	for _, u := range t.ProcessUnits {
		if n, ok := u.Options.Value.(*Normalization); ok {
			return n
		}
	}
	return nil
}

// ColorSpace returns an input picture's colour space, ColorUnknown when not
// said. It can be called on nil.
func (t *TensorMetadata) ColorSpace() int8 {
	if t == nil || t.Content == nil {
		return ColorUnknown
	}
	if p, ok := t.Content.Properties.Value.(*ImageProperties); ok {
		return p.ColorSpace
	}
	return ColorUnknown
}

// LabelFile returns the name of the packed file with the labels and the output
// whose values it names; "" and −1 when there is none. It can be called on nil.
func (m *ModelMetadata) LabelFile() (name string, output int) {
	if m == nil || len(m.Subgraphs) == 0 {
		return "", -1
	}
	for i, o := range m.Subgraphs[0].Outputs {
		for _, f := range o.AssociatedFiles {
			if (f.Type == AxisLabels || f.Type == ValueLabels) && f.Locale == "" {
				return f.Name, i
			}
		}
	}
	return "", -1
}

// ScoreOutput describes an output of scores whose labels are in a packed file.
func ScoreOutput(name, description, labelFile string) *TensorMetadata {
	return &TensorMetadata{
		Name: name, Description: description,
		Content: &Content{Properties: ContentProperties{contentFeature, &FeatureProperties{}}},
		Stats:   &Stats{Max: []float32{1}, Min: []float32{0}},
		AssociatedFiles: []*AssociatedFile{{
			Name: labelFile, Description: "Labels of the scores, a line each.", Type: AxisLabels,
		}},
	}
}
