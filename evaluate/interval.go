package evaluate

import (
	"encoding/json"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Confidence is that of every interval: in 19 of 20 cases it holds the true value.
const Confidence = 0.95

// Figure is a number that may be unknown, such as the recall of bad parts where
// there are none: then it is NaN, and null in JSON.
type Figure float64

// Unknown is a figure of which nothing can be said.
var Unknown = Figure(math.NaN())

// Known tells whether a figure is a number.
func (f Figure) Known() bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }

// MarshalJSON writes an unknown figure as null.
func (f Figure) MarshalJSON() ([]byte, error) {
	if !f.Known() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// UnmarshalJSON reads null as an unknown figure.
func (f *Figure) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*f = Unknown
		return nil
	}
	return json.Unmarshal(b, (*float64)(f))
}

// Interval holds a true value with the probability Confidence.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// anything is the interval of a rate of which nothing is known.
var anything = Interval{0, 1}

// Rate is a share of cases that was counted, and what the true one may be.
type Rate struct {
	Count int    `json:"count"`
	Of    int    `json:"of"`
	Rate  Figure `json:"rate"`
	Interval
}

// String is such as "3 of 40".
func (r Rate) String() string { return fmt.Sprintf("%d of %d", r.Count, r.Of) }

// NewRate is the rate of independent cases, with the interval of [ClopperPearson].
func NewRate(count, of int) Rate {
	r := Rate{Count: count, Of: of, Rate: Figure(float64(count) / float64(of)), Interval: ClopperPearson(float64(count), float64(of))}
	if of == 0 {
		r.Rate = Unknown
	}
	return r
}

// ClopperPearson is the exact interval of a binomial share: it holds the true
// one at least as often as it claims, however few the cases. Where none or all
// of them were counted it is one-sided, as nothing lies on the other side: of 40
// none, up to 7.2 %. (Two-sided it would be 8.8 %. A true share just beyond such
// a bound is missed a little oftener for that: it is held in 92.5 % of cases at
// the least.) Cases need not be whole numbers.
func ClopperPearson(count, of float64) Interval {
	tail := (1 - Confidence) / 2
	switch {
	case !(of > 0):
		return anything
	case count <= 0:
		return Interval{0, 1 - math.Pow(1-Confidence, 1/of)}
	case count >= of:
		return Interval{math.Pow(1-Confidence, 1/of), 1}
	}
	return Interval{
		Low:  distuv.Beta{Alpha: count, Beta: of - count + 1}.Quantile(tail),
		High: distuv.Beta{Alpha: count + 1, Beta: of - count}.Quantile(1 - tail),
	}
}

// upperBound is what a share does not exceed with the probability Confidence. It
// also holds for a threshold that was put at the count'th worst of the cases
// themselves: the share beyond an order statistic has this beta distribution.
func upperBound(count, of float64) float64 {
	switch {
	case !(of > 0) || count >= of:
		return 1
	case count <= 0:
		return 1 - math.Pow(1-Confidence, 1/of)
	}
	return distuv.Beta{Alpha: count + 1, Beta: of - count}.Quantile(Confidence)
}

// tally counts cases that may belong to the same part.
type tally struct{ hits, cases []int } // by part

func newTally(parts int) *tally { return &tally{make([]int, parts), make([]int, parts)} }

func (t *tally) add(part int, hit bool) {
	t.cases[part]++
	if hit {
		t.hits[part]++
	}
}

func (t *tally) total() (hits, cases int) {
	for part, n := range t.cases {
		cases += n
		hits += t.hits[part]
	}
	return hits, cases
}

// effective is how many independent cases would say as much, after Korn and
// Graubard: the cases divided by the design effect, which is how much more the
// parts' shares vary than independent cases' would. Where nothing varies, a
// part's pictures are taken to be copies of each other.
func (t *tally) effective() float64 {
	var hits, n, parts, squares, crossed, hitSquares int
	for part, m := range t.cases {
		h := t.hits[part]
		if m > 0 {
			parts++
		}
		n += m
		hits += h
		squares += m * m
		crossed += h * m
		hitSquares += h * h
	}
	if parts == n {
		return float64(n)
	}
	most := float64(squares) / float64(n)
	p := float64(hits) / float64(n)
	if hits == 0 || hits == n || parts == 1 {
		return float64(n) / most
	}
	variance := float64(parts) / float64(parts-1) * (float64(hitSquares) - 2*p*float64(crossed) + p*p*float64(squares)) / float64(n*n)
	effect := variance / (p * (1 - p) / float64(n))
	return float64(n) / min(max(effect, 1), most)
}

// rate is the tally's, with an interval that knows of the parts.
func (t *tally) rate() Rate {
	hits, n := t.total()
	r := NewRate(hits, n)
	if n > 0 {
		e := t.effective()
		r.Interval = ClopperPearson(e*float64(hits)/float64(n), e)
	}
	return r
}

// copies is how many parts of equal size would be as many as these: (Σ m)² / Σ m².
func (t *tally) copies() float64 {
	_, n := t.total()
	squares := 0
	for _, m := range t.cases {
		squares += m * m
	}
	if n == 0 {
		return 0
	}
	return float64(n) * float64(n) / float64(squares)
}

// aucInterval is Newcombe's score interval of an area under the ROC curve (his
// fifth method, with Hanley and McNeil's variance) over so many bad and good
// parts. Unlike DeLong's or a bootstrap it stays wide where few parts happen to
// be told apart perfectly.
func aucInterval(auc, bad, good float64) Interval {
	if math.IsNaN(auc) || bad <= 0 || good <= 0 {
		return anything
	}
	n := max((bad+good)/2-1, 0)
	off := func(a float64) float64 { // deviations that auc is away from a
		v := a * (1 - a) * (1 + n*(1-a)/(2-a) + n*a/(1+a)) / (bad * good)
		return math.Abs(auc-a) - distuv.UnitNormal.Quantile((1+Confidence)/2)*math.Sqrt(v)
	}
	// solve finds where off changes its sign between auc, where it is negative,
	// and an end of the scale.
	solve := func(end float64) float64 {
		inside, outside := auc, end
		for range 60 {
			if a := (inside + outside) / 2; off(a) > 0 {
				outside = a
			} else {
				inside = a
			}
		}
		return (inside + outside) / 2
	}
	return Interval{solve(0), solve(1)}
}
