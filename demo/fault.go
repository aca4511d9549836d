package demo

import (
	"math"
	"math/rand/v2"
)

// scratch is a gouge: a wandering line in the part's coordinates, of one to
// three strands, millimetres throughout.
type scratch struct {
	path    [][2]float64
	length  float64
	width   float64 // half the groove's width at its fullest
	strands []float64
	salt    uint32
	x, y    float64 // a circle that holds the whole
	rad     float64
	cx, cy  float64 // unit vector from its one end to the other
	wide    float64 // how far from that straight line it strays
	raw     float64 // how bright the torn metal is, 1 as the face
}

// newScratch places a scratch so that most of it crosses the machined face.
func newScratch(r *rand.Rand) *scratch {
	s := &scratch{salt: r.Uint32(), raw: between(r, 1.0, 1.7)}
	// Skewed towards the small: a few long ones, and no lack of short ones.
	size := math.Pow(r.Float64(), 1.3)
	s.length = lerp(15, 52, size)
	s.width = lerp(0.45, 0.8, size) * between(r, 0.9, 1.3)
	s.strands = []float64{0}
	for range r.IntN(3) {
		s.strands = append(s.strands, between(r, 1.2, 2.2)*s.width*float64(1-2*r.IntN(2)))
	}
	best := -1.0
	// Few places are wholly bad; 40 tries find a good one in practice, and the
	// best of them stands in any case.
	for range 40 {
		path := wander(r, s.length, s.salt)
		on := 0.0
		for _, p := range path {
			if onFace(p[0], p[1]) {
				on += 1 / float64(len(path))
			}
		}
		if on > best {
			best, s.path = on, path
		}
		if on >= 0.85 {
			break
		}
	}
	s.enclose()
	return s
}

// wander is a line of about the given length through a random point.
func wander(r *rand.Rand, length float64, salt uint32) [][2]float64 {
	const steps = 22
	x, y := between(r, -38, 38), between(r, -27, 27)
	a := between(r, 0, 2*math.Pi)
	bend := between(r, -0.5, 0.5) // radians over the whole length
	path := make([][2]float64, 0, steps+1)
	step := length / steps
	x -= math.Cos(a) * length / 2
	y -= math.Sin(a) * length / 2
	for i := range steps + 1 {
		path = append(path, [2]float64{x, y})
		t := float64(i) / steps
		b := a + bend*(t-0.5) + 0.22*noise1(t*9, salt)
		x += math.Cos(b) * step
		y += math.Sin(b) * step
	}
	return path
}

// enclose fits the circle and the strip that hold the scratch, so that most of
// the part need not measure its distance to every stretch.
func (s *scratch) enclose() {
	a, b := s.path[0], s.path[len(s.path)-1]
	s.x, s.y = (a[0]+b[0])/2, (a[1]+b[1])/2
	l := math.Hypot(b[0]-a[0], b[1]-a[1])
	s.cx, s.cy = (b[0]-a[0])/l, (b[1]-a[1])/l
	for _, p := range s.path {
		s.wide = max(s.wide, math.Abs((p[1]-s.y)*s.cx-(p[0]-s.x)*s.cy))
		s.rad = max(s.rad, math.Hypot(p[0]-s.x, p[1]-s.y))
	}
	s.rad += 5 * s.width
	s.wide += 5 * s.width
}

// mark is what a scratch does at a place.
type mark struct {
	near  float64 // distance outside the grooves, mm; below 0 within one
	slope float64 // -1 to 1: which wall of the groove, and how steep
	burr  float64 // 0 to 1: thrown-up metal beside the groove
	nx    float64 // unit vector across the groove
	ny    float64
}

