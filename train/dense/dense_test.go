package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

func random(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func TestMultiply(t *testing.T) {
	for _, s := range [][3]int{{1, 1, 1}, {3, 5, 7}, {14, 32, 256}, {15, 33, 257}, {113, 40, 300}, {250, 1200, 20}, {7, 1, 600}} {
		m, n, k := s[0], s[1], s[2]
		for _, turned := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
			a, b := New(random(m*k, 1), m, k), New(random(k*n, 2), k, n)
			if turned[0] {
				a = New(a.Data, k, m).T()
			}
			if turned[1] {
				b = New(b.Data, n, k).T()
			}
			for _, add := range []bool{false, true} {
				c := random(m*n, 3)
				before := append([]float32(nil), c...)
				Multiply(a, b, c, add)
				for i := range m {
					for j := range n {
						want := 0.0
						if add {
							want = float64(before[i*n+j])
						}
						for l := range k {
							want += float64(a.Data[i*a.Row+l*a.Column]) * float64(b.Data[l*b.Row+j*b.Column])
						}
						if d := math.Abs(float64(c[i*n+j]) - want); d > 1e-4*(1+math.Sqrt(float64(k))) {
							t.Fatalf("%v turned %v add %v: (%d, %d) is %v, want %v", s, turned, add, i, j, c[i*n+j], want)
						}
					}
				}
			}
		}
	}
}

func TestMultiplyRefusesWhatDoesNotFit(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Multiply(New(random(6, 1), 2, 3), New(random(8, 1), 2, 4), make([]float32, 8), false)
}

// BenchmarkMultiply compares with gonum's pure Go and assembler, in turn.
func BenchmarkMultiply(b *testing.B) {
	for _, s := range [][3]int{{1000, 1000, 1000}, {1968, 300, 3648}} {
		m, n, k := s[0], s[1], s[2]
		x, y, c := random(m*k, 1), random(k*n, 2), make([]float32, m*n)
		flop := 2 * float64(m) * float64(n) * float64(k)
		b.Run(fmt.Sprint(s, InstructionSet()), func(b *testing.B) {
			for b.Loop() {
				Multiply(New(x, m, k), New(y, k, n), c, false)
			}
			b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
		b.Run(fmt.Sprint(s, "gonum"), func(b *testing.B) {
			for b.Loop() {
				blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, blas32.General{Rows: m, Cols: k, Stride: k, Data: x},
					blas32.General{Rows: k, Cols: n, Stride: n, Data: y}, 0, blas32.General{Rows: m, Cols: n, Stride: n, Data: c})
			}
			b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
