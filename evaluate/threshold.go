package evaluate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// DefaultThreshold is that of a model for which none was chosen.
const DefaultThreshold = 0.5

// Aim says what a threshold is chosen for. The zero value: as few wrong verdicts
// as possible on parts like the sample's.
type Aim struct {
	// EscapeCost is how many good parts failed an escape is as bad as; 0: one.
	EscapeCost float64
	// BadShare is the share of bad parts to be expected on the line, between 0 and
	// 1; 0: as in the sample. 0.5 weighs good and bad alike.
	BadShare float64
	// MaxEscapes is the share of the bad parts that may pass, below 1; 0: no limit.
	// Where it is given, cost and share do not matter.
	MaxEscapes float64
	// Seed of the random draws.
	Seed uint64
}

// Check returns what is wrong with an aim.
func (a Aim) Check() error {
	switch {
	case !(a.EscapeCost >= 0) || math.IsInf(a.EscapeCost, 0):
		return fmt.Errorf("cost of an escape %v: how many good parts failed it is as bad as, above 0", a.EscapeCost)
	case !(a.BadShare >= 0 && a.BadShare < 1):
		return fmt.Errorf("share of bad parts %v: above 0, below 1 is possible", a.BadShare)
	case !(a.MaxEscapes >= 0 && a.MaxEscapes < 1):
		return fmt.Errorf("limit of escapes %v: above 0, below 1 is possible, such as 0.005 or 0.5%%", a.MaxEscapes)
	}
	return nil
}

// Basis is what a threshold rests on.
type Basis string

// The bases.
const (
	ByDefault Basis = "default" // nothing to choose by: DefaultThreshold
	ByCost    Basis = "cost"    // the least cost
	ByLimit   Basis = "limit"   // the limit of escapes
	Given     Basis = "given"   // by the person or the model
)

// Choice is a threshold and what it leads to on the sample that it was chosen by.
type Choice struct {
	Threshold float64 `json:"threshold"`
	Basis     Basis   `json:"basis"`
	Escapes   Rate    `json:"escapes"`
	Overkill  Rate    `json:"overkill"`

	EscapeCost float64 `json:"escape_cost,omitempty"`
	BadShare   float64 `json:"bad_share,omitempty"`
	MaxEscapes float64 `json:"max_escapes,omitempty"`

	// EscapeBound is the share of bad parts which the escapes do not exceed with
	// the probability Confidence.
	EscapeBound float64 `json:"escape_bound"`
	// Shown tells that EscapeBound keeps the limit. Needed is how many bad parts
	// would show it if none of them escaped.
	Shown  bool `json:"shown,omitempty"`
	Needed int  `json:"needed,omitempty"`
	// Unreachable: no threshold keeps the limit even on the sample.
	Unreachable bool `json:"unreachable,omitempty"`
}

// Choose chooses a threshold by a sample, which should be of out-of-fold scores.
// Where good or bad pictures are missing there is nothing to choose by, and it
// is DefaultThreshold.
func Choose(s *Sample, a Aim) (*Choice, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := a.Check(); err != nil {
		return nil, err
	}
	c := &Choice{Threshold: DefaultThreshold, Basis: ByDefault}
	r := s.ranking()
	inner := r.cuts()[1:]
	inner = slices.DeleteFunc(inner, func(c cut) bool { return c.good+c.bad == float64(len(r.score)) })
	switch {
	case r.count(true) == 0 || r.count(false) == 0:
	case a.MaxEscapes > 0:
		c.Basis = ByLimit
		c.Threshold, c.Unreachable = r.keepLimit(a.MaxEscapes)
	case len(inner) > 0:
		c.Basis = ByCost
		c.Threshold = r.cheapest(a)
	}
	c.EscapeCost, c.BadShare, c.MaxEscapes = a.EscapeCost, a.BadShare, a.MaxEscapes
	c.weigh(s)
	return c, nil
}

// Weigh is the choice of a threshold that was given.
func Weigh(s *Sample, threshold float64) (*Choice, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if !(threshold > 0 && threshold <= 1) {
		return nil, fmt.Errorf("evaluation: threshold %v: above 0, up to 1 is possible", threshold)
	}
	c := &Choice{Threshold: threshold, Basis: Given}
	c.weigh(s)
	return c, nil
}

