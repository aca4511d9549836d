package demo

import "math"

// shadowReach bounds how far, in mm, the part's shadow falls from its edge.
const shadowReach = 14.0

// lamps is the light that arrives at a place.
type lamps struct {
	view      vec
	key, fill vec     // unit, towards the lamps
	keyE      float64 // how strongly each lights the place
	fillE     float64
	ambient   float64
}

// lit works out the lamps for a place at height z.
func (s *scene) lit(x, y, z float64) lamps {
	p := vec{x, y, z}
	k, f := s.key.sub(p), s.fill.sub(p)
	k2, f2 := k.dot(k), f.dot(f)
	return lamps{
		view: vec{-x, -y, cameraUp - z}.unit(),
		key:  k.by(1 / math.Sqrt(k2)), fill: f.by(1 / math.Sqrt(f2)),
		keyE:    s.keyLevel * s.key.dot(s.key) / k2,
		fillE:   s.fillLevel * s.fill.dot(s.fill) / f2,
		ambient: s.ambient,
	}
}

// glint is Ward's anisotropic highlight, without its scale: a along the tool
// marks, b across them, are the roughnesses.
func glint(l, v, n, along vec, a, b float64) float64 {
	if l.dot(n) <= 0 {
		return 0
	}
	h := l.add(v)
	across := cross(n, along)
	ha, hb, hn := h.dot(along)/a, h.dot(across)/b, h.dot(n)
	if hn <= 1e-3 {
		return 0
	}
	// The first terms of exp(q), one over: five times as fast as math.Exp, and
	// its longer tail is the haze that real metal has round a highlight.
	q := (ha*ha + hb*hb) / (hn * hn)
	return 1 / (1 + q*(1+q*(0.5+q*(1.0/6))))
}

// sample is the light coming from a place on the station towards the camera,
// linear, with the distance in mm to the nearest edge that needs smoothing.
func (s *scene) sample(x, y float64) (light vec, edge float64) {
	if a := math.Abs(y); a > railInner-1 {
		return s.rail(x, y, a)
	}
	px, py := s.toPart(x, y)
	f := s.at(px, py)
	if f.kind == kindBelt {
		return s.belt(x, y, px, py), f.edge
	}
	if f.kind == kindDeep {
		return s.deep(x, y, px, py, &f), f.edge
	}
	return s.metal(x, y, px, py, &f), f.edge
}

// metal shades a place on the part.
func (s *scene) metal(x, y, px, py float64, f *surface) vec {
	l := s.lit(x, y, plateUp+f.up)
	l.keyE *= s.bossShade(px, py, f)
	n, along := s.turn(f.normal), s.turn(f.along)

	var streak, rough, across float64
	mirror := 1.0 // how much more than the brushed face it shines
	switch f.kind {
	case kindBrush:
		salt := s.brushSalt
		streak = 0.40*noise2(px/26, py/0.30, salt) + 0.34*noise2(px/9, py/0.21, salt+1) +
			0.3*noise2(px/60, py/1.3, salt+2)
		rough, across = 0.19, 0.62
	case kindTurned:
		r := math.Sqrt(px*px + py*py)
		streak = 0.45*noise1(r/0.27, s.brushSalt+3) + 0.35*noise1(r/0.9, s.brushSalt+4) +
			0.22*noise2(px/1.7, py/1.7, s.brushSalt+5)
		rough, across, mirror = 0.10, 0.60, 1.25
	case kindBroken:
		streak = 0.9 * noise2(px*4, py*4, s.brushSalt+6)
		rough, across = 0.5, 0.5
	default:
		streak = 0.25 * noise2(px*1.2, py*1.2, s.brushSalt+7)
		rough, across, mirror = 0.34, 0.34, 2.5
	}
	// Tool marks lean the surface a little across their run.
	m := n.add(cross(n, along).by(0.05 * streak)).unit()
	key := glint(l.key, l.view, m, along, rough, across)
	fill := glint(l.fill, l.view, m, along, rough*1.3, across)
	day := 0.5 + 0.5*m.z // a dim room all round, brightest overhead
	day *= day
	diffuse := l.keyE*max(0, m.dot(l.key))*0.11 + l.fillE*max(0, m.dot(l.fill))*0.05
	v := diffuse + mirror*(0.36*l.keyE*key+0.16*l.fillE*fill) + 0.075*l.ambient*day
	v *= 1 + 0.22*streak
	v *= 1 + 0.05*noise2(px/11, py/11, s.stainSalt) // handling, washing
	v *= 1 - f.depth
	if f.kind == kindBroken {
		v *= 0.95
	} else if f.raw > 0 {
		v *= lerp(1, 1.25*s.scratchRaw(), f.raw)
	}
	return vec{0.975 * v, 0.985 * v, v}
}

func (s *scene) scratchRaw() float64 {
	if s.scratch == nil {
		return 1
	}
	return s.scratch.raw
}

// bossShade is the share of the key light that clears the boss on its way to
// the plate.
func (s *scene) bossShade(px, py float64, f *surface) float64 {
	if f.up > 0 || px*px+py*py > 32*32 {
		return 1
	}
	ox, oy := s.towardsKey(bossUp)
	d := math.Hypot(px+ox, py+oy) - bossR
	return 0.35 + 0.65*smooth(-0.6, 0.8, d)
}

// towardsKey is how far, on the part, light from the key lamp moves sideways
// while it comes down by up mm. The lamp is far enough off to take it the same
// all over the part.
func (s *scene) towardsKey(up float64) (x, y float64) {
	kx, ky := (s.key.x-s.cx)/s.key.z*up, (s.key.y-s.cy)/s.key.z*up
	return kx*s.cos + ky*s.sin, ky*s.cos - kx*s.sin
}

