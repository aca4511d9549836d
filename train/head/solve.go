package head

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"

	"passfail/train/dense"
)

// settings of a kernel machine.
type settings struct{ width, ridge float64 }

// The settings that served best wherever they were tried.
var usual = settings{1, 0.02}

// solution is a kernel machine: the weights of its examples, and what others
// would have said of each.
type solution struct {
	settings
	alpha []float64 // [rows][examples]: the weights
	bias  []float64 // [rows]
	left  []float64 // [rows][examples]: the score of each from those of other folds
}

var errSingular = errors.New("the pictures' features can't be solved for: do they differ at all?")

// solve fits the machine to examples whose squared distances are d [n][n], which
// is spoilt. Examples of a fold lie together: fold f has those from starts[f] to
// starts[f+1]. Targets are [rows][n]; ridges say how little each example's target
// counts.
func solve(d []float32, s settings, targets [][]float32, ridges []float64, starts []int) (*solution, error) {
	n := len(ridges)
	nearness(d, n, s.width)
	for i, r := range ridges {
		d[i*n+i] += float32(r)
	}
	if !dense.Cholesky(d, n) {
		return nil, errSingular
	}
	dense.InvertLower(d, n)
	// With w = l⁻¹ the inverse is wᵀw. Ones and targets go through it together.
	rows := len(targets)
	right := make([]float32, n*(rows+1))
	for i := range n {
		right[i*(rows+1)] = 1
		for r, t := range targets {
			right[i*(rows+1)+1+r] = t[i]
		}
	}
	half, solved := make([]float32, len(right)), make([]float32, len(right))
	w := dense.New(d, n, n)
	dense.Multiply(w, dense.New(right, n, rows+1), half, false)
	dense.Multiply(w.T(), dense.New(half, n, rows+1), solved, false)

	out := &solution{settings: s, bias: make([]float64, rows), alpha: make([]float64, rows*n), left: make([]float64, rows*n)}
	ones, total := make([]float64, n), 0.0 // inverse · 1, and its sum
	for i := range n {
		ones[i] = float64(solved[i*(rows+1)])
		total += ones[i]
	}
	for r := range rows {
		for i := range n {
			out.bias[r] += float64(solved[i*(rows+1)+1+r]) / total
		}
		for i := range n {
			out.alpha[r*n+i] = float64(solved[i*(rows+1)+1+r]) - out.bias[r]*ones[i]
		}
	}
	for f := range len(starts) - 1 {
		if err := out.leave(w, ones, total, targets, starts[f], starts[f+1]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// leave computes what examples from to to−1 would get from a machine that they
// had not taught: their targets less c⁻¹ · weights, where c is their block of the
// inverse of the whole system, bias and all. The bias itself stays the whole
// machine's: without them it would move away from their class, the more the rarer
// that is, and scores of different folds could not be compared.
func (s *solution) leave(w dense.Matrix, ones []float64, total float64, targets [][]float32, from, to int) error {
	k, n := to-from, len(ones)
	if k == 0 {
		return nil
	}
	// Rows of w above from are zero in these columns.
	columns := dense.Matrix{Data: w.Data[from*n+from:], Rows: n - from, Cols: k, Row: n, Column: 1}
	block := make([]float32, k*k)
	dense.Multiply(columns.T(), columns, block, false)
	c := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			c.SetSym(i, j, float64(block[i*k+j])-ones[from+i]*ones[from+j]/total)
		}
	}
	right := mat.NewDense(k, len(targets), nil)
	for r := range targets {
		for i := range k {
			right.Set(i, r, s.alpha[r*n+from+i])
		}
	}
	var factor mat.Cholesky
	var residual mat.Dense
	if !factor.Factorize(c) || factor.SolveTo(&residual, right) != nil {
		return errSingular
	}
	for r, t := range targets {
		moved := 0.0 // the bias, by leaving them out
		for i := range k {
			moved -= ones[from+i] / total * residual.At(i, r)
		}
		for i := range k {
			v := float64(t[from+i]) - residual.At(i, r) - moved
			if math.IsNaN(v) {
				return errSingular
			}
			s.left[r*n+from+i] = v
		}
	}
	return nil
}
