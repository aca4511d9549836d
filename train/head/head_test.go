package head

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// clouds makes examples of classes whose features differ by shift in one of d
// dimensions each, seen in so many views that differ by noise.
func clouds(classes, perClass, d, views int, shift float64, seed uint64) *Examples {
	r := rand.New(rand.NewPCG(seed, 2))
	n := classes * perClass
	e := &Examples{Features: d, Views: views, Serve: []int{0}, Classes: classes, Folds: 4}
	x := make([]float32, n*views*d)
	for i := range n {
		c := i % classes
		e.Class, e.Fold = append(e.Class, c), append(e.Fold, i/classes%4)
		for j := range d {
			v := r.NormFloat64()
			if j == c%d {
				v += shift
			}
			for view := range views {
				x[(i*views+view)*d+j] = float32(v + 0.1*r.NormFloat64()*float64(view))
			}
		}
	}
	e.Row = func(picture, view int, row []float32) error {
		copy(row, x[(picture*views+view)*d:][:d])
		return nil
	}
	return e
}

// rings makes two classes that no plane divides: points near the centre, and
// around them.
func rings(n int, seed uint64) *Examples {
	r := rand.New(rand.NewPCG(seed, 3))
	e := &Examples{Features: 2, Views: 1, Serve: []int{0}, Classes: 2, Folds: 4}
	var x [][2]float32
	for i := range n {
		radius, angle := 1+0.2*r.NormFloat64(), 2*math.Pi*r.Float64()
		if i%2 == 1 {
			radius += 2
		}
		x = append(x, [2]float32{float32(radius * math.Cos(angle)), float32(radius * math.Sin(angle))})
		e.Class, e.Fold = append(e.Class, i%2), append(e.Fold, i/2%4)
	}
	e.Row = func(picture, _ int, row []float32) error {
		copy(row, x[picture][:])
		return nil
	}
	return e
}

// only keeps some of the pictures.
func only(e *Examples, keep func(i int) bool) *Examples {
	small := *e
	small.Class, small.Fold = nil, nil
	var at []int
	for i, c := range e.Class {
		if keep(i) {
			at = append(at, i)
			small.Class, small.Fold = append(small.Class, c), append(small.Fold, e.Fold[i])
		}
	}
	small.Row = func(picture, view int, row []float32) error { return e.Row(at[picture], view, row) }
	return &small
}

// right is the share of the pictures whose out-of-fold logits name their class.
func right(e *Examples, f *Fitted) float64 {
	p := make([]float64, e.Classes)
	n := 0
	for i, c := range e.Class {
		Probabilities(f.Logits[i*e.rows():(i+1)*e.rows()], p)
		if slices.Max(p) == p[c] {
			n++
		}
	}
	return float64(n) / float64(len(e.Class))
}

func TestFitSeparatesClouds(t *testing.T) {
	for _, classes := range []int{2, 4} {
		e := clouds(classes, 60, 20, 2, 5, 1)
		f, err := Fit(context.Background(), e, 1)
		if err != nil {
			t.Fatal(err)
		}
		if share := right(e, f); share < 0.95 {
			t.Errorf("%d classes: %.3f are right, want 0.95", classes, share)
		}
	}
}

func TestKernelSeparatesWhatNoPlaneDoes(t *testing.T) {
	e := rings(200, 1)
	f, err := Fit(context.Background(), e, 1)
	if err != nil {
		t.Fatal(err)
	}
	if share := right(e, f); share < 0.97 {
		t.Errorf("%.3f are right, want 0.97", share)
	}
}

