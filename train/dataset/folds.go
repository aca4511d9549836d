package dataset

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// TooFewError says that a label's pictures can't be divided: they show fewer
// than two parts.
type TooFewError struct {
	Label    int    // index
	Name     string // of the label, if known
	Pictures int
}

func (e *TooFewError) Error() string {
	name := fmt.Sprintf("number %d", e.Label)
	if e.Name != "" {
		name = fmt.Sprintf("%q", e.Name)
	}
	if e.Pictures == 1 {
		return fmt.Sprintf("label %s has a single picture; at least two different parts are needed to learn from one and test with the other", name)
	}
	return fmt.Sprintf("the %d pictures of label %s all show the same part; at least two different parts are needed to learn from one and test with the other", e.Pictures, name)
}

// Folds divides pictures into k folds for cross-validation and returns the fold
// of each, 0 to k-1. Pictures of one group share a fold, and each label is
// spread over the folds as evenly as its groups allow. With fewer groups than k
// there are as many folds as groups.
//
// labels and groups are numbers from 0, one for each picture. The same
// arguments give the same folds. Each label needs two groups, so that without
// any fold one is left to learn from; else the error is a *TooFewError.
func Folds(labels, groups []int, k int, seed uint64) ([]int, error) {
	if k < 2 {
		return nil, fmt.Errorf("folds: %d of them; 2 at least are needed", k)
	}
	parts, counts, err := gather(labels, groups)
	if err != nil {
		return nil, err
	}
	k = min(k, len(parts))
	shuffle(parts, seed)
	// The large first: the small ones even out what they leave.
	slices.SortStableFunc(parts, func(a, b *part) int { return cmp.Compare(len(b.pictures), len(a.pictures)) })
	held := make([][]int, k) // pictures by fold and label
	total := make([]int, k)
	for f := range held {
		held[f] = make([]int, len(counts))
	}
	fold := make([]int, len(labels))
	for _, p := range parts {
		best, bestCost := 0, 0.0
		for f := range k {
			cost := p.growth(held[f], counts)
			if f == 0 || cost < bestCost || cost == bestCost && total[f] < total[best] {
				best, bestCost = f, cost
			}
		}
		p.addTo(held[best])
		total[best] += len(p.pictures)
		for _, i := range p.pictures {
			fold[i] = best
		}
	}
	return separate(fold, parts, held, counts)
}

// separate mends folds in which one holds all groups of a label, which happens
// where a label's groups come with others.
func separate(fold []int, parts []*part, held [][]int, counts []int) ([]int, error) {
	for label, n := range counts {
		for f := range held {
			if n == 0 || held[f][label] < n {
				continue
			}
			// The last one is the smallest.
			for _, p := range slices.Backward(parts) {
				if i := slices.Index(p.labels, label); i >= 0 {
					to := (f + 1) % len(held)
					for _, j := range p.pictures {
						fold[j] = to
					}
					break
				}
			}
		}
	}
	return fold, nil
}

// Divide chooses about a share of the pictures to be held out for a test, and
// tells for each whether it is. Pictures of one group stay together, each label
// gives the same share as far as its groups allow, at least one group of each
// is held out and one stays. Arguments and errors are those of Folds.
func Divide(labels, groups []int, share float64, seed uint64) ([]bool, error) {
	if !(share > 0 && share < 1) {
		return nil, fmt.Errorf("divide: a share of %v is to be held out; it must be between 0 and 1", share)
	}
	parts, counts, err := gather(labels, groups)
	if err != nil {
		return nil, err
	}
	shuffle(parts, seed)
	held := make([]int, len(counts))
	left := make([]int, len(counts)) // groups that stay
	for _, p := range parts {
		for _, l := range p.labels {
			left[l]++
		}
	}
	hold := make([]bool, len(labels))
	take := func(p *part) {
		p.addTo(held)
		for _, l := range p.labels {
			left[l]--
		}
		for _, i := range p.pictures {
			hold[i] = true
		}
	}
	spare := func(p *part) bool {
		return !hold[p.pictures[0]] && !slices.ContainsFunc(p.labels, func(l int) bool { return left[l] < 2 })
	}
	for _, p := range parts {
		if spare(p) && p.approach(held, counts, share) < 0 {
			take(p)
		}
	}
	for label, n := range counts {
		if n == 0 || held[label] > 0 {
			continue
		}
		var least *part
		for _, p := range parts {
			if slices.Contains(p.labels, label) && spare(p) && (least == nil || len(p.pictures) < len(least.pictures)) {
				least = p
			}
		}
		if least != nil {
			take(least)
		}
	}
	return hold, nil
}

