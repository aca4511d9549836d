package finetune

/*
#cgo CFLAGS: -O3 -Wall -Wno-psabi
#cgo LDFLAGS: -lm
#include "kernels.h"
*/
import "C"

import (
	"math"
	"unsafe"
)

func ptr(s []float32) *C.float { return (*C.float)(unsafe.SliceData(s)) }

// isa is an instruction set that kernels are compiled for, by number.
type isa int

const best isa = C.PF_BEST // of those that this processor has

// sets lists the instruction sets that this processor has.
func sets() []isa {
	var list []isa
	for i := range isa(C.pf_isas()) {
		if i.String() != "" {
			list = append(list, i)
		}
	}
	return list
}

// String is "" for one that this processor lacks.
func (i isa) String() string { return C.GoString(C.pf_isa_name(C.int(i))) }

// window is how a convolution's kernel slides over n maps.
type window struct {
	h, w, c                     int // of the input
	outH, outW                  int
	kernelH, kernelW            int
	strideH, strideW, top, left int
}

func (w window) native(n int) *C.pf_window {
	return &C.pf_window{n: C.int(n), h: C.int(w.h), w: C.int(w.w), c: C.int(w.c), out_h: C.int(w.outH), out_w: C.int(w.outW),
		kernel_h: C.int(w.kernelH), kernel_w: C.int(w.kernelW), stride_h: C.int(w.strideH), stride_w: C.int(w.strideW),
		top: C.int(w.top), left: C.int(w.left)}
}

// taps is the number of a kernel's positions, outputs that of the result'w.
func (w window) taps() int    { return w.kernelH * w.kernelW }
func (w window) outputs() int { return w.outH * w.outW }

func (w window) check(n int, x, y []float32) {
	_, _ = x[n*w.h*w.w*w.c-1], y[n*w.outputs()*w.c-1]
}

func depthwise(on isa, s window, n int, x, w, y []float32) {
	s.check(n, x, y)
	C.pf_depthwise(C.int(on), s.native(n), ptr(x), ptr(w), ptr(y))
}

func depthwiseInput(on isa, s window, n int, w, dy, dx []float32) {
	s.check(n, dx, dy)
	C.pf_depthwise_dx(C.int(on), s.native(n), ptr(w), ptr(dy), ptr(dx))
}

func depthwiseWeights(on isa, s window, n int, x, dy, dw []float32) {
	s.check(n, x, dy)
	C.pf_depthwise_dw(C.int(on), s.native(n), ptr(x), ptr(dy), ptr(dw))
}

func unfold(s window, n int, x, rows []float32) {
	_, _ = x[n*s.h*s.w*s.c-1], rows[n*s.outputs()*s.taps()*s.c-1]
	C.pf_unfold(s.native(n), ptr(x), ptr(rows))
}

func fold(s window, n int, rows, dx []float32) {
	_, _ = dx[n*s.h*s.w*s.c-1], rows[n*s.outputs()*s.taps()*s.c-1]
	C.pf_fold(s.native(n), ptr(rows), ptr(dx))
}

// extremes are the lowest and the highest value met so far.
type extremes struct{ low, high float32 }

// activate turns sums [rows][c] into a map in place: bias, bounds, and rounding
// to multiples of step unless it is 0. It widens seen by the sums, as far as own, the
// activation's own bounds, lets them through.
func activate(y, bias []float32, c int, own, bounds extremes, step float32, seen *extremes) {
	b := C.pf_bounds{low: C.float(bounds.low), high: C.float(bounds.high), step: C.float(step),
		seen_low: C.float(seen.low), seen_high: C.float(seen.high), own_low: C.float(own.low), own_high: C.float(own.high)}
	C.pf_activate(ptr(y), ptr(bias), C.long(len(y)/c), C.long(c), &b)
	seen.low, seen.high = float32(b.seen_low), float32(b.seen_high)
}

// activateBack clears the derivatives where the map lies at a bound, and adds
// their sums over positions to dbias, which may be nil.
func activateBack(y, dy, dbias []float32, c int, bounds extremes) {
	_ = dy[len(y)-1]
	C.pf_activate_back(ptr(y), ptr(dy), ptr(dbias), C.long(len(y)/c), C.long(c), C.float(bounds.low), C.float(bounds.high))
}

func add(a, b, y []float32) {
	_, _ = a[len(y)-1], b[len(y)-1]
	C.pf_add(ptr(a), ptr(b), ptr(y), C.long(len(y)))
}

// accumulate adds x to y.
func accumulate(x, y []float32) {
	_ = y[len(x)-1]
	C.pf_accumulate(ptr(x), ptr(y), C.long(len(x)))
}

func dequantize(q []int8, x []float32, scale float32, zero int) {
	_ = x[len(q)-1]
	C.pf_dequantize((*C.int8_t)(unsafe.SliceData(q)), ptr(x), C.long(len(q)), C.float(scale), C.int(zero))
}

// pool gives each channel's mean over positions, then each one's deviation.
func pool(x []float32, c int, stats []float32) {
	_ = stats[2*c-1]
	C.pf_pool(ptr(x), C.long(len(x)/c), C.long(c), poolEpsilon, ptr(stats))
}

// poolBack adds the derivatives of pool to dx.
func poolBack(x []float32, c int, stats, dstats, dx []float32) {
	_, _, _ = stats[2*c-1], dstats[2*c-1], dx[len(x)-1]
	C.pf_pool_back(ptr(x), ptr(stats), ptr(dstats), C.long(len(x)/c), C.long(c), ptr(dx))
}

// roundWeights writes w as 8-bit multiples of scale.
func roundWeights(w, out []float32, scale float32) {
	_ = out[len(w)-1]
	C.pf_round_weights(ptr(w), ptr(out), C.long(len(w)), C.float(scale))
}

// step is what one step of Adam needs to know besides the parameters.
type step struct {
	rate, pull, average float64
	number              int // of the step, from 1
}

// poolEpsilon is added to a variance before its root is taken, as graph.StdOverPositions does.
const poolEpsilon = 1e-6

const (
	beta1, beta2 = 0.9, 0.999
	adamEpsilon  = 1e-8
)

// adam does step s on the parameters from up to to of p, and clears their derivatives g.
func adam(s step, p *parameters, g []float32, from, to int) {
	if from >= to {
		return
	}
	correct := func(beta float64) C.float { return C.float(1 / (1 - math.Pow(beta, float64(s.number)))) }
	o := C.pf_adam{rate: C.float(s.rate), pull: C.float(s.pull), beta1: beta1, beta2: beta2,
		correct1: correct(beta1), correct2: correct(beta2), epsilon: adamEpsilon, average: C.float(s.average)}
	C.pf_adam_step(&o, C.long(to-from), ptr(p.unit[from:to]), ptr(p.start[from:to]), ptr(g[from:to]), ptr(p.values[from:to]),
		ptr(p.first[from:to]), ptr(p.second[from:to]), ptr(p.average[from:to]))
}
