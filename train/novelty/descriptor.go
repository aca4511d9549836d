package novelty

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"passfail/model/graph"
)

const (
	window     = 3    // positions that are averaged, each way
	stride     = 2    // from one average to the next
	dimensions = 80   // that a position is projected to
	smallest   = 1e-6 // what graph.StdOverPositions adds to a variance
)

// Descriptor makes descriptions of a base's map [1 height width channels], int8.
//
// A description is Len numbers: [rows columns dimensions] of the averaged and
// projected map, then the mean of each channel over positions and its standard
// deviation, [channels] each.
type Descriptor struct {
	height, width, channels int
	rows, columns           int
	scale                   float32 // of the map's bytes
	zero                    int
	weights                 []float32 // of the projection, [dimensions channels]
	averaged                []float32 // [rows·columns channels], for Describe
}

// Tap returns which of a base's maps is described: the finest.
func Tap(m *graph.Model, taps []int32) (int32, error) {
	best, most := int32(-1), int32(0)
	for _, t := range taps {
		if s := m.Shape(t); len(s) == 4 && s[1]*s[2] > most {
			best, most = t, s[1]*s[2]
		}
	}
	if best < 0 {
		return 0, fmt.Errorf("novelty: none of the base's %d outputs is a map", len(taps))
	}
	return best, nil
}

// NewDescriptor makes the descriptor of a map. All descriptors of maps of a
// shape and quantization are the same.
func NewDescriptor(m *graph.Model, tap int32) (*Descriptor, error) {
	t := m.Subgraphs[0].Tensors[tap]
	q := t.Quantization
	if len(t.Shape) != 4 || t.Type != graph.Int8 || q == nil || len(q.Scale) != 1 || len(q.ZeroPoint) != 1 {
		return nil, fmt.Errorf("novelty: map %q is %v %v; an int8 map [1 height width channels] with one scale is needed", t.Name, t.Type, t.Shape)
	}
	d := &Descriptor{
		height: int(t.Shape[1]), width: int(t.Shape[2]), channels: int(t.Shape[3]),
		scale: q.Scale[0], zero: int(q.ZeroPoint[0]),
	}
	d.rows, d.columns = (d.height+stride-1)/stride, (d.width+stride-1)/stride
	random := rand.New(rand.NewPCG(uint64(d.channels), dimensions))
	d.weights = make([]float32, dimensions*d.channels)
	for i := range d.weights {
		d.weights[i] = float32(random.NormFloat64() / math.Sqrt(dimensions))
	}
	d.averaged = make([]float32, d.positions()*d.channels)
	return d, nil
}

func (d *Descriptor) positions() int { return d.rows * d.columns }

// grid is how many numbers of a description are of positions.
func (d *Descriptor) grid() int { return d.positions() * dimensions }

// Len is how many numbers a description has.
func (d *Descriptor) Len() int { return d.grid() + 2*d.channels }

// Describe describes a map [height width channels], given as real numbers, as
// the graph of Append does. The description goes to dst, which has Len numbers.
// It belongs to one goroutine at a time.
func (d *Descriptor) Describe(tap, dst []float32) error {
	if len(tap) != d.height*d.width*d.channels || len(dst) != d.Len() {
		return fmt.Errorf("novelty: %d numbers of a map %d×%d×%d and room for %d of %d", len(tap), d.height, d.width, d.channels, len(dst), d.Len())
	}
	d.average(tap)
	blas32.Gemm(blas.NoTrans, blas.Trans, 1,
		blas32.General{Rows: d.positions(), Cols: d.channels, Stride: d.channels, Data: d.averaged},
		blas32.General{Rows: dimensions, Cols: d.channels, Stride: d.channels, Data: d.weights},
		0, blas32.General{Rows: d.positions(), Cols: dimensions, Stride: dimensions, Data: dst[:d.grid()]})
	d.moments(tap, dst[d.grid():])
	return nil
}

// average is AVERAGE_POOL_2D on bytes, padding SAME: averages are bytes again.
func (d *Descriptor) average(tap []float32) {
	span := func(at, n, places int) (int, int) {
		first := at*stride - ((places-1)*stride+window-n)/2
		return max(first, 0), min(first+window, n)
	}
	sum := make([]float32, d.channels)
	for r := range d.rows {
		top, bottom := span(r, d.height, d.rows)
		for c := range d.columns {
			left, right := span(c, d.width, d.columns)
			clear(sum)
			for y := top; y < bottom; y++ {
				for x := left; x < right; x++ {
					for i, v := range tap[(y*d.width+x)*d.channels:][:d.channels] {
						sum[i] += v
					}
				}
			}
			n := float32((bottom - top) * (right - left))
			out := d.averaged[(r*d.columns+c)*d.channels:][:d.channels]
			for i, s := range sum {
				// s is a whole number of steps; the operator rounds n-ths of them.
				steps := math.Round(float64(s/d.scale)) + float64(d.zero)*float64(n)
				out[i] = d.scale * float32(math.Round(steps/float64(n))-float64(d.zero))
			}
		}
	}
}

// moments puts the mean and the standard deviation of each channel into dst.
func (d *Descriptor) moments(tap, dst []float32) {
	mean, deviation := dst[:d.channels], dst[d.channels:]
	clear(dst)
	n := float32(d.height * d.width)
	for p := range d.height * d.width {
		for i, v := range tap[p*d.channels:][:d.channels] {
			mean[i] += v
		}
	}
	for i := range mean {
		mean[i] /= n
	}
	for p := range d.height * d.width {
		for i, v := range tap[p*d.channels:][:d.channels] {
			deviation[i] += (v - mean[i]) * (v - mean[i])
		}
	}
	for i, v := range deviation {
		deviation[i] = float32(math.Sqrt(float64(v/n + smallest)))
	}
}
