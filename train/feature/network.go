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

// Network is a base network that pools its maps: what a head is fitted to. It
// holds the file that it was made of, and no other: with several sizes of a base
// in work that is one.
type Network struct {
	Name       string // of the base
	Size       int    // side of its square input, pixels
	Count      int    // features of a picture
	ExtraCount int    // numbers of Extra

	file   []byte // the base's .tflite
	extra  Extra
	cost   int64
	digest [32]byte // of what pooling returns
}

// Extra adds to a base what is wanted of pictures besides features: a row [1 n],
// float32.
type Extra func(m *graph.Model, p Pooled) (int32, error)

// NewNetwork makes a base network, the bytes of a file of model/base, ready for
// pictures of size × size pixels. Extra may be nil.
func NewNetwork(name string, base []byte, size int, extra Extra) (*Network, error) {
	n := &Network{Name: name, Size: size, file: base, extra: extra}
	f, err := n.Base()
	if err != nil {
		return nil, err
	}
	n.cost = MultiplyAdds(f.Model)
	wanted, err := n.extend(f)
	if err != nil {
		return nil, err
	}
	n.Count = int(f.Model.Shape(wanted[0])[1])
	if extra != nil {
		n.ExtraCount = int(f.Model.Shape(wanted[1])[1])
	}
	b, err := n.only(f, wanted)
	n.digest = sha256.Sum256(b)
	return n, err
}

// Base is the base network at that size, whose outputs are maps. Its numbers
// alias the network's own: they must not be written to.
func (n *Network) Base() (*graph.File, error) {
	f, err := graph.Parse(n.file)
	if err != nil {
		return nil, fmt.Errorf("base network %s: %w", n.Name, err)
	}
	if own := f.Model.Shape(f.Model.Subgraphs[0].Inputs[0]); int(own[1]) != n.Size || int(own[2]) != n.Size {
		if err := f.Resize(n.Size); err != nil {
			return nil, fmt.Errorf("base network %s: %w", n.Name, err)
		}
	}
	return f, nil
}

// extend adds to the base what is wanted of it: the features, then what is extra.
func (n *Network) extend(f *graph.File) (wanted []int32, err error) {
	pooled, err := Pool(f.Model)
	wanted = []int32{pooled.Features}
	if err == nil && n.extra != nil {
		var t int32
		t, err = n.extra(f.Model, pooled)
		wanted = append(wanted, t)
	}
	if err != nil {
		return nil, fmt.Errorf("base network %s: %w", n.Name, err)
	}
	return wanted, nil
}

// only is the .tflite that gives what is wanted and nothing else.
func (n *Network) only(f *graph.File, wanted []int32) ([]byte, error) {
	SetOutputs(f, wanted...)
	b, err := f.Bytes()
	if err != nil {
		return nil, fmt.Errorf("base network %s: %w", n.Name, err)
	}
	return b, nil
}

// pooling is the .tflite that gives features, then what is extra.
func (n *Network) pooling() ([]byte, error) {
	f, err := n.Base()
	if err != nil {
		return nil, err
	}
	wanted, err := n.extend(f)
	if err != nil {
		return nil, err
	}
	return n.only(f, wanted)
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
	b, err := n.pooling()
	if err != nil {
		return nil, err
	}
	return n.open(b, o)
}

// open is Open with what pooling returned.
func (n *Network) open(b []byte, o model.Options) (*Extractor, error) {
	net, err := model.OpenNetwork(b, nil, o)
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

// LoadJittered is Load of the picture, of a file with this hash, in the n-th of its jitters; the
// picture itself is number 0.
func (e *Extractor) LoadJittered(img *gocv.Mat, roi image.Rectangle, hash [32]byte, n int) error {
	if n == 0 {
		return e.Load(img, roi)
	}
	jittered := gocv.NewMat() // not kept: it is as large as the picture
	defer jittered.Close()
	if err := newJitter(hash, n).apply(img, roi, &jittered); err != nil {
		return err
	}
	return e.Load(&jittered, image.Rect(0, 0, jittered.Cols(), jittered.Rows()))
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
