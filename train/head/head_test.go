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
func clouds(t *testing.T, classes, perClass, d, views int, shift float64, seed uint64) *Examples {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	n := classes * perClass
	e := &Examples{Views: views, Serve: []int{0}, Classes: classes, Folds: 4}
	x := make([]float32, views*n*d)
	for i := range n {
		c := i % classes
		e.Class, e.Fold = append(e.Class, c), append(e.Fold, i/classes%4)
		for j := range d {
			v := r.NormFloat64()
			if j == c%d {
				v += shift
			}
			for view := range views {
				x[(view*n+i)*d+j] = float32(v + 0.1*r.NormFloat64()*float64(view))
			}
		}
	}
	for _, s := range []*Space{&e.Straight, &e.Bent} {
		b, err := NewBasis(slices.Clone(x[:n*d]), d, d, 1)
		if err != nil {
			t.Fatal(err)
		}
		*s = Space{b, make([]float32, views*n*b.Len())}
		b.Project(slices.Clone(x), s.Z)
	}
	return e
}

// rings makes two classes that no plane divides: points near the centre, and
// around them.
func rings(t *testing.T, n int, seed uint64) *Examples {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 3))
	e := &Examples{Views: 1, Serve: []int{0}, Classes: 2, Folds: 4}
	x := make([]float32, 0, 2*n)
	for i := range n {
		radius, angle := 1+0.2*r.NormFloat64(), 2*math.Pi*r.Float64()
		if i%2 == 1 {
			radius += 2
		}
		x = append(x, float32(radius*math.Cos(angle)), float32(radius*math.Sin(angle)))
		e.Class, e.Fold = append(e.Class, i%2), append(e.Fold, i/2%4)
	}
	for _, s := range []*Space{&e.Straight, &e.Bent} {
		b, err := NewBasis(slices.Clone(x), 2, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		*s = Space{b, make([]float32, len(x))}
		b.Project(slices.Clone(x), s.Z)
	}
	return e
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
		e := clouds(t, classes, 60, 20, 2, 5, 1)
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
	e := rings(t, 200, 1)
	f, err := Fit(context.Background(), e, 1)
	if err != nil {
		t.Fatal(err)
	}
	if share := right(e, f); share < 0.97 || f.Head.Kernel == nil {
		t.Errorf("%.3f are right with a %s head, want 0.97 with a kernel", share, f.Kind)
	}
}

