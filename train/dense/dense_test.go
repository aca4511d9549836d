package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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

// TestMultiply runs every instruction set that this processor has, and all
// processors together.
func TestMultiply(t *testing.T) {
	products := map[string]func(a, b, c Matrix, add bool){
		"all processors": func(a, b, c Matrix, add bool) { Multiply(a, b, c.Data[:c.Rows*c.Cols], add) },
	}
	for _, on := range sets() {
		products[on.String()] = (&Worker{on: on}).Multiply
	}
	sizes := [][3]int{{1, 1, 1}, {3, 5, 7}, {14, 32, 8}, {13, 31, 7}, {14, 32, 256}, {15, 33, 257}, {113, 5, 300}, {3, 1153, 2},
		{127, 70, 513}, {1, 200, 64}, {200, 1, 64}, {250, 1200, 20}}
	for name, product := range products {
		for _, s := range sizes {
			for turn := range 8 {
				m, n, k := s[0], s[1], s[2]
				a, b, add := New(random(m*k, 1), m, k), New(random(k*n, 2), k, n), turn&4 != 0
				if turn&1 != 0 {
					a = New(a.Data, k, m).T()
				}
				if turn&2 != 0 {
					b = New(b.Data, n, k).T()
				}
				c := random(m*n+1, 3)
				before := append([]float32(nil), c...)
				product(a, b, New(c, m, n), add)
				for i := range m {
					for j := range n {
						want := 0.0
						if add {
							want = float64(before[i*n+j])
						}
						for l := range k {
							want += float64(a.Data[i*a.Row+l*a.Column]) * float64(b.Data[l*b.Row+j*b.Column])
						}
						if d := math.Abs(float64(c[i*n+j]) - want); !(d <= 1e-5*(1+math.Sqrt(float64(k)))) {
							t.Fatalf("%s, %v, turn %d: (%d, %d) is %v, want %v", name, s, turn, i, j, c[i*n+j], want)
						}
					}
				}
				if c[m*n] != before[m*n] {
					t.Fatalf("%s, %v, turn %d: wrote behind the result", name, s, turn)
				}
			}
		}
	}
}

func TestWorkerGivesWhatMultiplyGives(t *testing.T) {
	const m, n, k = 300, 70, 600
	a, b := New(random(m*k, 1), m, k), New(random(k*n, 2), k, n)
	one, all := make([]float32, m*n), make([]float32, m*n)
	var w Worker
	w.Multiply(a, b, New(one, m, n), false)
	Multiply(a, b, all, false)
	if !slices.Equal(one, all) {
		t.Error("one goroutine and all processors differ")
	}
	if n := testing.AllocsPerRun(10, func() { w.Multiply(a, b, New(one, m, n), true) }); n != 0 {
		t.Errorf("a product allocates %v times", n)
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

// BenchmarkWorker multiplies matrices as a block of EfficientNet-Lite0 has them.
func BenchmarkWorker(b *testing.B) {
	for _, s := range [][3]int{{196, 1152, 192}, {1152, 192, 196}, {784, 672, 112}} {
		m, n, k := s[0], s[1], s[2]
		x, y, c := random(m*k, 1), random(n*k, 2), make([]float32, m*n)
		flop := 2 * float64(m) * float64(n) * float64(k)
		for _, on := range sets() {
			b.Run(fmt.Sprintf("%dx%dx%d/%v", m, n, k, on), func(b *testing.B) {
				w := Worker{on: on}
				b.ReportAllocs()
				for b.Loop() {
					w.Multiply(New(x, m, k), New(y, n, k).T(), New(c, m, n), false)
				}
				b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		b.Run(fmt.Sprintf("%dx%dx%d/gonum", m, n, k), func(b *testing.B) {
			for b.Loop() {
				blas32.Gemm(blas.NoTrans, blas.Trans, 1, blas32.General{Rows: m, Cols: k, Stride: k, Data: x},
					blas32.General{Rows: n, Cols: k, Stride: k, Data: y}, 0, blas32.General{Rows: m, Cols: n, Stride: n, Data: c})
			}
			b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
