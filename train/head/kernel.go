package head

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"passfail/train/dense"
)

// The kernel part is a support vector machine with a Gaussian kernel. It works in
// coordinates scaled by the root of their spread, half-way between those that
// the basis gives and whitened ones, and with a total variance of 1.
const (
	kernelPower    = 0.5
	mostSupporters = 4000 // examples that it is taught with; what it needs grows with the square
	carefully      = 1000 // up to so many examples all settings are tried
)

// Settings of a kernel: gamma in exp(−gamma |z − s|²), and the bound on an
// example's weight.
type kernelSettings struct{ gamma, bound float64 }

// usual is what served best wherever it was tried, others are tried where that
// takes no time.
var usual = kernelSettings{1, 3}

func kernelGrid(examples int) []kernelSettings {
	if examples > carefully {
		return []kernelSettings{usual}
	}
	return []kernelSettings{{0.5, 1}, {0.5, 3}, {0.5, 10}, {1, 1}, usual, {1, 10}, {2, 1}, {2, 3}, {2, 10}}
}

// kernel is a kernel part under way.
type kernel struct {
	settings kernelSettings
	scale    []float64 // [coordinates]
	scores   []float64 // [pictures][rows]: each picture's while it was left out, served
	support  []float32 // [supporters][coordinates], scaled
	weights  []float64 // [rows][supporters]
	bias     []float64
}

// kernelWork is what fitting a kernel part goes by.
type kernelWork struct {
	*Examples
	scale   []float64
	z       []float32 // [examples][coordinates], scaled
	picture []int     // of each example
	view    []int
	near    []float32 // [examples][examples]
	gamma   float64   // that near is for
}

