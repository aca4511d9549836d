package novelty

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
)

// fitWhole fits to the mean and deviation of channels, and returns each
// picture's distance to the others, those of its fold left out.
//
// There are many more features than it takes pictures, so all is computed from
// the pictures' inner products: the features are gone through once.
func (m *Model) fitWhole(pictures []kept, fold []int) []float64 {
	n := 2 * m.descriptor.channels
	x, mean := m.standardize(pictures)
	all := gram(x, len(pictures), n)
	held := make([]float64, len(pictures))
	every := make([]int, len(pictures))
	for i := range every {
		every[i] = i
	}
	last := newSubset(all, len(pictures), every)
	room := make([]float64, len(all))
	last.fit(n, wholeRank, nil, room)
	for k := range slices.Max(fold) + 1 {
		var in []int
		for i, f := range fold {
			if f != k {
				in = append(in, i)
			}
		}
		s := newSubset(all, len(pictures), in)
		s.fit(n, wholeRank, last, room)
		for i, f := range fold {
			if f == k {
				held[i] = s.distance(n, i)
			}
		}
	}
	m.whole = last.spread(x, mean, n)
	return held
}

// standardize returns the features of pictures [pictures features], of mean 0 and each
// divided by its deviation, and the mean in that scale, and sets the scale.
func (m *Model) standardize(pictures []kept) (x []float32, mean []float64) {
	n, count := 2*m.descriptor.channels, float64(len(pictures))
	mean, m.scale = make([]float64, n), make([]float64, n)
	for _, p := range pictures {
		for j, v := range p.description[m.descriptor.grid():] {
			mean[j] += float64(v) / count
		}
	}
	for _, p := range pictures {
		for j, v := range p.description[m.descriptor.grid():] {
			m.scale[j] += (float64(v) - mean[j]) * (float64(v) - mean[j]) / count
		}
	}
	for j, v := range m.scale {
		m.scale[j] = math.Sqrt(v)
	}
	least := max(leastDeviation*median(slices.Clone(m.scale)), math.SmallestNonzeroFloat32)
	for j := range m.scale {
		m.scale[j] = 1 / max(m.scale[j], least)
	}
	x = make([]float32, 0, len(pictures)*n)
	for _, p := range pictures {
		for j, v := range p.description[m.descriptor.grid():] {
			x = append(x, float32((float64(v)-mean[j])*m.scale[j]))
		}
	}
	for j := range mean {
		mean[j] *= m.scale[j]
	}
	return x, mean
}

// gram returns the inner products of samples [count n] with each other: [count count].
func gram(x []float32, count, n int) []float64 {
	half := make([]float32, count*count)
	blas32.Syrk(blas.NoTrans, 1, blas32.General{Rows: count, Cols: n, Stride: n, Data: x}, 0,
		blas32.Symmetric{Uplo: blas.Upper, N: count, Stride: count, Data: half})
	g := make([]float64, count*count)
	for i := range count {
		for j := i; j < count; j++ {
			g[i*count+j], g[j*count+i] = float64(half[i*count+j]), float64(half[i*count+j])
		}
	}
	return g
}

// subset is a fit to some of the samples whose inner products are known.
type subset struct {
	products []float64 // [count count]
	count    int
	in       []int // the samples that are fitted to

	toMean  []float64 // the inner product of each of in with the mean of all of them
	square  float64   // of the mean
	vectors []float64 // [rank in]: directions, as weights of the centred samples
	length  []float64 // of each direction, squared: the sum of squares along it
	found   spread    // variances and rest of it
}

func newSubset(products []float64, count int, in []int) *subset {
	s := &subset{products: products, count: count, in: in, toMean: make([]float64, len(in))}
	for a, i := range in {
		s.toMean[a] = s.mean(i)
		s.square += s.toMean[a] / float64(len(in))
	}
	return s
}

// mean is the inner product of sample i with the mean.
func (s *subset) mean(i int) float64 {
	sum := 0.0
	for _, j := range s.in {
		sum += s.products[i*s.count+j]
	}
	return sum / float64(len(s.in))
}

// fit finds the directions of most variance among n dimensions. near, unless nil,
// is a fit to more of the samples. room is for [in in] numbers at least.
func (s *subset) fit(n, rank int, near *subset, room []float64) {
	k := len(s.in)
	centred, total := room[:k*k], 0.0
	for a, i := range s.in {
		for b, j := range s.in {
			centred[a*k+b] = s.products[i*s.count+j] - s.toMean[a] - s.toMean[b] + s.square
		}
		total += max(centred[a*k+a], 0)
	}
	freedom := float64(max(k-1, 1))
	if rank = min(rank, k/2, n/2); rank > 0 && total > 0 {
		var start []float64
		if near != nil {
			for r := 0; r < min(rank, len(near.length)); r++ {
				for _, i := range s.in {
					start = append(start, near.vectors[r*len(near.in)+i])
				}
			}
		}
		s.vectors, s.length = principal(centred, k, rank, start)
	}
	s.found.rest = total
	for _, v := range s.length {
		s.found.rest -= v
		s.found.variances = append(s.found.variances, v/freedom)
	}
	s.found.rest = max(s.found.rest/freedom/float64(n-len(s.length)), math.SmallestNonzeroFloat32)
}

// distance is spread.distance's square root, of sample i.
func (s *subset) distance(n, i int) float64 {
	toMean := s.mean(i)
	total := s.products[i*s.count+i] - 2*toMean + s.square
	with := make([]float64, len(s.in))
	for a, j := range s.in {
		with[a] = s.products[i*s.count+j] - toMean - s.toMean[a] + s.square
	}
	for r, length := range s.length {
		if length <= 0 {
			continue
		}
		dot := blas64.Dot(vector(s.vectors[r*len(s.in):(r+1)*len(s.in)]), vector(with))
		total -= s.found.damping(r) * dot * dot / length
	}
	return math.Sqrt(max(total, 0) / (s.found.rest * float64(n)))
}

// spread returns the fit in terms of the samples x [count n], which have mean 0 where mean is.
func (s *subset) spread(x []float32, mean []float64, n int) spread {
	r := s.found
	r.mean = mean
	r.directions = make([]float64, len(s.length)*n)
	for d, length := range s.length {
		if length <= 0 {
			continue
		}
		out := r.directions[d*n : (d+1)*n]
		for a, i := range s.in {
			w := s.vectors[d*len(s.in)+a] / math.Sqrt(length)
			for j, v := range x[i*n : (i+1)*n] {
				out[j] += w * float64(v)
			}
		}
	}
	return r
}
