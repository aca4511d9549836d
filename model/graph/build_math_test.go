package graph_test

import (
	"math"
	"testing"

	"passfail/model/graph"
)

// Each operator on numbers against the same in Go. y is x turned round and moved,
// so that it is never near 0.
func TestMath(t *testing.T) {
	img, x := picture(t, 6, 5)
	y := make([]float32, len(x))
	for i := range y {
		y[i] = x[len(x)-1-i] + 3
	}
	type two = func(x, y float64) float64
	cases := []struct {
		name string
		add  func(m *graph.Model, x, y int32) int32
		want two
	}{
		{"add", func(m *graph.Model, x, y int32) int32 { return m.Add(x, y, "add") }, func(x, y float64) float64 { return x + y }},
		{"sub", func(m *graph.Model, x, y int32) int32 { return m.Sub(x, y, "sub") }, func(x, y float64) float64 { return x - y }},
		{"mul", func(m *graph.Model, x, y int32) int32 { return m.Mul(x, y, "mul") }, func(x, y float64) float64 { return x * y }},
		{"div", func(m *graph.Model, x, y int32) int32 { return m.Div(x, y, "div") }, func(x, y float64) float64 { return x / y }},
		{"max", func(m *graph.Model, x, y int32) int32 { return m.Maximum(x, y, "max") }, math.Max},
		{"min", func(m *graph.Model, x, y int32) int32 { return m.Minimum(x, y, "min") }, math.Min},
		{"sqd", func(m *graph.Model, x, y int32) int32 { return m.SquaredDifference(x, y, "sqd") }, func(x, y float64) float64 { return (x - y) * (x - y) }},
		{"square", func(m *graph.Model, x, _ int32) int32 { return m.Square(x, "square") }, func(x, _ float64) float64 { return x * x }},
		{"sqrt", func(m *graph.Model, _, y int32) int32 { return m.Sqrt(y, "sqrt") }, func(_, y float64) float64 { return math.Sqrt(y) }},
		{"exp", func(m *graph.Model, x, _ int32) int32 { return m.Exp(x, "exp") }, func(x, _ float64) float64 { return math.Exp(x) }},
		{"abs", func(m *graph.Model, x, _ int32) int32 { return m.Abs(x, "abs") }, func(x, _ float64) float64 { return math.Abs(x) }},
		{"relu", func(m *graph.Model, x, _ int32) int32 { return m.Relu(x, "relu") }, func(x, _ float64) float64 { return max(x, 0) }},
		{"logistic", func(m *graph.Model, x, _ int32) int32 { return m.Logistic(x, "logistic") }, func(x, _ float64) float64 { return 1 / (1 + math.Exp(-x)) }},
	}
	f, in := empty(6, 5)
	other := f.Model.AddFloats("other", y, 1, 6, 5, 3)
	var outputs []int32
	for _, c := range cases {
		outputs = append(outputs, c.add(f.Model, in, other))
	}
	got := run(t, open(t, f, outputs...), &img)
	for i, c := range cases {
		want := make([]float32, len(x))
		for j := range want {
			want[j] = float32(c.want(float64(x[j]), float64(y[j])))
		}
		near(t, c.name, got[i], want, 2e-6)
	}
}

// Rows, parts and orders, against the same index arithmetic in Go.
func TestArrays(t *testing.T) {
	img, x := picture(t, 4, 5)
	f, in := empty(4, 5)
	m := f.Model
	part := m.Slice(in, 2, 1, 3, "part")
	turned := m.Transpose(in, "turned", 0, 3, 1, 2)
	row := m.Reshape(in, "row", 1, -1)
	got := run(t, open(t, f, part, turned, m.Concatenate([]int32{row, m.Relu(row, "relu")}, "both"), m.Stack([]int32{row, row}, "twice"),
		m.Softmax(row, "softmax"), m.Sum(in, "sum", 1, 2)), &img)
	var wantPart, wantTurned, wantBoth []float32
	for i := range 4 {
		wantPart = append(wantPart, x[(i*5+1)*3:(i*5+4)*3]...)
	}
	for c := range 3 {
		for p := range 20 {
			wantTurned = append(wantTurned, x[p*3+c])
		}
	}
	wantBoth = append(wantBoth, x...)
	for _, v := range x {
		wantBoth = append(wantBoth, max(v, 0))
	}
	sum, exps := make([]float32, 3), 0.0
	for i, v := range x {
		sum[i%3] += v
		exps += math.Exp(float64(v))
	}
	softmax := make([]float32, len(x))
	for i, v := range x {
		softmax[i] = float32(math.Exp(float64(v)) / exps)
	}
	near(t, "slice", got[0], wantPart, 0)
	near(t, "transpose", got[1], wantTurned, 0)
	near(t, "concatenate", got[2], wantBoth, 0)
	near(t, "stack", got[3], append(append([]float32(nil), x...), x...), 0)
	near(t, "softmax", got[4], softmax, 1e-6)
	near(t, "sum", got[5], sum, 1e-5)
}
