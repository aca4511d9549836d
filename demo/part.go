package demo

import "math"

// The part: a flange plate with a turned boss, a chamfered bore through it and
// a countersunk hole in each corner. Millimetres, from the part's centre.
const (
	halfW    = 46.0 // plate
	halfH    = 33.0
	cornerR  = 10.0
	plateUp  = 8.0 // thickness
	rimCut   = 0.9 // chamfer round the plate
	bossR    = 23.0
	bossUp   = 2.2 // above the plate
	bossCut  = 0.7
	filletR  = 1.5 // at the foot of the boss
	boreR    = 13.0
	boreCut  = 1.5
	drillR   = 2.9
	sinkR    = 5.6
	holeX    = 35.0
	holeY    = 22.0
	grooveR  = 18.6 // a seal groove turned into the boss
	grooveW  = 1.1  // half its width
	markPit  = 0.27 // radius of a dot-peened dot
	markStep = 0.68 // dot spacing
	markY    = 28.2
)

// holeAt is the centre of hole 0 to 3.
func holeAt(i int) (x, y float64) {
	x, y = -holeX, -holeY
	if i&1 != 0 {
		x = holeX
	}
	if i&2 != 0 {
		y = holeY
	}
	return x, y
}

// kind is what the camera sees at a place.
type kind uint8

const (
	kindBelt   kind = iota // the belt beside the part
	kindBrush              // the plate's brushed face
	kindTurned             // the boss's turned face
	kindCut                // a chamfer, a countersink: bright and smooth
	kindDeep               // looking down the bore or a drilled hole
	kindBroken             // a chip's broken face
)

// surface is a place on the part.
type surface struct {
	kind   kind
	up     float64 // height above the plate's face, mm
	normal vec
	along  vec     // the tool marks' direction
	edge   float64 // distance to the nearest edge to smooth, mm
	depth  float64 // share of light lost in a recess, 0 to 1
	hx, hy float64 // centre of the hole looked into, with its radius
	hr     float64
	raw    float64 // torn or struck metal, 0 to 1
}

// plate is the signed distance to the plate's outline, below 0 inside, with
// the outline's outward direction.
func plate(x, y float64) (d, nx, ny float64) {
	ax, ay := math.Abs(x)-(halfW-cornerR), math.Abs(y)-(halfH-cornerR)
	switch {
	case ax > 0 && ay > 0:
		l := math.Sqrt(ax*ax + ay*ay)
		d, nx, ny = l-cornerR, ax/l, ay/l
	case ax > ay:
		d, nx = ax-cornerR, 1
	default:
		d, ny = ay-cornerR, 1
	}
	return d, math.Copysign(nx, x), math.Copysign(ny, y)
}

// onFace reports whether a place is on a machined face, clear of its edges.
func onFace(x, y float64) bool {
	d, _, _ := plate(x, y)
	r := math.Hypot(x, y)
	hx, hy := math.Abs(x)-holeX, math.Abs(y)-holeY
	if math.Abs(x) < 16 && math.Abs(y-markY) < 3.2 {
		return false // the part number would hide a scratch
	}
	return d < -2 && math.Hypot(hx, hy) > sinkR+0.5 && r > boreR+boreCut+0.5 &&
		math.Abs(r-bossR) > filletR+0.3 && math.Abs(r-grooveR) > grooveW
}

// outline is the part's signed distance with the chip taken out, at the belt's
// level: what casts the shadow.
func (s *scene) outline(x, y float64) float64 {
	d, _, _ := plate(x, y)
	if s.chip != nil {
		d = max(d, -(s.chip.dist(x, y) + s.chip.lip))
	}
	return d
}

// tilt leans a normal from straight up by an angle with the given tangent.
func tilt(nx, ny, tan float64) vec {
	k := 1 / math.Sqrt(1+tan*tan)
	return vec{nx * tan * k, ny * tan * k, k}
}

