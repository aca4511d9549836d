package dataset

import (
	"math"
	"math/rand/v2"
)

// How alike two pictures have to be to show the same part. Measured on 2,624
// different solar cells and on 800 drawn parts, with further shots of each:
// noise, up to 3 pixels of shift, 5 % of light, JPEG.
const (
	// sameDirection is for what is particular to the two, beyond what the set's
	// pictures have in common: 1 - cosine.
	sameDirection = 0.016
	// sameWaves is for the waves themselves, as a share of their length. It finds
	// shots of one part in a set that shows hardly any other, in which nothing
	// is particular.
	sameWaves = 0.03
)

// comparison compares the pictures of a set with each other.
type comparison struct {
	looks []Look
	mean  [waves]float32 // of the set's pictures
	scale [waves]float32 // 1 / their standard deviation

	direction []sketch // of what is particular to a picture
	wave      []sketch // of its waves
}

func newComparison(looks []Look) *comparison {
	n := len(looks)
	c := &comparison{looks: looks, direction: make([]sketch, n), wave: make([]sketch, n)}
	c.standardize()
	r := rand.New(rand.NewPCG(1, 1))
	axes := new([sketched][waves]float32)
	for k := range axes {
		for d := range axes[k] {
			axes[k][d] = float32(r.NormFloat64() / math.Sqrt(sketched))
		}
	}
	var v [waves]float32
	for i := range looks {
		c.particular(i, &v)
		c.direction[i] = draw(&v, axes)
		c.plain(i, &v)
		c.wave[i] = draw(&v, axes)
	}
	return c
}

// standardize fills in mean and scale.
func (c *comparison) standardize() {
	n := float64(len(c.looks))
	var sum, square [waves]float64
	for i := range c.looks {
		t := &c.looks[i].Texture
		for d := range waves {
			v := float64(t.at(d))
			sum[d] += v
			square[d] += v * v
		}
	}
	var total float64
	for _, s := range sum {
		total += s / n / waves
	}
	for d := range waves {
		m := sum[d] / n
		// The least deviation keeps waves that no picture has, such as the
		// shortest ones of small pictures, from being judged by their rounding.
		s := math.Sqrt(max(0, square[d]/n-m*m)) + 0.02*total + 1e-6
		c.mean[d], c.scale[d] = float32(m), float32(1/s)
	}
}

// particular leaves in v what picture i has beyond the set's mean, with a length
// of 1 unless there is nothing.
func (c *comparison) particular(i int, v *[waves]float32) {
	t := &c.looks[i].Texture
	for d := range v {
		// No wave may decide alone.
		v[d] = min(3, max(-3, (t.at(d)-c.mean[d])*c.scale[d]))
	}
	normalize(v)
}

// plain leaves the waves of picture i in v, with a length of 1 unless there are
// none.
func (c *comparison) plain(i int, v *[waves]float32) {
	t := &c.looks[i].Texture
	for d := range v {
		v[d] = t.at(d)
	}
	normalize(v)
}

func normalize(v *[waves]float32) {
	var sum float32
	for _, x := range v {
		sum += x * x
	}
	if sum == 0 {
		return
	}
	f := float32(1 / math.Sqrt(float64(sum)))
	for d := range v {
		v[d] *= f
	}
}

// same tells whether two pictures show the same part, by what near said of them.
func (c *comparison) same(i, j int, direction, wave bool) bool {
	var a, b [waves]float32
	if direction {
		c.particular(i, &a)
		c.particular(j, &b)
		if distance(&a, &b) < 2*sameDirection {
			return true
		}
	}
	if wave {
		c.plain(i, &a)
		c.plain(j, &b)
		return distance(&a, &b) < sameWaves*sameWaves
	}
	return false
}

// distance is the square of the Euclidean one.
func distance(a, b *[waves]float32) float32 {
	var sum float32
	for d := range a {
		e := a[d] - b[d]
		sum += e * e
	}
	return sum
}

// near tells at little cost whether two pictures may be the same in either way.
func (c *comparison) near(i, j int) (direction, wave bool) {
	// What a distance may grow by in being projected: the deviation is a quarter.
	const slack = 2.5
	return c.direction[i].within(&c.direction[j], slack*2*sameDirection),
		c.wave[i].within(&c.wave[j], slack*sameWaves*sameWaves)
}

// sketched is how many numbers a sketch has.
const sketched = 32

// sketch is a vector projected on random axes, so that distances stay about the
// same: what is far apart is found out without looking at all waves.
type sketch [sketched]float32

func draw(v *[waves]float32, axes *[sketched][waves]float32) (s sketch) {
	for k := range axes {
		var sum float32
		for d, x := range v {
			sum += x * axes[k][d]
		}
		s[k] = sum
	}
	return s
}

// within tells whether the square of a distance is at most limit.
func (s *sketch) within(t *sketch, limit float32) bool {
	var sum float32
	for k := 0; k < sketched; k += 8 {
		for m := range 8 {
			e := s[k+m] - t[k+m]
			sum += e * e
		}
		if sum > limit {
			return false
		}
	}
	return true
}
