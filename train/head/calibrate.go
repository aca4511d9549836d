package head

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"
)

// size is the scores' root mean square, so that parts weigh alike.
func size(scores []float64) float64 {
	s := 0.0
	for _, v := range scores {
		s += v * v
	}
	return math.Sqrt(s/float64(len(scores))) + 1e-12
}

// calibration makes logits of scores: slope · score + bias.
type calibration struct {
	slope float64
	bias  []float64 // [rows]
	loss  float64   // mean −log probability of the true class
}

// calibrate finds the best calibration of scores [pictures][rows], each picture
// counting alike. Scores that tell classes apart without a fault would grow
// without bound: the slope is held a little, and the less the more pictures there are.
func (e *Examples) calibrate(scores []float64) (calibration, error) {
	return calibrate(scores, e.Class, e.Classes)
}

func calibrate(scores []float64, classes []int, count int) (calibration, error) {
	n := len(classes)
	rows := len(scores) / n
	logits, p := make([]float64, rows), make([]float64, count)
	middle := math.Log(2 / size(scores))
	hold := 0.5 / float64(n)
	evaluate := func(x, gradient []float64) float64 {
		k := math.Exp(x[0])
		clear(gradient)
		total := 0.0
		for i, class := range classes {
			for r := range rows {
				logits[r] = k*scores[i*rows+r] + x[1+r]
			}
			Probabilities(logits, p)
			total -= math.Log(max(p[class], 1e-300)) / float64(n)
			for r := range rows {
				// Row r speaks for class r, a single row for class 1.
				of := r
				if rows == 1 {
					of = 1
				}
				d := p[of] / float64(n)
				if class == of {
					d -= 1 / float64(n)
				}
				gradient[0] += d * k * scores[i*rows+r]
				gradient[1+r] += d
			}
		}
		u := x[0] - middle
		total += hold * u * u
		gradient[0] += 2 * hold * u
		for r := range rows {
			total += hold * x[1+r] * x[1+r]
			gradient[1+r] += 2 * hold * x[1+r]
		}
		return total
	}
	scratch, start := make([]float64, 1+rows), make([]float64, 1+rows)
	start[0] = middle
	result, err := optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 { return evaluate(x, scratch) },
		Grad: func(g, x []float64) { evaluate(x, g) },
	}, start, &optimize.Settings{GradientThreshold: 1e-6, MajorIterations: 200, Concurrent: 1}, &optimize.LBFGS{})
	if result == nil {
		return calibration{}, fmt.Errorf("calibrating the scores: %w", err)
	}
	// Running out of progress in the last digits is no failure: what was reached
	// is the best there is.
	return calibration{math.Exp(result.X[0]), result.X[1:], result.F}, nil
}

// Calibration makes logits as sure as they should be: Slope · logit + Bias.
type Calibration struct {
	Slope float64
	Bias  []float64 // [rows]
}

// Calibrate finds the calibration of logits [pictures][rows] of pictures that
// taught nothing. Class is that of each, of so many classes.
func Calibrate(logits []float64, class []int, classes int) (*Calibration, error) {
	if len(class) == 0 || len(logits) == 0 || len(logits)%len(class) != 0 {
		return nil, fmt.Errorf("calibrating: %d logits of %d pictures", len(logits), len(class))
	}
	c, err := calibrate(logits, class, classes)
	if err != nil {
		return nil, err
	}
	return &Calibration{c.slope, c.bias}, nil
}

// Apply calibrates logits [pictures][rows] in place.
func (c *Calibration) Apply(logits []float64) {
	for i, v := range logits {
		logits[i] = c.Slope*v + c.Bias[i%len(c.Bias)]
	}
}

// Recalibrate has the head give calibrated logits from now on.
func (h *Head) Recalibrate(c *Calibration) {
	for i := range h.Weights {
		h.Weights[i] *= c.Slope
	}
	c.Apply(h.Bias)
}

// ShiftPriors makes up for classes that have another share of the pictures where
// the head was fitted than where it judges: each class's logit changes by the
// logarithm of the ratio. Both count pictures of each class, of which there is one
// at least.
func (h *Head) ShiftPriors(fitted, judged []int) {
	share := func(count []int, class int) float64 {
		total := 0
		for _, n := range count {
			total += n
		}
		return float64(count[class]) / float64(total)
	}
	shift := func(class int) float64 { return math.Log(share(judged, class) / share(fitted, class)) }
	if h.Rows == 1 {
		h.Bias[0] += shift(1) - shift(0)
		return
	}
	for r := range h.Bias {
		h.Bias[r] += shift(r)
	}
}
