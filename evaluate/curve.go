package evaluate

import (
	"cmp"
	"slices"
)

// Point is one of a curve.
type Point struct {
	X         float64 `json:"x"`
	Y         float64 `json:"y"`
	Threshold float64 `json:"threshold"` // that leads there; 0: everything passes
}

// Balance is what a threshold would lead to.
type Balance struct {
	Threshold float64 `json:"threshold"`
	Escapes   float64 `json:"escapes"`  // share of the bad parts
	Overkill  float64 `json:"overkill"` // share of the good parts
}

// Histogram counts the pass scores of one label's pictures.
type Histogram struct {
	Label string `json:"label"`
	Pass  bool   `json:"pass"`
	Count []int  `json:"count"` // in so many bins of equal width over 0..1
}

// Curves are what a report draws.
type Curves struct {
	ROC       []Point     `json:"roc"`              // x: share of good parts that fail, y: share of bad parts that fail
	Precision []Point     `json:"precision_recall"` // x: recall, y: precision
	Balance   []Balance   `json:"balance"`
	Histogram []Histogram `json:"histogram"` // in the order of the labels
}

const (
	histogramBins = 25
	curvePoints   = 200
)

// Draw returns a sample's curves, each of a few hundred points at the most. A
// curve that needs good and bad pictures is empty without.
func Draw(s *Sample) (*Curves, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	c := &Curves{}
	for i, l := range s.Labels {
		c.Histogram = append(c.Histogram, Histogram{l, s.Pass[i], make([]int, histogramBins)})
	}
	for i, p := range s.Pictures {
		bin := min(int(s.PassScore(i)*histogramBins), histogramBins-1)
		c.Histogram[p.Truth].Count[max(bin, 0)]++
	}
	r := s.ranking()
	good, bad := float64(r.count(true)), float64(r.count(false))
	if good == 0 || bad == 0 {
		return c, nil
	}
	for _, cut := range r.cuts() {
		fails := cut.good + cut.bad
		c.ROC = append(c.ROC, Point{cut.good / good, cut.bad / bad, cut.threshold})
		if fails > 0 {
			c.Precision = append(c.Precision, Point{cut.bad / bad, cut.bad / fails, cut.threshold})
		}
		c.Balance = append(c.Balance, Balance{cut.threshold, 1 - cut.bad/bad, cut.good / good})
	}
	c.ROC, c.Precision, c.Balance = thin(corners(c.ROC)), thin(c.Precision), thin(c.Balance)
	return c, nil
}

// cut is a threshold and how many pictures fail by it.
type cut struct{ threshold, good, bad float64 }

// cuts are all thresholds that differ in what they do, each in the middle
// between two scores, from where everything passes.
func (r *ranking) cuts() []cut {
	c := cut{}
	list := []cut{c}
	for i := 0; i < len(r.score); {
		tie := r.score[i]
		for ; i < len(r.score) && r.score[i] == tie; i++ {
			if r.good[i] {
				c.good++
			} else {
				c.bad++
			}
		}
		next := 1.0
		if i < len(r.score) {
			next = r.score[i]
		}
		if next > tie {
			c.threshold = (tie + next) / 2
			list = append(list, c)
		}
	}
	return list
}

// corners leaves out the points that lie on a level or upright line between
// their neighbours.
func corners(p []Point) []Point {
	var kept []Point
	for i := range p {
		inside := i > 0 && i+1 < len(p)
		if inside && (p[i-1].X == p[i].X && p[i].X == p[i+1].X || p[i-1].Y == p[i].Y && p[i].Y == p[i+1].Y) {
			continue
		}
		kept = append(kept, p[i])
	}
	return kept
}

// thin leaves at most curvePoints of a curve, the ends among them.
func thin[T any](p []T) []T {
	if len(p) <= curvePoints {
		return p
	}
	kept := make([]T, 0, curvePoints)
	for i := range curvePoints {
		kept = append(kept, p[i*(len(p)-1)/(curvePoints-1)])
	}
	return kept
}

func sortByScore(r *ranking) {
	order := make([]int, len(r.score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.score[a], r.score[b]) })
	score, good := make([]float64, len(order)), make([]bool, len(order))
	for i, o := range order {
		score[i], good[i] = r.score[o], r.good[o]
	}
	r.score, r.good = score, good
}

// Bin is a range of pass scores: how likely they said a part is good, and how
// many were.
type Bin struct {
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Score float64 `json:"score"` // the mean
	Good  Rate    `json:"good"`
}

// Bins of a tenth each where there are enough pictures for that.
const (
	calibrationBins = 10
	leastInBin      = 5
)

// bins are those of the calibration; neighbours share a bin until it holds
// enough pictures to say something.
func (r *ranking) bins() []Bin {
	var list []Bin
	for i := 0; i < len(r.score); {
		var b Bin
		t, sum, first, n := newTally(r.parts), 0.0, i, 0
		bin := func(j int) int { return min(int(r.score[j]*calibrationBins), calibrationBins-1) }
		last := bin(i)
		for ; i < len(r.score) && (bin(i) == last || n < leastInBin); i++ {
			t.add(r.part[i], r.good[i])
			sum += r.score[i]
			last = bin(i)
			n++
		}
		b.Low, b.High = float64(bin(first))/calibrationBins, float64(last+1)/calibrationBins
		b.Score, b.Good = sum/float64(n), t.rate()
		list = append(list, b)
	}
	return list
}
