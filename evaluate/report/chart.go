package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size of a chart and of its margins, in the units of its own drawing: it is
// scaled to the room there is.
const (
	chartWidth   = 440
	chartHeight  = 300
	marginLeft   = 64
	marginRight  = 18
	marginTop    = 14
	marginBottom = 44
)

// chart is a drawing with two axes, as the page's template draws it. Colours and
// strokes are the page's: a shape names its class.
type chart struct {
	ID                 string
	Title, Description string // what a screen reader reads instead
	Note               string // below the drawing
	Width, Height      int
	X, Y               axis
	Shapes             []shape
	Marks              []mark
	Texts              []text
}

// axis maps values to places.
type axis struct {
	Name       string
	Low, High  float64
	from, to   float64 // places of Low and High
	Ticks      []tick
	percentage bool
	log        bool
}

type tick struct {
	At    float64
	Label string
}

// shape is a path.
type shape struct{ Class, D string }

// mark is a dot or, for who can't tell colours apart, something of another form.
type mark struct {
	Class string
	X, Y  float64
	R     float64
	Round bool
}

type text struct {
	Class, Text, Anchor string
	X, Y                float64
}

// newChart makes an empty chart over ranges of x and y.
func newChart(id, title string, x, y axis) *chart {
	c := &chart{ID: id, Title: title, Width: chartWidth, Height: chartHeight, X: x, Y: y}
	c.X.from, c.X.to = marginLeft, chartWidth-marginRight
	c.Y.from, c.Y.to = chartHeight-marginBottom, marginTop
	c.X.setTicks(6)
	c.Y.setTicks(5)
	return c
}

// PlotLeft and the like are the sides of the part of a chart within its axes.
func (c *chart) PlotLeft() float64   { return c.X.from }
func (c *chart) PlotRight() float64  { return c.X.to }
func (c *chart) PlotTop() float64    { return c.Y.to }
func (c *chart) PlotBottom() float64 { return c.Y.from }
func (c *chart) MiddleX() float64    { return (c.X.from + c.X.to) / 2 }
func (c *chart) MiddleY() float64    { return (c.Y.from + c.Y.to) / 2 }

// at is the place of a value, held within the axis.
func (a *axis) at(v float64) float64 {
	low, high := a.Low, a.High
	if a.log {
		low, high, v = math.Log(low), math.Log(high), math.Log(v)
	}
	return a.from + (a.to-a.from)*min(max((v-low)/(high-low), 0), 1)
}

// setTicks puts up to about n ticks on round values.
func (a *axis) setTicks(n int) {
	if a.log {
		return // its maker knows better
	}
	step := math.Pow(10, math.Floor(math.Log10((a.High-a.Low)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (a.High-a.Low)/(step*m) <= float64(n) {
			step *= m
			break
		}
	}
	for k := math.Ceil(a.Low/step - 1e-9); k*step <= a.High+1e-9*step; k++ {
		v := k * step
		if v == 0 {
			v = 0 // not −0
		}
		label := strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
		if a.percentage {
			label = strconv.FormatFloat(math.Round(v*1e4)/1e2, 'f', -1, 64) + " %"
		}
		a.Ticks = append(a.Ticks, tick{a.at(v), label})
	}
}

// point is a value pair.
type point struct{ x, y float64 }

// line is a path through points.
func (c *chart) line(class string, points []point) {
	c.Shapes = append(c.Shapes, shape{class, c.path(points)})
}

func (c *chart) path(points []point) string {
	var b strings.Builder
	for i, p := range points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", command, c.X.at(p.x), c.Y.at(p.y))
	}
	return b.String()
}

// band is the area between two lines over the same x.
func (c *chart) band(class string, low, high []point) {
	if len(low) == 0 {
		return
	}
	d := c.path(low)
	for i := len(high) - 1; i >= 0; i-- {
		d += fmt.Sprintf("L%.1f %.1f", c.X.at(high[i].x), c.Y.at(high[i].y))
	}
	c.Shapes = append(c.Shapes, shape{class, d + "Z"})
}

// bar is a rectangle between two corners.
func (c *chart) bar(class string, x0, y0, x1, y1 float64) {
	c.band(class, []point{{x0, y0}, {x1, y0}}, []point{{x0, y1}, {x1, y1}})
}

func (c *chart) dot(class string, x, y, r float64, round bool) {
	c.Marks = append(c.Marks, mark{class, c.X.at(x), c.Y.at(y), r, round})
}

// say writes a text beside a value, by so many units off.
func (c *chart) say(class, anchor string, x, y, dx, dy float64, format string, a ...any) {
	c.Texts = append(c.Texts, text{class, fmt.Sprintf(format, a...), anchor, c.X.at(x) + dx, c.Y.at(y) + dy})
}

// short writes a number with three digits.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
