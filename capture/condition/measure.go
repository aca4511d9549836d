package condition

import (
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"passfail/capture/gray"
)

// side is how many blocks the picture's longer side has at most.
const side = 160

// overexposed is the gray level from which a block counts as white.
const overexposed = 250

func exposure(p *gray.Picture) Values {
	var count [256]int
	for _, v := range p.Pix {
		count[v/gray.Unit]++
	}
	var v Values
	n, white := 0, 0
	for level := 255; level >= 0; level-- {
		n += count[level]
		if level >= overexposed {
			white += count[level]
		}
		if n > len(p.Pix)/50 {
			v.Brightness = max(v.Brightness, float64(level))
		}
	}
	v.White = float64(white) / float64(len(p.Pix))
	return v
}

// edges measures focus at full size: a lens out of focus spreads an edge over more pixels. How steep an edge is in
// shares of its own height depends neither on the light nor on how many edges there are.
type edges struct {
	line  []int16
	steep [101]int // edges by their steepness in hundredths
}

const (
	reach     = 8  // pixels to either side over which an edge's height is taken
	leastEdge = 40 // gray levels that an edge must have, so that noise makes none
	scanLines = 48 // rows, and as many columns, that are looked at
	fewEdges  = 12 // with fewer, nothing is said
)

func (e *edges) sharpness(img *gocv.Mat) (float64, error) {
	pix, err := img.DataPtrUint8()
	if err != nil {
		return 0, err
	}
	w, h, stride := img.Cols(), img.Rows(), img.Step()
	if need := max(w, h); cap(e.line) < need {
		e.line = make([]int16, need)
	}
	clear(e.steep[:])
	for i := range scanLines {
		e.scan(pix[(2*i+1)*h/(2*scanLines)*stride:], 3, w)
		e.scan(pix[(2*i+1)*w/(2*scanLines)*3:], stride, h)
	}
	total := 0
	for _, n := range e.steep {
		total += n
	}
	if total < fewEdges {
		return 0, nil
	}
	// The steepest tenth: those that the lens's focus limits, not their own roundness.
	left := total / 10
	for s := 100; s > 0; s-- {
		if left -= e.steep[s]; left < 0 {
			return float64(s) / 100, nil
		}
	}
	return 0, nil
}

// scan gathers the edges across a line of n pixels, step bytes apart.
func (e *edges) scan(pix []byte, step, n int) {
	line := e.line[:n]
	for i := range line {
		line[i] = int16(pix[i*step+1]) // green
	}
	for i := reach; i < n-reach; i++ {
		slope := abs(line[i+1] - line[i-1])
		if slope < leastEdge/8 || slope < abs(line[i]-line[i-2]) || slope <= abs(line[i+2]-line[i]) {
			continue
		}
		lo, hi := line[i], line[i]
		for _, v := range line[i-reach : i+reach+1] {
			lo, hi = min(lo, v), max(hi, v)
		}
		if height := hi - lo; height >= leastEdge {
			e.steep[int(slope)*100/int(height)]++
		}
	}
}

func abs(v int16) int16 { return max(v, -v) }

// recent keeps some pictures: their median shows what stands still, without the parts that went by.
type recent struct {
	stack [][]uint16
	at, n int
	m     gray.Picture
}

const kept = 7

// add returns the median of the last pictures, or nil while there are too few.
func (r *recent) add(p *gray.Picture) *gray.Picture {
	if r.m.Cols != p.Cols || r.m.Rows != p.Rows {
		*r = recent{m: gray.Picture{Pix: make([]uint16, len(p.Pix)), Cols: p.Cols, Rows: p.Rows, Block: p.Block, Min: p.Min}}
		for range kept {
			r.stack = append(r.stack, make([]uint16, len(p.Pix)))
		}
	}
	copy(r.stack[r.at], p.Pix)
	r.at = (r.at + 1) % kept
	if r.n++; r.n < kept {
		return nil
	}
	r.n = kept
	var one [kept]uint16
	for i := range r.m.Pix {
		for k := range kept {
			one[k] = r.stack[k][i]
		}
		slices.Sort(one[:])
		r.m.Pix[i] = one[kept/2]
	}
	return &r.m
}

func length(p image.Point) float64 { return math.Hypot(float64(p.X), float64(p.Y)) }
