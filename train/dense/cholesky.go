package dense

import "math"

// panel is how many columns are factorized at a time; all else is Multiply.
const panel = 96

// Cholesky factorizes the symmetric positive definite matrix a [n][n], of which it
// reads the lower triangle: a = l · lᵀ. It leaves the lower triangular l in a, with
// zeros above. It is false, and a is spoilt, where a is not positive definite.
func Cholesky(a []float32, n int) bool {
	whole := New(a, n, n)
	negative := make([]float32, n*panel)
	for k := 0; k < n; k += panel {
		w := min(panel, n-k)
		inverse := factorize(whole.part(k, k, w, w))
		if inverse == nil {
			return false
		}
		below := n - k - w
		if below == 0 {
			break
		}
		// Below the diagonal: l = a · (diagonal block's l)⁻ᵀ.
		column := whole.part(k+w, k, below, w)
		l := make([]float32, below*w)
		Multiply(column, New(inverse, w, w).T(), l, false)
		for i := range below {
			copy(column.Data[i*n:i*n+w], l[i*w:(i+1)*w])
		}
		for i, v := range l {
			negative[i] = -v
		}
		// What is left, a − l · lᵀ, column by column down from the diagonal.
		for j := 0; j < below; j += panel {
			c := min(panel, below-j)
			multiply(New(negative[j*w:below*w], below-j, w), New(l[j*w:(j+c)*w], c, w).T(), whole.part(k+w+j, k+w+j, below-j, c), true)
		}
	}
	for i := range n {
		clear(a[i*n+i+1 : (i+1)*n])
	}
	return true
}

// part is a block of the matrix.
func (m Matrix) part(row, column, rows, cols int) Matrix {
	return Matrix{m.Data[row*m.Row+column*m.Column:], rows, cols, m.Row, m.Column}
}

// factorize is Cholesky of a small block, in 64 bits. It returns the inverse of
// the factor, nil where there is none.
func factorize(m Matrix) []float32 {
	n := m.Rows
	l := make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			s := float64(m.Data[i*m.Row+j])
			for k := range j {
				s -= l[i*n+k] * l[j*n+k]
			}
			if i != j {
				l[i*n+j] = s / l[j*n+j]
				continue
			}
			if !(s > 0) || math.IsInf(s, 0) {
				return nil
			}
			l[i*n+i] = math.Sqrt(s)
		}
	}
	for i := range n {
		for j := range i + 1 {
			m.Data[i*m.Row+j] = float32(l[i*n+j])
		}
	}
	return invertSmall(l, n)
}

// invertSmall inverts a lower triangular matrix.
func invertSmall(l []float64, n int) []float32 {
	x := make([]float64, n*n)
	for j := range n {
		x[j*n+j] = 1 / l[j*n+j]
		for i := j + 1; i < n; i++ {
			s := 0.0
			for k := j; k < i; k++ {
				s -= l[i*n+k] * x[k*n+j]
			}
			x[i*n+j] = s / l[i*n+i]
		}
	}
	out := make([]float32, n*n)
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

// InvertLower inverts a lower triangular matrix l [n][n] in place; above the
// diagonal it must be zero.
func InvertLower(l []float32, n int) {
	whole := New(l, n, n)
	row, product := make([]float32, panel*n), make([]float32, panel*n)
	for k := 0; k < n; k += panel {
		w := min(panel, n-k)
		block := make([]float64, w*w)
		for i := range w {
			for j := range i + 1 {
				block[i*w+j] = float64(l[(k+i)*n+k+j])
			}
		}
		inverse := New(invertSmall(block, w), w, w)
		// The rows of the inverse: −(block)⁻¹ · (l to the left) · (rows above).
		if k > 0 {
			for i := range w {
				copy(row[i*k:(i+1)*k], l[(k+i)*n:(k+i)*n+k])
			}
			Multiply(New(row[:w*k], w, k), whole.part(0, 0, k, k), product[:w*k], false)
			for i, v := range product[:w*k] {
				product[i] = -v
			}
			multiply(inverse, New(product[:w*k], w, k), whole.part(k, 0, w, k), false)
		}
		for i := range w {
			copy(l[(k+i)*n+k:(k+i)*n+k+w], inverse.Data[i*w:(i+1)*w])
		}
	}
}
