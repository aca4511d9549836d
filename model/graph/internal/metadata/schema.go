// Package metadata is the code that flatc generates from
// model/graph/schema/metadata.fbs (make schema), and how to find what matters
// for pictures in it.
package metadata

import (
	_ "embed"
	"sync"

	"passfail/model/graph/flat"
)

//go:embed metadata.bfbs
var bfbs []byte

// Schema returns the schema, for checking a file before it is read.
var Schema = sync.OnceValues(func() (*flat.Schema, error) { return flat.Load(bfbs) })

// Normalization returns how an input is normalized, nil when not said. It can
// be called on nil.
func (t *TensorMetadataT) Normalization() *NormalizationOptionsT {
	if t == nil {
		return nil
	}
	for _, u := range t.ProcessUnits {
		if u.Options == nil {
			continue
		}
		if n, ok := u.Options.Value.(*NormalizationOptionsT); ok {
			return n
		}
	}
	return nil
}

// Image returns what is said of an input picture, nil when nothing is. It can be
// called on nil.
func (t *TensorMetadataT) Image() *ImagePropertiesT {
	if t == nil || t.Content == nil || t.Content.ContentProperties == nil {
		return nil
	}
	p, _ := t.Content.ContentProperties.Value.(*ImagePropertiesT)
	return p
}

// ColorSpace returns an input picture's colour space, UNKNOWN when not said. It
// can be called on nil.
func (t *TensorMetadataT) ColorSpace() ColorSpaceType {
	if p := t.Image(); p != nil {
		return p.ColorSpace
	}
	return ColorSpaceTypeUNKNOWN
}

// LabelFile returns the name of the packed file with the labels and the output
// whose values it names; "" and −1 when there is none. It can be called on nil.
func (m *ModelMetadataT) LabelFile() (name string, output int) {
	if m == nil || len(m.SubgraphMetadata) == 0 {
		return "", -1
	}
	for i, o := range m.SubgraphMetadata[0].OutputTensorMetadata {
		for _, f := range o.AssociatedFiles {
			labels := f.Type == AssociatedFileTypeTENSOR_AXIS_LABELS || f.Type == AssociatedFileTypeTENSOR_VALUE_LABELS
			if labels && f.Locale == "" {
				return f.Name, i
			}
		}
	}
	return "", -1
}
