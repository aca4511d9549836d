package graph

import (
	"fmt"

	"passfail/model/graph/internal/tflite"
)

// ServingDefault is the key of the signature that callers take who name none.
const ServingDefault = "serving_default"

// Sign makes the main subgraph callable by names, as TensorFlow Lite's signature
// runners do: its inputs and outputs, each by the name of its tensor, under the
// key ServingDefault. Signatures that were there go. It is an error if two inputs
// or two outputs have the same name, or one has none.
func (m *Model) Sign() error {
	s := m.Subgraphs[0]
	inputs, err := named(s, "input", s.Inputs)
	if err != nil {
		return err
	}
	outputs, err := named(s, "output", s.Outputs)
	if err != nil {
		return err
	}
	m.SignatureDefs = []*Signature{{SignatureKey: ServingDefault, Inputs: inputs, Outputs: outputs}}
	return nil
}

// named maps the names of a subgraph's tensors to them.
func named(s *Subgraph, what string, tensors []int32) ([]*tflite.TensorMapT, error) {
	var list []*tflite.TensorMapT
	seen := map[string]bool{}
	for _, t := range tensors {
		name := s.Tensors[t].Name
		if name == "" || seen[name] {
			return nil, fmt.Errorf("signature: tensor %d is to be %s %q: each needs a name of its own", t, what, name)
		}
		seen[name] = true
		list = append(list, &tflite.TensorMapT{Name: name, TensorIndex: uint32(t)})
	}
	return list, nil
}
