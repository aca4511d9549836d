package train

import (
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"passfail/model"
	"passfail/model/graph"
)

// addPooling extends a base by the mean over positions of each of its maps, all
// behind each other, and returns that tensor: [1 features] float32.
func addPooling(m *graph.Model) (int32, error) {
	sub := m.Subgraphs[0]
	var pooled []int32
	for _, tap := range sub.Outputs {
		t := sub.Tensors[tap]
		if len(t.Shape) != 4 || t.Type != graph.Int8 {
			return 0, fmt.Errorf("base network: output %q is %v %v; a base's outputs are int8 maps [1 height width channels]", t.Name, t.Type, t.Shape)
		}
		name := "pool/" + t.Name
		pooled = append(pooled, m.MeanOverPositions(m.Dequantize(tap, name+"/real"), name))
	}
	if len(pooled) == 0 {
		return 0, errors.New("base network: it has no outputs")
	}
	return m.Concatenate(pooled, "features"), nil
}

// Extractor turns pictures into the features that a head is fitted to. It
// belongs to one goroutine at a time and must be closed.
type Extractor struct{ net *model.Network }

// NewExtractor opens a base network, the bytes of a file of model/base.
func NewExtractor(base []byte, o model.Options) (*Extractor, error) {
	f, err := graph.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("base network: %w", err)
	}
	features, err := addPooling(f.Model)
	if err != nil {
		return nil, err
	}
	setOutputs(f, features)
	b, err := f.Bytes()
	if err != nil {
		return nil, fmt.Errorf("base network: %w", err)
	}
	net, err := model.OpenNetwork(b, nil, o)
	if err != nil {
		return nil, fmt.Errorf("base network: %w", err)
	}
	return &Extractor{net}, nil
}

// setOutputs makes tensors the network's only outputs; what was said of others
// goes.
func setOutputs(f *graph.File, tensors ...int32) {
	f.Model.Subgraphs[0].Outputs = tensors
	f.Model.SignatureDefs = nil
	if f.Metadata != nil && len(f.Metadata.SubgraphMetadata) > 0 {
		f.Metadata.SubgraphMetadata[0].OutputTensorMetadata = nil
	}
}

// Features returns the features of the part roi of img (BGR, 8 bit). The slice
// is the extractor's own and is overwritten by the next call.
func (e *Extractor) Features(img *gocv.Mat, roi image.Rectangle) ([]float32, error) {
	if err := e.net.Load(img, roi); err != nil {
		return nil, err
	}
	if err := e.net.Invoke(); err != nil {
		return nil, err
	}
	return e.net.Output(0), nil
}

// Close frees what lies outside Go's heap.
func (e *Extractor) Close() { e.net.Close() }

// FeatureCount is how many features a base network gives a head.
func FeatureCount(base []byte) (int, error) {
	f, err := graph.Parse(base)
	if err != nil {
		return 0, fmt.Errorf("base network: %w", err)
	}
	features, err := addPooling(f.Model)
	if err != nil {
		return 0, err
	}
	return int(f.Model.Subgraphs[0].Tensors[features].Shape[1]), nil
}
