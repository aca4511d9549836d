package head

import (
	"math"
	"runtime"
	"slices"
	"sync"
)

// trial is a part with the ridge that cross-validation chose for it.
type trial struct {
	part   part
	ridge  float64
	loss   float64   // mean squared error of the pictures that were left out
	scores []float64 // [pictures][rows] of each while it was left out
	all    *moments
}

// ridges are tried, as shares of the mean variance of what the part gives.
var ridges = []float64{1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1}

const block = 256 // rows that are held at a time

// cross finds the ridge with which p does best on pictures that were left out.
func (e *Examples) cross(p part) *trial {
	rows, width, n := e.rows(), p.width(), len(e.Class)
	w := e.weights()
	folds := make([]*moments, e.Folds)
	parallel(e.Folds, func(f int) { folds[f] = e.moments(p, w, f) })
	t := &trial{part: p, all: newMoments(width, rows)}
	for _, m := range folds {
		t.all.plus(m, 1)
	}
	size := t.all.deviation() // ridges are in units of it
	scores := make([][]float64, len(ridges))
	for i := range scores {
		scores[i] = make([]float64, n*rows)
	}
	solved := make([][]bool, e.Folds)
	parallel(e.Folds, func(f int) {
		rest := newMoments(width, rows)
		rest.plus(t.all, 1)
		rest.plus(folds[f], -1)
		solved[f] = make([]bool, len(ridges))
		weights, biases := make([][]float64, len(ridges)), make([][]float64, len(ridges))
		for i, r := range ridges {
			weights[i], biases[i], solved[f][i] = rest.solve(r*size, p.norm())
		}
		x := make([]float64, width)
		for picture := range n {
			if e.Fold[picture] != f {
				continue
			}
			for _, view := range e.Serve {
				p.apply(e.at(view, picture), x)
				for i := range ridges {
					if solved[f][i] {
						score(x, weights[i], biases[i], 1/float64(len(e.Serve)), scores[i][picture*rows:(picture+1)*rows])
					}
				}
			}
		}
	})
	t.loss = math.Inf(1)
	target := make([]float64, rows)
	for i, r := range ridges {
		if slices.ContainsFunc(solved, func(s []bool) bool { return !s[i] }) {
			continue
		}
		loss := 0.0
		for picture := range n {
			e.target(picture, target)
			for k, v := range target {
				u := scores[i][picture*rows+k] - v
				loss += w[picture] * u * u / float64(n*rows)
			}
		}
		if loss < t.loss {
			t.loss, t.ridge, t.scores = loss, r*size, scores[i]
		}
	}
	return t
}

// moments are the sums over the pictures of a fold, all of their views.
func (e *Examples) moments(p part, w []float64, fold int) *moments {
	rows, width := e.rows(), p.width()
	m := newMoments(width, rows)
	x, t, ws := make([]float64, 0, block*width), make([]float64, 0, block*rows), make([]float64, 0, block)
	for picture := range e.Class {
		if e.Fold[picture] != fold {
			continue
		}
		for view := range e.Views {
			x, t = x[:len(x)+width], t[:len(t)+rows]
			p.apply(e.at(view, picture), x[len(x)-width:])
			e.target(picture, t[len(t)-rows:])
			if ws = append(ws, w[picture]/float64(e.Views)); len(ws) == block {
				m.add(x, t, ws)
				x, t, ws = x[:0], t[:0], ws[:0]
			}
		}
	}
	m.add(x, t, ws)
	return m
}

// score adds share times (x · weights + bias) to s.
func score(x, weights, bias []float64, share float64, s []float64) {
	k := len(s)
	for r := range s {
		s[r] += share * bias[r]
	}
	for j, v := range x {
		for r := range s {
			s[r] += share * v * weights[j*k+r]
		}
	}
}

// parallel calls work for 0 to n−1, as many at a time as there are processors.
func parallel(n int, work func(i int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.NumCPU()) {
		group.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}
