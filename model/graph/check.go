package graph

import "fmt"

// maxTensor bounds one tensor's size. A damaged shape would otherwise have the
// interpreter ask for more memory than the machine has, and end the program.
const maxTensor = 512 << 20 // bytes

// check looks at what the rest of the program takes for granted: indices that
// lead somewhere, and shapes of a sane size.
func (m *Model) check() error {
	if m.Version != schemaVersion {
		return fmt.Errorf("the file has schema version %d; version %d is known", m.Version, schemaVersion)
	}
	if len(m.Subgraphs) == 0 {
		return fmt.Errorf("the file holds no network (no subgraph)")
	}
	for _, e := range m.Metadata {
		if int(e.Buffer) >= len(m.Buffers) {
			return fmt.Errorf("metadata %q lies in buffer %d of %d", e.Name, e.Buffer, len(m.Buffers))
		}
	}
	for i, s := range m.Subgraphs {
		if err := m.checkSubgraph(s); err != nil {
			return fmt.Errorf("subgraph %d: %w", i, err)
		}
	}
	return nil
}

func (m *Model) checkSubgraph(s *Subgraph) error {
	for i, t := range s.Tensors {
		if int(t.Buffer) >= len(m.Buffers) {
			return fmt.Errorf("tensor %d (%s) lies in buffer %d of %d", i, t.Name, t.Buffer, len(m.Buffers))
		}
		size := int64(max(t.Type.Size(), 1))
		for _, d := range t.Shape {
			if d < 0 {
				return fmt.Errorf("tensor %d (%s) has shape %v", i, t.Name, t.Shape)
			}
			if size *= int64(d); size > maxTensor {
				return fmt.Errorf("tensor %d (%s) has shape %v: more than %d MB", i, t.Name, t.Shape, maxTensor>>20)
			}
		}
	}
	within := func(what string, list []int32, lowest int32) error {
		for _, t := range list {
			if t < lowest || int(t) >= len(s.Tensors) {
				return fmt.Errorf("%s: tensor %d of %d", what, t, len(s.Tensors))
			}
		}
		return nil
	}
	// TensorFlow Lite keeps a tensor that has values in the file read-only.
	writable := func(what string, list []int32) error {
		for _, t := range list {
			if b := m.Buffers[s.Tensors[t].Buffer]; len(b.Data) > 0 || b.Offset > 1 {
				return fmt.Errorf("%s: tensor %d (%s) is written to, but has values in the file", what, t, s.Tensors[t].Name)
			}
		}
		return nil
	}
	if err := within("inputs", s.Inputs, 0); err != nil {
		return err
	}
	if err := writable("inputs", s.Inputs); err != nil {
		return err
	}
	if err := within("outputs", s.Outputs, 0); err != nil {
		return err
	}
	for i, o := range s.Operators {
		if int(o.OpcodeIndex) >= len(m.OperatorCodes) {
			return fmt.Errorf("operator %d is of kind %d of %d", i, o.OpcodeIndex, len(m.OperatorCodes))
		}
		if err := within(fmt.Sprintf("operator %d", i), o.Inputs, -1); err != nil {
			return err
		}
		if err := within(fmt.Sprintf("operator %d", i), o.Outputs, 0); err != nil {
			return err
		}
		if err := writable(fmt.Sprintf("operator %d", i), o.Outputs); err != nil {
			return err
		}
	}
	return nil
}
