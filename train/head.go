package train

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/optimize"
)

// Head is a linear layer on features: logits = Weights · x + Bias. With one row
// it is a sigmoid whose value is the second class's probability, with k rows a
// softmax over k classes.
type Head struct {
	Weights []float32 // [rows][features]
	Bias    []float32 // [rows]
	Penalty float64   // the L2 penalty that cross-validation chose
}

// Example is one picture's features and its class.
type Example struct {
	Features []float32
	Class    int
}

const folds = 4

// penalties are tried from the strongest to the weakest, each fit starting
// where the last one ended.
var penalties = []float64{3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4}

// Fit fits a head for classes classes. Classes count alike however many
// examples each has. The result depends on nothing but the arguments.
func Fit(examples []Example, classes int) (*Head, error) {
	p, err := newProblem(examples, classes)
	if err != nil {
		return nil, err
	}
	loss := make([]float64, len(penalties))
	for fold := range folds {
		train := func(i int) bool { return p.order[i]%folds != fold }
		w := p.start()
		for i, l2 := range penalties {
			if w, err = p.fit(train, l2, w); err != nil {
				return nil, err
			}
			loss[i] += p.loss(func(i int) bool { return !train(i) }, w)
		}
	}
	best := slices.Index(loss, slices.Min(loss))
	w := p.start()
	for _, l2 := range penalties[:best+1] {
		if w, err = p.fit(func(int) bool { return true }, l2, w); err != nil {
			return nil, err
		}
	}
	return p.head(w, penalties[best]), nil
}

// problem is a data set, standardized: n examples of d features.
type problem struct {
	n, d, rows  int
	x           []float64 // [n][d]
	class       []int
	weight      []float64 // of an example, so that classes count alike
	order       []int     // an example's place within its class: folds are strata
	mean, scale []float64 // of each feature before standardization
}

func newProblem(examples []Example, classes int) (*problem, error) {
	if classes < 2 {
		return nil, fmt.Errorf("%d classes: two at least are needed", classes)
	}
	count := make([]int, classes)
	p := &problem{n: len(examples), rows: classes}
	if classes == 2 {
		p.rows = 1
	}
	for i, e := range examples {
		if e.Class < 0 || e.Class >= classes {
			return nil, fmt.Errorf("example %d has class %d of %d", i, e.Class, classes)
		}
		if p.d == 0 {
			p.d = len(e.Features)
		}
		if len(e.Features) != p.d || p.d == 0 {
			return nil, fmt.Errorf("example %d has %d features, the first has %d", i, len(e.Features), p.d)
		}
		p.order = append(p.order, count[e.Class])
		p.class = append(p.class, e.Class)
		count[e.Class]++
		for _, v := range e.Features {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("example %d has a feature that is no number", i)
			}
			p.x = append(p.x, float64(v))
		}
	}
	for c, n := range count {
		if n < folds {
			return nil, fmt.Errorf("class %d has %d examples; %d at least are needed", c, n, folds)
		}
	}
	for _, c := range p.class {
		p.weight = append(p.weight, float64(p.n)/float64(classes*count[c]))
	}
	p.standardize()
	return p, nil
}

// standardize gives every feature mean 0 and deviation 1, but features that
// hardly ever move no more than their share: a floor under the deviation keeps
// their weights from growing without bound.
func (p *problem) standardize() {
	p.mean, p.scale = make([]float64, p.d), make([]float64, p.d)
	for i, v := range p.x {
		p.mean[i%p.d] += v / float64(p.n)
	}
	for i, v := range p.x {
		u := v - p.mean[i%p.d]
		p.scale[i%p.d] += u * u / float64(p.n)
	}
	for j := range p.scale {
		p.scale[j] = math.Sqrt(p.scale[j])
	}
	sorted := slices.Sorted(slices.Values(p.scale))
	floor := max(0.3*sorted[len(sorted)/2], 1e-6)
	for j := range p.scale {
		p.scale[j] = max(p.scale[j], floor)
	}
	for i := range p.x {
		p.x[i] = (p.x[i] - p.mean[i%p.d]) / p.scale[i%p.d]
	}
}

// start is the weights to begin with: [rows][d], then [rows] biases, all zero.
func (p *problem) start() []float64 { return make([]float64, p.rows*(p.d+1)) }

