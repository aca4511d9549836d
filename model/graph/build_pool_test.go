package graph_test

import (
	"math"
	"testing"

	"passfail/model/graph"
)

// moments are mean and standard deviation of a map [positions channels].
func moments(x []float32, channels int) (mean, std []float32) {
	n := float64(len(x) / channels)
	mean, std = make([]float32, channels), make([]float32, channels)
	for c := range channels {
		sum, squares := 0.0, 0.0
		for i := c; i < len(x); i += channels {
			sum += float64(x[i])
		}
		for i := c; i < len(x); i += channels {
			squares += math.Pow(float64(x[i])-sum/n, 2)
		}
		mean[c], std[c] = float32(sum/n), float32(math.Sqrt(squares/n+1e-6))
	}
	return mean, std
}

func TestPooling(t *testing.T) {
	f, x := empty(10, 12)
	m := f.Model
	// A second picture of the batch, far from 0 and hardly varied: where the mean of
	// squares less the square of the mean would be noise.
	flat := m.Add(m.Mul(x, m.Constant("small", 0.001), "scaled"), m.Constant("large", 100), "shifted")
	batch := m.Stack([]int32{x, flat}, "batch")
	mean, std := m.MeanOverPositions(batch, "mean"), m.StdOverPositions(batch, "std")
	img, values := picture(t, 10, 12)
	got := run(t, open(t, f, mean, std, m.MeanOverBatch(std, "all")), &img)
	shifted := make([]float32, len(values))
	for i, v := range values {
		shifted[i] = 0.001*v + 100
	}
	mean1, std1 := moments(values, 3)
	mean2, std2 := moments(shifted, 3)
	near(t, "mean", got[0], append(mean1, mean2...), 1e-5)
	near(t, "std", got[1], append(std1, std2...), 1e-4)
	near(t, "mean over batch", got[2], []float32{(std1[0] + std2[0]) / 2, (std1[1] + std2[1]) / 2, (std1[2] + std2[2]) / 2}, 1e-4)
}

// A base's own maps, which are large and of 8 bits.
func TestPoolingOfABase(t *testing.T) {
	f := parse(t, "../base/efficientnet_lite0.tflite")
	taps := f.Model.Subgraphs[0].Outputs
	outputs := append([]int32(nil), taps...)
	for _, tap := range taps {
		x := f.Model.Dequantize(tap, "real")
		outputs = append(outputs, f.Model.MeanOverPositions(x, "mean"), f.Model.StdOverPositions(x, "std"))
	}
	img, _ := picture(t, 224, 224)
	got := run(t, open(t, f, outputs...), &img)
	for i, tap := range taps {
		channels := f.Model.Shape(tap)[3]
		mean, std := moments(got[i], int(channels))
		near(t, "mean", got[len(taps)+2*i], mean, 1e-5)
		near(t, "std", got[len(taps)+2*i+1], std, 1e-5)
	}
}

// What pooling costs beside a base.
func BenchmarkPooling(b *testing.B) {
	img, _ := picture(b, 224, 224)
	for name, pool := range map[string]func(*graph.Model, int32) []int32{
		"none": func(m *graph.Model, x int32) []int32 { return nil },
		"mean": func(m *graph.Model, x int32) []int32 { return []int32{m.MeanOverPositions(x, "mean")} },
		"mean and std": func(m *graph.Model, x int32) []int32 {
			return []int32{m.MeanOverPositions(x, "mean"), m.StdOverPositions(x, "std")}
		},
	} {
		f := parse(b, "../base/efficientnet_lite0.tflite")
		outputs := f.Model.Subgraphs[0].Outputs
		for _, tap := range outputs {
			if pooled := pool(f.Model, f.Model.Dequantize(tap, "real")); pooled != nil {
				outputs = append(outputs[1:], pooled...)
			}
		}
		n := open(b, f, outputs...)
		run(b, n, &img)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := n.Invoke(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
