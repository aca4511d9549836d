package graph_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"passfail/model/graph"
)

// normal are n numbers of a normal distribution.
func normal(seed uint64, n int) []float32 {
	random := rand.New(rand.NewPCG(seed, 0))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(random.NormFloat64())
	}
	return x
}

func squaredDistance(x, y []float32) float64 {
	d := 0.0
	for i := range x {
		d += math.Pow(float64(x[i]-y[i]), 2)
	}
	return d
}

// A kernel machine of the size that is meant: 200 dimensions, 4000 support
// vectors, on a batch of two rows. One of the vectors is a row itself.
func TestKernelMachine(t *testing.T) {
	const q, k = 192, 4000
	const gamma = 0.004
	img, values := picture(t, 16, 8)
	vectors, coefficients := normal(1, k*q), normal(2, 2*k)
	copy(vectors[7*q:], values[:q])
	f, x := empty(16, 8)
	m := f.Model
	rows := m.Reshape(x, "rows", 2, q)
	kernel := m.RBF(rows, vectors, gamma, "kernel")
	scores := m.Dense(kernel, coefficients, []float32{0.5, -3}, "scores")
	got := run(t, open(t, f, kernel, scores), &img)
	var wantKernel, wantScores []float32
	for r := range 2 {
		sums := []float64{0.5, -3}
		for i := range k {
			v := math.Exp(-gamma * squaredDistance(values[r*q:(r+1)*q], vectors[i*q:(i+1)*q]))
			wantKernel = append(wantKernel, float32(v))
			sums[0] += float64(coefficients[i]) * v
			sums[1] += float64(coefficients[k+i]) * v
		}
		wantScores = append(wantScores, float32(sums[0]), float32(sums[1]))
	}
	near(t, "kernel", got[0], wantKernel, 1e-5)
	near(t, "scores", got[1], wantScores, 1e-4)
	if got[0][7] < 0.99999 || got[0][7] > 1 {
		t.Errorf("a vector's kernel with itself is %v", got[0][7])
	}
}

func TestMahalanobis(t *testing.T) {
	const h, w, c, d = 9, 7, 3, 5
	img, values := picture(t, h, w)
	weights, bias := normal(3, d*c), normal(4, d)
	g := graph.PositionGaussian{Mean: normal(5, h*w*d), Whitening: normal(6, h*w*d*d)}
	f, x := empty(h, w)
	m := f.Model
	// A batch of two: the picture, and the picture with half the values.
	batch := m.Stack([]int32{x, m.Mul(x, m.Constant("half", 0.5), "halves")}, "batch")
	distances := m.Mahalanobis(m.Pointwise(batch, weights, bias, "reduced"), g, "distances")
	row := m.Reshape(distances, "row", 2, -1)
	got := run(t, open(t, f, distances, m.Max(row, "max", 1), m.MeanOfLargest(row, 10, "largest")), &img)

	var want, largest, mean []float32
	for _, factor := range []float32{1, 0.5} {
		var of []float32
		for p := range h * w {
			deviation := make([]float64, d)
			for i := range d {
				deviation[i] = float64(bias[i] - g.Mean[p*d+i])
				for j := range c {
					deviation[i] += float64(weights[i*c+j]) * float64(factor*values[p*c+j])
				}
			}
			sum := 0.0
			for j := range d {
				e := 0.0
				for i := range d {
					e += deviation[i] * float64(g.Whitening[(p*d+i)*d+j])
				}
				sum += e * e
			}
			of = append(of, float32(sum))
		}
		want = append(want, of...)
		slices.Sort(of)
		largest = append(largest, of[len(of)-1])
		sum := float32(0)
		for _, v := range of[len(of)-10:] {
			sum += v / 10
		}
		mean = append(mean, sum)
	}
	near(t, "distances", got[0], want, 1e-4)
	near(t, "largest", got[1], largest, 1e-4)
	near(t, "mean of the 10 largest", got[2], mean, 1e-4)
}

