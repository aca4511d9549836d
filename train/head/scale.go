package head

import (
	"math"
	"slices"
)

// Scale standardizes features: (x − Mean) / Deviation / √features, so that the
// squared distance of two pictures is about 2.
type Scale struct {
	Mean, Deviation []float32
}

// leastDeviation is the floor under a feature's deviation, as a share of the
// median: a feature that hardly ever moves must not grow to the others' size.
const leastDeviation = 0.1

// newScale is that of n rows of features, which row gives: it is called twice for
// each.
func newScale(n, features int, row func(i int, x []float32) error) (Scale, error) {
	mean, deviation := make([]float64, features), make([]float64, features)
	x := make([]float32, features)
	for i := range n {
		if err := row(i, x); err != nil {
			return Scale{}, err
		}
		for j, v := range x {
			mean[j] += float64(v) / float64(n)
		}
	}
	for i := range n {
		if err := row(i, x); err != nil {
			return Scale{}, err
		}
		for j, v := range x {
			u := float64(v) - mean[j]
			deviation[j] += u * u / float64(n)
		}
	}
	for j := range deviation {
		deviation[j] = math.Sqrt(deviation[j])
	}
	floor := max(leastDeviation*slices.Sorted(slices.Values(deviation))[features/2], 1e-6)
	s := Scale{make([]float32, features), make([]float32, features)}
	for j := range deviation {
		s.Mean[j], s.Deviation[j] = float32(mean[j]), float32(max(deviation[j], floor))
	}
	return s, nil
}

// Factors are what features minus Mean are multiplied by.
func (s Scale) Factors() []float32 {
	f := make([]float32, len(s.Deviation))
	for j, d := range s.Deviation {
		f[j] = float32(1 / (float64(d) * math.Sqrt(float64(len(f)))))
	}
	return f
}

// apply standardizes rows of features in place.
func (s Scale) apply(x []float32) { s.applyFactors(s.Factors(), x) }

// applyFactors is apply with what Factors returned.
func (s Scale) applyFactors(f, x []float32) {
	n := len(f)
	for i := 0; i < len(x); i += n {
		row := x[i : i+n]
		for j := range row {
			row[j] = (row[j] - s.Mean[j]) * f[j]
		}
	}
}
