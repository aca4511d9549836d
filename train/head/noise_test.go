package head

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"passfail/evaluate"
)

// rareNoise makes examples of which few are of the second class, and whose features
// know nothing of it. The folds are as even as they can be.
func rareNoise(many, few int, seed uint64) *Examples {
	const d = 400
	r := rand.New(rand.NewPCG(seed, 9))
	e := &Examples{Features: d, Views: 1, Serve: []int{0}, Classes: 2, Folds: 5}
	x := make([]float32, (many+few)*d)
	for i := range x {
		x[i] = float32(math.Abs(r.NormFloat64()))
	}
	for i := range many + few {
		class := 0
		if i < few {
			class = 1
		}
		e.Class, e.Fold = append(e.Class, class), append(e.Fold, i%5)
	}
	e.Row = func(picture, _ int, row []float32) error {
		copy(row, x[picture*d:])
		return nil
	}
	return e
}

func auc(logits []float64, class []int) float64 {
	var of [2][]float64
	for i, c := range class {
		of[c] = append(of[c], logits[i])
	}
	return float64(evaluate.AUC(of[0], of[1]))
}

// Where there is nothing to learn, cross-validation must say so: an AUC of about
// one half. Leaving out one of three pictures of a class makes that class rarer, which would
// speak against just the picture that was left out.
func TestRareClassIsNotBelowChance(t *testing.T) {
	const draws, fitted = 400, 80
	closed, plain, shifted := 0.0, 0.0, 0.0
	for seed := range uint64(draws) {
		e := rareNoise(30, 3, seed)
		// Of settings that were not chosen: a choice flatters a little.
		w, err := e.newWork(false, seed)
		if err != nil {
			t.Fatal(err)
		}
		solved, err := w.solve(usual)
		if err != nil {
			t.Fatal(err)
		}
		scores, err := w.scores(solved)
		if err != nil {
			t.Fatal(err)
		}
		closed += auc(scores, e.Class) / draws
		if seed >= fitted {
			continue
		}
		a, b := make([]float64, len(e.Class)), make([]float64, len(e.Class))
		for fold := range e.Folds {
			judge(t, e, fold, seed, a, b)
		}
		plain += auc(a, e.Class) / fitted
		shifted += auc(b, e.Class) / fitted
	}
	t.Logf("AUC of noise: %.3f in closed form, %.3f of fits without each fold, %.3f with priors shifted", closed, plain, shifted)
	if math.Abs(closed-0.5) > 0.07 {
		t.Errorf("the AUC of noise is %.3f in closed form, want one half", closed)
	}
	if math.Abs(shifted-0.5) > 0.15 || shifted < plain+0.15 {
		t.Errorf("the AUC of noise is %.3f with priors as they are and %.3f with priors shifted, want about one half", plain, shifted)
	}
}

// judge fits without a fold and gives its pictures their logits: plain, and with
// priors shifted to those of all.
func judge(t *testing.T, e *Examples, fold int, seed uint64, plain, shifted []float64) {
	t.Helper()
	rest := only(e, func(i int) bool { return e.Fold[i] != fold })
	rest.Folds--
	fitted, judged := []int{0, 0}, []int{0, 0}
	for i, f := range rest.Fold {
		if f > fold {
			rest.Fold[i]--
		}
		fitted[rest.Class[i]]++
	}
	for _, c := range e.Class {
		judged[c]++
	}
	f, err := Fit(context.Background(), rest, seed)
	if err != nil {
		t.Fatal(err)
	}
	give := func(logits []float64) {
		x := make([]float32, e.Features)
		for i := range e.Class {
			if e.Fold[i] != fold {
				continue
			}
			if err := e.Row(i, 0, x); err != nil {
				t.Fatal(err)
			}
			logits[i] = f.Head.Logits(x)[0]
		}
	}
	give(plain)
	f.Head.ShiftPriors(fitted, judged)
	give(shifted)
}

// A head that knows of a part nothing but how frequent the classes are gives them
// the shares that they have where it judges.
func TestShiftPriors(t *testing.T) {
	for _, c := range []struct {
		bias           []float64
		fitted, judged []int
		want           []float64
	}{
		{[]float64{math.Log(1.0 / 9)}, []int{90, 10}, []int{75, 25}, []float64{0.75, 0.25}},
		{[]float64{math.Log(0.2), math.Log(0.3), math.Log(0.5)}, []int{2, 3, 5}, []int{10, 10, 20}, []float64{0.25, 0.25, 0.5}},
		{[]float64{1, 1, 1}, []int{7, 7, 7}, []int{1, 1, 1}, []float64{1. / 3, 1. / 3, 1. / 3}},
		{[]float64{math.Log(2.0 / 25)}, []int{25, 2}, []int{30, 3}, []float64{30. / 33, 3. / 33}},
	} {
		h := &Head{Rows: len(c.bias), Bias: c.bias}
		h.ShiftPriors(c.fitted, c.judged)
		p := make([]float64, len(c.want))
		Probabilities(h.Bias, p)
		for i := range p {
			if math.Abs(p[i]-c.want[i]) > 1e-9 {
				t.Errorf("fitted to %v, judging %v: %v, want %v", c.fitted, c.judged, p, c.want)
				break
			}
		}
	}
}
