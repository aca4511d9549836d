package explain

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"passfail/model"
)

// Detail is how many positions a map has, along its width and along its height.
type Detail int

// The details: a map to look at, and one for a thumbnail in two fifths of the time.
const (
	Fine  Detail = 10
	Quick Detail = 6
)

// coarse is how many positions the second, coarser round has for one of the
// first: what is as large as half the part is not found by hiding a tenth of it.
const coarse = 2

// How much wider than the distance between two positions a patch is, in the first
// round and in the coarse one.
const (
	fineSpread   = 1.7
	coarseSpread = 2.4
)

// What hides a piece is the picture without what is narrower than about this
// share of it: a median keeps edges, and makes no new ones that could be taken for
// a defect. Of the fillings tried on the demo's parts (blurs of three widths,
// gray) it pointed at the drawn fault most often.
const fillShare = 1.0 / 15

// weakest is the change of a score's logit that is shown in full colour even if
// nothing changes the score more: a map of noise stays pale.
const weakest = 1.0

// Map says what each place of a picture does to a label's score.
type Map struct {
	Label string
	Score float32 // of the whole picture, 0..1

	Side int

	// Values are [Side Side] by rows, each −1..1: above 0, the place speaks for the
	// label, and hiding it lowers the score more than hiding most others does; below
	// 0, it speaks against it.
	Values []float32
	// Change is by how much the score falls when the place is hidden that lowers
	// it most, 0..1.
	Change float32
}

// Occlusion explains the score of a label (an index; below 0: the likeliest) for
// the part roi of img (BGR, 8 bit). It leaves img as it was. The same picture
// gives the same map.
func Occlusion(ctx context.Context, c *model.Classifier, img *gocv.Mat, roi image.Rectangle, label int, d Detail) (*Map, error) {
	if d != Fine && d != Quick {
		return nil, fmt.Errorf("explanation: a map of %d positions; %d or %d are possible", d, Fine, Quick)
	}
	if label >= len(c.Labels()) {
		return nil, fmt.Errorf("explanation: label %d of %d", label, len(c.Labels()))
	}
	e, err := newOcclusion(ctx, c, img, roi)
	if err != nil {
		return nil, err
	}
	defer e.close()
	scores, err := c.Classify(&e.picture, e.whole)
	if err != nil {
		return nil, err
	}
	if e.label = label; label < 0 {
		e.label = 0
		for i, s := range scores {
			if s > scores[e.label] {
				e.label = i
			}
		}
	}
	m := &Map{Label: c.Labels()[e.label], Score: scores[e.label], Side: int(d)}
	e.score = m.Score
	fine, err := e.round(m.Side, fineSpread)
	if err != nil {
		return nil, err
	}
	rough, err := e.round(m.Side/coarse, coarseSpread)
	if err != nil {
		return nil, err
	}
	m.Change = e.change
	m.Values = combine(fine, rough, m.Side)
	return m, nil
}

// occlusion is one run of Occlusion.
type occlusion struct {
	ctx     context.Context
	c       *model.Classifier
	picture gocv.Mat // the part, not much larger than the network's input
	fill    gocv.Mat
	work    gocv.Mat
	whole   image.Rectangle
	label   int
	score   float32
	change  float32
}

func newOcclusion(ctx context.Context, c *model.Classifier, img *gocv.Mat, roi image.Rectangle) (*occlusion, error) {
	if !roi.In(image.Rect(0, 0, img.Cols(), img.Rows())) || roi.Empty() {
		return nil, fmt.Errorf("explanation: the region %v is not within the picture, which is %d × %d", roi, img.Cols(), img.Rows())
	}
	e := &occlusion{ctx: ctx, c: c, picture: gocv.NewMat(), fill: gocv.NewMat(), work: gocv.NewMat()}
	err := e.prepare(img, roi)
	if err != nil {
		e.close()
		return nil, fmt.Errorf("explanation: %w", err)
	}
	return e, nil
}

func (e *occlusion) prepare(img *gocv.Mat, roi image.Rectangle) error {
	part := img.Region(roi)
	defer part.Close()
	// A patch is copied and the picture scaled for each run, so a picture of many
	// more pixels than the network takes would cost time for nothing.
	in := e.c.Input()
	w, h := min(roi.Dx(), 2*in.Width), min(roi.Dy(), 2*in.Height)
	if err := gocv.Resize(part, &e.picture, image.Pt(w, h), 0, 0, gocv.InterpolationArea); err != nil {
		return err
	}
	e.whole = image.Rect(0, 0, w, h)
	kernel := int(float64(max(w, h))*fillShare) | 1 // odd
	if err := gocv.MedianBlur(e.picture, &e.fill, max(kernel, 3)); err != nil {
		return err
	}
	return e.picture.CopyTo(&e.work)
}

