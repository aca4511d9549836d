package novelty

import (
	"math"
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
func (s *spread) damping(i int) float64 {
	if s.variances[i] <= s.rest {
		return 0
	}
	return 1 - s.rest/s.variances[i]
}

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

// scatter is what is needed of samples of n numbers to fit a spread to them.
type scatter struct {
	count  float64
	sum    []float64
	square []float64 // [n n], the sum of x · xᵀ; only j ≥ i is used
}

// scatterOf sums up samples [count n].
func scatterOf(samples []float64, n int) scatter {
	s := scatter{count: float64(len(samples) / n), sum: make([]float64, n), square: make([]float64, n*n)}
	for i, v := range samples {
		s.sum[i%n] += v
	}
	if len(samples) > 0 {
		blas64.Syrk(blas.Trans, 1, blas64.General{Rows: len(samples) / n, Cols: n, Stride: n, Data: samples}, 0, symmetric(s.square, n))
	}
	return s
}

// add adds another's samples to s, or takes them out again with factor −1.
func (s *scatter) add(o scatter, factor float64) {
	s.count += factor * o.count
	blas64.Axpy(factor, vector(o.sum), vector(s.sum))
	blas64.Axpy(factor, vector(o.square), vector(s.square))
}

// spread fits a spread of at most rank directions. near, unless nil, is a spread
// of nearly the same samples, from which it is found sooner.
func (s *scatter) spread(rank int, near *spread) spread {
	n := len(s.sum)
	r := spread{mean: make([]float64, n)}
	blas64.Axpy(1/s.count, vector(s.sum), vector(r.mean))
	deviations := make([]float64, n*n)
	copy(deviations, s.square)
	blas64.Syr(-s.count, vector(r.mean), symmetric(deviations, n))
	total := 0.0
	for i := range n {
		total += max(deviations[i*n+i], 0)
		for j := range i {
			deviations[i*n+j] = deviations[j*n+i]
		}
	}
	freedom := max(s.count-1, 1)
	// With half as many directions as samples, what is left still tells of the rest.
	if rank = min(rank, int(s.count)/2, n/2); rank > 0 && total > 0 {
		var start []float64
		if near != nil {
			start = near.directions
		}
		r.directions, r.variances = principal(deviations, n, rank, start)
	}
	r.rest = total
	for i := range r.variances {
		r.rest -= r.variances[i]
		r.variances[i] /= freedom
	}
	r.rest = max(r.rest, 0) / freedom / float64(n-len(r.variances))
	return r
}

// Subspace iteration: more directions than are wanted, so that those wanted come
// out well after a few rounds.
const (
	surplus    = 8
	rounds     = 5
	nearRounds = 2 // from a start that is nearly right
)

// principal returns the rank eigenvectors [rank n] of the largest eigenvalues of
// a symmetric matrix [n n], and the eigenvalues, the largest first. start, unless
// nil, is vectors [… n] that are nearly the ones wanted.
func principal(matrix []float64, n, rank int, start []float64) (vectors, values []float64) {
	k := min(rank+surplus, n)
	x := blas64.General{Rows: n, Cols: n, Stride: n, Data: matrix}
	q := blas64.General{Rows: k, Cols: n, Stride: n, Data: make([]float64, k*n)}
	random := rand.New(rand.NewPCG(uint64(n), uint64(k)))
	for i := copy(q.Data, start); i < len(q.Data); i++ {
		q.Data[i] = random.NormFloat64() / math.Sqrt(float64(n))
	}
	turns := rounds
	if start != nil {
		turns = nearRounds
	}
	y := blas64.General{Rows: k, Cols: n, Stride: n, Data: make([]float64, k*n)}
	orthonormalize(q)
	for range turns {
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, q, x, 0, y)
		q, y = y, q
		orthonormalize(q)
	}
	// The best of the subspace that was found (Rayleigh and Ritz).
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, q, x, 0, y)
	small := mat.NewDense(k, k, nil)
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, q, y, 0, small.RawMatrix())
	inner := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			inner.SetSym(i, j, (small.At(i, j)+small.At(j, i))/2)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(inner, true) {
		return nil, nil // it does not converge for numbers that are none; such are not let in
	}
	ascending := eigen.Values(nil)
	var basis mat.Dense
	eigen.VectorsTo(&basis)
	vectors = make([]float64, rank*n)
	for i := range rank {
		column := k - 1 - i
		values = append(values, max(ascending[column], 0))
		for c := range k {
			blas64.Axpy(basis.At(c, column), vector(q.Data[c*n:(c+1)*n]), vector(vectors[i*n:(i+1)*n]))
		}
	}
	return vectors, values
}

// orthonormalize makes the rows of q orthonormal (Gram and Schmidt, twice over
// for accuracy). A row that the ones before it span becomes 0.
func orthonormalize(q blas64.General) {
	n := q.Cols
	for j := range q.Rows {
		v := vector(q.Data[j*n : (j+1)*n])
		before := blas64.Nrm2(v)
		for range 2 {
			for i := range j {
				u := vector(q.Data[i*n : (i+1)*n])
				blas64.Axpy(-blas64.Dot(u, v), u, v)
			}
		}
		scale := 0.0
		if l := blas64.Nrm2(v); l > 1e-12*before {
			scale = 1 / l
		}
		blas64.Scal(scale, v)
	}
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }

func symmetric(x []float64, n int) blas64.Symmetric {
	return blas64.Symmetric{Uplo: blas.Upper, N: n, Stride: n, Data: x}
}

// median of values, which it sorts.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
