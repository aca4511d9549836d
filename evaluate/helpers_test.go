package evaluate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"passfail/evaluate"
)

// two is a sample of the labels bad and good, with these pass scores.
func two(bad, good []float64) *evaluate.Sample {
	s := &evaluate.Sample{Labels: []string{"bad", "good"}, Pass: []bool{false, true}}
	for truth, scores := range [][]float64{bad, good} {
		for i, v := range scores {
			s.Pictures = append(s.Pictures, evaluate.Judged{
				Path: fmt.Sprintf("%s/%d.jpg", s.Labels[truth], i), Truth: truth, Scores: []float64{1 - v, v},
			})
		}
	}
	return s
}

// normal draws n pass scores around a mean on the scale of logits.
func normal(r *rand.Rand, n int, mean float64) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = 1 / (1 + math.Exp(-mean-r.NormFloat64()))
	}
	return list
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func near(t testing.TB, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

func within(t testing.TB, name string, got evaluate.Interval, low, high, tolerance float64) {
	t.Helper()
	near(t, name+", low", got.Low, low, tolerance)
	near(t, name+", high", got.High, high, tolerance)
}