// at finds what is at a place on the part.
func (s *scene) at(x, y float64) surface {
	d, nx, ny := plate(x, y)
	f := surface{kind: kindBrush, normal: vec{0, 0, 1}, along: vec{1, 0, 0}, edge: math.Abs(d)}
	if d > 0 {
		if s.chip == nil || d > 1 {
			f.kind = kindBelt
			return f
		}
	}
	if s.chip != nil {
		if c := s.chip.dist(x, y); c < 1 {
			if done := s.chipped(&f, x, y, c, d); done {
				return f
			}
		}
	}
	if d > 0 {
		f.kind = kindBelt
		return f
	}
	f.note(d + rimCut)
	if d > -rimCut {
		f.kind = kindCut
		f.normal = tilt(nx, ny, 0.55)
		f.along = vec{-ny, nx, 0}
		return f
	}

	r := math.Sqrt(x*x + y*y)
	if r < bossR+filletR+1 {
		s.boss(&f, x, y, r)
	} else {
		s.corner(&f, x, y)
		if math.Abs(y-markY) < 4*markStep && math.Abs(x) < 22*markStep {
			peened(&f, x, y)
		}
	}
	if s.scratch != nil && (f.kind == kindBrush || f.kind == kindTurned) {
		s.scratched(&f, x, y)
	}
	return f
}

// note keeps the nearest edge.
func (f *surface) note(d float64) { f.edge = min(f.edge, math.Abs(d)) }

// boss fills in the boss, the groove in it, its fillet and the bore.
func (s *scene) boss(f *surface, x, y, r float64) {
	ux, uy := x/max(r, 1e-6), y/max(r, 1e-6)
	turned := vec{-uy, ux, 0}
	for _, e := range [...]float64{boreR, boreR + boreCut, bossR - bossCut, bossR,
		grooveR - grooveW, grooveR + grooveW, bossR + filletR} {
		f.note(r - e)
	}
	g := math.Abs(r - grooveR)
	switch {
	case r < boreR:
		f.kind, f.hr, f.up = kindDeep, boreR, bossUp
	case r < boreR+boreCut:
		f.kind, f.along, f.up = kindCut, turned, bossUp
		f.normal = tilt(-ux, -uy, 0.7)
	case g < grooveW:
		// A round-bottomed groove: its walls lean in, its floor is shaded.
		f.kind, f.along, f.up = kindTurned, turned, bossUp-0.6
		lean := -(r - grooveR) / grooveW * 0.75
		f.normal = tilt(ux*lean, uy*lean, 1)
		f.depth = 0.42
	case r < bossR-bossCut:
		f.kind, f.along, f.up = kindTurned, turned, bossUp
	case r < bossR:
		f.kind, f.along, f.up = kindCut, turned, bossUp
		f.normal = tilt(ux, uy, 0.9)
	case r < bossR+filletR:
		t := 1 - (r-bossR)/filletR
		f.kind, f.along = kindTurned, turned
		f.normal = tilt(ux, uy, 1.6*t*t)
		f.depth = 0.3 * t
	}
}

// corner fills in the countersunk hole of the corner the place is in.
func (s *scene) corner(f *surface, x, y float64) {
	i := 0
	if x > 0 {
		i |= 1
	}
	if y > 0 {
		i |= 2
	}
	hx, hy := holeAt(i)
	dx, dy := x-hx, y-hy
	r := math.Sqrt(dx*dx + dy*dy)
	if r > sinkR+1 {
		return
	}
	ux, uy := dx/max(r, 1e-6), dy/max(r, 1e-6)
	if i == s.faultyHole {
		if s.spot && r < 1.5 { // punched for drilling, and never drilled
			f.edge = min(f.edge, 0.01)
			f.normal = tilt(-ux, -uy, 0.8*smooth(0, 0.5, r)*(1-smooth(0.5, 0.9, r)))
			f.depth = 0.6 * (1 - smooth(0.35, 0.8, r))
		}
		return
	}
	f.note(r - sinkR)
	f.note(r - drillR)
	switch {
	case r < drillR:
		f.kind, f.hx, f.hy, f.hr = kindDeep, hx, hy, drillR
	case r < sinkR:
		f.kind, f.along = kindCut, vec{-uy, ux, 0}
		f.normal = tilt(-ux, -uy, 0.75)
		f.depth = 0.35 * (sinkR - r) / (sinkR - drillR)
	}
}

