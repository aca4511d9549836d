// Package dense multiplies and factorizes matrices of float32, as fast as the
// processor can.
package dense

/*
#cgo CFLAGS: -O3 -Wall -Wno-psabi
#include <stdlib.h>
#include "dense.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// Matrix is a view of numbers: element (i, j) is Data[i*Row+j*Column]. One of the
// two strides is 1.
type Matrix struct {
	Data        []float32
	Rows, Cols  int
	Row, Column int
}

// New is a matrix that lies row by row.
func New(data []float32, rows, cols int) Matrix { return Matrix{data, rows, cols, cols, 1} }

// T is the transpose: the same memory, read the other way.
func (m Matrix) T() Matrix { return Matrix{m.Data, m.Cols, m.Rows, m.Column, m.Row} }

// rows is part of the matrix: n rows from the first on.
func (m Matrix) rows(first, n int) Matrix {
	return Matrix{m.Data[first*m.Row:], n, m.Cols, m.Row, m.Column}
}

// isa is an instruction set that the product is compiled for, by number.
type isa int

const best isa = C.PF_DENSE_BEST // of those that this processor has

// sets lists the instruction sets that this processor has.
func sets() []isa {
	var list []isa
	for i := best + 1; i < isa(C.pf_dense_isas()); i++ {
		if i.String() != "" {
			list = append(list, i)
		}
	}
	return list
}

// String is "" for one that this processor lacks.
func (i isa) String() string { return C.GoString(C.pf_dense_isa_name(C.int(i))) }

// InstructionSet is what products run on this processor: avx512f, avx2, neon or
// plain.
func InstructionSet() string { return best.String() }

// Worker multiplies on the goroutine that calls it, in scratch memory that it
// keeps: 1.3 MB at most, as much as its largest product needed. The zero Worker is
// ready; one goroutine may use it at a time.
type Worker struct {
	on   isa
	pack []float32
}

// Multiply computes c = a · b, or c += a · b with add; c's Column is 1. The
// result is the same to the bit as that of the function Multiply.
func (w *Worker) Multiply(a, b, c Matrix, add bool) {
	if done(a, b, c, add) {
		return
	}
	if n := packFloats(a.Rows, b); n > len(w.pack) {
		w.pack = make([]float32, n)
	}
	gemm(w.on, a, b, c, add, pointer(w.pack))
}

// share is how many rows a processor takes at a time.
const share = 112

// Multiply computes c = a · b row by row, or c += a · b with add, on all
// processors. The result depends on the instruction set, not on their number.
func Multiply(a, b Matrix, c []float32, add bool) { multiply(a, b, New(c, a.Rows, b.Cols), add) }

// multiply is Multiply into part of a matrix whose Column is 1.
func multiply(a, b, c Matrix, add bool) {
	if done(a, b, c, add) {
		return
	}
	parts := (a.Rows + share - 1) / share
	next := make(chan int, parts)
	for i := range parts {
		next <- i * share
	}
	close(next)
	work := func() {
		// C's memory, for Go would clear it first.
		pack := C.malloc(C.size_t(packFloats(min(share, a.Rows), b)) * C.sizeof_float)
		defer C.free(pack)
		for first := range next {
			n := min(share, a.Rows-first)
			gemm(best, a.rows(first, n), b, c.rows(first, n), add, (*C.float)(pack))
		}
	}
	if parts == 1 {
		work()
		return
	}
	var group sync.WaitGroup
	for range min(parts, runtime.GOMAXPROCS(0)) {
		group.Go(work)
	}
	group.Wait()
}

// done panics where a product's matrices do not fit, and computes what needs no
// product: it is false where there is something to multiply.
func done(a, b, c Matrix, add bool) bool {
	if a.Cols != b.Rows || c.Rows != a.Rows || c.Cols != b.Cols || c.Column != 1 {
		panic(fmt.Sprintf("dense: %d×%d times %d×%d into %d×%d with values %d apart",
			a.Rows, a.Cols, b.Rows, b.Cols, c.Rows, c.Cols, c.Column))
	}
	if a.Rows == 0 || b.Cols == 0 {
		return true
	}
	if a.Cols == 0 {
		if !add {
			for i := range c.Rows {
				clear(c.Data[i*c.Row : i*c.Row+c.Cols])
			}
		}
		return true
	}
	for _, m := range []Matrix{a, b, c} {
		_ = m.Data[(m.Rows-1)*m.Row+(m.Cols-1)*m.Column] // C takes it as given
	}
	return false
}

// packFloats is the size of the scratch memory that rows times b needs.
func packFloats(rows int, b Matrix) int {
	return int(C.pf_dense_pack(C.long(rows), C.long(b.Cols), C.long(b.Rows)))
}

func gemm(on isa, a, b, c Matrix, add bool, pack *C.float) {
	flag := C.int(0)
	if add {
		flag = 1
	}
	C.pf_dense_gemm(C.int(on), C.long(a.Rows), C.long(b.Cols), C.long(a.Cols), pointer(a.Data), C.long(a.Row), C.long(a.Column),
		pointer(b.Data), C.long(b.Row), C.long(b.Column), pointer(c.Data), C.long(c.Row), flag, pack)
}

func pointer(s []float32) *C.float { return (*C.float)(unsafe.SliceData(s)) }