func TestSquaredDistances(t *testing.T) {
	img, values := picture(t, 10, 4)
	vectors := normal(8, 20*3)
	f, x := empty(10, 4)
	m := f.Model
	d := m.SquaredDistances(m.Reshape(x, "positions", -1, 3), vectors, "distances")
	got := run(t, open(t, f, d, m.Min(d, "nearest", 1)), &img)
	var want, nearest []float32
	for p := range 40 {
		best := float32(math.Inf(1))
		for i := range 20 {
			v := float32(squaredDistance(values[p*3:p*3+3], vectors[i*3:i*3+3]))
			want, best = append(want, v), min(best, v)
		}
		nearest = append(nearest, best)
	}
	near(t, "distances", got[0], want, 1e-5)
	near(t, "nearest", got[1], nearest, 1e-5)
}

// What does not fit is an error that names the operator, when the file is written.
func TestBuildingWhatCanNotWork(t *testing.T) {
	for want, build := range map[string]func(m *graph.Model, x int32){
		"wrong: ADD: shapes [1 8 8 3] and [5] do not go together": func(m *graph.Model, x int32) {
			m.Add(x, m.AddFloats("five", make([]float32, 5), 5), "wrong")
		},
		"wrong/weights: 7 values for shape [2 3]": func(m *graph.Model, x int32) {
			m.Dense(x, make([]float32, 7), make([]float32, 2), "wrong")
		},
		"wrong: MEAN: there is no dimension 4 of 4": func(m *graph.Model, x int32) { m.Mean(x, "wrong", 4) },
		"wrong: MEAN: there is no dimension 2 of 2": func(m *graph.Model, x int32) {
			m.MeanOverPositions(m.Reshape(x, "row", 1, -1), "wrong")
		},
		"wrong/mean: 1 values for shape [1 8 8 3]": func(m *graph.Model, x int32) {
			m.Mahalanobis(x, graph.PositionGaussian{Mean: []float32{1}, Whitening: []float32{1}}, "wrong")
		},
		"wrong/largest: TOPK_V2: the [9] largest of shape [1 8 8 3]": func(m *graph.Model, x int32) { m.MeanOfLargest(x, 9, "wrong") },
		"wrong/distances/products/weights: 4 values":                 func(m *graph.Model, x int32) { m.RBF(x, make([]float32, 4), 1, "wrong") },
	} {
		f, x := empty(8, 8)
		build(f.Model, x)
		if err := f.Model.Err(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := f.Bytes(); err == nil {
			t.Errorf("%s: the file was written", want)
		}
	}
}

// What a kernel machine and a map of distances cost.
func BenchmarkHeads(b *testing.B) {
	const h, w, d = 16, 16, 48
	for _, head := range []struct {
		name string
		add  func(m *graph.Model, x int32) int32
	}{
		{"kernel machine of 4000 vectors of 192", func(m *graph.Model, x int32) int32 {
			row := m.Reshape(x, "row", 4, 192)
			return m.Dense(m.RBF(row, normal(1, 4000*192), 0.01, "kernel"), normal(2, 4000), []float32{0}, "scores")
		}},
		{"distances of 16 x 16 x 48", func(m *graph.Model, x int32) int32 {
			g := graph.PositionGaussian{Mean: normal(3, h*w*d), Whitening: normal(4, h*w*d*d)}
			distances := m.Mahalanobis(m.Pointwise(x, normal(5, d*3), normal(6, d), "reduced"), g, "distances")
			return m.MeanOfLargest(m.Reshape(distances, "row", 1, -1), 10, "largest")
		}},
	} {
		f, x := empty(h, w)
		img, _ := picture(b, h, w)
		n := open(b, f, head.add(f.Model, x))
		run(b, n, &img)
		b.Run(head.name, func(b *testing.B) {
			for b.Loop() {
				if err := n.Invoke(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
