package explain

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"

	"gocv.io/x/gocv"
)

// Sides of an overlay, in pixels.
const (
	smallest     = 480 // a smaller picture is enlarged, so that the legend can be read
	legendHeight = 46
)

// Overlay draws the map over the part roi of img (BGR, 8 bit): orange where the
// picture speaks for the label, blue where it speaks against it, a white line
// around what speaks for it most, and a legend below. The caller closes it.
func (m *Map) Overlay(img *gocv.Mat, roi image.Rectangle) (gocv.Mat, error) {
	picture, err := m.heat(img, roi, smallest)
	if err != nil {
		return picture, err
	}
	legend := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(24, 20, 18, 0), legendHeight, picture.Cols(), gocv.MatTypeCV8UC3)
	defer legend.Close()
	if err = m.drawLegend(&legend); err == nil {
		err = gocv.Vconcat(picture, legend, &picture)
	}
	if err != nil {
		picture.Close()
		return gocv.NewMat(), fmt.Errorf("overlay: %w", err)
	}
	return picture, nil
}

// Heat is Overlay without a legend, for a thumbnail.
func (m *Map) Heat(img *gocv.Mat, roi image.Rectangle) (gocv.Mat, error) { return m.heat(img, roi, 0) }

// heat draws the map over a picture of at least so many pixels at its longer side.
func (m *Map) heat(img *gocv.Mat, roi image.Rectangle, least int) (gocv.Mat, error) {
	if m.Side < 2 || len(m.Values) != m.Side*m.Side {
		return gocv.NewMat(), fmt.Errorf("overlay: a map of %d values for %d × %d positions", len(m.Values), m.Side, m.Side)
	}
	if !roi.In(image.Rect(0, 0, img.Cols(), img.Rows())) || roi.Empty() {
		return gocv.NewMat(), fmt.Errorf("overlay: the region %v is not within the picture, which is %d × %d", roi, img.Cols(), img.Rows())
	}
	part := img.Region(roi)
	defer part.Close()
	out := gocv.NewMat()
	scale := max(1, float64(least)/float64(max(roi.Dx(), roi.Dy())))
	size := image.Pt(int(float64(roi.Dx())*scale), int(float64(roi.Dy())*scale))
	err := gocv.Resize(part, &out, size, 0, 0, gocv.InterpolationLinear)
	if err == nil {
		err = m.blend(&out)
	}
	if err != nil {
		out.Close()
		return gocv.NewMat(), fmt.Errorf("overlay: %w", err)
	}
	return out, nil
}

// blend colours a picture by the map.
func (m *Map) blend(out *gocv.Mat) error {
	small := gocv.NewMatWithSize(m.Side, m.Side, gocv.MatTypeCV32F)
	defer small.Close()
	cells, err := small.DataPtrFloat32()
	if err != nil {
		return err
	}
	copy(cells, m.Values)
	large := gocv.NewMat()
	defer large.Close()
	if err := gocv.Resize(small, &large, image.Pt(out.Cols(), out.Rows()), 0, 0, gocv.InterpolationCubic); err != nil {
		return err
	}
	values, err := large.DataPtrFloat32()
	if err != nil {
		return err
	}
	pixels, err := out.DataPtrUint8()
	if err != nil {
		return err
	}
	table := colours()
	for i, v := range values {
		p := pixels[3*i : 3*i+3]
		// The picture itself in gray: its own colours would be taken for the map's.
		gray := (114*int(p[0]) + 587*int(p[1]) + 299*int(p[2])) / 1000
		c := &table[level(v)]
		for k := range p {
			p[k] = uint8((gray*(255-int(c.alpha)) + int(c.bgr[k])*int(c.alpha)) / 255)
		}
	}
	return m.outline(out, large)
}

