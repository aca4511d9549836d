package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"passfail/model/graph"
)

func noise(random *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(random.NormFloat64())
	}
	return x
}

// near fails the test where got is farther from want than float32 explains.
func near(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	largest := 1.0
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - v); !(d <= tolerance*largest) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], v)
		}
	}
}

// windows are the shapes that a convolution may have, with SAME and VALID padding.
func windows(t *testing.T, c int) []window {
	var list []window
	for _, k := range []int{1, 2, 3, 5} {
		for _, stride := range []int{1, 2, 3} {
			for _, valid := range []bool{false, true} {
				w := window{h: 7, w: 6, c: c, kernelH: k, kernelW: k, strideH: stride, strideW: stride}
				w.outH, w.outW = (w.h+stride-1)/stride, (w.w+stride-1)/stride
				padding := graph.Same
				if valid {
					w.outH, w.outW = (w.h-k)/stride+1, (w.w-k)/stride+1
					padding = graph.Valid
				}
				if err := w.pad(padding); err != nil {
					t.Fatal(err)
				}
				list = append(list, w)
			}
		}
	}
	return list
}

// slide calls visit with the places of each input position that an output
// position sees, and of the weight between them: indices of single channels.
func (w window) slide(n int, visit func(x, weight, y int)) {
	for b := range n {
		for oy := range w.outH {
			for ox := range w.outW {
				for ky := range w.kernelH {
					for kx := range w.kernelW {
						iy, ix := oy*w.strideH-w.top+ky, ox*w.strideW-w.left+kx
						if iy < 0 || iy >= w.h || ix < 0 || ix >= w.w {
							continue
						}
						for c := range w.c {
							visit(((b*w.h+iy)*w.w+ix)*w.c+c, (ky*w.kernelW+kx)*w.c+c, ((b*w.outH+oy)*w.outW+ox)*w.c+c)
						}
					}
				}
			}
		}
	}
}

func TestDepthwise(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 0))
	const n = 2
	for _, on := range sets() {
		for _, s := range windows(t, 37) { // channels that no register divides
			name := fmt.Sprintf("%v %+v", on, s)
			x, w := noise(random, n*s.h*s.w*s.c), noise(random, s.taps()*s.c)
			y, dy := make([]float32, n*s.outputs()*s.c), noise(random, n*s.outputs()*s.c)
			dx, dw := noise(random, len(x)), noise(random, len(w))
			wantY, wantX, wantW := make([]float64, len(y)), wide(dx), wide(dw)
			s.slide(n, func(i, j, k int) {
				wantY[k] += float64(x[i]) * float64(w[j])
				wantX[i] += float64(dy[k]) * float64(w[j])
				wantW[j] += float64(dy[k]) * float64(x[i])
			})
			depthwise(on, s, n, x, w, y)
			depthwiseInput(on, s, n, w, dy, dx)
			depthwiseWeights(on, s, n, x, dy, dw)
			near(t, name, y, wantY, 1e-5)
			near(t, name+" by input", dx, wantX, 1e-5)
			near(t, name+" by weights", dw, wantW, 1e-5)
		}
	}
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func TestUnfoldAndFold(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 0))
	const n = 2
	for _, s := range windows(t, 5) {
		x := noise(random, n*s.h*s.w*s.c)
		rows, want := noise(random, n*s.outputs()*s.taps()*s.c), make([]float64, n*s.outputs()*s.taps()*s.c)
		dx := make([]float32, len(x))
		s.slide(n, func(i, j, k int) { want[k/s.c*s.taps()*s.c+j] = float64(x[i]) })
		unfold(s, n, x, rows)
		near(t, fmt.Sprintf("unfold %+v", s), rows, want, 0)
		back := make([]float64, len(x))
		s.slide(n, func(i, j, k int) { back[i] += want[k/s.c*s.taps()*s.c+j] })
		fold(s, n, rows, dx)
		near(t, fmt.Sprintf("fold %+v", s), dx, back, 1e-6)
	}
}

func TestActivate(t *testing.T) {
	inf := float32(math.Inf(1))
	seen := extremes{inf, -inf}
	// Steps of 0.5, from -1 to 2; halves go to the even step.
	y := []float32{-5, -0.3, 0.25, 0.75, 1.9, 9}
	activate(y, []float32{0, 0}, 2, extremes{-inf, 8}, extremes{-1, 2}, 0.5, &seen)
	near(t, "activate", y, []float64{-1, -0.5, 0, 1, 2, 2}, 0)
	if seen != (extremes{-5, 8}) {
		t.Errorf("saw %v; sums from -5 to 9 with an activation up to 8 came by", seen)
	}
	dy, bias := []float32{1, 2, 3, 4, 5, 6}, []float32{10, 20}
	activateBack(y, dy, bias, 2, extremes{-1, 2})
	near(t, "derivatives", dy, []float64{0, 2, 3, 4, 0, 0}, 0)
	near(t, "bias", bias, []float64{13, 26}, 0)
}