// logits computes x · wᵀ + bias into z [n][rows].
func (p *problem) logits(w, z []float64) {
	bias := w[p.rows*p.d:]
	for i := range z {
		z[i] = bias[i%p.rows]
	}
	blas64.Gemm(blas.NoTrans, blas.Trans, 1,
		blas64.General{Rows: p.n, Cols: p.d, Stride: p.d, Data: p.x},
		blas64.General{Rows: p.rows, Cols: p.d, Stride: p.d, Data: w},
		1, blas64.General{Rows: p.n, Cols: p.rows, Stride: p.rows, Data: z})
}

// deviate turns example i's logits into the derivative of its loss by them, and
// returns the loss: −log of the true class's probability.
func (p *problem) deviate(i int, z []float64) float64 {
	if p.rows == 1 {
		y := float64(p.class[i])
		u := z[0]
		z[0] = 1/(1+math.Exp(-u)) - y
		return math.Max(u, 0) - u*y + math.Log1p(math.Exp(-math.Abs(u)))
	}
	most := slices.Max(z)
	sum := 0.0
	for _, u := range z {
		sum += math.Exp(u - most)
	}
	loss := math.Log(sum) + most - z[p.class[i]]
	for k := range z {
		z[k] = math.Exp(z[k]-most) / sum
	}
	z[p.class[i]]--
	return loss
}

// loss is the weighted loss of the chosen examples.
func (p *problem) loss(chosen func(int) bool, w []float64) float64 {
	z := make([]float64, p.n*p.rows)
	p.logits(w, z)
	total := 0.0
	for i := range p.n {
		if chosen(i) {
			total += p.weight[i] * p.deviate(i, z[i*p.rows:(i+1)*p.rows])
		}
	}
	return total
}

// fit minimizes the chosen examples' mean loss + l2/2 · |weights|², from start.
func (p *problem) fit(chosen func(int) bool, l2 float64, start []float64) ([]float64, error) {
	z := make([]float64, p.n*p.rows)
	in, total := make([]bool, p.n), 0.0
	for i := range in {
		if in[i] = chosen(i); in[i] {
			total += p.weight[i]
		}
	}
	// derive leaves each example's derivative in z and returns the mean loss.
	derive := func(w []float64) float64 {
		p.logits(w, z)
		sum := 0.0
		for i := range p.n {
			row := z[i*p.rows : (i+1)*p.rows]
			f := 0.0
			if in[i] {
				f = p.weight[i] / total
				sum += f * p.deviate(i, row)
			}
			for k := range row {
				row[k] *= f
			}
		}
		for _, v := range w[:p.rows*p.d] {
			sum += l2 / 2 * v * v
		}
		return sum
	}
	problem := optimize.Problem{
		Func: derive,
		Grad: func(grad, w []float64) {
			derive(w)
			blas64.Gemm(blas.Trans, blas.NoTrans, 1,
				blas64.General{Rows: p.n, Cols: p.rows, Stride: p.rows, Data: z},
				blas64.General{Rows: p.n, Cols: p.d, Stride: p.d, Data: p.x},
				0, blas64.General{Rows: p.rows, Cols: p.d, Stride: p.d, Data: grad})
			for i, v := range w[:p.rows*p.d] {
				grad[i] += l2 * v
			}
			bias := grad[p.rows*p.d:]
			clear(bias)
			for i, v := range z {
				bias[i%p.rows] += v
			}
		},
	}
	result, err := optimize.Minimize(problem, start, &optimize.Settings{
		GradientThreshold: 1e-5, MajorIterations: 200, Concurrent: 1,
		Converger: &optimize.FunctionConverge{Relative: 1e-7, Iterations: 10},
	}, &optimize.LBFGS{})
	if result == nil {
		return nil, fmt.Errorf("fitting the head: %w", err)
	}
	// Running out of progress in the last digits is no failure: what was
	// reached is the best there is.
	return result.X, nil
}

// head folds the standardization into the weights.
func (p *problem) head(w []float64, l2 float64) *Head {
	h := &Head{Weights: make([]float32, p.rows*p.d), Bias: make([]float32, p.rows), Penalty: l2}
	for r := range p.rows {
		bias := w[p.rows*p.d+r]
		for j := range p.d {
			v := w[r*p.d+j] / p.scale[j]
			h.Weights[r*p.d+j] = float32(v)
			bias -= v * p.mean[j]
		}
		h.Bias[r] = float32(bias)
	}
	return h
}
