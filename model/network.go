package model

import (
	"errors"
	"fmt"
	"image"
	"math"
	"runtime"
	"unsafe"

	"github.com/mattn/go-tflite"
	"gocv.io/x/gocv"

	"passfail/model/base"
	"passfail/model/graph"
)

// Options say how a network is run.
type Options struct {
	Threads int // 0: DefaultThreads()
}

// DefaultThreads leaves a processor to the camera and the pins, and takes at
// most three: a fourth hardly gains anything on a Raspberry Pi.
func DefaultThreads() int {
	return max(1, min(3, runtime.NumCPU()-1))
}

// Network is an opened .tflite file that takes one picture and gives one or
// more arrays. It belongs to one goroutine at a time and must be closed.
type Network struct {
	file    *graph.File
	in      Input
	prepare *prepare
	outputs []output

	interpreter *tflite.Interpreter
	delegate    *xnnpack
	options     *tflite.InterpreterOptions
	model       *tflite.Model
	input       *tflite.Tensor
}

// output is one result of a network.
type output struct {
	name   string
	tensor *tflite.Tensor
	shape  []int
	kind   graph.TensorType
	scale  float32
	zero   int32
	values []float32 // where Output puts them
}

// OpenNetwork opens the bytes of a .tflite file. Where the file does not say
// how pictures must be prepared, side says it.
func OpenNetwork(b []byte, side *Sidecar, o Options) (*Network, error) {
	file, err := graph.Parse(b)
	if err != nil {
		return nil, err
	}
	in, err := inputOf(file, side)
	if err != nil {
		return nil, err
	}
	n := &Network{file: file, in: in}
	if err := n.open(b, o); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Network) open(b []byte, o Options) error {
	threads := o.Threads
	if threads == 0 {
		threads = DefaultThreads()
	}
	err := withMemoryFile(b, func(path string) error {
		n.model = tflite.NewModelFromFile(path)
		return nil
	})
	if err != nil {
		return err
	}
	if n.model == nil {
		return errors.New("TensorFlow Lite finds the file damaged (its FlatBuffer fails verification)")
	}
	n.options = tflite.NewInterpreterOptions()
	n.options.SetNumThread(threads)
	if n.delegate = newXNNPACK(threads); n.delegate == nil {
		return errors.New("TensorFlow Lite could not make its XNNPACK delegate")
	}
	n.options.AddDelegate(n.delegate)
	if n.interpreter = tflite.NewInterpreter(n.model, n.options); n.interpreter == nil {
		return errors.New("TensorFlow Lite can't build this network: it has operators that the library lacks, or a damaged graph")
	}
	if n.interpreter.AllocateTensors() != tflite.OK {
		return errors.New("TensorFlow Lite can't prepare this network: shapes or types of its tensors do not fit each other")
	}
	if err := n.openInput(); err != nil {
		return err
	}
	if err := n.openOutputs(); err != nil {
		return err
	}
	n.prepare, err = newPrepare(n.in)
	return err
}

func (n *Network) openInput() error {
	if c := n.interpreter.GetInputTensorCount(); c != 1 {
		return fmt.Errorf("the network has %d inputs; one, a picture, is needed", c)
	}
	n.input = n.interpreter.GetInputTensor(0)
	want := uint(n.in.Width * n.in.Height * n.in.Channels() * n.in.Type.Size())
	if got := n.input.ByteSize(); got != want || n.input.Data() == nil {
		return fmt.Errorf("the input tensor has %d bytes where %v takes %d", got, n.in, want)
	}
	return nil
}

func (n *Network) openOutputs() error {
	count := n.interpreter.GetOutputTensorCount()
	if count == 0 {
		return errors.New("the network has no outputs")
	}
	sub := n.file.Model.Subgraphs[0]
	if len(sub.Outputs) != count {
		return fmt.Errorf("the network has %d outputs, the file names %d", count, len(sub.Outputs))
	}
	for i := range count {
		t := n.interpreter.GetOutputTensor(i)
		stored := sub.Tensors[sub.Outputs[i]]
		out := output{name: n.outputName(i), tensor: t, shape: t.Shape(), kind: stored.Type}
		size := 1
		for _, d := range out.shape {
			size *= d
		}
		switch out.kind {
		case graph.Float32:
		case graph.Int8, graph.Uint8:
			if err := quantization(stored, &out.scale, &out.zero); err != nil {
				return fmt.Errorf("output %q: %w", out.name, err)
			}
		default:
			return fmt.Errorf("output %q has type %v; float32, uint8 or int8 is needed", out.name, out.kind)
		}
		if int(t.ByteSize()) != size*out.kind.Size() || size == 0 || len(out.shape) == 0 {
			return fmt.Errorf("output %q has shape %v but %d bytes", out.name, out.shape, t.ByteSize())
		}
		out.values = make([]float32, size)
		n.outputs = append(n.outputs, out)
	}
	return nil
}