// belt shades the conveyor belt beside the part.
func (s *scene) belt(x, y, px, py float64) vec {
	keyShare, ao := 1.0, 1.0
	if d, _, _ := plate(px, py); d < shadowReach {
		// A lamp of some width seen past edges at three heights: soft far
		// from the part, crisp at its foot.
		shade := 0.0
		for _, up := range [...]float64{2, 5, plateUp} {
			ox, oy := s.towardsKey(up)
			shade = max(shade, 1-smooth(-0.32*up, 0.32*up, s.outline(px+ox, py+oy)))
		}
		keyShare = 1 - 0.93*shade
		near := max(0, s.outline(px, py))
		ao = 1 - 0.62*math.Exp(-near/3.2)
	}
	l := s.lit(x, y, 0)
	bx := x + s.beltX
	// A woven top cover: two threads crossing at 1.15 mm, worn in long
	// streaks where parts slide, mottled by dirt.
	u, v := bx*(2*math.Pi/1.15), y*(2*math.Pi/1.15)
	weave := math.Sin(u+0.5*noise2(bx/4, y/4, s.beltSalt)) * math.Sin(v)
	cover := 1 + 0.20*weave + 0.22*noise2(bx/0.5, y/0.5, s.beltSalt+1) +
		0.16*noise2(bx/45, y/3.1, s.beltSalt+2) + 0.14*noise2(bx/14, y/14, s.beltSalt+3)
	n := vec{0, 0, 1}
	sheen := glint(l.key, l.view, n, vec{1, 0, 0}, 0.5, 0.55)
	e := l.keyE*keyShare*(0.5+0.55*sheen) + 0.16*l.fillE*(0.4+0.6*ao) + 0.30*l.ambient*ao
	e *= 1 - 0.45*smooth(railInner-7, railInner, math.Abs(y)) // the rails stand in the light
	e *= cover
	c := vec{0.036 * e, 0.050 * e, 0.049 * e}
	for i := range s.lint {
		k := &s.lint[i]
		dx, dy := x-k.x, y-k.y
		if max(dy, -dy) > 4.5 || dx*dx+dy*dy > 20 {
			continue
		}
		t := 0.0
		if l2 := k.dx*k.dx + k.dy*k.dy; l2 > 0 {
			t = clamp((dx*k.dx+dy*k.dy)/l2, 0, 1)
		}
		d := math.Hypot(dx-t*k.dx, dy-t*k.dy)
		on := (1 - smooth(k.r*0.6, k.r*1.5, d)) * (0.15 + 0.85*keyShare)
		c = blend(c, vec{k.light, k.light, k.light * 0.95}, on)
	}
	return c
}

// deep shades what is seen down the bore or a drilled hole: a sliver of its
// wall, which the camera's own position uncovers, and the belt at its foot.
func (s *scene) deep(x, y, px, py float64, f *surface) vec {
	top := plateUp + f.up
	k := top / (cameraUp - top)
	// The sight line goes on outwards until it meets the belt.
	bx, by := x*(1+k), y*(1+k)
	qx, qy := s.toPart(bx, by)
	r := math.Hypot(qx-f.hx, qy-f.hy)
	if r > f.hr {
		dx, dy := px-f.hx, py-f.hy
		l := math.Hypot(dx, dy)
		n := s.turn(vec{-dx / l, -dy / l, 0.15}).unit()
		g := s.lit(x, y, top)
		v := 0.05*g.ambient + 0.2*g.keyE*max(0, n.dot(g.key))
		return vec{v, v, v}
	}
	ox, oy := s.towardsKey(top)
	sun := smooth(-2.2, 2.2, f.hr-math.Hypot(qx-f.hx+ox, qy-f.hy+oy))
	open := clamp(f.hr/(f.hr+top), 0, 1) // a narrow hole sees little of the room
	wall := 1 - 0.55*smooth(-4, 0, r-f.hr)
	c := s.belt(bx, by, 1e3, 1e3) // the belt as if nothing stood on it
	return c.by(open * wall * (0.3 + 0.7*sun))
}

// rail shades the conveyor's side rails: anodised extrusions.
func (s *scene) rail(x, y, a float64) (vec, float64) {
	edge := min(math.Abs(a-railInner), math.Abs(a-railInner-0.8))
	l := s.lit(x, y, 12)
	sign := math.Copysign(1, y)
	v := 0.0
	switch {
	case a < railInner:
		v = 0.008 // the gap between belt and rail
	case a < railInner+0.8:
		n := tilt(0, -sign, 1)
		v = 0.05*l.ambient + 0.20*l.keyE*max(0, n.dot(l.key)) +
			0.22*l.keyE*glint(l.key, l.view, n, vec{1, 0, 0}, 0.6, 0.5)
	default:
		n := vec{0, 0, 1}
		v = 0.05*l.ambient + 0.07*l.keyE*n.dot(l.key) +
			0.10*l.keyE*glint(l.key, l.view, n, vec{1, 0, 0}, 0.3, 0.5)
		v *= 1 + 0.05*noise2(x/30, y/0.3, s.beltSalt+8) + 0.03*noise2(x/7, y/7, s.beltSalt+9)
		// A slot runs along the extrusion.
		v *= 1 - 0.75*smooth(3.6, 3.9, a-railInner)*(1-smooth(8, 8.3, a-railInner))
		edge = min(edge, math.Abs(a-railInner-3.75))
	}
	return vec{0.95 * v, 0.98 * v, v}, edge
}
