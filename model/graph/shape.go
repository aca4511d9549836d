package graph

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// resultShapes returns the shapes of an operator's results, by the operator's
// own rule, from the shapes of the tensors that it reads.
func (m *Model) resultShapes(o *Operator) ([][]int32, error) {
	op := m.Op(o)
	rule := shapeRule(op)
	if rule == nil {
		return nil, fmt.Errorf("%v: it is not known what shape its result has", op)
	}
	s := m.Subgraphs[0]
	in := operands{m: m, op: o}
	for _, t := range o.Inputs {
		if t < 0 {
			in.shapes = append(in.shapes, nil) // an optional one left out
			continue
		}
		in.shapes = append(in.shapes, s.Tensors[t].Shape)
	}
	out, err := rule(in)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", op, err)
	}
	return out, nil
}

// operands is what an operator's shape rule looks at.
type operands struct {
	m      *Model
	op     *Operator
	shapes [][]int32 // of the inputs; nil for one left out
}

// shape returns an input's shape. rank 0 stands for any.
func (in operands) shape(i, rank int) ([]int32, error) {
	if i >= len(in.shapes) || in.op.Inputs[i] < 0 {
		return nil, fmt.Errorf("input %d is missing", i)
	}
	s := in.shapes[i]
	if rank > 0 && len(s) != rank {
		return nil, fmt.Errorf("input %d has shape %v; %d dimensions are needed", i, s, rank)
	}
	return s, nil
}

// ints returns the values of an input that is a constant.
func (in operands) ints(i int) ([]int32, error) {
	if _, err := in.shape(i, 0); err != nil {
		return nil, err
	}
	t := in.m.Subgraphs[0].Tensors[in.op.Inputs[i]]
	data := in.m.Buffers[t.Buffer].Data
	size := t.Type.Size()
	if t.Type != Int32 && t.Type != Int64 || len(data)%size != 0 || len(data) == 0 {
		return nil, fmt.Errorf("input %d (%s, %v) is no list of constants", i, t.Name, t.Type)
	}
	values := make([]int32, len(data)/size)
	for j := range values {
		if t.Type == Int64 {
			values[j] = int32(binary.LittleEndian.Uint64(data[j*size:]))
		} else {
			values[j] = int32(binary.LittleEndian.Uint32(data[j*size:]))
		}
	}
	return values, nil
}

// axes returns the constants of an input as dimensions of a tensor of that rank.
func (in operands) axes(i, rank int) ([]int, error) {
	values, err := in.ints(i)
	if err != nil {
		return nil, err
	}
	axes := make([]int, len(values))
	for j, v := range values {
		if axes[j], err = axis(v, rank); err != nil {
			return nil, err
		}
	}
	return axes, nil
}

// axis counts a dimension from the front; a negative one counts from behind.
func axis(v int32, rank int) (int, error) {
	if v < 0 {
		v += int32(rank)
	}
	if v < 0 || int(v) >= rank {
		return 0, fmt.Errorf("there is no dimension %d of %d", v, rank)
	}
	return int(v), nil
}

// optionsOf returns an operator's options, all zero when it has none.
func optionsOf[T any](o *Operator) *T {
	if o.BuiltinOptions != nil {
		if t, ok := o.BuiltinOptions.Value.(*T); ok {
			return t
		}
	}
	return new(T)
}

// inferShapes gives every computed tensor of the main subgraph the shape that
// follows from the inputs'.
func (m *Model) inferShapes() error {
	s := m.Subgraphs[0]
	for i, o := range s.Operators {
		out, err := m.resultShapes(o)
		if err != nil {
			return fmt.Errorf("operator %d: %w", i, err)
		}
		for j, t := range o.Outputs {
			if j >= len(out) {
				return fmt.Errorf("operator %d: %v has %d results; %d are known", i, m.Op(o), len(o.Outputs), len(out))
			}
			setShape(s.Tensors[t], out[j])
		}
	}
	return nil
}

// checkShapes holds the rules to the file: they must give the shapes that are in it.
func (m *Model) checkShapes() error {
	s := m.Subgraphs[0]
	for i, o := range s.Operators {
		out, err := m.resultShapes(o)
		if err != nil {
			return fmt.Errorf("operator %d: %w", i, err)
		}
		for j, t := range o.Outputs {
			if j >= len(out) || !slices.Equal(out[j], s.Tensors[t].Shape) {
				return fmt.Errorf("operator %d: %v gives %v, but tensor %q has shape %v", i, m.Op(o), out, s.Tensors[t].Name, s.Tensors[t].Shape)
			}
		}
	}
	return nil
}

func setShape(t *Tensor, shape []int32) {
	t.Shape = shape
	if len(t.ShapeSignature) != len(shape) {
		return
	}
	// The signature has −1 where any size will do.
	t.ShapeSignature = slices.Clone(t.ShapeSignature)
	for i, d := range shape {
		if t.ShapeSignature[i] >= 0 {
			t.ShapeSignature[i] = d
		}
	}
}

func elements(shape []int32) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}