// part is a group of pictures.
type part struct {
	pictures []int
	labels   []int // of the pictures, each once, ascending
	counts   []int // pictures of each of labels
}

// gather makes the groups' lists, in order of their first pictures, and counts
// the pictures of each label.
func gather(labels, groups []int) (parts []*part, counts []int, err error) {
	if len(labels) != len(groups) {
		return nil, nil, fmt.Errorf("%d labels and %d groups; there must be one each for a picture", len(labels), len(groups))
	}
	if len(labels) == 0 {
		return nil, nil, fmt.Errorf("there are no pictures to divide")
	}
	byGroup := map[int]*part{}
	for i, g := range groups {
		p := byGroup[g]
		if p == nil {
			p = &part{}
			byGroup[g] = p
			parts = append(parts, p)
		}
		p.pictures = append(p.pictures, i)
	}
	counts = make([]int, slices.Max(labels)+1)
	in := make([]int, len(counts)) // groups of each label
	for _, p := range parts {
		for _, i := range p.pictures {
			l := labels[i]
			counts[l]++
			at, found := slices.BinarySearch(p.labels, l)
			if !found {
				p.labels, p.counts = slices.Insert(p.labels, at, l), slices.Insert(p.counts, at, 0)
				in[l]++
			}
			p.counts[at]++
		}
	}
	for l, n := range in {
		if n == 1 {
			return nil, nil, &TooFewError{Label: l, Pictures: counts[l]}
		}
	}
	return parts, counts, nil
}

func shuffle(parts []*part, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
}

// growth is by how much the unevenness of a fold that holds held grows with p:
// of the sum over labels of the square of the share of its pictures.
func (p *part) growth(held, counts []int) float64 {
	var sum float64
	for i, l := range p.labels {
		n, g := float64(counts[l]), float64(p.counts[i])
		sum += g * (2*float64(held[l]) + g) / (n * n)
	}
	return sum
}

// approach is by how much the distance from a share of each label grows when p
// is held out too; negative, where it comes nearer.
func (p *part) approach(held, counts []int, share float64) float64 {
	var sum float64
	for i, l := range p.labels {
		n, g := float64(counts[l]), float64(p.counts[i])
		away := float64(held[l]) - share*n
		sum += g * (2*away + g) / (n * n)
	}
	return sum
}

func (p *part) addTo(held []int) {
	for i, l := range p.labels {
		held[l] += p.counts[i]
	}
}

// Folds is the function Folds for the set's pictures; its errors name labels.
func (s *Set) Folds(groups []int, k int, seed uint64) ([]int, error) {
	fold, err := Folds(s.LabelIndices(), groups, k, seed)
	return fold, s.named(err)
}

// Divide is the function Divide for the set's pictures; its errors name labels.
func (s *Set) Divide(groups []int, share float64, seed uint64) ([]bool, error) {
	hold, err := Divide(s.LabelIndices(), groups, share, seed)
	return hold, s.named(err)
}

func (s *Set) named(err error) error {
	if few, ok := err.(*TooFewError); ok {
		few.Name = s.Labels[few.Label]
	}
	if err != nil {
		return fmt.Errorf("data set %s: %w", s.Dir, err)
	}
	return nil
}
