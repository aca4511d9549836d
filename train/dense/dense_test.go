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

func TestCholesky(t *testing.T) {
	for _, n := range []int{1, 5, 95, 96, 97, 250, 400} {
		// A kernel matrix: positive definite, with small eigenvalues.
		a := make([]float32, n*n)
		for i := range n {
			for j := range n {
				a[i*n+j] = float32(math.Exp(-math.Abs(float64(i-j)) / 20))
			}
			a[i*n+i] += 0.03
		}
		l := append([]float32(nil), a...)
		if !Cholesky(l, n) {
			t.Fatalf("%d: not positive definite", n)
		}
		back := make([]float32, n*n)
		Multiply(New(l, n, n), New(l, n, n).T(), back, false)
		inverse := append([]float32(nil), l...)
		InvertLower(inverse, n)
		one := make([]float32, n*n)
		Multiply(New(inverse, n, n), New(l, n, n), one, false)
		for i := range n {
			for j := range n {
				if d := math.Abs(float64(back[i*n+j] - a[i*n+j])); d > 1e-5 {
					t.Fatalf("%d: l·lᵀ is %v off at (%d, %d)", n, d, i, j)
				}
				want := float32(0)
				if i == j {
					want = 1
				}
				if d := math.Abs(float64(one[i*n+j] - want)); d > 1e-4 {
					t.Fatalf("%d: the inverse is %v off at (%d, %d)", n, d, i, j)
				}
				if j > i && (l[i*n+j] != 0 || inverse[i*n+j] != 0) {
					t.Fatalf("%d: not zero above the diagonal at (%d, %d)", n, i, j)
				}
			}
		}
	}
	if Cholesky([]float32{1, 2, 2, 1}, 2) {
		t.Error("a matrix with a negative eigenvalue was factorized")
	}
	if Cholesky([]float32{float32(math.NaN())}, 1) {
		t.Error("no number was factorized")
	}
}

func BenchmarkCholesky(b *testing.B) {
	const n = 2000
	a := make([]float32, n*n)
	x := random(n*64, 1)
	Multiply(New(x, n, 64), New(x, n, 64).T(), a, false)
	for i := range n {
		a[i*n+i] += 1
	}
	l := make([]float32, n*n)
	for b.Loop() {
		copy(l, a)
		if !Cholesky(l, n) {
			b.Fatal("not positive definite")
		}
	}
	b.ReportMetric(n*n*n/3.*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
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