// outline draws a line around what speaks for the label at least half as much as
// the place that does most: form says it where colour does not.
func (m *Map) outline(out *gocv.Mat, values gocv.Mat) error {
	most := float32(0)
	for _, v := range m.Values {
		most = max(most, v)
	}
	if most < 0.3 {
		return nil
	}
	mask := gocv.NewMat()
	defer mask.Close()
	gocv.Threshold(values, &mask, most/2, 255, gocv.ThresholdBinary)
	if err := mask.ConvertTo(&mask, gocv.MatTypeCV8U); err != nil {
		return err
	}
	contours := gocv.FindContours(mask, gocv.RetrievalExternal, gocv.ChainApproxNone)
	defer contours.Close()
	width := max(1, out.Cols()/320)
	for _, line := range []struct {
		c     color.RGBA
		width int
	}{{color.RGBA{A: 255}, 3 * width}, {color.RGBA{255, 255, 255, 255}, width}} {
		if err := gocv.DrawContours(out, contours, -1, line.c, line.width); err != nil {
			return err
		}
	}
	return nil
}

// drawLegend draws the scale of colours and says what it means.
func (m *Map) drawLegend(legend *gocv.Mat) error {
	pixels, err := legend.DataPtrUint8()
	if err != nil {
		return err
	}
	w := legend.Cols()
	left, right := 12, w-12
	table := colours()
	const barTop, barBottom, paper = 8, 18, 60
	for y := barTop; y < barBottom; y++ {
		for x := left; x < right; x++ {
			c := &table[level(2*float32(x-left)/float32(right-left)-1)]
			p := pixels[3*(y*w+x) : 3*(y*w+x)+3]
			for k := range p {
				p[k] = uint8((paper*(255-int(c.alpha)) + int(c.bgr[k])*int(c.alpha)) / 255)
			}
		}
	}
	const font, size, thickness = gocv.FontHersheySimplex, 0.42, 1
	white := color.RGBA{235, 235, 235, 255}
	label := ascii(m.Label)
	if len(label) > 18 {
		label = label[:16] + ".."
	}
	for _, t := range []struct {
		text string
		at   func(width int) int
	}{
		{"against", func(int) int { return left }},
		{fmt.Sprintf("%s: %.3f", label, m.Score), func(width int) int { return (w - width) / 2 }},
		{"for it", func(width int) int { return right - width }},
	} {
		width := gocv.GetTextSize(t.text, font, size, thickness).X
		if err := gocv.PutText(legend, t.text, image.Pt(t.at(width), legendHeight-12), font, size, white, thickness); err != nil {
			return err
		}
	}
	return nil
}

// ascii replaces what OpenCV's font lacks.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

const levels = 255

// faint values are left clear: the picture is to be seen, and they say little.
const faint = 0.12

// level is the entry of the table of colours for a value, −1..1.
func level(v float32) int {
	return int(min(max((v+1)/2*(levels-1)+0.5, 0), levels-1))
}

// colour is laid over the gray picture.
type colour struct {
	bgr   [3]uint8
	alpha uint8
}

// colours go from blue, against, to orange, for. Both ends are equally light in
// CIELAB and the steps between are even, so that equal steps look equal; who
// can't tell red from green tells these apart. The middle is clear.
func colours() *[levels]colour {
	var table [levels]colour
	for i := range table {
		v := 2*float64(i)/(levels-1) - 1
		hue, strength := 55.0, math.Abs(v) // degrees: orange
		if v < 0 {
			hue = 265
		}
		strength = max(0, (strength-faint)/(1-faint))
		chroma := 30 + 40*strength
		r, g, b := fromLab(64, chroma*math.Cos(hue*math.Pi/180), chroma*math.Sin(hue*math.Pi/180))
		table[i] = colour{[3]uint8{b, g, r}, uint8(math.Round(220 * strength))}
	}
	return &table
}

// fromLab converts CIELAB (D65) to sRGB.
func fromLab(l, a, b float64) (uint8, uint8, uint8) {
	y := (l + 16) / 116
	x, z := y+a/500, y-b/200
	cube := func(t float64) float64 {
		if t > 6.0/29 {
			return t * t * t
		}
		return 3 * 36.0 / 841 * (t - 4.0/29)
	}
	x, y, z = 0.95047*cube(x), cube(y), 1.08883*cube(z)
	gamma := func(v float64) uint8 {
		v = min(max(v, 0), 1)
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return uint8(math.Round(255 * v))
	}
	return gamma(3.2406*x - 1.5372*y - 0.4986*z), gamma(-0.9689*x + 1.8758*y + 0.0415*z), gamma(0.0557*x - 0.2040*y + 1.0570*z)
}