func TestFitIsDeterministic(t *testing.T) {
	fit := func() *Fitted {
		f, err := Fit(context.Background(), clouds(3, 30, 8, 2, 2, 1), 7)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b := fit(), fit()
	if !slices.Equal(a.Logits, b.Logits) || !slices.Equal(a.Head.Support, b.Head.Support) || !slices.Equal(a.Head.Bias, b.Head.Bias) {
		t.Error("two fits of the same examples differ")
	}
}

func TestRareClassIsFound(t *testing.T) {
	e := clouds(2, 200, 4, 1, 3.5, 1)
	small := only(e, func(i int) bool { return e.Class[i] == 0 || i/2 < 20 }) // 200 against 20
	f, err := Fit(context.Background(), small, 1)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i, c := range small.Class {
		if c == 1 && f.Logits[i] > 0 {
			found++
		}
	}
	if found < 15 {
		t.Errorf("%d of 20 of the rare class are found, want 15", found)
	}
}

// What a fold's pictures get without their own teaching is what a fit without
// that fold gives them, but for the bias.
func TestLeavingOutIsFittingWithout(t *testing.T) {
	e := clouds(3, 30, 6, 2, 1.5, 4)
	e.Serve = []int{0, 1}
	w, err := e.newWork(false, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := settings{1, 0.05}
	whole, err := w.solve(s)
	if err != nil {
		t.Fatal(err)
	}
	rows, n := e.rows(), len(w.picture)
	for f := range e.Folds {
		from, to := w.starts[f], w.starts[f+1]
		var rest []int
		for i := range n {
			if i < from || i >= to {
				rest = append(rest, i)
			}
		}
		m := len(rest)
		d, targets, ridges := make([]float32, m*m), make([][]float32, rows), make([]float64, m)
		square := func(i, j int) float32 {
			if i == j {
				return 0
			}
			q := len(w.support) / n
			sum := float32(0)
			for c := range q {
				u := w.support[i*q+c] - w.support[j*q+c]
				sum += u * u
			}
			return sum
		}
		for a, i := range rest {
			ridges[a] = s.ridge * w.scarcity[i]
			for r := range rows {
				targets[r] = append(targets[r], w.targets[r][i])
			}
			for b, j := range rest {
				d[a*m+b] = square(i, j)
			}
		}
		part, err := solve(d, s, targets, ridges, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := from; i < to; i++ {
			for r := range rows {
				want := whole.bias[r]
				for a, j := range rest {
					want += part.alpha[r*m+a] * math.Exp(-s.width*math.Sqrt(float64(square(i, j))))
				}
				if got := whole.left[r*n+i]; math.Abs(got-want) > 5e-3 {
					t.Fatalf("fold %d example %d: %v, a fit without the fold gives %v", f, i, got, want)
				}
			}
		}
	}
}

// Logits are what the formula says.
func TestLogitsFollowTheFormula(t *testing.T) {
	// Features that go together, as those of pictures do, and more of them than
	// coordinates are kept.
	all, d := clouds(2, 650, 20, 1, 4, 2), 400
	inner := all.Row
	all.Features = d
	all.Row = func(picture, view int, row []float32) error {
		z := make([]float32, 20)
		if err := inner(picture, view, z); err != nil {
			return err
		}
		r := rand.New(rand.NewPCG(uint64(picture), 9))
		for j := range row {
			row[j] = float32(0.1 * r.NormFloat64())
			for k, v := range z {
				row[j] += v * float32(math.Sin(float64((j+1)*(k+2))))
			}
		}
		return nil
	}
	const others = 4 // that do not teach
	e := only(all, func(i int) bool { return i >= others })
	f, err := Fit(context.Background(), e, 1)
	if err != nil {
		t.Fatal(err)
	}
	h := f.Head
	if h.Coordinates() >= d {
		t.Fatalf("%d coordinates of %d features", h.Coordinates(), d)
	}
	for i := range others {
		x := make([]float32, d)
		if err := all.Row(i, 0, x); err != nil {
			t.Fatal(err)
		}
		got := h.Logits(slices.Clone(x))[0]
		if h.Root {
			roots(x)
		}
		h.Scale.apply(x)
		z := x
		if h.Projection != nil {
			z = make([]float32, h.Coordinates())
			for k := range z {
				for j, v := range x {
					z[k] += v * h.Projection[k*d+j]
				}
			}
		}
		want := h.Bias[0]
		for k, weight := range h.Weights {
			sum := 0.0
			for j, v := range z {
				u := float64(v - h.Support[k*len(z)+j])
				sum += u * u
			}
			want += weight * math.Exp(-h.Width*math.Sqrt(sum))
		}
		if math.Abs(got-want) > 0.01*(1+math.Abs(want)) {
			t.Errorf("picture %d: logit %v, by the formula %v", i, got, want)
		}
	}
}

func TestMoreThanCanTeach(t *testing.T) {
	e := clouds(2, mostExamples/2+100, 5, 2, 4, 3)
	f, err := Fit(context.Background(), e, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := f.Head.Examples(); n > mostExamples {
		t.Errorf("%d examples teach, %d may", n, mostExamples)
	}
	if share := right(e, f); share < 0.95 {
		t.Errorf("%.3f are right, want 0.95", share)
	}
}

func TestFitStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Fit(ctx, clouds(2, 30, 4, 1, 1, 1), 1); err == nil {
		t.Error("no error")
	}
}

func TestFitErrors(t *testing.T) {
	e := clouds(2, 10, 3, 1, 1, 1)
	e.Folds = 1
	if _, err := Fit(context.Background(), e, 1); err == nil {
		t.Error("one fold: no error")
	}
	e.Folds, e.Classes = 4, 1
	if _, err := Fit(context.Background(), e, 1); err == nil {
		t.Error("one class: no error")
	}
}

// What one fit leaves in its room does not reach the next.
func TestRoomsLeaveNoTrace(t *testing.T) {
	var room Room
	fit := func(e *Examples, room *Room) *Fitted {
		e.Room = room
		f, err := Fit(context.Background(), e, 1)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	many := func() *Examples { return clouds(2, 700, 300, 1, 2, 7) } // so many that they are projected
	few := func() *Examples { return clouds(3, 20, 8, 2, 1, 8) }
	first := fit(many(), &room)
	logits := slices.Clone(first.Logits)
	for i, e := range []func() *Examples{few, many, few} {
		alone, shared := fit(e(), nil), fit(e(), &room)
		if !slices.Equal(alone.Logits, shared.Logits) || !slices.Equal(alone.Head.Weights, shared.Head.Weights) || !slices.Equal(alone.Head.Support, shared.Head.Support) {
			t.Errorf("fit %d: another head in a room that was used before", i)
		}
	}
	if !slices.Equal(first.Logits, logits) {
		t.Error("a fit changed what an earlier one returned")
	}
}

func TestDirections(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	// More rows than are solved exactly, with a few strong directions.
	for _, n := range []int{50, 500} {
		const d, strong = 60, 5
		x := make([]float32, n*d)
		for i := range n {
			for k := range strong {
				v := r.NormFloat64() * float64(10*(k+1))
				for j := range d {
					x[i*d+j] += float32(v * math.Sin(float64((k+1)*(j+1))))
				}
			}
			for j := range d {
				x[i*d+j] += float32(r.NormFloat64())
			}
		}
		directions, lengths := directions(x, d, 20, make([]float32, n*n), 1)
		k := len(directions) / d
		if k != 20 {
			t.Fatalf("%d directions, want 20", k)
		}
		for i := range k {
			for j := range i + 1 {
				dot, want := 0.0, 0.0
				for c := range d {
					dot += float64(directions[i*d+c]) * float64(directions[j*d+c])
				}
				if i == j {
					want = 1
				}
				if math.Abs(dot-want) > 2e-3 {
					t.Errorf("%d rows: directions %d and %d have the product %v, want %v", n, i, j, dot, want)
				}
			}
		}
		// Nearly all of the length lies in the strong ones.
		all, inside := 0.0, 0.0
		for i := range n {
			for _, v := range x[i*d : (i+1)*d] {
				all += float64(v) * float64(v)
			}
			for j := range strong {
				dot := 0.0
				for c := range d {
					dot += float64(x[i*d+c]) * float64(directions[j*d+c])
				}
				inside += dot * dot
			}
		}
		if sum := lengths[0] + lengths[1] + lengths[2] + lengths[3] + lengths[4]; math.Abs(sum-inside) > 0.01*inside {
			t.Errorf("%d rows: the lengths add up to %v, want %v", n, sum, inside)
		}
		if inside < 0.99*all {
			t.Errorf("%d rows: the first %d directions hold %.3f of the length", n, strong, inside/all)
		}
	}
}

func TestFitOfCopies(t *testing.T) {
	e := clouds(2, 20, 4, 1, 1, 1)
	e.Row = func(_, _ int, row []float32) error {
		for j := range row {
			row[j] = float32(j)
		}
		return nil
	}
	f, err := Fit(context.Background(), e, 1)
	if err != nil {
		t.Fatal(err) // nothing to learn is no fault: the figures say it
	}
	if !(f.Loss < 1) {
		t.Errorf("a loss of %v of pictures that do not differ; guessing has 0.69", f.Loss)
	}
}
