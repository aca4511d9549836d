package head

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"
)

// Fitted is a head and what cross-validation says of it.
type Fitted struct {
	Head   *Head
	Logits []float64 // [pictures][rows]: each picture's, from heads that it did not teach
	Loss   float64   // mean −log probability of the true class of these
	Kind   string    // what was chosen: "linear", "kernel" or "linear and kernel"
}

// MostLandmarks is how many pictures a kernel part compares with at most.
const MostLandmarks = 600

// Fit fits a head and chooses by cross-validation how strongly it is
// regularized, how wide its kernel is and which share each part has. The result
// depends on nothing but the arguments.
func Fit(e *Examples, seed uint64) (*Fitted, error) {
	if e.Classes < 2 || e.Folds < 2 {
		return nil, fmt.Errorf("%d classes in %d folds: two at least are needed of each", e.Classes, e.Folds)
	}
	var straight, bent *trial
	var bestLinear *linear
	for _, power := range []float64{0, 0.5} {
		p := newLinear(e.Basis, power)
		if t := e.cross(p); straight == nil || t.loss < straight.loss {
			straight, bestLinear = t, p
		}
	}
	var bestKernel *kernel
	for _, width := range []float64{1, 0.5, 0.25, 0.125} {
		p := newKernel(e, MostLandmarks, width, seed)
		t := e.cross(p)
		if bent != nil && t.loss >= bent.loss {
			break // the losses have one valley
		}
		bent, bestKernel = t, p
	}
	if math.IsInf(straight.loss, 1) || math.IsInf(bent.loss, 1) {
		return nil, fmt.Errorf("the features of %d pictures can't be solved for: do they differ at all?", len(e.Class))
	}
	best := &Fitted{Loss: math.Inf(1)}
	var slope, share float64
	var bias []float64
	rows := e.rows()
	a, b := evened(straight.scores), evened(bent.scores)
	for _, s := range []float64{0, 0.25, 0.5, 0.75, 1} { // of the kernel
		mixed := make([]float64, len(straight.scores))
		for i := range mixed {
			mixed[i] = (1-s)*straight.scores[i]/a + s*bent.scores[i]/b
		}
		k, c, loss, err := e.calibrate(mixed)
		if err != nil {
			return nil, err
		}
		if loss < best.Loss {
			for i := range mixed {
				mixed[i] = k*mixed[i] + c[i%rows]
			}
			best.Loss, best.Logits, slope, share, bias = loss, mixed, k, s, c
		}
	}
	best.Kind = map[float64]string{0: "linear", 1: "kernel"}[share]
	if best.Kind == "" {
		best.Kind = "linear and kernel"
	}
	h := &Head{Basis: e.Basis, Rows: rows, Bias: bias}
	w, c, ok := straight.all.solve(straight.ridge, nil)
	if !ok {
		return nil, fmt.Errorf("the linear head can't be solved for")
	}
	f := slope * (1 - share) / a
	h.Linear = make([]float64, rows*e.Basis.Len())
	for j, s := range bestLinear.scale {
		for r := range rows {
			h.Linear[r*e.Basis.Len()+j] = f * w[j*rows+r] / s
		}
	}
	for r := range rows {
		h.Bias[r] += f * c[r]
	}
	if share > 0 {
		w, c, ok := bent.all.solve(bent.ridge, bestKernel.between)
		if !ok {
			return nil, fmt.Errorf("the kernel head can't be solved for")
		}
		f := slope * share / b
		h.Scale, h.Landmarks, h.Gamma = bestKernel.scale, bestKernel.landmarks, bestKernel.gamma
		m := bestKernel.width()
		h.Kernel = make([]float64, rows*m)
		for i := range m {
			for r := range rows {
				h.Kernel[r*m+i] = f * w[i*rows+r]
			}
		}
		for r := range rows {
			h.Bias[r] += f * c[r]
		}
	}
	best.Head = h
	return best, nil
}

// evened is the scores' root mean square, so that parts weigh alike.
func evened(scores []float64) float64 {
	s := 0.0
	for _, v := range scores {
		s += v * v
	}
	return math.Sqrt(s/float64(len(scores))) + 1e-12
}

// calibrate finds slope and biases that make slope · scores + bias the best
// logits of the pictures' classes, each picture counting alike, and their mean
// −log probability. Scores that tell classes apart without a fault would grow
// without bound: the slope is held a little.
func (e *Examples) calibrate(scores []float64) (slope float64, bias []float64, loss float64, err error) {
	rows, n := e.rows(), len(e.Class)
	logits, p := make([]float64, rows), make([]float64, e.Classes)
	hold := 0.5 / float64(n) // of log slope², of bias²
	evaluate := func(x, gradient []float64) float64 {
		k := math.Exp(x[0])
		clear(gradient)
		total := 0.0
		for i, class := range e.Class {
			for r := range rows {
				logits[r] = k*scores[i*rows+r] + x[1+r]
			}
			Probabilities(logits, p)
			total -= math.Log(max(p[class], 1e-300)) / float64(n)
			for r := range rows {
				d := p[r]
				if rows == 1 {
					d = p[1]
					if class == 1 {
						d--
					}
				} else if class == r {
					d--
				}
				d /= float64(n)
				gradient[0] += d * k * scores[i*rows+r]
				gradient[1+r] += d
			}
		}
		u := x[0] - math.Log(3)
		total += hold * u * u
		gradient[0] += 2 * hold * u
		for r := range rows {
			total += hold * x[1+r] * x[1+r]
			gradient[1+r] += 2 * hold * x[1+r]
		}
		return total
	}
	scratch := make([]float64, 1+rows)
	start := make([]float64, 1+rows)
	start[0] = math.Log(3)
	result, err := optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 { return evaluate(x, scratch) },
		Grad: func(g, x []float64) { evaluate(x, g) },
	}, start, &optimize.Settings{GradientThreshold: 1e-7, MajorIterations: 200, Concurrent: 1}, &optimize.LBFGS{})
	if result == nil {
		return 0, nil, 0, fmt.Errorf("calibrating the scores: %w", err)
	}
	return math.Exp(result.X[0]), result.X[1:], result.F, nil
}
