package model

/*
#cgo CFLAGS: -O3 -Wall
#include <stdlib.h>
#include "scale.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"math"
	"unsafe"

	"gocv.io/x/gocv"

	"passfail/model/graph"
)

// Color is the order of a picture's channels that a network was trained with.
type Color string

// The colour orders.
const (
	RGB  Color = "rgb"
	BGR  Color = "bgr"
	Gray Color = "gray"
)

// Input is what a network wants of a picture: the picture resized to Width ×
// Height, its channels in the order Color, each value v of 0..255 turned into
// (v − Mean) / Std, and that stored as Type with Scale and ZeroPoint.
type Input struct {
	Width, Height int
	Color         Color
	Mean, Std     [3]float32 // a channel each in the order Color; gray uses the first
	Type          graph.TensorType
	Scale         float32 // 0 for float32
	ZeroPoint     int
}

// Channels is 3, or 1 for gray.
func (in Input) Channels() int {
	if in.Color == Gray {
		return 1
	}
	return 3
}

// String says it in a line.
func (in Input) String() string {
	s := fmt.Sprintf("%d×%d %s %v, (v−%v)/%v", in.Width, in.Height, in.Color, in.Type,
		in.Mean[:in.Channels()], in.Std[:in.Channels()])
	if in.Scale != 0 {
		s += fmt.Sprintf(", scale %.6g zero %d", in.Scale, in.ZeroPoint)
	}
	return s
}

// normalized is what the network should see for the pixel value v.
func (in Input) normalized(channel, v int) float64 {
	return (float64(v) - float64(in.Mean[channel])) / float64(in.Std[channel])
}

// aHair is what a value may lack of a half to be rounded up, in steps. The usual
// normalizations put every pixel value just between two steps, and a scale that
// was rounded to float32 puts it a hair above or below: rounded as computed,
// two gray levels in a row could be two steps apart, others none.
const aHair = 1e-3

// quantized is the byte that stands for the pixel value v: the nearest step, or
// the upper one of two that are as near.
func (in Input) quantized(channel, v int) byte {
	low, high := 0.0, 255.0
	if in.Type == graph.Int8 {
		low, high = -128, 127
	}
	q := math.Floor(in.normalized(channel, v)/float64(in.Scale)+0.5+aHair) + float64(in.ZeroPoint)
	return byte(int(min(max(q, low), high)))
}

// prepare is the one way that a picture takes into a tensor. It belongs to one
// goroutine and must be closed.
type prepare struct {
	in     Input
	out    *C.pf_output
	scaler *C.pf_scaler
	width  int // of the picture that scaler is made for
	height int
}

func newPrepare(in Input) (*prepare, error) {
	out := (*C.pf_output)(C.calloc(1, C.sizeof_pf_output))
	if out == nil {
		return nil, errors.New("no memory for the preprocessing table")
	}
	out.channels = C.int(in.Channels())
	if in.Color != BGR {
		out.swap = 1
	}
	if in.Type == graph.Float32 {
		out.write = C.PF_FLOATS
		for c := range in.Channels() {
			for v := range 256 {
				out.floats[c][v] = C.float(in.normalized(c, v))
			}
		}
		return &prepare{in: in, out: out}, nil
	}
	out.write = C.PF_OFFSET
	out.offset = C.uint8_t(in.quantized(0, 0))
	for c := range in.Channels() {
		for v := range 256 {
			q := in.quantized(c, v)
			out.bytes[c][v] = C.uint8_t(q)
			if q != byte(v)+byte(out.offset) {
				out.write = C.PF_BYTES
			}
		}
	}
	return &prepare{in: in, out: out}, nil
}

func (p *prepare) close() {
	C.pf_scaler_free(p.scaler)
	C.free(unsafe.Pointer(p.out))
	p.scaler, p.out = nil, nil
}

// maxSide bounds a picture's width and height, so that sizes in bytes stay
// well inside an int32.
const maxSide = 16384

// run resizes the part roi of img (BGR, 8 bit, 3 channels, its rows without gaps)
// and writes it to dst, the input tensor's memory.
func (p *prepare) run(img *gocv.Mat, roi image.Rectangle, dst unsafe.Pointer) error {
	if img.Type() != gocv.MatTypeCV8UC3 {
		return fmt.Errorf("the picture has type %v; BGR with 8 bits a channel is needed", img.Type())
	}
	whole := image.Rect(0, 0, img.Cols(), img.Rows())
	if roi.Empty() || !roi.In(whole) {
		return fmt.Errorf("the region of interest %v is not inside the picture of %d×%d pixels", roi, whole.Dx(), whole.Dy())
	}
	if roi.Dx() != p.width || roi.Dy() != p.height {
		if err := p.size(roi.Dx(), roi.Dy()); err != nil {
			return err
		}
	}
	data, err := img.DataPtrUint8()
	if err != nil {
		return err
	}
	stride := img.Step()
	first := &data[roi.Min.Y*stride+3*roi.Min.X]
	C.pf_scale(p.scaler, (*C.uint8_t)(first), C.size_t(stride), p.out, dst)
	return nil
}

func (p *prepare) size(width, height int) error {
	if width > maxSide || height > maxSide {
		return fmt.Errorf("the picture is %d×%d pixels; at most %d×%d can be judged", width, height, maxSide, maxSide)
	}
	s := C.pf_scaler_new(C.int(width), C.int(height), C.int(p.in.Width), C.int(p.in.Height))
	if s == nil {
		return fmt.Errorf("no memory to resize %d×%d pixels", width, height)
	}
	C.pf_scaler_free(p.scaler)
	p.scaler, p.width, p.height = s, width, height
	return nil
}
