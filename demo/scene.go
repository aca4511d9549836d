package demo

import (
	"image"
	"math"
	"math/rand/v2"
)

// The station, in millimetres. The origin is on the belt under the camera, x
// runs with the belt to the right, y down the picture, z up to the camera.
const (
	viewWide  = 160.0 // what a 4:3 picture shows
	viewHigh  = 120.0
	cameraUp  = 420.0 // camera above the belt
	railInner = 53.5  // the conveyor's side rails begin here, up and down
)

// vec is a point or a direction.
type vec struct{ x, y, z float64 }

func (a vec) dot(b vec) float64     { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) add(b vec) vec         { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec         { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) by(k float64) vec      { return vec{a.x * k, a.y * k, a.z * k} }
func (a vec) unit() vec             { return a.by(1 / math.Sqrt(a.dot(a))) }
func cross(a, b vec) vec            { return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x} }
func blend(a, b vec, t float64) vec { return a.add(b.sub(a).by(t)) }

// scene is everything that one picture is drawn from. It is only read while
// drawing, so rows may be drawn side by side.
type scene struct {
	width, height int     // pixels
	pixel         float64 // millimetres a pixel
	seed          uint64

	cx, cy     float64 // the part's centre on the belt, mm
	cos, sin   float64 // of the part's rotation
	beltX      float64 // how far the belt has run, mm
	beltSalt   uint32
	brushSalt  uint32
	stainSalt  uint32
	key, fill  vec     // lamp positions, mm
	keyLevel   float64 // lamp brightness, 1 is usual
	fillLevel  float64
	ambient    float64
	tint       vec     // light colour after the camera's white balance
	blur       float64 // standard deviation, pixels
	grain      float64 // sensor noise, 1 is usual
	vignette   float64 // light lost in the corners, share
	lint       []speck // dust and fibres on the belt
	faultyHole int     // the hole not drilled, or -1
	spot       bool    // the undrilled hole was centre-punched
	scratch    *scratch
	chip       *chip
}

// speck is a bit of dust or swarf lying on the belt, in mm.
type speck struct {
	x, y, dx, dy, r, light float64
}

// between draws evenly from lo to hi.
func between(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// newScene draws the conditions first and the fault from a stream of its own,
// so that the conditions are the same whatever the class.
func newScene(class Class, seed uint64, width, height int) *scene {
	r := rand.New(rand.NewPCG(mix(seed, 1), 0x5ce4e))
	s := &scene{width: width, height: height, seed: seed, faultyHole: -1}
	s.pixel = max(viewWide/float64(width), viewHigh/float64(height))
	angle := clamp(r.NormFloat64()*3.4, -8, 8) * math.Pi / 180
	s.sin, s.cos = math.Sincos(angle)
	s.cx, s.cy = clamp(r.NormFloat64()*5, -13, 13), clamp(r.NormFloat64()*1.9, -5, 5)
	s.beltX = between(r, 0, 4000)
	// The belt is one belt and comes round again: its salt is the station's.
	s.beltSalt, s.brushSalt, s.stainSalt = 77, r.Uint32(), r.Uint32()
	s.key = vec{-62 + between(r, -8, 8), -190 + between(r, -8, 8), 330}
	s.fill = vec{230, 120, 260}
	s.keyLevel = between(r, 0.84, 1.16)
	s.fillLevel = between(r, 0.8, 1.25)
	s.ambient = between(r, 0.8, 1.25)
	warm := clamp(r.NormFloat64()*0.035, -0.07, 0.07)
	s.tint = vec{1 + warm, 1, 1 - 1.15*warm}
	s.blur = between(r, 0.5, 0.75)
	s.grain = between(r, 0.7, 1.5)
	s.vignette = between(r, 0.26, 0.36)
	for range 5 + r.IntN(12) {
		a := between(r, 0, 2*math.Pi)
		long := 0.0
		if r.IntN(4) == 0 {
			long = between(r, 1, 3.5)
		}
		s.lint = append(s.lint, speck{
			x: between(r, -viewWide/2, viewWide/2), y: between(r, -railInner, railInner),
			dx: long * math.Cos(a), dy: long * math.Sin(a),
			r: between(r, 0.14, 0.32), light: between(r, 0.05, 0.22),
		})
	}

	f := rand.New(rand.NewPCG(mix(seed, 2), 0xfa17))
	switch class {
	case Scratch:
		s.scratch = newScratch(f)
	case Chip:
		s.chip = newChip(f)
	case MissingHole:
		s.faultyHole = f.IntN(4)
		s.spot = f.IntN(3) == 0
	}
	return s
}

// toPart turns a place on the station into one on the part.
func (s *scene) toPart(x, y float64) (float64, float64) {
	x, y = x-s.cx, y-s.cy
	return x*s.cos + y*s.sin, y*s.cos - x*s.sin
}

// turn turns a direction on the part into one on the station.
func (s *scene) turn(v vec) vec {
	return vec{v.x*s.cos - v.y*s.sin, v.x*s.sin + v.y*s.cos, v.z}
}

// faultBounds is the fault's surroundings in pixels.
func (s *scene) faultBounds() image.Rectangle {
	var cx, cy, rad float64 // on the part, mm
	switch {
	case s.scratch != nil:
		cx, cy, rad = s.scratch.x, s.scratch.y, s.scratch.rad
	case s.chip != nil:
		cx, cy, rad = s.chip.x, s.chip.y, s.chip.reach()
		rad += shadowReach // the shadow on the belt loses a piece too
	case s.faultyHole >= 0:
		cx, cy = holeAt(s.faultyHole)
		rad = sinkR
	default:
		return image.Rectangle{}
	}
	p := s.turn(vec{cx, cy, 0})
	px := (p.x+s.cx)/s.pixel + float64(s.width)/2
	py := (p.y+s.cy)/s.pixel + float64(s.height)/2
	rad = rad/s.pixel + 6 // the lens spreads an edge over a few pixels
	return image.Rect(int(px-rad), int(py-rad), int(px+rad)+1, int(py+rad)+1).
		Intersect(image.Rect(0, 0, s.width, s.height))
}
