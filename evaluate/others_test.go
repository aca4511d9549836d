package evaluate_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"passfail/evaluate"
)

// Labels that were changed on purpose are found, and first.
func TestMislabelled(t *testing.T) {
	r := random(9)
	s := two(normal(r, 100, -2.5), normal(r, 100, 2.5))
	changed := map[int]bool{3: true, 50: true, 120: true, 170: true}
	for i := range changed {
		s.Pictures[i].Scores = []float64{0.1, 0.9}
		if i < 100 {
			s.Pictures[i].Scores = []float64{0.9, 0.1}
		}
		s.Pictures[i].Truth = 1 - s.Pictures[i].Truth
	}
	list := must(evaluate.Mislabelled(s, 0.5, 6))(t)
	found := 0
	for _, p := range list {
		if changed[p.Index] {
			found++
		}
		if p.Truth == p.Judged || s.Pictures[p.Index].Path != p.Path {
			t.Errorf("%+v", p)
		}
	}
	if found != len(changed) || len(list) > 6 {
		t.Errorf("%d of %d found: %+v", found, len(changed), list)
	}
	worst := must(evaluate.Worst(s, 0.5, 1000))(t)
	f := must(evaluate.Evaluate(s, 0.5))(t)
	if len(worst) != f.Verdicts.Escape+f.Verdicts.Overkill {
		t.Errorf("%d wrong pictures, %+v", len(worst), f.Verdicts)
	}
	for i := 1; i < len(worst); i++ {
		if worst[i].Certainty > worst[i-1].Certainty {
			t.Errorf("%v after %v", worst[i].Certainty, worst[i-1].Certainty)
		}
	}
	clean := must(evaluate.Mislabelled(two([]float64{0.1, 0.2}, []float64{0.9}), 0.5, 10))(t)
	if len(clean) != 0 {
		t.Errorf("%+v", clean)
	}
}

// A curve that follows the law is continued by it; one of noise promises nothing.
func TestForecast(t *testing.T) {
	r := random(10)
	truth := func(n int) float64 { return 1 - 0.03 - 0.9/math.Sqrt(float64(n)) }
	covered, clear, alarms := 0, 0, 0
	const trials = 60
	for trial := range trials {
		rising, flat := evaluate.LearningCurve{Metric: "auc"}, evaluate.LearningCurve{Metric: "auc"}
		for _, n := range []int{25, 50, 100, 200, 400} {
			var a, b []float64
			for range 5 {
				a = append(a, truth(n)+0.02*r.NormFloat64())
				b = append(b, 0.9+0.02*r.NormFloat64())
			}
			rising.Points = append(rising.Points, evaluate.NewLearningPoint(n, a))
			flat.Points = append(flat.Points, evaluate.NewLearningPoint(n, b))
		}
		f := must(rising.Forecast(uint64(trial)))(t)
		if f.Clear {
			clear++
		}
		if gain := truth(800) - truth(400); f.Gain.Low <= gain && gain <= f.Gain.High {
			covered++
		}
		if must(flat.Forecast(uint64(trial)))(t).Clear {
			alarms++
		}
	}
	t.Logf("the gain was covered in %d, clear in %d, promised from noise in %d of %d", covered, clear, alarms, trials)
	if covered < 50 || clear < 54 || alarms > 5 {
		t.Errorf("the gain was covered in %d, clear in %d, promised from noise in %d of %d", covered, clear, alarms, trials)
	}
	for _, c := range []evaluate.LearningCurve{{}, {Points: []evaluate.LearningPoint{{Pictures: 1, Draws: 1}}}, {Points: make([]evaluate.LearningPoint, 9)}} {
		if _, err := c.Forecast(1); err == nil {
			t.Errorf("%+v has a forecast", c)
		}
	}
}

