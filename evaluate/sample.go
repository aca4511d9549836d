package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Sample is a set of judged pictures whose truth is known.
type Sample struct {
	Labels   []string // in the order of the scores
	Pass     []bool   // by label: whether it means a good part
	Pictures []Judged
}

// Judged is a picture and what a model said of it.
type Judged struct {
	Path   string
	Truth  int       // index of the true label
	Scores []float64 // by label, each 0..1

	// Group is the same number, above 0, for pictures of one part; such pictures
	// are no independent witnesses. 0 is a part of its own.
	Group int
	// Novelty says how unlike the pictures of the training this one is, in
	// whatever unit the model has for it; 0 where it has none.
	Novelty float64
}

// addUpSlack is line's: how much more than 1 the scores of labels that exclude
// each other may add up to.
const addUpSlack = 1.0 / 16

// Check returns what keeps a sample from being evaluated.
func (s *Sample) Check() error {
	if len(s.Labels) < 2 {
		return fmt.Errorf("evaluation: %d labels; two at least are needed", len(s.Labels))
	}
	if len(s.Pass) != len(s.Labels) {
		return fmt.Errorf("evaluation: %d labels, but %d say whether they pass", len(s.Labels), len(s.Pass))
	}
	if !slices.Contains(s.Pass, true) || !slices.Contains(s.Pass, false) {
		return fmt.Errorf("evaluation: some of the labels must pass and some fail: %s", strings.Join(s.Labels, ", "))
	}
	if len(s.Pictures) == 0 {
		return fmt.Errorf("evaluation: no pictures")
	}
	for _, p := range s.Pictures {
		if p.Truth < 0 || p.Truth >= len(s.Labels) {
			return fmt.Errorf("evaluation: %s: its label is number %d of %d", p.Path, p.Truth, len(s.Labels))
		}
		if len(p.Scores) != len(s.Labels) {
			return fmt.Errorf("evaluation: %s: %d scores for %d labels", p.Path, len(p.Scores), len(s.Labels))
		}
		for i, v := range p.Scores {
			if !(v >= 0 && v <= 1) {
				return fmt.Errorf("evaluation: %s: the score of %q is %v, not in 0..1", p.Path, s.Labels[i], v)
			}
		}
		if math.IsNaN(p.Novelty) {
			return fmt.Errorf("evaluation: %s: its novelty is no number", p.Path)
		}
	}
	return nil
}

// Good tells whether picture i truly shows a good part.
func (s *Sample) Good(i int) bool { return s.Pass[s.Pictures[i].Truth] }

// PassScore is what picture i's scores say for passing, 0..1: a part passes when
// it reaches the threshold. It is the line's rule, in the line's precision: the
// scores of the labels that pass, added up in 32 bits.
func (s *Sample) PassScore(i int) float64 { return passScore(s.Pictures[i].Scores, s.Pass) }

func passScore(scores []float64, pass []bool) float64 {
	best, total, sum, highest := 0, float32(0), float32(0), float32(0)
	for i, v := range scores {
		score := float32(v)
		total += score
		if pass[i] {
			sum += score
			highest = max(highest, score)
		}
		if score > float32(scores[best]) {
			best = i
		}
	}
	if total > 1+addUpSlack { // labels that are scored each for itself
		sum = highest
		if !pass[best] {
			sum = min(highest, 1-float32(scores[best]))
		}
	}
	return float64(sum)
}

// Label is the label that picture i is given. With two labels the threshold
// decides, so that label and verdict never contradict each other; with more, the
// highest score.
func (s *Sample) Label(i int, threshold float64) int {
	scores := s.Pictures[i].Scores
	if len(scores) == 2 {
		return slices.Index(s.Pass, s.PassScore(i) >= threshold)
	}
	best := 0
	for j, v := range scores {
		if v > scores[best] {
			best = j
		}
	}
	return best
}

// Pool puts the repeats of a cross-validation into one sample, the judgements of
// one picture as one part's: their number does not make a figure surer. The
// repeats must hold the same pictures; each may have them in its own order.
func Pool(repeats ...*Sample) (*Sample, error) {
	if len(repeats) == 0 {
		return nil, fmt.Errorf("evaluation: no repeats to pool")
	}
	first := repeats[0]
	pooled := &Sample{Labels: first.Labels, Pass: first.Pass}
	group := map[string]int{}
	parts, n := first.parts()
	for i, p := range first.Pictures {
		if _, twice := group[p.Path]; twice {
			return nil, fmt.Errorf("evaluation: picture %s occurs twice", p.Path)
		}
		group[p.Path] = parts[i] + 1
	}
	for i, r := range repeats {
		if !slices.Equal(r.Labels, first.Labels) || !slices.Equal(r.Pass, first.Pass) || len(r.Pictures) != len(first.Pictures) {
			return nil, fmt.Errorf("evaluation: repeat %d has other labels or pictures than the first", i+1)
		}
		for _, p := range r.Pictures {
			g, known := group[p.Path]
			if !known {
				return nil, fmt.Errorf("evaluation: repeat %d has a picture more than the first: %s", i+1, p.Path)
			}
			if p.Group = g; g > n {
				return nil, fmt.Errorf("evaluation: part %d of %d", g, n)
			}
			pooled.Pictures = append(pooled.Pictures, p)
		}
	}
	return pooled, nil
}

// parts numbers the parts that the pictures show from 0: of each picture its
// part, and how many there are.
func (s *Sample) parts() ([]int, int) {
	number, parts, n := map[int]int{}, make([]int, len(s.Pictures)), 0
	for i, p := range s.Pictures {
		part, known := number[p.Group]
		if p.Group <= 0 || !known {
			part = n
			n++
		}
		if p.Group > 0 {
			number[p.Group] = part
		}
		parts[i] = part
	}
	return parts, n
}

// ranking is a sample's pictures by pass score, the likeliest to be bad first.
type ranking struct {
	score []float64
	good  []bool
	part  []int
	parts int
}

func (s *Sample) ranking() *ranking {
	part, parts := s.parts()
	score := make([]float64, len(s.Pictures))
	order := make([]int, len(s.Pictures))
	for i := range order {
		order[i], score[i] = i, s.PassScore(i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
	r := &ranking{parts: parts}
	for _, i := range order {
		r.score = append(r.score, score[i])
		r.good = append(r.good, s.Good(i))
		r.part = append(r.part, part[i])
	}
	return r
}

// count is how many pictures are good, or bad.
func (r *ranking) count(good bool) int {
	n := 0
	for _, g := range r.good {
		if g == good {
			n++
		}
	}
	return n
}
