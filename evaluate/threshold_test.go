package evaluate_test

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"passfail/evaluate"
)

func TestChoose(t *testing.T) {
	r := random(6)
	apart := two([]float64{0.05, 0.1, 0.2, 0.15, 0.1}, []float64{0.8, 0.9, 0.95, 0.85, 0.9})
	for name, c := range map[string]struct {
		sample    *evaluate.Sample
		aim       evaluate.Aim
		low, high float64
		basis     evaluate.Basis
	}{
		"the middle of what is apart":   {apart, evaluate.Aim{}, 0.45, 0.55, evaluate.ByCost},
		"a limit goes above the worst":  {apart, evaluate.Aim{MaxEscapes: 0.01}, 0.45, 0.55, evaluate.ByLimit},
		"no bad parts":                  {two(nil, []float64{0.1, 0.2}), evaluate.Aim{}, 0.5, 0.5, evaluate.ByDefault},
		"no bad parts, but a limit":     {two(nil, []float64{0.1, 0.2}), evaluate.Aim{MaxEscapes: 0.01}, 0.5, 0.5, evaluate.ByDefault},
		"no good parts":                 {two([]float64{0.1, 0.2}, nil), evaluate.Aim{EscapeCost: 9}, 0.5, 0.5, evaluate.ByDefault},
		"all alike":                     {two([]float64{0.4, 0.4}, []float64{0.4, 0.4}), evaluate.Aim{}, 0.5, 0.5, evaluate.ByDefault},
		"normal scores meet half-way":   {two(normal(r, 2000, -1), normal(r, 2000, 1)), evaluate.Aim{}, 0.46, 0.54, evaluate.ByCost},
		"an escape costs ten overkills": {two(normal(r, 2000, -1), normal(r, 2000, 1)), evaluate.Aim{EscapeCost: 10}, 0.71, 0.81, evaluate.ByCost}, // logit ½ ln 10
		"one part in ten is bad":        {two(normal(r, 2000, -1), normal(r, 2000, 1)), evaluate.Aim{BadShare: 0.1}, 0.20, 0.30, evaluate.ByCost},  // logit −½ ln 9
		"that in the sample":            {two(normal(r, 400, -1), normal(r, 3600, 1)), evaluate.Aim{}, 0.20, 0.30, evaluate.ByCost},
		"weighed alike all the same":    {two(normal(r, 400, -1), normal(r, 3600, 1)), evaluate.Aim{BadShare: 0.5}, 0.44, 0.56, evaluate.ByCost},
	} {
		got := must(evaluate.Choose(c.sample, c.aim))(t)
		if got.Threshold < c.low || got.Threshold > c.high || got.Basis != c.basis {
			t.Errorf("%s: %+v, want %v to %v", name, got, c.low, c.high)
		}
		again := must(evaluate.Choose(c.sample, c.aim))(t)
		if again.Threshold != got.Threshold {
			t.Errorf("%s: %v, then %v", name, got.Threshold, again.Threshold)
		}
		f := must(evaluate.Evaluate(c.sample, got.Threshold))(t)
		if f.Escapes != got.Escapes && f.Bad > 0 || f.Overkill != got.Overkill && f.Good > 0 {
			t.Errorf("%s: %+v, but figures say %+v, %+v", name, got, f.Escapes, f.Overkill)
		}
	}
}

// A limit that is said to be shown is kept on parts never seen before in 95 of
// 100 cases, although the threshold was chosen by the same pictures.
func TestShownLimitHolds(t *testing.T) {
	r := random(7)
	const trials, limit = 300, 0.05
	shown, kept := 0, 0
	for range trials {
		c := must(evaluate.Choose(two(normal(r, 150, -1), normal(r, 100, 1)), evaluate.Aim{MaxEscapes: limit}))(t)
		if !c.Shown {
			continue
		}
		shown++
		if x := math.Log(c.Threshold / (1 - c.Threshold)); 1-distuv.UnitNormal.CDF(x+1) <= limit {
			kept++
		}
	}
	t.Logf("shown in %d of %d, kept in %d", shown, trials, kept)
	if shown < trials*9/10 || float64(kept)/float64(shown) < 0.93 {
		t.Errorf("shown in %d of %d cases, kept in %d", shown, trials, kept)
	}
}

// Few bad parts can't show that a limit is kept, and that is said.
func TestLimitOfFewParts(t *testing.T) {
	r := random(8)
	c := must(evaluate.Choose(two(normal(r, 40, -2), normal(r, 100, 2)), evaluate.Aim{MaxEscapes: 0.005}))(t)
	text := strings.Join(c.Sentences(), " ")
	if c.Shown || c.Needed != 598 || c.Escapes.Count != 0 {
		t.Errorf("%+v", c)
	}
	near(t, "bound", c.EscapeBound, 0.0721575, 1e-6)
	for _, want := range []string{"0 of 40", "up to 7.2 % of the bad parts may escape", "is not known", "598"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing: %s", want, text)
		}
	}
	stuck := must(evaluate.Choose(two([]float64{0.1, 1}, []float64{0.9, 1}), evaluate.Aim{MaxEscapes: 0.1}))(t)
	if text := strings.Join(stuck.Sentences(), " "); !stuck.Unreachable || !strings.Contains(text, "No threshold keeps") {
		t.Errorf("%+v: %s", stuck, text)
	}
	for _, a := range []evaluate.Aim{{MaxEscapes: 1}, {MaxEscapes: -1}, {BadShare: 1}, {EscapeCost: -1}, {EscapeCost: math.NaN()}} {
		if _, err := evaluate.Choose(two([]float64{0}, []float64{1}), a); err == nil {
			t.Errorf("%+v was taken", a)
		}
	}
}
