package head

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// moments are the sums that least squares needs of weighted examples: inputs x
// of width p, targets t of width k. Sums of parts add up, so that a fold is
// left out by subtracting it.
type moments struct {
	p, k   int
	weight float64
	x      []float64 // [p] Σ w x
	t      []float64 // [k] Σ w t
	xx     []float64 // [p][p] Σ w x xᵀ, upper triangle
	xt     []float64 // [p][k] Σ w x tᵀ
}

func newMoments(p, k int) *moments {
	return &moments{p: p, k: k, x: make([]float64, p), t: make([]float64, k), xx: make([]float64, p*p), xt: make([]float64, p*k)}
}

// add takes n rows x [n][p] with targets t [n][k] and weights w into the sums.
func (m *moments) add(x, t, w []float64) {
	n := len(w)
	if n == 0 {
		return
	}
	scaled := make([]float64, n*m.p) // √w · x
	wt := make([]float64, n*m.k)     // √w · t
	for i, wi := range w {
		root := math.Sqrt(wi)
		m.weight += wi
		for j, v := range x[i*m.p : (i+1)*m.p] {
			m.x[j] += wi * v
			scaled[i*m.p+j] = root * v
		}
		for j, v := range t[i*m.k : (i+1)*m.k] {
			m.t[j] += wi * v
			wt[i*m.k+j] = root * v
		}
	}
	a := blas64.General{Rows: n, Cols: m.p, Stride: m.p, Data: scaled}
	blas64.Syrk(blas.Trans, 1, a, 1, blas64.Symmetric{N: m.p, Stride: m.p, Data: m.xx, Uplo: blas.Upper})
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, a, blas64.General{Rows: n, Cols: m.k, Stride: m.k, Data: wt},
		1, blas64.General{Rows: m.p, Cols: m.k, Stride: m.k, Data: m.xt})
}

// plus adds f times the sums o.
func (m *moments) plus(o *moments, f float64) {
	m.weight += f * o.weight
	for _, s := range []struct{ to, from []float64 }{{m.x, o.x}, {m.t, o.t}, {m.xx, o.xx}, {m.xt, o.xt}} {
		for i, v := range s.from {
			s.to[i] += f * v
		}
	}
}

// solve returns the weights [p][k] and biases [k] with the least
// mean square + ridge · |weights|²; false when ridge is too small to solve it.
func (m *moments) solve(ridge float64) (weights, bias []float64, ok bool) {
	c := mat.NewSymDense(m.p, nil)
	data := c.RawSymmetric().Data
	for i := range m.p {
		for j := i; j < m.p; j++ {
			data[i*m.p+j] = m.xx[i*m.p+j]/m.weight - m.x[i]*m.x[j]/(m.weight*m.weight)
		}
		// And what rounding may have taken from a sum of squares.
		data[i*m.p+i] += ridge + 1e-12*m.xx[i*m.p+i]/m.weight
	}
	var factor mat.Cholesky
	if !factor.Factorize(c) {
		return nil, nil, false
	}
	right := mat.NewDense(m.p, m.k, nil)
	for i := range m.p {
		for j := range m.k {
			right.Set(i, j, m.xt[i*m.k+j]/m.weight-m.x[i]*m.t[j]/(m.weight*m.weight))
		}
	}
	var w mat.Dense
	if err := factor.SolveTo(&w, right); err != nil {
		return nil, nil, false
	}
	bias = make([]float64, m.k)
	for j := range m.k {
		bias[j] = m.t[j] / m.weight
		for i := range m.p {
			bias[j] -= w.At(i, j) * m.x[i] / m.weight
		}
	}
	return w.RawMatrix().Data, bias, true
}

// deviation is the mean variance of the inputs.
func (m *moments) deviation() float64 {
	v := 0.0
	for j := range m.p {
		mean := m.x[j] / m.weight
		v += m.xx[j*m.p+j]/m.weight - mean*mean
	}
	return v / float64(m.p)
}