// weigh fills in what the threshold leads to.
func (c *Choice) weigh(s *Sample) {
	part, parts := s.parts()
	escapes, overkill := newTally(parts), newTally(parts)
	for i := range s.Pictures {
		if passes := s.PassScore(i) >= c.Threshold; s.Good(i) {
			overkill.add(part[i], !passes)
		} else {
			escapes.add(part[i], passes)
		}
	}
	c.Escapes, c.Overkill = escapes.rate(), overkill.rate()
	c.EscapeBound = escapes.bound()
	if c.MaxEscapes > 0 {
		c.Shown = c.EscapeBound <= c.MaxEscapes
		c.Needed = int(math.Ceil(math.Log(1-Confidence) / math.Log1p(-c.MaxEscapes)))
	}
}

// bound is what the true rate of a tally does not exceed.
func (t *tally) bound() float64 {
	hits, n := t.total()
	if n == 0 {
		return 1
	}
	e := t.effective()
	return upperBound(e*float64(hits)/float64(n), e)
}

// keepLimit is the lowest threshold whose bound of the escapes keeps a limit.
// Where too few bad parts are known for that, it is one by which none of them
// escapes. unreachable tells that some of them escape by every threshold.
func (r *ranking) keepLimit(limit float64) (threshold float64, unreachable bool) {
	escapes := newTally(r.parts)
	for i := range r.score {
		if !r.good[i] {
			escapes.add(r.part[i], false)
		}
	}
	// From the highest score down: bad pictures become escapes, score by score.
	threshold = 1
	above := 1.0
	for i := len(r.score) - 1; i >= 0; {
		tie, worst := r.score[i], false
		for ; i >= 0 && r.score[i] == tie; i-- {
			if !r.good[i] {
				worst = true
				escapes.hits[r.part[i]]++
			}
		}
		if worst && escapes.bound() > limit {
			// The threshold belongs between this score and the next one above.
			return (tie + above) / 2, tie >= 1
		}
		threshold, above = tie, tie
	}
	return threshold, false
}

const draws = 201

// cheapest is the threshold of the least cost: the median of those that are
// cheapest in random draws of the parts, because the one threshold that is
// cheapest on a few pictures is a matter of chance.
func (r *ranking) cheapest(a Aim) float64 {
	badCost, goodCost := 1.0, 1.0
	if a.EscapeCost > 0 {
		badCost = a.EscapeCost
	}
	if a.BadShare > 0 {
		bad, good := float64(r.count(false)), float64(r.count(true))
		badCost *= a.BadShare / bad
		goodCost *= (1 - a.BadShare) / good
	}
	random := rand.New(rand.NewPCG(a.Seed, 0x7468726573686f6c))
	var found []float64
	for range draws {
		if t, ok := r.cheapestOf(r.draw(random), badCost, goodCost); ok {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return DefaultThreshold
	}
	slices.Sort(found)
	return found[len(found)/2]
}

// draw draws as many good and bad parts as there are, with replacement: by part,
// how often it was drawn.
func (r *ranking) draw(random *rand.Rand) []float64 {
	var sides [2][]int // bad and good parts, each in the order of its number
	side := make([]int, r.parts)
	for i, part := range r.part {
		if r.good[i] {
			side[part] = 1
		}
	}
	for part, s := range side {
		sides[s] = append(sides[s], part)
	}
	weight := make([]float64, r.parts)
	for _, parts := range sides {
		for range parts {
			weight[parts[random.IntN(len(parts))]]++
		}
	}
	return weight
}

// cheapestOf is the threshold of the least cost of weighted parts, in the middle
// between two scores. Of thresholds that cost the same it is the highest, by
// which the fewest bad parts pass. One by which every part passes, or none, is
// no threshold.
func (r *ranking) cheapestOf(weight []float64, badCost, goodCost float64) (threshold float64, found bool) {
	cost, least := 0.0, math.Inf(1)
	for i, part := range r.part {
		if !r.good[i] {
			cost += badCost * weight[part] // so far, all pass
		}
	}
	last := -1.0 // the last score of a picture that was drawn
	for i := 0; i < len(r.score); {
		tie, drawn, change := r.score[i], false, 0.0
		for ; i < len(r.score) && r.score[i] == tie; i++ {
			w := weight[r.part[i]]
			drawn = drawn || w > 0
			if r.good[i] {
				change += goodCost * w
			} else {
				change -= badCost * w
			}
		}
		if !drawn {
			continue
		}
		// Costs are sums in another order: what differs by less is the same.
		if last >= 0 && cost <= least+1e-9*(badCost+goodCost) {
			threshold, found = (last+tie)/2, true
			least = min(least, cost)
		}
		cost += change
		last = tie
	}
	return threshold, found
}