func TestFitIsDeterministic(t *testing.T) {
	fit := func() *Fitted {
		f, err := Fit(context.Background(), clouds(t, 3, 30, 8, 2, 2, 1), 7)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b := fit(), fit()
	if !slices.Equal(a.Logits, b.Logits) || a.Kind != b.Kind || !slices.Equal(a.Head.Bias, b.Head.Bias) {
		t.Error("two fits of the same examples differ")
	}
}

func TestRareClassIsFound(t *testing.T) {
	e := clouds(t, 2, 200, 4, 1, 3.5, 1)
	// 200 against 20.
	keep := func(i int) bool { return e.Class[i] == 0 || i/2 < 20 }
	var small Examples
	small = *e
	small.Class, small.Fold = nil, nil
	for _, s := range []struct{ to, from *Space }{{&small.Straight, &e.Straight}, {&small.Bent, &e.Bent}} {
		s.to.Z = nil
		for i := range e.Class {
			if keep(i) {
				s.to.Z = append(s.to.Z, s.from.at(0, i, len(e.Class))...)
			}
		}
	}
	for i, c := range e.Class {
		if keep(i) {
			small.Class, small.Fold = append(small.Class, c), append(small.Fold, i/2%4)
		}
	}
	f, err := Fit(context.Background(), &small, 1)
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

// The logits of new pictures are those that the parts' formulas give.
func TestLogitsFollowTheFormula(t *testing.T) {
	e := rings(t, 80, 2)
	f, err := Fit(context.Background(), e, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := []float32{0.7, -1.9}
	got := f.Head.Logits(slices.Clone(x), slices.Clone(x), 1)[0]
	want := f.Head.Bias[0]
	coordinates := func(b *Basis) []float64 {
		z := make([]float64, b.Len())
		for j := range z {
			for c, v := range x {
				z[j] += float64((v-b.Mean[c])/b.Scale[c]) * float64(b.Directions[j*len(x)+c])
			}
		}
		return z
	}
	if l := f.Head.Linear; l != nil {
		for j, z := range coordinates(l.Basis) {
			want += z * l.Weights[j]
		}
	}
	k := f.Head.Kernel
	z := coordinates(k.Basis)
	for i, w := range k.Weights {
		d := 0.0
		for j := range z {
			u := z[j]/k.Scale[j] - float64(k.Support[i*len(z)+j])
			d += u * u
		}
		want += w * math.Exp(-k.Gamma*d)
	}
	if math.Abs(got-want) > 1e-3*(1+math.Abs(want)) {
		t.Errorf("logit %v, want %v", got, want)
	}
}

// The machine's solution fulfils the conditions of the optimum.
func TestMachineIsOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	const n, q = 120, 3
	z := make([]float32, n*q)
	m := &machine{n: n, target: make([]float64, n), bound: make([]float64, n)}
	for i := range n {
		m.target[i], m.bound[i] = float64(2*(i%2)-1), 2
		for j := range q {
			z[i*q+j] = float32(r.NormFloat64() + 0.7*m.target[i])
		}
	}
	m.bound[4] = 0 // teaches nothing
	m.near = nearness(z, z, q, 0.5)
	alpha, decision, _, err := m.solve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	balance := 0.0
	for i, a := range alpha {
		balance += a * m.target[i]
		margin := m.target[i] * decision[i]
		switch {
		case a < 0 || a > m.bound[i]:
			t.Errorf("weight %d is %v, outside 0..%v", i, a, m.bound[i])
		case m.bound[i] == 0:
		case a == 0 && margin < 1-2*tolerance:
			t.Errorf("example %d has no weight and the margin %v", i, margin)
		case a == m.bound[i] && margin > 1+2*tolerance:
			t.Errorf("example %d has all weight and the margin %v", i, margin)
		case a > 0 && a < m.bound[i] && math.Abs(margin-1) > 2*tolerance:
			t.Errorf("example %d supports the margin with %v, want 1", i, margin)
		}
	}
	if math.Abs(balance) > 1e-9 {
		t.Errorf("the weights add up to %v, want 0", balance)
	}
	if alpha[4] != 0 {
		t.Error("an example with no bound has a weight")
	}
}

func TestFitStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Fit(ctx, clouds(t, 2, 30, 4, 1, 1, 1), 1); err == nil {
		t.Error("no error")
	}
}

func TestFitErrors(t *testing.T) {
	e := clouds(t, 2, 10, 3, 1, 1, 1)
	e.Folds = 1
	if _, err := Fit(context.Background(), e, 1); err == nil {
		t.Error("one fold: no error")
	}
	e.Folds, e.Classes = 4, 1
	if _, err := Fit(context.Background(), e, 1); err == nil {
		t.Error("one class: no error")
	}
}

func TestBasis(t *testing.T) {
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
		features := slices.Clone(x)
		b, err := NewBasis(features, d, 20, 1)
		if err != nil {
			t.Fatal(err)
		}
		if b.Len() != 20 {
			t.Fatalf("%d directions, want 20", b.Len())
		}
		for i := range b.Len() {
			for j := range i + 1 {
				dot := 0.0
				for c := range d {
					dot += float64(b.Directions[i*d+c]) * float64(b.Directions[j*d+c])
				}
				want := 0.0
				if i == j {
					want = 1
				}
				if math.Abs(dot-want) > 2e-3 {
					t.Errorf("%d rows: directions %d and %d have the product %v, want %v", n, i, j, dot, want)
				}
			}
			if i > 0 && b.Spread[i] > b.Spread[i-1]*1.001 {
				t.Errorf("%d rows: spread %d is %v, after %v", n, i, b.Spread[i], b.Spread[i-1])
			}
		}
		// The spread is that of the coordinates.
		z := make([]float32, n*b.Len())
		b.Project(x, z)
		for j := range b.Len() {
			s := 0.0
			for i := range n {
				s += float64(z[i*b.Len()+j]) * float64(z[i*b.Len()+j])
			}
			if s = math.Sqrt(s / float64(n)); math.Abs(s-b.Spread[j]) > 0.02*b.Spread[j] {
				t.Errorf("%d rows: coordinate %d has the deviation %v, the basis says %v", n, j, s, b.Spread[j])
			}
		}
	}
}

func TestBasisOfCopies(t *testing.T) {
	x := make([]float32, 10*4)
	for i := range x {
		x[i] = float32(i % 4)
	}
	if _, err := NewBasis(x, 4, 4, 1); err == nil {
		t.Error("copies of one picture: no error")
	}
	if _, err := NewBasis(x[:4], 4, 4, 1); err == nil {
		t.Error("one picture: no error")
	}
}
