package novelty

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"passfail/train/dataset"
	"passfail/train/parallel"
)

const (
	// memory bounds what a Fitter keeps of pictures, bytes. Of more pictures a
	// random choice is kept: a spread needs some hundred.
	memory = 16 << 20

	// fewest pictures to learn from. With fewer, cross-validation is left with
	// hardly any.
	fewest = 10

	placeRank = 16 // directions in which a position varies, at most
	wholeRank = 48 // … and the whole
	worst     = 3  // positions that make a picture's score

	// A position where nothing ever changes would see a flicker of the camera as
	// a wonder: no position's rest is below this share of the middle one's, and no
	// feature's deviation below that share of the middle one's.
	leastRest      = 0.05
	leastDeviation = 0.3
)

// ErrTooFew is returned, wrapped, by Fit when there are too few pictures to learn from.
var ErrTooFew = errors.New("novelty: too few pictures")

// Purpose is what a model of novelty is for. It decides how the positions'
// distance and the whole's are put together.
type Purpose int

// The purposes.
const (
	Judge Purpose = iota // tells bad parts when only good ones are known: both distances, added
	Guard                // tells pictures that are unlike all classes': the larger of both
)

// Fitter collects descriptions of pictures and fits a Model to them. It belongs
// to one goroutine.
type Fitter struct {
	descriptor *Descriptor
	limit      int // pictures that are kept
	seen       int
	kept       []kept
	random     *rand.Rand
}

// kept is what is remembered of a picture.
type kept struct {
	description  []float32
	label, group int
	order        int // in which it was added
}

// NewFitter makes a fitter for descriptions by d. Which pictures it keeps, of
// too many, and how they are divided depends on seed.
func NewFitter(d *Descriptor, seed uint64) *Fitter {
	return &Fitter{
		descriptor: d, limit: max(memory/(4*d.Len()), 1),
		random: rand.New(rand.NewPCG(seed, 0x6e6f76656c)),
	}
}

// Add adds a picture by its description, which is copied. Pictures of one group
// show the same part, and are never on both sides of a division; those of a label
// are spread over all.
func (f *Fitter) Add(description []float32, label, group int) error {
	if len(description) != f.descriptor.Len() {
		return fmt.Errorf("novelty: a description of %d numbers; %d are needed", len(description), f.descriptor.Len())
	}
	for _, v := range description {
		if v-v != 0 {
			return fmt.Errorf("novelty: a description holds %v, which is no number", v)
		}
	}
	f.seen++
	if len(f.kept) < f.limit {
		f.kept = append(f.kept, kept{slices.Clone(description), label, group, f.seen})
		return nil
	}
	if i := f.random.IntN(f.seen); i < f.limit { // every picture is as likely to stay
		copy(f.kept[i].description, description)
		f.kept[i].label, f.kept[i].group, f.kept[i].order = label, group, f.seen
	}
	return nil
}

// Fit fits a model that calls about a share of pictures like the training's
// unlike: above 0 and below one half. The limit is set by pictures that are held
// out from the fit, part by part.
func (f *Fitter) Fit(purpose Purpose, share float64, seed uint64) (*Model, error) {
	if !(share > 0 && share < 0.5) {
		return nil, fmt.Errorf("novelty: a share of %v good parts failed; above 0 and below 0.5 is possible", share)
	}
	if len(f.kept) < fewest {
		return nil, fmt.Errorf("%w: %d; %d at least are needed to learn what parts look like", ErrTooFew, len(f.kept), fewest)
	}
	slices.SortFunc(f.kept, func(a, b kept) int { return cmp.Compare(a.order, b.order) })
	fold, groups, err := f.folds(seed)
	if err != nil {
		return nil, err
	}
	m := &Model{descriptor: f.descriptor, purpose: purpose}
	held := m.fit(f.kept, fold)
	m.calibrate(held, groups, share)
	return m, nil
}

// folds divides the pictures, and numbers their groups from 0.
func (f *Fitter) folds(seed uint64) (fold, groups []int, err error) {
	number := map[int]int{}
	var labels []int
	label := map[int]int{}
	for _, p := range f.kept {
		groups = append(groups, numbered(number, p.group))
		labels = append(labels, numbered(label, p.label))
	}
	// The fewer there are, the less can be spared from each fit.
	k := 5
	if len(number) < 60 {
		k = 10
	}
	fold, err = dataset.Folds(labels, groups, k, seed)
	var few *dataset.TooFewError
	if errors.As(err, &few) && len(label) > 1 {
		// A label of a single part can't be spread. Here labels don't matter much.
		fold, err = dataset.Folds(make([]int, len(labels)), groups, k, seed)
	}
	if errors.As(err, &few) {
		return nil, nil, fmt.Errorf("%w: all %d pictures show the same part", ErrTooFew, len(f.kept))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("novelty: %w", err)
	}
	return fold, groups, nil
}

// numbered returns the number of a key, which it gets when it is new: from 0.
func numbered(numbers map[int]int, key int) int {
	n, ok := numbers[key]
	if !ok {
		n = len(numbers)
		numbers[key] = n
	}
	return n
}

// fit fits to all pictures, and returns each one's distances to the others, those
// of its fold left out.
func (m *Model) fit(pictures []kept, fold []int) []distances {
	folds := slices.Max(fold) + 1
	places := make([][]spread, folds+1) // to all but each fold, and to all
	for k := range places {
		places[k] = make([]spread, m.descriptor.positions())
	}
	var whole []float64
	parallel.For(m.descriptor.positions()+1, func(p int) {
		if p == 0 { // it takes longest
			whole = m.fitWhole(pictures, fold)
			return
		}
		for k, s := range fitPlace(pictures, fold, folds, p-1) {
			places[k][p-1] = s
		}
	})
	for _, spreads := range places {
		settle(spreads)
	}
	m.places = places[folds]
	held := make([]distances, len(pictures))
	rooms := sync.Pool{New: func() any { return newWorkspace(m.descriptor) }}
	parallel.For(len(pictures), func(i int) {
		w := rooms.Get().(*workspace)
		held[i] = distances{m.descriptor.worst(places[fold[i]], pictures[i].description, w), whole[i]}
		rooms.Put(w)
	})
	return held
}

// fitPlace fits to a position of all pictures but those of each fold, and last of all.
func fitPlace(pictures []kept, fold []int, folds, p int) []spread {
	all := scatterOf(nil, dimensions)
	parts := make([]scatter, folds)
	samples := make([]float64, 0, len(pictures)*dimensions)
	for k := range parts {
		samples = samples[:0]
		for i := range pictures {
			if fold[i] != k {
				continue
			}
			for _, v := range pictures[i].description[p*dimensions : (p+1)*dimensions] {
				samples = append(samples, float64(v))
			}
		}
		parts[k] = scatterOf(samples, dimensions)
		all.add(parts[k], 1)
	}
	last := all.spread(placeRank, nil)
	spreads := make([]spread, folds, folds+1)
	for k, part := range parts {
		all.add(part, -1)
		spreads[k] = all.spread(placeRank, &last)
		all.add(part, 1)
	}
	return append(spreads, last)
}

// settle keeps each place's rest from being too small.
func settle(places []spread) {
	rests := make([]float64, len(places))
	for p, s := range places {
		rests[p] = s.rest
	}
	least := max(leastRest*median(rests), math.SmallestNonzeroFloat32)
	for p := range places {
		places[p].rest = max(places[p].rest, least)
	}
}