// quantization reads a tensor's scale and zero point, one for the whole tensor.
func quantization(t *graph.Tensor, scale *float32, zero *int32) error {
	q := t.Quantization
	if q == nil || len(q.Scale) == 0 {
		return fmt.Errorf("tensor %q is %v but has no quantization (scale and zero point)", t.Name, t.Type)
	}
	if len(q.Scale) != 1 || len(q.ZeroPoint) > 1 {
		return fmt.Errorf("tensor %q has %d scales and %d zero points; one of each is needed", t.Name, len(q.Scale), len(q.ZeroPoint))
	}
	low, high := int64(0), int64(255)
	if t.Type == graph.Int8 {
		low, high = -128, 127
	}
	z := int64(0)
	if len(q.ZeroPoint) == 1 {
		z = q.ZeroPoint[0]
	}
	s := q.Scale[0]
	if !(s > 0) || math.IsInf(float64(s), 0) || z < low || z > high {
		return fmt.Errorf("tensor %q has scale %v and zero point %d; a scale above 0 and a zero point of %d to %d are needed", t.Name, s, z, low, high)
	}
	*scale, *zero = s, int32(z)
	return nil
}

// outputName is what the metadata call an output, or its tensor's name.
func (n *Network) outputName(i int) string {
	if m := n.file.Metadata; m != nil && len(m.SubgraphMetadata) > 0 {
		if outs := m.SubgraphMetadata[0].OutputTensorMetadata; i < len(outs) && outs[i].Name != "" {
			return outs[i].Name
		}
	}
	sub := n.file.Model.Subgraphs[0]
	return sub.Tensors[sub.Outputs[i]].Name
}

// isBase tells a base network: it says so, and all it gives are maps.
func (n *Network) isBase() bool {
	for _, o := range n.outputs {
		if len(o.shape) != 4 {
			return false
		}
	}
	return n.file.Entry(base.Entry) != nil
}

// Input says how pictures are prepared.
func (n *Network) Input() Input { return n.in }

// Load prepares the part roi of img (BGR, 8 bit) as the network's input.
func (n *Network) Load(img *gocv.Mat, roi image.Rectangle) error {
	return n.prepare.run(img, roi, n.input.Data())
}

// Invoke runs the network on what was loaded.
func (n *Network) Invoke() error {
	if n.interpreter.Invoke() != tflite.OK {
		return errors.New("TensorFlow Lite failed to run the network")
	}
	// A network may compute the size of a result. Then its memory is another
	// one now, or none.
	for i := range n.outputs {
		o := &n.outputs[i]
		if o.tensor.Data() == nil || int(o.tensor.ByteSize()) != len(o.values)*o.kind.Size() {
			return fmt.Errorf("output %q changed its size to %d bytes; a fixed size is needed", o.name, o.tensor.ByteSize())
		}
	}
	return nil
}

// Outputs is the number of results.
func (n *Network) Outputs() int { return len(n.outputs) }

// OutputName returns a result's name.
func (n *Network) OutputName(i int) string { return n.outputs[i].name }

// OutputShape returns a result's shape. The caller must not change it.
func (n *Network) OutputShape(i int) []int { return n.outputs[i].shape }

// Output returns result i of the last Invoke as real numbers, in the tensor's
// order. The slice is the network's own and is overwritten by the next call.
func (n *Network) Output(i int) []float32 {
	o := &n.outputs[i]
	data := o.tensor.Data()
	switch o.kind {
	case graph.Float32:
		copy(o.values, unsafe.Slice((*float32)(data), len(o.values)))
	case graph.Int8:
		for j, q := range unsafe.Slice((*int8)(data), len(o.values)) {
			o.values[j] = o.scale * float32(int32(q)-o.zero)
		}
	case graph.Uint8:
		for j, q := range unsafe.Slice((*uint8)(data), len(o.values)) {
			o.values[j] = o.scale * float32(int32(q)-o.zero)
		}
	}
	return o.values
}

// Close frees what lies outside Go's heap. The network can't be used after it;
// closing twice does nothing.
func (n *Network) Close() {
	// TensorFlow Lite wants this order: what uses something goes first.
	if n.interpreter != nil {
		n.interpreter.Delete()
	}
	if n.delegate != nil {
		n.delegate.Delete()
	}
	if n.options != nil {
		n.options.Delete()
	}
	if n.model != nil {
		n.model.Delete()
	}
	if n.prepare != nil {
		n.prepare.close()
	}
	n.interpreter, n.delegate, n.options, n.model, n.prepare, n.input, n.outputs = nil, nil, nil, nil, nil, nil, nil
}
