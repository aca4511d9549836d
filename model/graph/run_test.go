package graph_test

import (
	"image"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"gocv.io/x/gocv"

	"passfail/model"
	"passfail/model/graph"
)

func parse(t testing.TB, path string) *graph.File {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := graph.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// picture is noise, BGR, and the values that a float network gets of it: RGB,
// (value − 127.5) / 64.
func picture(t testing.TB, height, width int) (gocv.Mat, []float32) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, uint64(height*width)))
	pixels := make([]byte, height*width*3)
	for i := range pixels {
		pixels[i] = byte(random.UintN(256))
	}
	img, err := gocv.NewMatFromBytes(height, width, gocv.MatTypeCV8UC3, pixels)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { img.Close() })
	values := make([]float32, len(pixels))
	for i := range values {
		values[i] = (float32(pixels[i-i%3+2-i%3]) - 127.5) / 64
	}
	return img, values
}

// empty is a network without operators on pictures [1 height width 3], float32.
func empty(height, width int) (*graph.File, int32) {
	m := &graph.Model{}
	m.Version = 3
	m.Buffers = []*graph.Buffer{{}}
	m.Subgraphs = []*graph.Subgraph{{DebugMetadataIndex: -1}}
	x := m.AddTensor("picture", graph.Float32, 1, int32(height), int32(width), 3)
	m.Subgraphs[0].Inputs = []int32{x}
	return &graph.File{Model: m}, x
}

// open makes tensors a network's outputs, and runs it in TensorFlow Lite.
func open(t testing.TB, f *graph.File, outputs ...int32) *model.Network {
	t.Helper()
	s := f.Model.Subgraphs[0]
	s.Outputs, f.Model.SignatureDefs = outputs, nil
	var side *model.Sidecar
	if f.Metadata == nil {
		side = &model.Sidecar{Mean: []float32{127.5}, Std: []float32{64}}
	} else {
		f.Metadata.SubgraphMetadata[0].OutputTensorMetadata = nil
	}
	b, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	n, err := model.OpenNetwork(b, side, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// run returns what a network makes of a picture: a copy of each output.
func run(t testing.TB, n *model.Network, img *gocv.Mat) [][]float32 {
	t.Helper()
	if err := n.Load(img, image.Rect(0, 0, img.Cols(), img.Rows())); err != nil {
		t.Fatal(err)
	}
	if err := n.Invoke(); err != nil {
		t.Fatal(err)
	}
	var results [][]float32
	for i := range n.Outputs() {
		results = append(results, append([]float32(nil), n.Output(i)...))
	}
	return results
}

// near compares with a tolerance, absolute for small values and relative for large ones.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= tolerance*max(1, math.Abs(float64(want[i])))) {
			t.Errorf("%s: value %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}
