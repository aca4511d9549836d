package demo

import "math"

// mix turns any number of words into one well-stirred word (splitmix64's
// finaliser between them), for seeds that must not resemble each other.
func mix(words ...uint64) uint64 {
	var h uint64 = 0x9e3779b97f4a7c15
	for _, w := range words {
		h ^= w
		h += 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// lattice is a number in [-1, 1) fixed by a grid point and a salt.
func lattice(x, y int32, salt uint32) float64 {
	h := uint32(x)*0x8da6b343 ^ uint32(y)*0xd8163841 ^ salt*0xcb1ab31f
	h = (h ^ h>>15) * 0x2c1b3c6d
	h = (h ^ h>>12) * 0x297a2d39
	h ^= h >> 15
	return float64(int32(h)) * (1.0 / (1 << 31))
}

// noise2 is smooth value noise in [-1, 1] with a grid spacing of 1.
func noise2(x, y float64, salt uint32) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int32(fx), int32(fy)
	u, v := fade(x-fx), fade(y-fy)
	a, b := lattice(ix, iy, salt), lattice(ix+1, iy, salt)
	c, d := lattice(ix, iy+1, salt), lattice(ix+1, iy+1, salt)
	return lerp(lerp(a, b, u), lerp(c, d, u), v)
}

// noise1 is noise2 along one axis only, at half the cost.
func noise1(x float64, salt uint32) float64 {
	fx := math.Floor(x)
	ix := int32(fx)
	return lerp(lattice(ix, 0, salt), lattice(ix+1, 0, salt), fade(x-fx))
}

func fade(t float64) float64       { return t * t * (3 - 2*t) }
func lerp(a, b, t float64) float64 { return a + (b-a)*t }

func clamp(x, lo, hi float64) float64 { return max(lo, min(hi, x)) }

// smooth is 0 at or below lo, 1 at or above hi, and a soft step between.
func smooth(lo, hi, x float64) float64 {
	t := (x - lo) / (hi - lo)
	if t <= 0 {
		return 0
	}
	if t >= 1 {
		return 1
	}
	return fade(t)
}