func TestForecastWords(t *testing.T) {
	for want, f := range map[string]evaluate.Forecast{
		"Twice the pictures (200) would bring the AUC from 0.900 to about 0.920 (0.910 to 0.925)": {
			Metric: "auc", Pictures: 100, Twice: 200, Now: 0.9, Then: 0.92, Gain: evaluate.Interval{Low: 0.01, High: 0.025}, Clear: true},
		"can't be said": {Metric: "accuracy", Pictures: 100, Twice: 200},
	} {
		if got := f.Sentence(); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	a := two([]float64{0.1, 0.6, 0.7, 0.8, 0.6, 0.7, 0.8, 0.9, 0.9, 0.6}, []float64{0.9, 0.4, 0.9})
	b := two([]float64{0.1, 0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.4, 0.4, 0.1}, []float64{0.9, 0.4, 0.4})
	b.Pictures[0], b.Pictures[12] = b.Pictures[12], b.Pictures[0] // another order
	c := must(evaluate.Compare(evaluate.Side{Sample: a, Threshold: 0.5}, evaluate.Side{Sample: b, Threshold: 0.5}, 1))(t)
	if c.Pictures != 13 || c.OnlyB != 9 || c.OnlyA != 1 || c.BothRight != 2 || c.BothWrong != 1 || c.EscapesA != 9 || c.EscapesB != 0 || c.OverkillA != 1 || c.OverkillB != 2 {
		t.Errorf("%+v", c)
	}
	near(t, "p", float64(c.P), 0.021484375, 1e-9)
	if len(c.Differences) != 10 || !strings.Contains(c.Sentence(), "The second is better beyond chance") {
		t.Errorf("%s %+v", c.Sentence(), c.Differences)
	}
	if d := c.Differences[9]; d.Path != "good/2.jpg" || !d.RightA || d.RightB || d.LabelB != "bad" || d.PassB > 0.41 {
		t.Errorf("%+v", d)
	}
	fa, fb := must(evaluate.Evaluate(a, 0.5))(t), must(evaluate.Evaluate(b, 0.5))(t)
	near(t, "AUC gain", float64(c.AUCGain), float64(fb.AUC-fa.AUC), 1e-12)
	if c.AUCInterval.Low > float64(c.AUCGain) || c.AUCInterval.High < float64(c.AUCGain) {
		t.Errorf("%v is not in %v", c.AUCGain, c.AUCInterval)
	}
	same := must(evaluate.Compare(evaluate.Side{Sample: a, Threshold: 0.5}, evaluate.Side{Sample: a, Threshold: 0.5}, 1))(t)
	if same.P != 1 || len(same.Differences) != 0 || same.AUCInterval != (evaluate.Interval{}) || !strings.Contains(same.Sentence(), "same verdict") {
		t.Errorf("%+v: %s", same, same.Sentence())
	}
	for name, other := range map[string]*evaluate.Sample{
		"fewer":     two([]float64{0.1}, []float64{0.9}),
		"truths":    two(make([]float64, 10), nil),
		"otherwise": two(make([]float64, 9), make([]float64, 4)),
	} {
		if _, err := evaluate.Compare(evaluate.Side{Sample: a, Threshold: 0.5}, evaluate.Side{Sample: other, Threshold: 0.5}, 1); err == nil {
			t.Errorf("%s: compared", name)
		}
	}
}

// Models that are equally good differ beyond chance in at most one of twenty cases.
func TestCompareEquals(t *testing.T) {
	r := random(11)
	alarms := 0
	const trials = 80
	for range trials {
		a, b := two(normal(r, 60, -1), normal(r, 60, 1)), two(normal(r, 60, -1), normal(r, 60, 1))
		if must(evaluate.Compare(evaluate.Side{Sample: a, Threshold: 0.5}, evaluate.Side{Sample: b, Threshold: 0.5}, 1))(t).P < 0.05 {
			alarms++
		}
	}
	if alarms > trials/20 {
		t.Errorf("%d alarms in %d", alarms, trials)
	}
}

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{
		0: "0 %", 1: "100 %", 0.0721: "7.2 %", 0.2: "20 %", 0.955: "95.5 %", 0.00213: "0.21 %", 0.9995: "99.95 %", 0.5: "50 %", 0.125: "13 %", math.NaN(): "unknown",
	} {
		if got := evaluate.Percent(share); got != want {
			t.Errorf("%v: %q, want %q", share, got, want)
		}
	}
	for want, i := range map[string]evaluate.Interval{
		"anything": {Low: 0, High: 1}, "up to 20 %": {Low: 0, High: 0.2}, "at least 80 %": {Low: 0.8, High: 1}, "1.2 % to 20 %": {Low: 0.012, High: 0.2},
	} {
		if got := i.Range(); got != want {
			t.Errorf("%v: %q, want %q", i, got, want)
		}
	}
	f := must(evaluate.Evaluate(two(make([]float64, 40), []float64{0.9, 0.1}), 0.5))(t)
	text := fmt.Sprint(f.Sentences())
	for _, want := range []string{"none of the 40 did, which leaves up to 7.2 in 100 possible", "about 50 in 100", "only 2 pictures of good parts"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing: %s", want, text)
		}
	}
}

func TestGuard(t *testing.T) {
	s := two([]float64{0.1, 0.9, 0.8}, []float64{0.9, 0.8, 0.2, 0.7})
	for i, v := range []float64{2, 1.5, 0.5, 0.1, 3, 0.9, 1} {
		s.Pictures[i].Novelty = v
	}
	g := must(evaluate.NewGuard(s, 0.5, 1))(t)
	for name, c := range map[string]struct {
		got       evaluate.Rate
		count, of int
	}{"good flagged": {g.GoodFlagged, 1, 4}, "bad flagged": {g.BadFlagged, 2, 3}, "escapes": {g.Escapes, 1, 3}, "overkill": {g.Overkill, 2, 4}} {
		if c.got.Count != c.count || c.got.Of != c.of {
			t.Errorf("%s: %v", name, c.got)
		}
	}
	near(t, "auc", float64(g.AUC), 7.0/12, 1e-12)
	if text := g.Sentence(); !strings.Contains(text, "25 % of the good parts") || !strings.Contains(text, "1 of 3 bad parts escape") {
		t.Error(text)
	}
	if _, err := evaluate.NewGuard(s, 0.5, 0); err == nil {
		t.Error("no limit was taken")
	}
	if text := must(evaluate.NewGuard(two(nil, []float64{0.5}), 0.5, 1))(t).Sentence(); strings.Contains(text, "bad") || strings.Contains(text, "unknown of") {
		t.Error(text)
	}
}
