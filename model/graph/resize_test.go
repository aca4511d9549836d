package graph_test

import (
	"slices"
	"strings"
	"testing"

	"passfail/model/graph"
)

func TestResize(t *testing.T) {
	for name, sizes := range map[string][]int{"mobilenet_v2": {256, 320, 96}, "efficientnet_lite0": {256, 288}} {
		for _, size := range sizes {
			f := parse(t, "../base/"+name+".tflite")
			before := f.Model.Subgraphs[0]
			var want [][]int32
			for _, tap := range before.Outputs {
				shape := f.Model.Shape(tap)
				side := int32(size) * shape[1] / 224
				want = append(want, []int32{1, side, side, shape[3]})
			}
			if err := f.Resize(size); err != nil {
				t.Fatal(err)
			}
			for i, tap := range before.Outputs {
				if got := f.Model.Shape(tap); !slices.Equal(got, want[i]) {
					t.Errorf("%s at %d: map %v, want %v", name, size, got, want[i])
				}
			}
			if p := f.Metadata.SubgraphMetadata[0].InputTensorMetadata[0].Image(); int(p.DefaultSize.Width) != size || int(p.DefaultSize.Height) != size {
				t.Errorf("%s at %d: the metadata say %+v", name, size, p.DefaultSize)
			}
			n := open(t, f, before.Outputs...)
			for i, tap := range before.Outputs {
				for j, d := range f.Model.Shape(tap) {
					if n.OutputShape(i)[j] != int(d) {
						t.Errorf("%s at %d: TensorFlow Lite gives %v, the file says %v", name, size, n.OutputShape(i), f.Model.Shape(tap))
					}
				}
			}
		}
	}
}

func TestResizeThatCanNotBe(t *testing.T) {
	f := parse(t, "../base/mobilenet_v2.tflite")
	for _, size := range []int{-32, 0, 100, 1 << 20} {
		if err := f.Resize(size); err == nil || !strings.Contains(err.Error(), "multiple of 32") {
			t.Errorf("size %d: %v", size, err)
		}
	}
	f, x := empty(64, 64)
	y := f.Model.Reshape(f.Model.Relu(x, "relu"), "row", 1, 64*64*3)
	if err := f.Resize(96); err == nil || !strings.Contains(err.Error(), "operator 1: RESHAPE: shape [1 96 96 3] does not become [1 12288]") {
		t.Errorf("a fixed shape: %v", err)
	}
	if !slices.Equal(f.Model.Shape(x), []int32{1, 64, 64, 3}) || !slices.Equal(f.Model.Shape(y), []int32{1, 12288}) {
		t.Errorf("shapes %v and %v after an error", f.Model.Shape(x), f.Model.Shape(y))
	}
	f, x = empty(64, 64)
	f.Model.Slice(x, 1, 0, 64, "part")
	if err := f.Resize(96); err == nil || !strings.Contains(err.Error(), "SLICE takes 64 of what was 64") {
		t.Errorf("a part that was the whole: %v", err)
	}
	// An operator whose shape follows from nothing that is known.
	f = parse(t, "../base/mobilenet_v2.tflite")
	f.Model.OperatorCodes[0] = &graph.OperatorCode{DeprecatedBuiltinCode: 28 + 21, Version: 1} // SPLIT
	if err := f.Resize(256); err == nil || !strings.Contains(err.Error(), "SPLIT: it is not known") {
		t.Errorf("an unknown operator: %v", err)
	}
}
