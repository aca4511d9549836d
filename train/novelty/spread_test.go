package novelty

import (
	"math"
	"math/rand/v2"
	"testing"
)

// varied is samples [count n] that vary by 5, 4 and 3 in three directions, which it
// returns too, and by 0.1 in all others.
func varied(count, n int) (samples []float64, axes [3]int) {
	random := rand.New(rand.NewPCG(6, 7))
	axes = [3]int{n / 2, 1, n - 1}
	for range count {
		x := make([]float64, n)
		for j := range x {
			x[j] = 10 + 0.1*random.NormFloat64()
		}
		for d, a := range axes {
			x[a] += float64(5-d) * random.NormFloat64()
		}
		samples = append(samples, x...)
	}
	return samples, axes
}

func TestSpreadFindsTheDirections(t *testing.T) {
	const count, n = 400, 30
	samples, axes := varied(count, n)
	whole := scatterOf(samples, n)
	s := whole.spread(3, nil)
	for d, a := range axes {
		if v := math.Abs(s.directions[d*n+a]); v < 0.99 {
			t.Errorf("direction %d has %v along axis %d", d, v, a)
		}
		if want := math.Pow(float64(5-d), 2); math.Abs(s.variances[d]-want) > 0.2*want {
			t.Errorf("variance %d is %v, want %v", d, s.variances[d], want)
		}
	}
	if math.Abs(s.rest-0.01) > 0.001 {
		t.Errorf("rest %v, want 0.01", s.rest)
	}
	// As far as the samples go along an axis is nothing; as far across is much.
	at := func(axis int, by float32) float64 {
		x := make([]float32, n)
		for j := range x {
			x[j] = float32(s.mean[j])
		}
		x[axis] += by
		return s.distance(x, make([]float64, n))
	}
	if along, across := at(axes[0], 5), at(2, 5); along > 0.1 || across < 50 {
		t.Errorf("distances %v along and %v across", along, across)
	}
	// Without the last hundred: by taking them out, and from a start that is nearly right.
	last := scatterOf(samples[300*n:], n)
	whole.add(last, -1)
	got := whole.spread(3, &s)
	first := scatterOf(samples[:300*n], n)
	want := first.spread(3, nil)
	for d := range 3 {
		if math.Abs(got.variances[d]-want.variances[d]) > 1e-3*want.variances[d] {
			t.Errorf("variance %d is %v, want %v", d, got.variances[d], want.variances[d])
		}
	}
}

// The fit by inner products is the fit by features.
func TestWholeIsASpread(t *testing.T) {
	const count, n = 40, 30
	samples, _ := varied(count, n)
	x := make([]float32, len(samples))
	for i, v := range samples {
		x[i] = float32(v - 10)
		samples[i] = float64(x[i])
	}
	var in []int
	for i := range 30 {
		in = append(in, i)
	}
	s := newSubset(gram(x, count, n), count, in)
	s.fit(n, 3, nil, make([]float64, count*count))
	some := scatterOf(samples[:30*n], n)
	want := some.spread(3, nil)
	for i := range count { // also those that it was not fitted to
		w := math.Sqrt(want.distance(x[i*n:(i+1)*n], make([]float64, n)))
		if got := s.distance(n, i); math.Abs(got-w) > 1e-3*w {
			t.Errorf("sample %d: distance %v, want %v", i, got, w)
		}
	}
}
