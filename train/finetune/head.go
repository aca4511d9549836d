package finetune

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"passfail/train/dense"
)

// head is a linear layer on standardized features: one row and a sigmoid for two
// classes, else a row for each class and a softmax.
type head struct {
	rows, features int
	mean, scale    []float32
	weights, bias  []float32 // [rows][features], [rows]
	penalty        float64   // on weights: penalty/2 · |weights|² is part of the loss
}

func rowsFor(classes int) int {
	if classes == 2 {
		return 1
	}
	return classes
}

// standardize learns mean and deviation of features [n][features].
func (h *head) standardize(x []float32) {
	n := len(x) / h.features
	h.mean, h.scale = make([]float32, h.features), make([]float32, h.features)
	for j := range h.features {
		sum, squares := 0.0, 0.0
		for i := range n {
			sum += float64(x[i*h.features+j])
		}
		mean := sum / float64(n)
		for i := range n {
			d := float64(x[i*h.features+j]) - mean
			squares += d * d
		}
		h.mean[j], h.scale[j] = float32(mean), float32(math.Sqrt(squares/float64(n)))
	}
	// A feature that hardly ever moves would otherwise count a thousandfold.
	sorted := slices.Sorted(slices.Values(h.scale))
	floor := max(0.3*sorted[len(sorted)/2], 1e-6)
	for j := range h.scale {
		h.scale[j] = max(h.scale[j], floor)
	}
}

func (h *head) apply(x []float32) {
	for i := range x {
		x[i] = (x[i] - h.mean[i%h.features]) / h.scale[i%h.features]
	}
}

// deviate turns logits into the derivatives of the loss by them and returns the
// loss: the cross entropy with the wanted probabilities [classes].
func deviate(z, wanted []float32) float64 {
	if len(z) == 1 {
		u, y := float64(z[0]), float64(wanted[1])
		z[0] = float32(1/(1+math.Exp(-u)) - y)
		return math.Max(u, 0) - u*y + math.Log1p(math.Exp(-math.Abs(u)))
	}
	most := slices.Max(z)
	sum := 0.0
	for _, u := range z {
		sum += math.Exp(float64(u - most))
	}
	loss := 0.0
	for k, u := range z {
		logProbability := float64(u-most) - math.Log(sum)
		loss -= float64(wanted[k]) * logProbability
		z[k] = float32(math.Exp(logProbability)) - wanted[k]
	}
	return loss
}

// examples are features [n][features], standardized, and what belongs to each.
type examples struct {
	x      []float32
	class  []int
	weight []float64
}

// wanted is the probabilities that a picture of a class should get.
func wanted(class, classes int, smoothing float64) []float32 {
	w := make([]float32, classes)
	fill(w, smoothing/float64(classes))
	w[class] += float32(1 - smoothing)
	return w
}

// startPenalties are tried where none is known, from the strongest to the weakest.
var startPenalties = []float64{1, 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3}

// fit sets weights and bias by logistic regression, with that of the penalties under
// which the pictures held out are best foretold. targets are the wanted
// probabilities of each class.
func (h *head) fit(ctx context.Context, training, held examples, targets [][]float32, penalties []float64, product *dense.Worker) error {
	h.weights, h.bias = make([]float32, h.rows*h.features), make([]float32, h.rows)
	w := make([]float64, h.rows*(h.features+1))
	best := math.Inf(1)
	f := &fitting{h: h, examples: training, targets: targets, product: product}
	for _, penalty := range penalties {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if w, err = f.minimize(w, penalty); err != nil {
			return err
		}
		g := &fitting{h: h, examples: held, targets: targets, product: product}
		if loss := g.evaluate(w, 0, nil); loss < best {
			best, h.penalty = loss, penalty
			for i, v := range w[:h.rows*h.features] {
				h.weights[i] = float32(v)
			}
			for i, v := range w[h.rows*h.features:] {
				h.bias[i] = float32(v)
			}
		} else if loss > 1.1*best {
			break // weaker penalties only get worse
		}
	}
	if math.IsInf(best, 1) {
		return fmt.Errorf("fitting the head: its loss is no number")
	}
	return nil
}

// fitting is the minimization of a head's loss on examples.
type fitting struct {
	h *head
	examples
	targets [][]float32
	product *dense.Worker
	w, z, g []float32
}

// evaluate returns the mean loss + penalty/2 · |weights|², and its derivatives in grad.
func (f *fitting) evaluate(w []float64, penalty float64, grad []float64) float64 {
	h, n := f.h, len(f.class)
	if f.z == nil {
		f.w, f.z, f.g = make([]float32, h.rows*h.features), make([]float32, n*h.rows), make([]float32, h.rows*h.features)
	}
	bias := w[h.rows*h.features:]
	loss, total := 0.0, 0.0
	for i, v := range w[:h.rows*h.features] {
		f.w[i] = float32(v)
		loss += penalty / 2 * v * v
	}
	for _, v := range f.weight {
		total += v
	}
	f.product.Multiply(dense.New(f.x, n, h.features), dense.New(f.w, h.rows, h.features).T(), dense.New(f.z, n, h.rows), false)
	if grad != nil {
		clear(grad)
	}
	for i := range n {
		z := f.z[i*h.rows : (i+1)*h.rows]
		for k := range z {
			z[k] += float32(bias[k])
		}
		share := f.weight[i] / total
		loss += share * deviate(z, f.targets[f.class[i]])
		for k := range z {
			z[k] *= float32(share)
			if grad != nil {
				grad[h.rows*h.features+k] += float64(z[k])
			}
		}
	}
	if grad == nil {
		return loss
	}
	f.product.Multiply(dense.New(f.z, n, h.rows).T(), dense.New(f.x, n, h.features), dense.New(f.g, h.rows, h.features), false)
	for i, v := range f.g {
		grad[i] = float64(v) + penalty*w[i]
	}
	return loss
}

func (f *fitting) minimize(w []float64, penalty float64) ([]float64, error) {
	problem := optimize.Problem{
		Func: func(w []float64) float64 { return f.evaluate(w, penalty, nil) },
		Grad: func(grad, w []float64) { f.evaluate(w, penalty, grad) },
	}
	result, err := optimize.Minimize(problem, w, &optimize.Settings{
		GradientThreshold: 1e-5, MajorIterations: 100, Concurrent: 1,
		Converger: &optimize.FunctionConverge{Relative: 1e-6, Iterations: 5},
	}, &optimize.LBFGS{})
	if result == nil {
		return nil, fmt.Errorf("fitting the head: %w", err)
	}
	// Running out of progress in the last digits is no failure: what was
	// reached is the best there is.
	return result.X, nil
}
