package graph

import (
	"fmt"

	"passfail/model/graph/internal/tflite"
)

// sizeStep is the total stride of the usual networks: sizes in between would
// leave a border that some positions of the last map do not see.
const sizeStep = 32

// Resize gives a fully convolutional network another input size: pictures of
// size × size pixels. Every computed tensor gets the shape that follows, the
// metadata the new size. size is a multiple of 32. A network that has an operator
// whose shape is not known to follow, or one that takes only the old size, is an
// error, and f is as it was.
func (f *File) Resize(size int) error {
	if size < sizeStep || size%sizeStep != 0 || int64(size)*int64(size) > maxTensor {
		return fmt.Errorf("an input of %d × %d pixels; a multiple of %d is needed", size, size, sizeStep)
	}
	x, err := f.Model.picture()
	if err != nil {
		return err
	}
	shape := []int32{x.Shape[0], int32(size), int32(size), x.Shape[3]}
	if err := f.Model.reshapeInput(x, shape); err != nil {
		return fmt.Errorf("the network can't take %d × %d pixels: %w", size, size, err)
	}
	if f.Metadata != nil && len(f.Metadata.SubgraphMetadata) > 0 && len(f.Metadata.SubgraphMetadata[0].InputTensorMetadata) > 0 {
		if p := f.Metadata.SubgraphMetadata[0].InputTensorMetadata[0].Image(); p != nil && p.DefaultSize != nil {
			p.DefaultSize = &ImageSize{Width: uint32(size), Height: uint32(size)}
		}
	}
	return nil
}

// picture returns the only input, of shape [n h w c].
func (m *Model) picture() (*Tensor, error) {
	s := m.Subgraphs[0]
	if len(s.Inputs) != 1 {
		return nil, fmt.Errorf("the network has %d inputs; one, a picture, is needed", len(s.Inputs))
	}
	x := s.Tensors[s.Inputs[0]]
	if len(x.Shape) != 4 {
		return nil, fmt.Errorf("input tensor %q has shape %v; [n height width channels] is needed", x.Name, x.Shape)
	}
	return x, nil
}

// reshapeInput gives a tensor another shape, and all that is computed from it.
func (m *Model) reshapeInput(x *Tensor, shape []int32) error {
	if err := m.checkShapes(); err != nil {
		return err
	}
	s := m.Subgraphs[0]
	before := make([]Tensor, len(s.Tensors))
	for i, t := range s.Tensors {
		before[i] = *t
	}
	setShape(x, shape)
	err := m.inferShapes()
	if err == nil {
		err = m.checkSlices(before)
	}
	if err == nil {
		err = m.check()
	}
	if err != nil {
		for i, t := range s.Tensors {
			*t = before[i]
		}
	}
	return err
}

// checkSlices refuses a part cut out of a dimension that has another length now:
// it may have been the whole.
func (m *Model) checkSlices(before []Tensor) error {
	for i, o := range m.Subgraphs[0].Operators {
		if m.Op(o) != tflite.BuiltinOperatorSLICE {
			continue
		}
		in := operands{m: m, op: o, shapes: make([][]int32, len(o.Inputs))}
		size, err := in.ints(2)
		if err != nil {
			return err
		}
		now := m.Subgraphs[0].Tensors[o.Inputs[0]].Shape
		for j, d := range before[o.Inputs[0]].Shape {
			if now[j] != d && size[j] >= 0 {
				return fmt.Errorf("operator %d: SLICE takes %d of what was %d and would be %d long", i, size[j], d, now[j])
			}
		}
	}
	return nil
}
