package head

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"passfail/train/dense"
)

// directions are those in which rows x [n][features] are longest, at most most of
// them, orthonormal: [directions][features]. Lengths are the sums of the rows'
// squares along each. There is one at least. g is room for [n][n] numbers.
func directions(x []float32, features, most int, g []float32, seed uint64) (found []float32, lengths []float64) {
	n := len(x) / features
	rows := dense.New(x, n, features)
	dense.Multiply(rows, rows.T(), g, false)
	values, vectors := leading(g, n, min(most, n, features), seed)
	// Directions beyond the numbers' precision are noise.
	k := 1
	for k < len(values) && values[k] > 1e-5*values[0] {
		k++
	}
	// directionⱼ = Σᵢ vectors[i][j] xᵢ / √valueⱼ
	turn := make([]float32, n*k)
	for j := range k {
		f := float32(1 / math.Sqrt(max(values[j], 1e-12)))
		for i := range n {
			turn[i*k+j] = vectors[i*len(values)+j] * f
		}
	}
	out := make([]float32, k*features)
	dense.Multiply(dense.New(turn, n, k).T(), rows, out, false)
	return out, values[:k]
}

// exactly is up to which size all eigenvectors are computed.
const exactly = 300

// leading returns the k largest eigenvalues of the symmetric n × n matrix g, and
// their vectors as the columns of an [n][k] matrix.
func leading(g []float32, n, k int, seed uint64) ([]float64, []float32) {
	if n <= exactly {
		return allLeading(g, n, k)
	}
	// Subspace iteration: a random subspace, turned towards the leading one.
	width := min(k+k/10+10, n)
	r := rand.New(rand.NewPCG(seed, 0xba515))
	y, z := make([]float32, n*width), make([]float32, n*width)
	for i := range y {
		y[i] = float32(r.NormFloat64())
	}
	a := dense.New(g, n, n)
	for range 4 {
		dense.Multiply(a, dense.New(y, n, width), z, false)
		orthonormalize(z, n, width, y)
	}
	dense.Multiply(a, dense.New(y, n, width), z, false)
	small := make([]float32, width*width)
	dense.Multiply(dense.New(y, n, width).T(), dense.New(z, n, width), small, false)
	values, turn := allLeading(small, width, k)
	v := make([]float32, n*k)
	dense.Multiply(dense.New(y, n, width), dense.New(turn, width, k), v, false)
	return values, v
}

// allLeading is leading by way of all eigenvectors.
func allLeading(g []float32, n, k int) ([]float64, []float32) {
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			s.SetSym(i, j, (float64(g[i*n+j])+float64(g[j*n+i]))/2)
		}
	}
	var e mat.EigenSym
	e.Factorize(s, true)
	var all mat.Dense
	e.VectorsTo(&all)
	ascending := e.Values(nil)
	values, v := make([]float64, k), make([]float32, n*k)
	for j := range k {
		values[j] = ascending[n-1-j]
		for i := range n {
			v[i*k+j] = float32(all.At(i, n-1-j))
		}
	}
	return values, v
}

// orthonormalize makes the columns of y [n][k] orthonormal, by the Cholesky
// factor of their products, twice for precision. The result is in out.
func orthonormalize(y []float32, n, k int, out []float32) {
	p := make([]float32, k*k)
	for range 2 {
		// Columns of like size, or the products of the large ones drown the others.
		size := make([]float64, k)
		for i := range n {
			for j, v := range y[i*k : (i+1)*k] {
				size[j] += float64(v) * float64(v)
			}
		}
		for j := range size {
			size[j] = 1 / math.Sqrt(max(size[j], 1e-30))
		}
		for i := range n {
			row := y[i*k : (i+1)*k]
			for j := range row {
				row[j] *= float32(size[j])
			}
		}
		m := dense.New(y, n, k)
		dense.Multiply(m.T(), m, p, false)
		s := mat.NewSymDense(k, nil)
		for i := range k {
			for j := i; j < k; j++ {
				s.SetSym(i, j, float64(p[i*k+j]))
			}
			s.SetSym(i, i, s.At(i, i)+1e-5)
		}
		var c mat.Cholesky
		if !c.Factorize(s) {
			break // as good as it gets; the next round tries again
		}
		var u, inverse mat.TriDense
		c.UTo(&u)
		if inverse.InverseTri(&u) != nil {
			break
		}
		for i := range k {
			for j := range k {
				p[i*k+j] = float32(inverse.At(i, j))
			}
		}
		dense.Multiply(m, dense.New(p, k, k), out, false)
		copy(y, out)
	}
	copy(out, y)
}