// at finds the nearest stretch of the scratch and reads its profile there.
func (s *scratch) at(x, y float64) mark {
	m := mark{near: math.Inf(1)}
	best, along, side := math.Inf(1), 0.0, 0.0
	for i := 1; i < len(s.path); i++ {
		a, b := s.path[i-1], s.path[i]
		dx, dy := b[0]-a[0], b[1]-a[1]
		l2 := dx*dx + dy*dy
		t := clamp(((x-a[0])*dx+(y-a[1])*dy)/l2, 0, 1)
		ex, ey := x-a[0]-t*dx, y-a[1]-t*dy
		if d := ex*ex + ey*ey; d < best {
			l := math.Sqrt(l2)
			best, along = d, (float64(i-1)+t)/float64(len(s.path)-1)
			m.nx, m.ny = -dy/l, dx/l
			side = math.Copysign(math.Sqrt(d), ex*m.nx+ey*m.ny)
		}
	}
	if best > 25*s.width*s.width { // too far off for any strand
		m.near = math.Sqrt(best) - 4*s.width
		return m
	}
	mm := along * s.length
	// The groove bites in, wavers and runs out.
	full := smooth(0, 0.12, along) * smooth(0, 0.25, 1-along)
	for k, off := range s.strands {
		salt := s.salt + uint32(k)*7919
		w := s.width * full * (0.75 + 0.5*noise1(mm*0.9, salt) + 0.22*noise1(mm*3.1, salt+1))
		if k > 0 {
			w *= 0.6 * smooth(-0.5, 0.2, noise1(mm*0.16, salt+2)) // side strands come and go
		}
		if w <= 0.03 {
			continue
		}
		d := side - off*(1+0.4*noise1(mm*0.25, salt+3))
		near := math.Abs(d) - w
		if near < m.near {
			m.near = near
			m.slope = clamp(d/w, -1, 1)
		}
		m.burr = max(m.burr, 1-smooth(0, 0.6*w, math.Abs(near-0.15*w)))
	}
	return m
}

// chip is a piece broken out of the rim: a ragged bite in the part's
// coordinates, millimetres.
type chip struct {
	x, y   float64 // on the rim
	ux, uy float64 // along the rim
	size   float64
	long   float64 // how much longer along the rim than across it
	lip    float64 // width of the broken face between top and belt
	salt   uint32
}

// newChip places a chip at a corner or along an edge of the plate.
func newChip(r *rand.Rand) *chip {
	c := &chip{salt: r.Uint32()}
	size := math.Pow(r.Float64(), 1.2)
	sx, sy := float64(1-2*r.IntN(2)), float64(1-2*r.IntN(2))
	if r.IntN(5) < 3 {
		a := between(r, 0.15, math.Pi/2-0.15)
		ca, sa := math.Cos(a), math.Sin(a)
		c.x, c.y = sx*(halfW-cornerR+cornerR*ca), sy*(halfH-cornerR+cornerR*sa)
		c.ux, c.uy = -sx*sa, sy*ca
		c.size, c.long = lerp(3.4, 7.4, size), between(r, 0.9, 1.3)
	} else if r.IntN(3) == 0 { // a short side
		c.x, c.y = sx*halfW, between(r, -16, 16)
		c.ux, c.uy = 0, 1
		c.size, c.long = lerp(3, 7.5, size), between(r, 1, 1.8)
	} else { // a long side
		c.x, c.y = between(r, -28, 28), sy*halfH
		c.ux, c.uy = 1, 0
		c.size, c.long = lerp(3, 6.5, size), between(r, 1, 1.8)
	}
	c.lip = between(r, 0.9, 1.4) + 0.16*c.size
	return c
}

// reach is the furthest from its centre that the chip goes.
func (c *chip) reach() float64 { return c.size * max(1, c.long) * 1.5 }

// dist is the distance to the bite's outline, below 0 within it. It is near
// enough a true distance to draw with.
func (c *chip) dist(x, y float64) float64 {
	x, y = x-c.x, y-c.y
	if x*x+y*y > 6*c.reach()*c.reach() {
		return c.size * 2 // far off: any safe number
	}
	a, b := (x*c.ux+y*c.uy)/c.long, y*c.ux-x*c.uy
	l := math.Hypot(a, b)
	if l < 1e-6 {
		return -c.size
	}
	// Ragged by angle, in broad flakes and small teeth.
	ca, sa := a/l, b/l
	rag := 0.2*noise2(ca*1.4+9, sa*1.4, c.salt) + 0.1*noise2(ca*4, sa*4, c.salt+1) +
		0.05*noise2(ca*11, sa*11, c.salt+2)
	return l - c.size*(1+rag)
}
