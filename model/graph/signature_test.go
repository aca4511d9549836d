package graph

import (
	"strings"
	"testing"
)

func TestSign(t *testing.T) {
	f, err := Parse(read(t, bases(t)[0]))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Model.Subgraphs[0]
	s.Outputs = s.Outputs[:2]
	if err := f.Model.Sign(); err != nil {
		t.Fatal(err)
	}
	b, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if f, err = Parse(b); err != nil {
		t.Fatal(err)
	}
	if n := len(f.Model.SignatureDefs); n != 1 {
		t.Fatalf("%d signatures", n)
	}
	d := f.Model.SignatureDefs[0]
	if d.SignatureKey != "serving_default" || d.SubgraphIndex != 0 || len(d.Inputs) != 1 || len(d.Outputs) != 2 {
		t.Fatalf("%q of subgraph %d: %d inputs, %d outputs", d.SignatureKey, d.SubgraphIndex, len(d.Inputs), len(d.Outputs))
	}
	for i, tensor := range append(s.Inputs, s.Outputs...) {
		got := append(d.Inputs, d.Outputs...)[i]
		if int32(got.TensorIndex) != tensor || got.Name != s.Tensors[tensor].Name {
			t.Errorf("%q is tensor %d; want %q, tensor %d", got.Name, got.TensorIndex, s.Tensors[tensor].Name, tensor)
		}
	}
}

func TestSignWantsNames(t *testing.T) {
	for what, change := range map[string]func(*Subgraph){
		`output "same"`: func(s *Subgraph) {
			for _, t := range s.Outputs {
				s.Tensors[t].Name = "same"
			}
		},
		`input ""`: func(s *Subgraph) { s.Tensors[s.Inputs[0]].Name = "" },
	} {
		f, err := Parse(read(t, bases(t)[0]))
		if err != nil {
			t.Fatal(err)
		}
		before := len(f.Model.SignatureDefs)
		change(f.Model.Subgraphs[0])
		if err := f.Model.Sign(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v, want one with %q", err, what)
		}
		if len(f.Model.SignatureDefs) != before {
			t.Errorf("%s: the signatures changed all the same", what)
		}
	}
}
