package model

import (
	"bytes"
	"image"
	"testing"
	"unsafe"

	"github.com/mattn/go-tflite"
	"gocv.io/x/gocv"

	"passfail/model/graph"
)

// Resized in the file, or by TensorFlow Lite's interpreter on the file as it was:
// the same maps, bit for bit.
func TestResizeIsTheInterpreters(t *testing.T) {
	const size = 256
	img := gocv.IMRead("../demo/parts/001-good.jpg", gocv.IMReadColor)
	defer img.Close()
	for _, name := range []string{"mobilenet_v2", "efficientnet_lite0"} {
		path := "base/" + name + ".tflite"
		f, err := graph.Parse(readFile(t, path))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Resize(size); err != nil {
			t.Fatal(err)
		}
		b, err := f.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		n, err := OpenNetwork(b, nil, Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if n.Input().Width != size || n.Input().Height != size {
			t.Errorf("%s: %v", name, n.Input())
		}
		if err := n.Load(&img, image.Rect(0, 0, img.Cols(), img.Rows())); err != nil {
			t.Fatal(err)
		}
		input := bytes.Clone(unsafe.Slice((*byte)(n.input.Data()), n.input.ByteSize()))
		if err := n.Invoke(); err != nil {
			t.Fatal(err)
		}
		for i, want := range interpret(t, path, size, input) {
			o := n.outputs[i].tensor
			if got := unsafe.Slice((*byte)(o.Data()), o.ByteSize()); !bytes.Equal(got, want) {
				t.Errorf("%s: map %d is not what the interpreter gives", name, i)
			}
		}
	}
}

// interpret runs a base on an input of another size and returns its results.
func interpret(t *testing.T, path string, size int, input []byte) [][]byte {
	t.Helper()
	m := tflite.NewModelFromFile(path)
	if m == nil {
		t.Fatal("no model")
	}
	defer m.Delete()
	options := tflite.NewInterpreterOptions()
	defer options.Delete()
	delegate := newXNNPACK(1)
	defer delegate.Delete()
	options.AddDelegate(delegate)
	i := tflite.NewInterpreter(m, options)
	if i == nil {
		t.Fatal("no interpreter")
	}
	defer i.Delete()
	if i.ResizeInputTensor(0, []int32{1, int32(size), int32(size), 3}) != tflite.OK || i.AllocateTensors() != tflite.OK {
		t.Fatal("the interpreter can't resize its input")
	}
	x := i.GetInputTensor(0)
	copy(unsafe.Slice((*byte)(x.Data()), x.ByteSize()), input)
	if i.Invoke() != tflite.OK {
		t.Fatal("the interpreter can't run the network")
	}
	var results [][]byte
	for j := range i.GetOutputTensorCount() {
		o := i.GetOutputTensor(j)
		results = append(results, bytes.Clone(unsafe.Slice((*byte)(o.Data()), o.ByteSize())))
	}
	return results
}
