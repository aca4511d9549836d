package feature

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"unsafe"

	"gocv.io/x/gocv"

	"passfail/model"
	"passfail/model/graph"
)

// Network is a base network that pools its maps: what a head is fitted to.
type Network struct {
	Name       string // of the base
	Size       int    // side of its square input, pixels
	Base       []byte // the base's .tflite at that size: its outputs are maps
	Count      int    // features of a picture
	ExtraCount int    // numbers of Extra

	cost   int64
	pooled []byte   // the .tflite that gives features, then the maps
	digest [32]byte // of pooled
}

// Extra adds to a base what is wanted of pictures besides features: a row [1 n],
// float32.
type Extra func(m *graph.Model, p Pooled) (int32, error)

// NewNetwork makes a base network, the bytes of a file of model/base, ready for
// pictures of size × size pixels. Extra may be nil.
func NewNetwork(name string, base []byte, size int, extra Extra) (*Network, error) {
	f, err := graph.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("base network %s: %w", name, err)
	}
	if own := f.Model.Shape(f.Model.Subgraphs[0].Inputs[0]); int(own[1]) != size || int(own[2]) != size {
		if err := f.Resize(size); err != nil {
			return nil, fmt.Errorf("base network %s: %w", name, err)
		}
	}
	n := &Network{Name: name, Size: size, cost: MultiplyAdds(f.Model)}
	if n.Base, err = f.Bytes(); err != nil {
		return nil, fmt.Errorf("base network %s: %w", name, err)
	}
	pooled, err := Pool(f.Model)
	if err != nil {
		return nil, fmt.Errorf("base network %s: %w", name, err)
	}
	n.Count = int(f.Model.Shape(pooled.Features)[1])
	outputs := []int32{pooled.Features}
	if extra != nil {
		t, err := extra(f.Model, pooled)
		if err != nil {
			return nil, fmt.Errorf("base network %s: %w", name, err)
		}
		n.ExtraCount = int(f.Model.Shape(t)[1])
		outputs = append(outputs, t)
	}
	SetOutputs(f, outputs...)
	if n.pooled, err = f.Bytes(); err != nil {
		return nil, fmt.Errorf("base network %s: %w", name, err)
	}
	n.digest = sha256.Sum256(n.pooled)
	return n, nil
}

// Pooled are the tensors that Pool adds, float32.
type Pooled struct {
	Statistics []int32 // of each map [views 2·channels]: mean and standard deviation over positions
	Features   int32   // [views features]: all standard deviations
}

// Pool adds to a base what heads see. How much a channel varies over the picture
// says more about defects than its mean does, and no less without it.
func Pool(m *graph.Model) (Pooled, error) {
	sub := m.Subgraphs[0]
	p := Pooled{}
	var deviations []int32
	for _, tap := range sub.Outputs {
		t := sub.Tensors[tap]
		if len(t.Shape) != 4 || t.Type != graph.Int8 {
			return Pooled{}, fmt.Errorf("output %q is %v %v; a base's outputs are int8 maps [1 height width channels]", t.Name, t.Type, t.Shape)
		}
		name := "pool/" + t.Name
		real := m.Dequantize(tap, name+"/real")
		mean, deviation := m.MeanOverPositions(real, name+"/mean"), m.StdOverPositions(real, name+"/std")
		p.Statistics = append(p.Statistics, m.Concatenate([]int32{mean, deviation}, name))
		deviations = append(deviations, deviation)
	}
	if len(deviations) == 0 {
		return Pooled{}, fmt.Errorf("it has no outputs")
	}
	p.Features = m.Concatenate(deviations, "features")
	return p, m.Err()
}

// SetOutputs makes tensors the network's only outputs; what the metadata say of
// others goes.
func SetOutputs(f *graph.File, tensors ...int32) {
	f.Model.Subgraphs[0].Outputs = tensors
	f.Model.SignatureDefs = nil
	if f.Metadata != nil && len(f.Metadata.SubgraphMetadata) > 0 {
		f.Metadata.SubgraphMetadata[0].OutputTensorMetadata = nil
	}
}

// Key is where a Shelf keeps the features of a variant of a picture. View says
// how the picture is cut and turned before.
func (n *Network) Key(picture [32]byte, view string, v Variant) Key {
	h := sha256.New()
	h.Write(n.digest[:])
	h.Write(picture[:])
	h.Write([]byte{byte(v.Turn), byte(v.Jitter), jitterVersion})
	h.Write([]byte(model.RuntimeVersion()))
	h.Write([]byte{0})
	h.Write([]byte(view))
	return Key(h.Sum(nil))
}

// MultiplyAdds is what the base costs for one picture, see the function.
func (n *Network) MultiplyAdds() int64 { return n.cost }

// Digest is the SHA-256 of the network that gives the features.
func (n *Network) Digest() [32]byte { return n.digest }

// Open makes the network ready to run. The Extractor belongs to one goroutine at
// a time and must be closed.
func (n *Network) Open(o model.Options) (*Extractor, error) {
	net, err := model.OpenNetwork(n.pooled, nil, o)
	if err != nil {
		return nil, fmt.Errorf("base network %s at %d pixels: %w", n.Name, n.Size, err)
	}
	return &Extractor{net: net, side: n.Size, loaded: make([]byte, len(net.InputBytes()))}, nil
}

// Extractor gives the features of pictures.
type Extractor struct {
	net    *model.Network
	side   int
	loaded []byte // the network's input for the picture as it is
}

// Load prepares the part roi of img (BGR, 8 bit).
func (e *Extractor) Load(img *gocv.Mat, roi image.Rectangle) error {
	if err := e.net.Load(img, roi); err != nil {
		return err
	}
	copy(e.loaded, e.net.InputBytes())
	return nil
}

// Turned writes the network's input for the loaded picture, turned, to dst:
// [size size channels], int8.
func (e *Extractor) Turned(t Turn, dst []byte) {
	t.apply(dst, e.loaded, e.side, len(e.loaded)/(e.side*e.side))
}

// Features returns the features of the loaded picture, turned. The slice is the
// extractor's own and is overwritten by the next call.
func (e *Extractor) Features(t Turn) ([]float32, error) {
	e.Turned(t, e.net.InputBytes())
	if err := e.net.Invoke(); err != nil {
		return nil, err
	}
	return e.net.Output(0), nil
}

// Extra returns what is extra of what Features saw last. The slice is the
// extractor's own.
func (e *Extractor) Extra() []float32 { return e.net.Output(1) }

// Close frees what lies outside Go's heap.
func (e *Extractor) Close() { e.net.Close() }

// Bytes is the memory of numbers, as a Shelf keeps them on this machine.
func Bytes(x []float32) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*binary.Size(x[0]))
}
