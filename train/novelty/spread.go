package novelty

import (
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// spread is how samples of n numbers vary around their mean: much in a few
// directions, and alike in all others (probabilistic principal components).
type spread struct {
	mean       []float64
	directions []float64 // [rank n], of length 1
	variances  []float64 // along each, the largest first
	rest       float64   // variance in every other direction
}

// damping is what of a deviation's square, along direction i, is no deviation:
// samples vary so much there.
func (s *spread) damping(i int) float64 { return max(1-s.rest/s.variances[i], 0) }

// distance is the mean over the numbers of the squared deviation of x, in units
// of the variance. z is room for as many numbers.
func (s *spread) distance(x []float32, z []float64) float64 {
	n := len(s.mean)
	total := 0.0
	for i, v := range x {
		z[i] = float64(v) - s.mean[i]
		total += z[i] * z[i]
	}
	for i := range s.variances {
		dot := blas64.Dot(vector(s.directions[i*n:(i+1)*n]), vector(z))
		total -= s.damping(i) * dot * dot
	}
	return max(total, 0) / (s.rest * float64(n))
}

// fitSpread fits a spread of at most rank directions to samples [count n], which
// it centres in place.
func fitSpread(samples []float64, n, rank int) spread {
	count := len(samples) / n
	s := spread{mean: make([]float64, n)}
	for i, v := range samples {
		s.mean[i%n] += v / float64(count)
	}
	total := 0.0
	for i := range samples {
		samples[i] -= s.mean[i%n]
		total += samples[i] * samples[i]
	}
	freedom := float64(max(count-1, 1))
	// With half as many directions as samples, what is left still tells of the rest.
	if rank = min(rank, count/2, n/2); rank > 0 && total > 0 {
		s.directions, s.variances = principal(samples, n, rank)
	}
	for i := range s.variances {
		total -= s.variances[i]
		s.variances[i] /= freedom
	}
	s.rest = max(total, 0) / freedom / float64(n-len(s.variances))
	return s
}

// Subspace iteration: more directions than are wanted, so that those wanted
// come out well after a few rounds.
const (
	surplus = 8
	rounds  = 5
)

// principal returns the rank directions [rank n] in which centred samples
// [count n] vary most and the sums of squares along them, the largest first.
func principal(samples []float64, n, rank int) (vectors, squares []float64) {
	count := len(samples) / n
	k := min(rank+surplus, n, count)
	x := blas64.General{Rows: count, Cols: n, Stride: n, Data: samples}
	q := blas64.General{Rows: n, Cols: k, Stride: k, Data: make([]float64, n*k)}
	random := rand.New(rand.NewPCG(uint64(n), uint64(k)))
	for i := range q.Data {
		q.Data[i] = random.NormFloat64()
	}
	y := blas64.General{Rows: count, Cols: k, Stride: k, Data: make([]float64, count*k)}
	for range rounds {
		orthonormalize(q)
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, x, q, 0, y)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, x, y, 0, q)
	}
	orthonormalize(q)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, x, q, 0, y)
	small := mat.NewSymDense(k, nil)
	inner := small.RawSymmetric()
	blas64.Syrk(blas.Trans, 1, y, 0, inner)
	var eigen mat.EigenSym
	if !eigen.Factorize(small, true) {
		return nil, nil // of numbers that are none; then nothing is near anything
	}
	values := eigen.Values(nil)
	var basis mat.Dense
	eigen.VectorsTo(&basis)
	vectors = make([]float64, 0, rank*n)
	for i := range rank {
		column := k - 1 - i // eigenvalues ascend
		squares = append(squares, max(values[column], 0))
		for r := range n {
			v := 0.0
			for c := range k {
				v += q.Data[r*k+c] * basis.At(c, column)
			}
			vectors = append(vectors, v)
		}
	}
	return vectors, squares
}

// orthonormalize makes the columns of q orthonormal (Gram and Schmidt, twice
// over for accuracy). A column that the ones before it span becomes 0.
func orthonormalize(q blas64.General) {
	n, k := q.Rows, q.Cols
	columns := make([]float64, n*k) // columns as rows, so that memory is read in order
	for i := range n {
		for j := range k {
			columns[j*n+i] = q.Data[i*k+j]
		}
	}
	for j := range k {
		v := columns[j*n : (j+1)*n]
		before := norm(v)
		for range 2 {
			for i := range j {
				u := columns[i*n : (i+1)*n]
				dot := blas64.Dot(vector(u), vector(v))
				blas64.Axpy(-dot, vector(u), vector(v))
			}
		}
		scale := 0.0
		if l := norm(v); l > 1e-12*before {
			scale = 1 / l
		}
		blas64.Scal(scale, vector(v))
	}
	for i := range n {
		for j := range k {
			q.Data[i*k+j] = columns[j*n+i]
		}
	}
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }

func norm(x []float64) float64 { return blas64.Nrm2(vector(x)) }

// median of values, which it sorts.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
