package novelty

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"passfail/train/dataset"
)

const (
	// memory bounds what a Fitter keeps of pictures, bytes. Of more pictures a
	// random choice is kept: a spread needs some hundred.
	memory = 48 << 20

	// fewest pictures to learn from. With fewer, cross-validation is left with
	// hardly any.
	fewest = 10

	placeRank = 16 // directions in which a position varies, at most
	wholeRank = 64 // … and the whole
	worst     = 3  // positions that make a picture's score

	// A position where nothing ever changes would see a flicker of the camera as
	// a wonder: no position's rest is below this share of the middle one's, and no
	// feature's deviation below that share of the middle one's.
	leastRest      = 0.05
	leastDeviation = 0.3
)

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
		return nil, fmt.Errorf("novelty: %d pictures; %d at least are needed to learn what good parts look like", len(f.kept), fewest)
	}
	slices.SortFunc(f.kept, func(a, b kept) int { return cmp.Compare(a.order, b.order) })
	fold, groups, err := f.folds(seed)
	if err != nil {
		return nil, err
	}
	held := make([]distances, len(f.kept))
	for k := range slices.Max(fold) + 1 {
		m := f.fit(func(i int) bool { return fold[i] != k })
		f.each(func(i int, w *workspace) {
			if fold[i] == k {
				held[i] = m.distances(f.kept[i].description, w)
			}
		})
	}
	m := f.fit(func(int) bool { return true })
	m.purpose = purpose
	m.calibrate(held, groups, share)
	return m, nil
}

// folds divides the pictures, and numbers their groups from 0.
func (f *Fitter) folds(seed uint64) (fold, groups []int, err error) {
	number := map[int]int{}
	var labels []int
	for _, p := range f.kept {
		if _, ok := number[p.group]; !ok {
			number[p.group] = len(number)
		}
		groups = append(groups, number[p.group])
		labels = append(labels, 0)
	}
	// The fewer there are, the less can be spared from each fit.
	k := 5
	if len(number) < 60 {
		k = 10
	}
	fold, err = dataset.Folds(labels, groups, k, seed)
	if err != nil {
		return nil, nil, fmt.Errorf("novelty: %w", err)
	}
	return fold, groups, nil
}

// fit fits to the chosen pictures.
func (f *Fitter) fit(chosen func(int) bool) *Model {
	d := f.descriptor
	var in []int
	for i := range f.kept {
		if chosen(i) {
			in = append(in, i)
		}
	}
	m := &Model{descriptor: d, places: make([]spread, d.positions())}
	parallel(len(m.places)+1, func(p int) {
		if p == 0 { // it takes longest
			m.fitWhole(f.kept, in)
			return
		}
		p--
		samples := make([]float64, 0, len(in)*dimensions)
		for _, i := range in {
			for _, v := range f.kept[i].description[p*dimensions : (p+1)*dimensions] {
				samples = append(samples, float64(v))
			}
		}
		m.places[p] = fitSpread(samples, dimensions, placeRank)
	})
	rests := make([]float64, len(m.places))
	for p, s := range m.places {
		rests[p] = s.rest
	}
	least := max(leastRest*median(rests), math.SmallestNonzeroFloat32)
	for p := range m.places {
		m.places[p].rest = max(m.places[p].rest, least)
	}
	return m
}

// fitWhole fits to the mean and deviation of channels, standardized.
func (m *Model) fitWhole(pictures []kept, in []int) {
	n := 2 * m.descriptor.channels
	samples := make([]float64, 0, len(in)*n)
	m.scale = make([]float64, n)
	mean := make([]float64, n)
	for _, i := range in {
		for j, v := range pictures[i].description[m.descriptor.grid():] {
			samples = append(samples, float64(v))
			mean[j] += float64(v) / float64(len(in))
		}
	}
	for i, v := range samples {
		m.scale[i%n] += (v - mean[i%n]) * (v - mean[i%n]) / float64(len(in))
	}
	for j, v := range m.scale {
		m.scale[j] = math.Sqrt(v)
	}
	least := max(leastDeviation*median(slices.Clone(m.scale)), math.SmallestNonzeroFloat32)
	for j := range m.scale {
		m.scale[j] = 1 / max(m.scale[j], least)
	}
	for i := range samples {
		samples[i] *= m.scale[i%n]
	}
	m.whole = fitSpread(samples, n, wholeRank)
	m.whole.rest = max(m.whole.rest, math.SmallestNonzeroFloat32)
}

// each calls f for every picture, several at a time.
func (f *Fitter) each(do func(i int, w *workspace)) {
	rooms := sync.Pool{New: func() any { return newWorkspace(f.descriptor) }}
	parallel(len(f.kept), func(i int) {
		w := rooms.Get().(*workspace)
		do(i, w)
		rooms.Put(w)
	})
}

// parallel calls do for 0 to n-1, as many at a time as there are processors.
func parallel(n int, do func(i int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), n) {
		group.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}