// glyphs is the part number in a dot-peen marker's 5 by 7 letters, a row of
// each letter side by side.
const (
	glyphs = "" +
		"####. ##### ..... .###. .###. ...#. ..#.." +
		"#...# #.... ..... #...# #...# ..##. .##.." +
		"#...# #.... ..... ....# #..## .#.#. ..#.." +
		"####. ####. ##### ..##. #.#.# #..#. ..#.." +
		"#.... #.... ..... .#... ##..# ##### ..#.." +
		"#.... #.... ..... #.... #...# ...#. ..#.." +
		"#.... #.... ..... ##### .###. ...#. .###."
	glyphRow = 7*6 - 1
)

// peened strikes the part number's dots into the face.
func peened(f *surface, x, y float64) {
	gx, gy := x/markStep+glyphRow/2, (y-markY)/markStep+3
	col, row := int(math.Round(gx)), int(math.Round(gy))
	if col < 0 || col >= glyphRow || row < 0 || row > 6 || glyphs[row*glyphRow+col] != '#' {
		return
	}
	f.edge = min(f.edge, 0.01)
	dx, dy := (gx-float64(col))*markStep, (gy-float64(row))*markStep
	if r := math.Hypot(dx, dy); r < markPit {
		lean := 0.9 / markPit
		f.normal = tilt(-dx*lean, -dy*lean, 1)
		f.depth = 0.62
	}
}

// scratched ploughs the scratch into a face.
func (s *scene) scratched(f *surface, x, y float64) {
	c := s.scratch
	dx, dy := x-c.x, y-c.y
	if dx*dx+dy*dy > c.rad*c.rad || math.Abs(dy*c.cx-dx*c.cy) > c.wide {
		return
	}
	m := c.at(x, y)
	if m.near > c.width {
		return
	}
	f.note(0.01)
	if m.near < 0 {
		// The groove's two walls face two ways: one catches the lamp, the
		// other shows the dark room, so it is seen in any light.
		lean := -1.1 * m.slope
		f.normal = tilt(m.nx*lean, m.ny*lean, 1)
		f.raw = 1
		f.depth = 0.66 * (1 - m.slope*m.slope)
	} else if m.burr > 0 {
		f.normal = tilt(m.nx*0.5*m.slope, m.ny*0.5*m.slope, m.burr)
		f.raw = m.burr
	}
}

// chipped fills in a place at the chip: gone, or its broken face. It reports
// false where the part is whole.
func (s *scene) chipped(f *surface, x, y, c, d float64) bool {
	if d > 0 {
		return false
	}
	f.note(c)
	f.note(c + s.chip.lip)
	if c > 0 {
		return false
	}
	if c < -s.chip.lip {
		f.kind = kindBelt
		return true
	}
	f.note(0.01)
	// The break slopes down to the belt, crystalline: its normal is jittered
	// over about a millimetre and again over a third of that.
	const e = 0.05
	gx := (s.chip.dist(x+e, y) - c) / e
	gy := (s.chip.dist(x, y+e) - c) / e
	l := math.Hypot(gx, gy) + 1e-6
	jx := 0.7*noise2(x*1.1, y*1.1, s.chip.salt+5) + 0.5*noise2(x*3, y*3, s.chip.salt+6)
	jy := 0.7*noise2(x*1.1, y*1.1, s.chip.salt+7) + 0.5*noise2(x*3, y*3, s.chip.salt+8)
	f.kind, f.raw = kindBroken, 1
	nx, ny := -gx/l*0.9+jx, -gy/l*0.9+jy
	f.normal = vec{nx, ny, 1}.unit()
	f.depth = 0.5 * smooth(0, 1, -c/s.chip.lip)
	return true
}
