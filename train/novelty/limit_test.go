package novelty

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func each(n int) []int {
	groups := make([]int, n)
	for i := range groups {
		groups[i] = i
	}
	return groups
}

// The promise must hold: over many draws, new good parts exceed the limit about
// as often as said, whatever the distribution.
func TestLimitKeepsItsPromise(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for _, c := range []struct {
		parts int
		share float64
	}{{30, 0.05}, {200, 0.01}, {100, 0.1}, {30, 0.01}} {
		exceeded, within, said := 0, 0, Limit{}
		const draws, tries = 400, 200
		for range draws {
			scores := make([]float64, c.parts)
			for i := range scores {
				scores[i] = math.Exp(0.4 * random.NormFloat64())
			}
			l, limit := limitOf(scores, each(c.parts), c.share)
			said = l
			n := 0
			for range tries {
				if math.Exp(0.4*random.NormFloat64()) > limit {
					n++
				}
			}
			exceeded += n
			if real := 0.5 * math.Erfc(math.Log(limit)/0.4/math.Sqrt2); real >= l.Low && real <= l.High {
				within++
			}
		}
		got := float64(exceeded) / draws / tries
		if got > 1.25*said.Expected || len(said.Warnings) == 0 && got < 0.75*said.Expected {
			t.Errorf("%d parts, %v asked for: %v expected, %v seen", c.parts, c.share, said.Expected, got)
		}
		if share := float64(within) / draws; share < 0.92 {
			t.Errorf("%d parts, %v asked for: the interval holds the truth in only %v of draws", c.parts, c.share, share)
		}
	}
}

func TestTooFewPartsPromiseNoMore(t *testing.T) {
	scores := make([]float64, 30)
	for i := range scores {
		scores[i] = 1 + float64(i)/30
	}
	l, limit := limitOf(scores, each(30), 0.01)
	if limit <= scores[29] || math.Abs(l.Expected-1.0/31) > 1e-12 || len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], "99 parts") {
		t.Errorf("limit %v, %+v", limit, l)
	}
	if l, _ := limitOf(make([]float64, 99), each(99), 0.01); len(l.Warnings) != 0 || l.Expected != 0.01 {
		t.Errorf("99 parts: %+v", l)
	}
}

// Many pictures of few parts are few parts.
func TestPicturesOfOnePartCountOnce(t *testing.T) {
	scores, groups := make([]float64, 100), make([]int, 100)
	for i := range scores {
		groups[i] = i % 10
		scores[i] = float64(1 + groups[i])
	}
	l, limit := limitOf(scores, groups, 0.1)
	if l.Parts != 10 || limit <= 9 {
		t.Errorf("limit %v, %+v", limit, l)
	}
}
