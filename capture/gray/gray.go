// Package gray reduces a region of a camera's picture to a small gray one, the mean of each block of pixels: what is
// enough to see whether something changed, at a fraction of the cost of looking at every pixel.
package gray

/*
#cgo CFLAGS: -O3 -Wall
#include "reduce.h"
*/
import "C"

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// Unit is how many steps of a Picture's values make one gray level.
const Unit = 64

// rowsRead is how many rows of a block are looked at. More of them cost memory bandwidth, which a Pi has little of, and
// take hardly more noise out: a block's mean is of dozens of pixels already.
const rowsRead = 4

// maxBlock is the largest block's side, in pixels.
const maxBlock = 512

// Picture is a region of a picture, reduced.
type Picture struct {
	Pix        []uint16 // Rows × Cols means, 0..255*Unit, row by row
	Cols, Rows int
	Block      int         // pixels a side of a block
	Min        image.Point // the first block's first pixel in the whole picture
}

// At returns the block's mean in gray levels, 0..255.
func (p *Picture) At(x, y int) float32 { return float32(p.Pix[y*p.Cols+x]) / Unit }

// Reducer makes Pictures. It belongs to one goroutine.
type Reducer struct {
	side    int
	region  image.Rectangle
	picture Picture
	sums    []int16
	weights []int16
}

// NewReducer makes a Reducer whose pictures have at most side blocks along the longer side.
func NewReducer(side int) *Reducer { return &Reducer{side: max(1, side)} }

// Reduce looks at the part region of img (BGR, 8 bit, 3 channels). What it returns belongs to the Reducer and is valid
// until the next call; memory is allocated only where the region differs from the last call's.
func (r *Reducer) Reduce(img *gocv.Mat, region image.Rectangle) (*Picture, error) {
	if t := img.Type(); t != gocv.MatTypeCV8UC3 {
		return nil, fmt.Errorf("the picture has type %v; BGR with 8 bits a channel is needed", t)
	}
	whole := image.Rect(0, 0, img.Cols(), img.Rows())
	if region.Empty() || !region.In(whole) {
		return nil, fmt.Errorf("the region %v is not inside the picture of %d×%d pixels", region, whole.Dx(), whole.Dy())
	}
	if region != r.region {
		if err := r.fit(region); err != nil {
			return nil, err
		}
	}
	data, err := img.DataPtrUint8()
	if err != nil {
		return nil, err
	}
	p := &r.picture
	stride := img.Step()
	C.pf_reduce((*C.uint8_t)(&data[p.Min.Y*stride+3*p.Min.X]), C.size_t(stride), C.int(p.Cols), C.int(p.Rows), C.int(p.Block),
		C.int(min(rowsRead, p.Block)), (*C.int16_t)(&r.weights[0]), (*C.int16_t)(&r.sums[0]), (*C.uint16_t)(&p.Pix[0]))
	return p, nil
}

// fit chooses the blocks for a region: what is left over at its borders, less than a block, is not looked at.
func (r *Reducer) fit(region image.Rectangle) error {
	block := (max(region.Dx(), region.Dy()) + r.side - 1) / r.side
	block = min(block, region.Dx(), region.Dy())
	if block > maxBlock {
		return fmt.Errorf("the region %v is too large: %d blocks a side can look at %d pixels", region, r.side, r.side*maxBlock)
	}
	cols, rows := region.Dx()/block, region.Dy()/block
	r.region = region
	r.picture = Picture{
		Pix: make([]uint16, cols*rows), Cols: cols, Rows: rows, Block: block,
		Min: region.Min.Add(image.Pt((region.Dx()-cols*block)/2, (region.Dy()-rows*block)/2)),
	}
	r.sums, r.weights = make([]int16, cols*block*3), make([]int16, block*3)
	C.pf_reduce_weights(C.int(block), (*C.int16_t)(&r.weights[0]))
	return nil
}
