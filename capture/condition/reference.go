package condition

import (
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"

	"passfail/capture/gray"
)

// Reference is what the picture looked like when all was well. It doesn't change and may be shared.
type Reference struct {
	size   image.Point
	values Values
	cols   int
	rows   int
	block  int
	relief []float32 // the reference's local contrast, independent of the light
	now    []float32 // the present picture's
	sums   []float32 // scratch of smooth
	points []int32   // the blocks of relief that stand out, away from the region of interest
}

const (
	margin    = 24   // blocks that a shift may have, and that points keep from the border
	mostTold  = 1200 // points that are compared
	fewPoints = 40
	standsOut = 0.06 // relief of a point: 6 % brighter or darker than around it
	alike     = 0.6  // a shift is believed from this likeness on
	better    = 0.15 // and when it explains the picture so much better than no shift
)

// NewReference learns a picture (BGR, 8 bit, 3 channels) that was taken when all was well. What lies within roi is not
// compared, because parts move there; where roi leaves no surroundings, the picture's border of an eighth is.
func NewReference(img *gocv.Mat, roi image.Rectangle) (*Reference, error) {
	whole := image.Rect(0, 0, img.Cols(), img.Rows())
	p, err := gray.NewReducer(side).Reduce(img, whole)
	if err != nil {
		return nil, fmt.Errorf("reference picture: %w", err)
	}
	r := &Reference{size: whole.Max, values: exposure(p), cols: p.Cols, rows: p.Rows, block: p.Block}
	if r.values.Brightness < Defaults().Black {
		return nil, fmt.Errorf("reference picture: it is black (%.0f of 255); take one with the light on", r.values.Brightness)
	}
	var e edges
	if r.values.Sharpness, err = e.sharpness(img); err != nil {
		return nil, fmt.Errorf("reference picture: %w", err)
	}
	n := len(p.Pix)
	r.relief, r.now, r.sums = make([]float32, n), make([]float32, n), make([]float32, (p.Cols+1)*(p.Rows+1))
	r.flatten(p, r.relief)
	if roi.Dx()*roi.Dy()*10 > whole.Dx()*whole.Dy()*8 {
		roi = whole.Inset(min(whole.Dx(), whole.Dy()) / 8)
	}
	r.choose(p, roi)
	return r, nil
}

// own returns r with scratch of its own.
func (r *Reference) own() *Reference {
	if r == nil {
		return nil
	}
	mine := *r
	mine.now, mine.sums = make([]float32, len(r.now)), make([]float32, len(r.sums))
	return &mine
}

// Values are those of the reference picture.
func (r *Reference) Values() Values { return r.values }

// Fixed tells whether enough stands around the region of interest for a moved camera to be found.
func (r *Reference) Fixed() bool { return len(r.points) >= fewPoints }

// choose finds the blocks by which a shift is told.
func (r *Reference) choose(p *gray.Picture, roi image.Rectangle) {
	var all []int32
	rim := min(margin, r.cols/16, r.rows/16)
	for y := rim; y < r.rows-rim; y++ {
		for x := rim; x < r.cols-rim; x++ {
			at := p.Min.Add(image.Pt(x*r.block, y*r.block))
			i := y*r.cols + x
			if !at.In(roi) && math.Abs(float64(r.relief[i])) > standsOut {
				all = append(all, int32(i))
			}
		}
	}
	if step := float64(len(all)) / mostTold; step > 1 {
		for k := range mostTold {
			all[k] = all[int(float64(k)*step)]
		}
		all = all[:mostTold]
	}
	r.points = all
}

// flatten leaves in out how much brighter each block is than those around it, as a share.
func (r *Reference) flatten(p *gray.Picture, out []float32) {
	const around = 5
	w := r.cols + 1
	for y := range r.rows {
		row := float32(0)
		for x := range r.cols {
			row += float32(p.Pix[y*r.cols+x]) / gray.Unit
			r.sums[(y+1)*w+x+1] = r.sums[y*w+x+1] + row
		}
	}
	for y := range r.rows {
		y0, y1 := max(0, y-around), min(r.rows, y+around+1)
		for x := range r.cols {
			x0, x1 := max(0, x-around), min(r.cols, x+around+1)
			sum := r.sums[y1*w+x1] - r.sums[y0*w+x1] - r.sums[y1*w+x0] + r.sums[y0*w+x0]
			mean := sum / float32((y1-y0)*(x1-x0))
			v := (p.At(x, y) - mean) / (mean + 8)
			out[y*r.cols+x] = min(max(v, -1), 1)
		}
	}
}

// shift finds how far the scene lies from where it was, in pixels, and how alike it is there. Where that can't be told,
// or the picture is explained as well by no shift, it is zero.
func (r *Reference) shift(p *gray.Picture) (image.Point, float64) {
	if !r.Fixed() {
		return image.Point{}, 0
	}
	r.flatten(p, r.now)
	still := r.likeness(0, 0)
	best, at := still, image.Point{}
	try := func(x, y int) {
		// A little is taken off for each block of way: along a rail every place looks the same.
		if v := r.likeness(x, y) - 0.002*float32(math.Hypot(float64(x), float64(y))); v > best {
			best, at = v, image.Pt(x, y)
		}
	}
	most := min(margin, r.cols/4, r.rows/4)
	for y := -most; y <= most; y += 2 {
		for x := -most; x <= most; x += 2 {
			try(x, y)
		}
	}
	c := at
	for y := c.Y - 1; y <= c.Y+1; y++ {
		for x := c.X - 1; x <= c.X+1; x++ {
			try(x, y)
		}
	}
	if best < alike || best < still+better {
		return image.Point{}, float64(still)
	}
	return at.Mul(r.block), float64(best)
}

// likeness is the correlation of the points with what lies dx, dy blocks from them now; points that left the picture
// are left out.
func (r *Reference) likeness(dx, dy int) float32 {
	var ab, aa, bb float32
	n := 0
	for _, i := range r.points {
		x, y := int(i)%r.cols+dx, int(i)/r.cols+dy
		if x < 0 || x >= r.cols || y < 0 || y >= r.rows {
			continue
		}
		a, b := r.relief[i], r.now[y*r.cols+x]
		ab, aa, bb = ab+a*b, aa+a*a, bb+b*b
		n++
	}
	if n < len(r.points)/2 || bb == 0 {
		return 0
	}
	return ab / float32(math.Sqrt(float64(aa)*float64(bb)))
}