// fitKernel finds the settings with which pictures that were left out are judged
// best, as loss has it.
func (e *Examples) fitKernel(ctx context.Context, seed uint64, loss func(scores []float64) (float64, error)) (*kernel, error) {
	k := e.newKernelWork(seed)
	var best *kernel
	lowest := math.Inf(1)
	for _, s := range kernelGrid(len(k.picture)) {
		scores, err := k.cross(ctx, s)
		if err != nil {
			return nil, err
		}
		l, err := loss(scores)
		if err != nil {
			return nil, err
		}
		if l < lowest {
			lowest = l
			best = &kernel{settings: s, scale: k.scale, scores: scores}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no setting of the kernel judges %d pictures at all", len(e.Class))
	}
	return best, k.finish(ctx, best)
}

func (e *Examples) newKernelWork(seed uint64) *kernelWork {
	k := &kernelWork{Examples: e}
	basis := e.Bent.Basis
	k.scale = make([]float64, basis.Len())
	variance := 0.0
	for j, s := range basis.Spread {
		k.scale[j] = math.Pow(s, kernelPower)
		variance += math.Pow(s, 2-2*kernelPower)
	}
	for j := range k.scale {
		k.scale[j] *= math.Sqrt(variance)
	}
	for picture := range e.Class {
		for view := range e.Views {
			k.picture, k.view = append(k.picture, picture), append(k.view, view)
		}
	}
	if len(k.picture) > mostSupporters {
		k.thin(seed)
	}
	q := len(k.scale)
	k.z = make([]float32, len(k.picture)*q)
	for i, picture := range k.picture {
		k.scaled(e.Bent.at(k.view[i], picture, len(e.Class)), k.z[i*q:(i+1)*q])
	}
	return k
}

// thin leaves fewer examples: first of each picture fewer views, then fewer
// pictures. The views that are served come first.
func (k *kernelWork) thin(seed uint64) {
	n := len(k.Class)
	k.picture, k.view = nil, nil
	views := slices.Clone(k.Serve)
	for v := range k.Views {
		if !slices.Contains(views, v) {
			views = append(views, v)
		}
	}
	views = views[:max(1, min(len(views), mostSupporters/n))]
	order := rand.New(rand.NewPCG(seed, 0x5a3)).Perm(n)
	order = order[:min(n, mostSupporters/len(views))]
	slices.Sort(order)
	for _, p := range order {
		for _, v := range views {
			k.picture, k.view = append(k.picture, p), append(k.view, v)
		}
	}
}

func (k *kernelWork) scaled(z, out []float32) {
	for j, s := range k.scale {
		out[j] = z[j] / float32(s)
	}
}

// nearness computes exp(−gamma |a − b|²) of rows a [m][q] and b [n][q].
func nearness(a, b []float32, q int, gamma float64) []float32 {
	m, n := len(a)/q, len(b)/q
	near := make([]float32, m*n)
	dense.Multiply(dense.New(a, m, q), dense.New(b, n, q).T(), near, false)
	squares := func(x []float32, rows int) []float32 {
		s := make([]float32, rows)
		for i := range s {
			for _, v := range x[i*q : (i+1)*q] {
				s[i] += v * v
			}
		}
		return s
	}
	aa, bb := squares(a, m), squares(b, n)
	parallel(m, func(i int) {
		row := near[i*n : (i+1)*n]
		for j, ab := range row {
			row[j] = float32(math.Exp(-gamma * float64(max(aa[i]+bb[j]-2*ab, 0))))
		}
	})
	return near
}

// prepare makes near for a gamma.
func (k *kernelWork) prepare(gamma float64) {
	if k.near != nil && k.gamma == gamma {
		return
	}
	k.near = nil // the old one is garbage before the new one is made
	k.near, k.gamma = nearness(k.z, k.z, len(k.scale), gamma), gamma
}

// machine is that of a row of logits; examples of the fold leave teach nothing.
func (k *kernelWork) machine(s kernelSettings, row, leave int) *machine {
	n := len(k.picture)
	m := &machine{near: k.near, n: n, target: make([]float64, n), bound: make([]float64, n)}
	w := k.weights(0.5)
	for i, p := range k.picture {
		m.target[i] = k.target(p, row)
		if k.Fold[p] != leave {
			m.bound[i] = s.bound * w[p]
		}
	}
	return m
}

// cross returns the scores of all pictures, each from a machine that the
// picture's fold taught nothing.
func (k *kernelWork) cross(ctx context.Context, s kernelSettings) ([]float64, error) {
	k.prepare(s.gamma)
	rows, n := k.rows(), len(k.Class)
	scores := make([]float64, n*rows)
	errs := make([]error, k.Folds*rows)
	parallel(k.Folds*rows, func(task int) {
		fold, row := task/rows, task%rows
		alpha, decision, bias, err := k.machine(s, row, fold).solve(ctx)
		if err != nil {
			errs[task] = err
			return
		}
		known, sum := make([]int, n), make([]float64, n)
		for i, p := range k.picture {
			if slices.Contains(k.Serve, k.view[i]) {
				sum[p] += decision[i]
				known[p]++
			}
		}
		for p := range n {
			switch {
			case k.Fold[p] != fold:
			case known[p] == len(k.Serve):
				scores[p*rows+row] = sum[p] / float64(len(k.Serve))
			default: // thinned out, so judged like a new one
				scores[p*rows+row] = k.judge(p, row, alpha, bias, s.gamma)
			}
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return scores, nil
}

// judge is the mean decision value of a picture's served views.
func (k *kernelWork) judge(picture, row int, alpha []float64, bias, gamma float64) float64 {
	q := len(k.scale)
	z := make([]float32, q)
	sum := 0.0
	for _, view := range k.Serve {
		k.scaled(k.Bent.at(view, picture, len(k.Class)), z)
		for i, a := range alpha {
			if a == 0 {
				continue
			}
			d := float32(0)
			for j, v := range k.z[i*q : (i+1)*q] {
				u := z[j] - v
				d += u * u
			}
			sum += a * k.target(k.picture[i], row) * math.Exp(-gamma*float64(d))
		}
	}
	return sum/float64(len(k.Serve)) + bias
}

// finish teaches the machine with all folds.
func (k *kernelWork) finish(ctx context.Context, b *kernel) error {
	k.prepare(b.settings.gamma)
	rows, n, q := k.rows(), len(k.picture), len(k.scale)
	alphas, errs := make([][]float64, rows), make([]error, rows)
	b.bias = make([]float64, rows)
	parallel(rows, func(row int) {
		alphas[row], _, b.bias[row], errs[row] = k.machine(b.settings, row, -1).solve(ctx)
	})
	k.near = nil
	var supporters []int
	for i := range n {
		if slices.ContainsFunc(alphas, func(a []float64) bool { return a != nil && a[i] > 0 }) {
			supporters = append(supporters, i)
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	b.support = make([]float32, len(supporters)*q)
	b.weights = make([]float64, rows*len(supporters))
	for s, i := range supporters {
		copy(b.support[s*q:], k.z[i*q:(i+1)*q])
		for row := range rows {
			b.weights[row*len(supporters)+s] = alphas[row][i] * k.target(k.picture[i], row)
		}
	}
	return nil
}
