package head

import (
	"context"
	"math"
)

// machine is a support vector machine under way: examples with targets ±1, each
// with a bound on its weight. An example whose bound is 0 teaches nothing, but
// its decision value is known all the same.
type machine struct {
	near   []float32 // [n][n]: the examples' kernel values
	n      int
	target []float64
	bound  []float64
}

// How exact a solution must be, in units of the margin, and how many steps may
// lead there.
const (
	tolerance = 1e-3
	mostSteps = 2_000_000
)

// solve finds the weights alpha [n], each within 0..bound, and the decision
// values of all examples, bias and all. It is sequential minimal optimization:
// step by step the pair that violates the optimum most is optimized, its second
// chosen by how much that gains (after Fan, Chen and Lin, 2005).
func (m *machine) solve(ctx context.Context) (alpha, decision []float64, bias float64, err error) {
	n := m.n
	alpha = make([]float64, n)
	g := make([]float64, n) // of the dual problem: target · decision without bias − 1
	for i := range g {
		g[i] = -1
	}
	for step := range mostSteps {
		if step%1024 == 0 && ctx.Err() != nil {
			return nil, nil, 0, ctx.Err()
		}
		i, j := m.pair(alpha, g)
		if i < 0 {
			break
		}
		m.optimize(i, j, alpha, g)
	}
	bias = m.bias(alpha, g)
	decision = make([]float64, n)
	for i := range decision {
		decision[i] = m.target[i]*(g[i]+1) + bias
	}
	return alpha, decision, bias, nil
}

// pair returns the two examples to optimize next; -1 when all is well.
func (m *machine) pair(alpha, g []float64) (int, int) {
	first, up := -1, math.Inf(-1)
	for t, y := range m.target {
		if y > 0 && alpha[t] < m.bound[t] || y < 0 && alpha[t] > 0 {
			if v := -y * g[t]; v > up {
				first, up = t, v
			}
		}
	}
	if first < 0 {
		return -1, -1
	}
	row := m.near[first*m.n : (first+1)*m.n]
	second, low, gain := -1, math.Inf(1), math.Inf(1)
	for t, y := range m.target {
		if y > 0 && alpha[t] > 0 || y < 0 && alpha[t] < m.bound[t] {
			v := -y * g[t]
			low = min(low, v)
			if b := up - v; b > 0 {
				a := max(float64(row[first]+m.near[t*m.n+t])-2*float64(row[t]), 1e-12)
				if d := -b * b / a; d < gain {
					second, gain = t, d
				}
			}
		}
	}
	if second < 0 || up-low < tolerance {
		return -1, -1
	}
	return first, second
}

// optimize moves the weights of i and j to their best, within their bounds.
func (m *machine) optimize(i, j int, alpha, g []float64) {
	n := m.n
	ki, kj := m.near[i*n:(i+1)*n], m.near[j*n:(j+1)*n]
	yi, yj := m.target[i], m.target[j]
	a := max(float64(ki[i])+float64(kj[j])-2*float64(ki[j]), 1e-12)
	// Along this line target·alpha is kept: alpha i grows by yi·s, alpha j by −yj·s.
	s := (-yi*g[i] + yj*g[j]) / a
	clip := func(t int, sign float64) {
		if sign > 0 {
			s = min(s, m.bound[t]-alpha[t])
		} else {
			s = min(s, alpha[t])
		}
	}
	clip(i, yi)
	clip(j, -yj)
	alpha[i] += yi * s
	alpha[j] -= yj * s
	settle(alpha, m.bound, i)
	settle(alpha, m.bound, j)
	for t, y := range m.target {
		g[t] += y * s * float64(ki[t]-kj[t])
	}
}

// settle puts a weight that rounding left near a bound onto it.
func settle(alpha, bound []float64, t int) {
	if alpha[t] < 1e-12*bound[t] {
		alpha[t] = 0
	} else if alpha[t] > bound[t]*(1-1e-12) {
		alpha[t] = bound[t]
	}
}

// bias is what lets the examples on the margin have it exactly.
func (m *machine) bias(alpha, g []float64) float64 {
	sum, count := 0.0, 0
	low, high := math.Inf(-1), math.Inf(1)
	for t, y := range m.target {
		v := -y * g[t]
		switch {
		case m.bound[t] == 0:
		case alpha[t] > 0 && alpha[t] < m.bound[t]:
			sum += v
			count++
		case (y > 0) == (alpha[t] == 0):
			low = max(low, v)
		default:
			high = min(high, v)
		}
	}
	if count > 0 {
		return sum / float64(count)
	}
	if math.IsInf(low, 0) || math.IsInf(high, 0) {
		return 0
	}
	return (low + high) / 2
}
