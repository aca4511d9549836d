package dataset

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// How alike two pictures have to be to show the same part, as a distance between
// what is particular to each, beyond what the set's pictures have in common: 1 -
// cosine. The limit follows the set: where different parts are far from each
// other, shots of one may be, too.
//
// Measured with 2,624 different solar cells: 0.4 % of them are taken for another
// one; of further shots, with 3 pixels of shift or noise or 5 % of light or JPEG,
// 98 % are known again, with all of these at once 90 %. Of 640 drawn parts none is
// taken for another, and all shots are known.
const (
	strictest = 0.014 // in sets of parts that hardly differ
	widest    = 0.06
	apart     = 0.5  // of the distance at which the nearest of other parts begin
	begin     = 0.05 // the share of pictures that have a nearer one,
	atLeast   = 4    // or in small sets their number: shots not yet known as such
	passes    = 2    // in the second, known shots are not taken for other parts

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

// join makes groups of pictures that are nearer than limit.
func (c *comparison) join(ctx context.Context, parts forest, limit float32) error {
	for i := range c.looks {
		if err := ctx.Err(); err != nil {
			return err
		}
		for j := range i {
			if direction, wave := c.near(i, j, limit); (direction || wave) && parts.root(i) != parts.root(j) && c.same(i, j, limit, direction, wave) {
				parts.join(i, j)
			}
		}
	}
	return nil
}

// limit is how near pictures of one part may be taken to be, given which are
// known to show the same.
func (c *comparison) limit(parts forest) float32 {
	const sample = 128 // pictures whose nearest one is looked for
	n := len(c.looks)
	var nearest []float32
	for k := range min(n, sample) {
		nearest = append(nearest, c.nearest(k*n/min(n, sample), parts)/2)
	}
	if len(nearest) == 0 {
		return strictest
	}
	slices.Sort(nearest)
	at := min(max(int(begin*float64(len(nearest))), atLeast), len(nearest)-1)
	return min(widest, max(strictest, apart*nearest[at]))
}

// nearest is the square of the distance from a picture to the nearest one that
// isn't known to show the same part. It is looked for among those whose sketches
// are nearest.
func (c *comparison) nearest(i int, parts forest) float32 {
	const candidates = 4
	type candidate struct {
		j int
		d float32
	}
	best := make([]candidate, 0, candidates+1)
	for j := range c.looks {
		if parts.root(i) == parts.root(j) {
			continue
		}
		d := c.direction[i].distance(&c.direction[j])
		if len(best) == candidates && d >= best[candidates-1].d {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, d, func(b candidate, d float32) int { return cmp.Compare(b.d, d) })
		best = slices.Insert(best, at, candidate{j, d})
		best = best[:min(len(best), candidates)]
	}
	least := float32(4) // no two are farther apart
	var a, b [waves]float32
	c.particular(i, &a)
	for _, x := range best {
		c.particular(x.j, &b)
		least = min(least, distance(&a, &b))
	}
	return least
}

// same tells whether two pictures show the same part, by what near said of them.
func (c *comparison) same(i, j int, limit float32, direction, wave bool) bool {
	var a, b [waves]float32
	if direction {
		c.particular(i, &a)
		c.particular(j, &b)
		if distance(&a, &b) < 2*limit {
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
func (c *comparison) near(i, j int, limit float32) (direction, wave bool) {
	return c.direction[i].within(&c.direction[j], slack*2*limit),
		c.wave[i].within(&c.wave[j], slack*sameWaves*sameWaves)
}

// sketched is how many numbers a sketch has.
const sketched = 32

// slack is by how much the square of a distance may grow in being projected,
// with a deviation of a quarter.
const slack = 2.5

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

func (s *sketch) distance(t *sketch) float32 {
	var sum float32
	for k := range s {
		e := s[k] - t[k]
		sum += e * e
	}
	return sum
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
