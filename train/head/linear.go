package head

import (
	"math"
	"slices"
)

// linear is a linear part under way: regularized least squares.
type linear struct {
	loss    float64   // mean square of what left-out pictures' scores lack to their targets
	scores  []float64 // [pictures][rows]: each picture's while it was left out, served
	weights []float64 // [coordinates][rows]
	bias    []float64
}

// ridges are tried, as shares of the mean variance of the coordinates.
var ridges = []float64{1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3, 10, 30}

const block = 256 // rows that are held at a time

// fitLinear finds the ridge with which pictures that were left out are judged
// best.
func (e *Examples) fitLinear() (*linear, bool) {
	rows, q, n := e.rows(), e.Straight.Basis.Len(), len(e.Class)
	w := e.weights(1)
	sums := make([]*moments, e.Folds)
	parallel(e.Folds, func(f int) { sums[f] = e.moments(w, f) })
	all := newMoments(q, rows)
	for _, m := range sums {
		all.plus(m, 1)
	}
	unit := all.deviation()
	scores, loss := make([][]float64, len(ridges)), make([]float64, len(ridges))
	for i := range scores {
		scores[i] = make([]float64, n*rows)
	}
	unsolved := make([][]bool, e.Folds)
	parallel(e.Folds, func(f int) {
		rest := newMoments(q, rows)
		rest.plus(all, 1)
		rest.plus(sums[f], -1)
		unsolved[f] = make([]bool, len(ridges))
		for i, r := range ridges {
			weights, bias, ok := rest.solve(r * unit)
			if !ok {
				unsolved[f][i] = true
				continue
			}
			for picture := range n {
				if e.Fold[picture] == f {
					e.scoreLinear(picture, weights, bias, scores[i][picture*rows:(picture+1)*rows])
				}
			}
		}
	})
	best := -1
	for i := range ridges {
		if slices.ContainsFunc(unsolved, func(u []bool) bool { return u[i] }) {
			continue
		}
		for picture := range n {
			for r := range rows {
				u := scores[i][picture*rows+r] - e.target(picture, r)
				loss[i] += w[picture] * u * u / float64(n*rows)
			}
		}
		if best < 0 || loss[i] < loss[best] {
			best = i
		}
	}
	if best < 0 {
		return nil, false
	}
	l := &linear{loss: loss[best], scores: scores[best]}
	var ok bool
	l.weights, l.bias, ok = all.solve(ridges[best] * unit)
	return l, ok && !math.IsNaN(l.loss)
}

// moments are the sums over the pictures of a fold, all of their views.
func (e *Examples) moments(w []float64, fold int) *moments {
	rows, q, n := e.rows(), e.Straight.Basis.Len(), len(e.Class)
	m := newMoments(q, rows)
	x, t, ws := make([]float64, 0, block*q), make([]float64, 0, block*rows), make([]float64, 0, block)
	for picture := range n {
		if e.Fold[picture] != fold {
			continue
		}
		for view := range e.Views {
			for _, v := range e.Straight.at(view, picture, n) {
				x = append(x, float64(v))
			}
			for r := range rows {
				t = append(t, e.target(picture, r))
			}
			if ws = append(ws, w[picture]/float64(e.Views)); len(ws) == block {
				m.add(x, t, ws)
				x, t, ws = x[:0], t[:0], ws[:0]
			}
		}
	}
	m.add(x, t, ws)
	return m
}

// scoreLinear averages the scores of a picture's served views into s.
func (e *Examples) scoreLinear(picture int, weights, bias, s []float64) {
	rows := len(s)
	copy(s, bias)
	for _, view := range e.Serve {
		for j, v := range e.Straight.at(view, picture, len(e.Class)) {
			for r := range s {
				s[r] += float64(v) * weights[j*rows+r] / float64(len(e.Serve))
			}
		}
	}
}