// round hides the picture at n × n positions and returns how much the label's
// logit falls by each.
func (e *occlusion) round(n int, spread float64) ([]float32, error) {
	falls := make([]float32, 0, n*n)
	for y := range n {
		for x := range n {
			if err := e.ctx.Err(); err != nil {
				return nil, err
			}
			score, err := e.hide(newPatch(e.whole, n, x, y, spread))
			if err != nil {
				return nil, err
			}
			falls = append(falls, logit(e.score)-logit(score))
			e.change = max(e.change, e.score-score)
		}
	}
	return falls, nil
}

// hide returns the label's score without what is in p.
func (e *occlusion) hide(p patch) (float32, error) {
	if err := e.blend(p); err != nil {
		return 0, fmt.Errorf("explanation: %w", err)
	}
	scores, err := e.c.Classify(&e.work, e.whole)
	if err != nil {
		return 0, err
	}
	score := scores[e.label]
	place, original := e.work.Region(p.within), e.picture.Region(p.within)
	defer place.Close()
	defer original.Close()
	if err := original.CopyTo(&place); err != nil {
		return 0, fmt.Errorf("explanation: %w", err)
	}
	return score, nil
}

// blend lays the filling over the picture, with soft edges.
func (e *occlusion) blend(p patch) error {
	fill, err := e.fill.DataPtrUint8()
	if err != nil {
		return err
	}
	work, err := e.work.DataPtrUint8()
	if err != nil {
		return err
	}
	for y := p.within.Min.Y; y < p.within.Max.Y; y++ {
		for x := p.within.Min.X; x < p.within.Max.X; x++ {
			share := p.share(x, y)
			at := 3 * (y*e.whole.Dx() + x)
			for k := at; k < at+3; k++ {
				work[k] += uint8(int(share * float32(int(fill[k])-int(work[k])))) // wraps as it should
			}
		}
	}
	return nil
}

func (e *occlusion) close() {
	e.picture.Close()
	e.fill.Close()
	e.work.Close()
}

// patch is what is hidden at a time.
type patch struct {
	outer  image.Rectangle // with the soft edge
	within image.Rectangle // outer's part of the picture
	softX  float32         // width of the soft edge, in pixels
	softY  float32
}

// newPatch is the patch at position (x, y) of n × n.
func newPatch(whole image.Rectangle, n, x, y int, spread float64) patch {
	side := func(size, i int) (from, to int, soft float32) {
		step := float64(size) / float64(n)
		middle := (float64(i) + 0.5) * step
		// The edge is half as wide as a step, and half of it lies outside.
		reach := step * (spread/2 + 0.25)
		from, to = int(math.Round(middle-reach)), int(math.Round(middle+reach))
		return from, max(to, from+1), float32(max(step/2, 1))
	}
	var p patch
	p.outer.Min.X, p.outer.Max.X, p.softX = side(whole.Dx(), x)
	p.outer.Min.Y, p.outer.Max.Y, p.softY = side(whole.Dy(), y)
	p.within = p.outer.Intersect(whole)
	return p
}

// share is how far the filling replaces pixel (x, y), 0..1.
func (p patch) share(x, y int) float32 {
	edge := func(v, low, high int, soft float32) float32 {
		return min((float32(min(v-low, high-1-v))+0.5)/soft, 1)
	}
	return min(edge(x, p.outer.Min.X, p.outer.Max.X, p.softX), edge(y, p.outer.Min.Y, p.outer.Max.Y, p.softY))
}

// surest bounds a logit, where a score of 0 or 1 has none.
const surest = 1e-6

func logit(p float32) float32 {
	q := min(max(float64(p), surest), 1-surest)
	return float32(math.Log(q / (1 - q)))
}

// combine adds the coarse round to the fine one, each place by its share of the
// hidden area, and scales the sum to −1..1. What hiding any place at all does to
// a score, the median, says nothing about places.
func combine(fine, rough []float32, side int) []float32 {
	values := make([]float32, len(fine))
	for i, v := range fine {
		values[i] = v + between(rough, side, i%side, i/side)/coarse
	}
	sorted := slices.Sorted(slices.Values(values))
	median := sorted[len(sorted)/2]
	most := float32(weakest)
	for i := range values {
		values[i] -= median
		most = max(most, values[i], -values[i])
	}
	for i := range values {
		values[i] /= most
	}
	return values
}

// between interpolates the coarse round at position (x, y) of the fine one.
func between(rough []float32, side, x, y int) float32 {
	n := side / coarse
	place := func(i int) (low int, share float32) {
		at := (float32(i)+0.5)/coarse - 0.5
		at = min(max(at, 0), float32(n-1))
		low = min(int(at), n-2)
		return low, at - float32(low)
	}
	x0, u := place(x)
	y0, v := place(y)
	at := func(x, y int) float32 { return rough[y*n+x] }
	return (at(x0, y0)*(1-u)+at(x0+1, y0)*u)*(1-v) + (at(x0, y0+1)*(1-u)+at(x0+1, y0+1)*u)*v
}
