package evaluate_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"passfail/evaluate"
	"passfail/line"
)

// Verdicts here are those of the line, to the last bit of the scores.
func TestVerdictIsTheLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels := []string{"good", "a", "b", "fine"}[:rapid.IntRange(2, 4).Draw(t, "labels")]
		s := &evaluate.Sample{Labels: labels, Pass: make([]bool, len(labels))}
		rule := line.Rule{Threshold: rapid.SampledFrom([]float64{0.1, 0.5, 0.7, 1}).Draw(t, "threshold")}
		for i, l := range labels {
			if s.Pass[i] = i == 0 || l == "fine"; s.Pass[i] {
				rule.Pass = append(rule.Pass, l)
			}
		}
		judge, err := line.NewJudge(rule, labels)
		if err != nil {
			t.Fatal(err)
		}
		scores := rapid.SliceOfN(rapid.Float32Range(0, 1), len(labels), len(labels)).Draw(t, "scores")
		if rapid.Bool().Draw(t, "shared") {
			sum := float32(0)
			for _, v := range scores {
				sum += v
			}
			for i := range scores {
				scores[i] /= max(sum, 0.01)
			}
		}
		p := evaluate.Judged{}
		for _, v := range scores {
			p.Scores = append(p.Scores, float64(min(v, 1)))
		}
		s.Pictures = []evaluate.Judged{p}
		want := judge.Judge(scores)
		f, err := evaluate.Evaluate(s, rule.Threshold)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Verdicts.TruePass == 1; got != (want.Verdict == line.Pass) || s.PassScore(0) != float64(want.PassScore) {
			t.Fatalf("%v: pass score %v, passes %v; the line: %+v", scores, s.PassScore(0), got, want)
		}
		if len(labels) > 2 && labels[s.Label(0, rule.Threshold)] != want.Label {
			t.Fatalf("%v: label %d; the line: %+v", scores, s.Label(0, rule.Threshold), want)
		}
	})
}

// A sample small enough to count by hand.
func TestFiguresByHand(t *testing.T) {
	s := two([]float64{0.1, 0.2, 0.6, 0.4}, []float64{0.9, 0.8, 0.3, 0.6, 0.7, 0.95})
	f := must(evaluate.Evaluate(s, 0.5))(t)
	if want := (evaluate.Verdicts{TrueFail: 3, Escape: 1, Overkill: 1, TruePass: 5}); f.Verdicts != want {
		t.Errorf("verdicts %+v", f.Verdicts)
	}
	if want := [][]int{{3, 1}, {1, 5}}; !reflect.DeepEqual(f.Confusion, want) {
		t.Errorf("confusion %v", f.Confusion)
	}
	for name, v := range map[string]struct {
		got  evaluate.Figure
		want float64
	}{
		"accuracy":          {f.Accuracy, 0.8},
		"verdict accuracy":  {f.VerdictAccuracy, 0.8},
		"balanced accuracy": {f.BalancedAccuracy, (3.0/4 + 5.0/6) / 2},
		"precision":         {f.Precision, 3.0 / 4},
		"recall":            {f.Recall, 3.0 / 4},
		"f1":                {f.F1, 0.75},
		// Of 24 pairs: 0.1 and 0.2 are below all, 0.4 below five, 0.6 below four and beside one.
		"auc": {f.AUC, (6 + 6 + 5 + 4.5) / 24},
		// Steps: 0.1, 0.2 at precision 1, 0.4 at 3/4, the tie at 0.6 at 4/6.
		"average precision": {f.AveragePrecision, (1 + 1 + 3.0/4 + 4.0/6) / 4},
		"brier":             {f.Brier, (.01 + .04 + .36 + .16 + .01 + .04 + .49 + .16 + .09 + .0025) / 10},
	} {
		near(t, name, float64(v.got), v.want, 1e-6)
	}
	if f.Bad != 4 || f.Good != 6 || f.Parts != 10 || f.Escapes.Count != 1 || f.Overkill.Of != 6 || f.Pass[0] != "good" {
		t.Errorf("%+v", f)
	}
}

// The ranking figures are what their definitions say, computed in another way.
func TestRankingFigures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SliceOfN(rapid.SampledFrom([]float64{0, 0.125, 0.25, 0.5, 0.75, 1}), 1, 12)
		bad, good := draw.Draw(t, "bad"), draw.Draw(t, "good")
		f, err := evaluate.Evaluate(two(bad, good), 0.5)
		if err != nil {
			t.Fatal(err)
		}
		pairs := 0.0
		for _, b := range bad {
			for _, g := range good {
				if b < g {
					pairs++
				} else if b == g {
					pairs += 0.5
				}
			}
		}
		if want := pairs / float64(len(bad)*len(good)); math.Abs(float64(f.AUC)-want) > 1e-12 || f.AUC != evaluate.AUC(bad, good) {
			t.Fatalf("auc %v, want %v", f.AUC, want)
		}
		// Average precision: the mean over bad parts of the precision where all that
		// score as low as this one fail.
		sum := 0.0
		for _, b := range bad {
			fails, right := 0.0, 0.0
			for _, v := range bad {
				if v <= b {
					fails++
					right++
				}
			}
			for _, v := range good {
				if v <= b {
					fails++
				}
			}
			sum += right / fails
		}
		if want := sum / float64(len(bad)); math.Abs(float64(f.AveragePrecision)-want) > 1e-12 {
			t.Fatalf("average precision %v, want %v", f.AveragePrecision, want)
		}
		if !(f.Intervals.AUC.Low <= float64(f.AUC)+1e-9 && float64(f.AUC) <= f.Intervals.AUC.High+1e-9) {
			t.Fatalf("auc %v, interval %v", f.AUC, f.Intervals.AUC)
		}
	})
}

// More than two classes: labels by the highest score, verdicts by what passes.
func TestManyClasses(t *testing.T) {
	s := &evaluate.Sample{Labels: []string{"chip", "good", "ok", "scratch"}, Pass: []bool{false, true, true, false}}
	for _, p := range []struct {
		truth  int
		scores []float64
	}{
		{0, []float64{0.7, 0.1, 0.1, 0.1}},
		{0, []float64{0.2, 0.1, 0.1, 0.6}}, // wrong label, right verdict
		{1, []float64{0.4, 0.3, 0.3, 0}},   // wrong label, but good and ok together pass
		{2, []float64{0, 0.6, 0.4, 0}},     // wrong label, right verdict
		{3, []float64{0, 0.5, 0.1, 0.4}},   // an escape
	} {
		s.Pictures = append(s.Pictures, evaluate.Judged{Path: "p", Truth: p.truth, Scores: p.scores})
	}
	f := must(evaluate.Evaluate(s, 0.5))(t)
	near(t, "accuracy", float64(f.Accuracy), 0.2, 1e-12)
	near(t, "verdict accuracy", float64(f.VerdictAccuracy), 0.8, 1e-12)
	near(t, "chip recall", float64(f.Classes[0].Recall.Rate), 0.5, 1e-12)
	near(t, "chip precision", float64(f.Classes[0].Precision), 0.5, 1e-12)
	if want := [][]int{{1, 0, 0, 1}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 1, 0, 0}}; !reflect.DeepEqual(f.Confusion, want) {
		t.Errorf("confusion %v", f.Confusion)
	}
	if f.Escapes.Count != 1 || f.Overkill.Count != 0 {
		t.Errorf("%+v", f.Verdicts)
	}
}

// What can't be known is null in JSON, and comes back unknown.
func TestOneSide(t *testing.T) {
	for name, s := range map[string]*evaluate.Sample{
		"no bad":  two(nil, []float64{0.9, 0.2, 0.7}),
		"no good": two([]float64{0.9, 0.2, 0.7}, nil),
	} {
		f := must(evaluate.Evaluate(s, 0.5))(t)
		b := must(json.Marshal(f))(t)
		if f.AUC.Known() || !strings.Contains(string(b), `"auc":null`) || f.Intervals.AUC != (evaluate.Interval{Low: 0, High: 1}) {
			t.Errorf("%s: %s", name, b)
		}
		var back evaluate.Figures
		if err := json.Unmarshal(b, &back); err != nil || back.AUC.Known() || back.VerdictAccuracy != f.VerdictAccuracy || back.Overkill.High != f.Overkill.High {
			t.Errorf("%s: %v: %+v", name, err, back)
		}
		if text := strings.Join(f.Sentences(), " "); !strings.Contains(text, "nothing can be said") || strings.Contains(text, "NaN") {
			t.Errorf("%s: %s", name, text)
		}
		must(evaluate.Draw(s))(t)
	}
}

func TestCheck(t *testing.T) {
	for want, s := range map[string]*evaluate.Sample{
		"no pictures":       two(nil, nil),
		"labels; two":       {Labels: []string{"good"}, Pass: []bool{true}},
		"say whether":       {Labels: []string{"a", "b"}, Pass: []bool{true}},
		"some fail":         {Labels: []string{"a", "b"}, Pass: []bool{true, true}},
		"number 2 of 2":     {Labels: []string{"a", "b"}, Pass: []bool{true, false}, Pictures: []evaluate.Judged{{Truth: 2, Scores: []float64{1, 0}}}},
		"1 scores":          {Labels: []string{"a", "b"}, Pass: []bool{true, false}, Pictures: []evaluate.Judged{{Scores: []float64{1}}}},
		"not in 0..1":       {Labels: []string{"a", "b"}, Pass: []bool{true, false}, Pictures: []evaluate.Judged{{Scores: []float64{math.NaN(), 0}}}},
		"novelty is no num": {Labels: []string{"a", "b"}, Pass: []bool{true, false}, Pictures: []evaluate.Judged{{Scores: []float64{1, 0}, Novelty: math.NaN()}}},
	} {
		if _, err := evaluate.Evaluate(s, 0.5); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	for _, threshold := range []float64{0, -1, 1.1, math.NaN()} {
		if _, err := evaluate.Evaluate(two([]float64{0}, []float64{1}), threshold); err == nil {
			t.Errorf("threshold %v", threshold)
		}
	}
}

func TestCurves(t *testing.T) {
	r := random(1)
	s := two(normal(r, 900, -1), normal(r, 1100, 1))
	c := must(evaluate.Draw(s))(t)
	area := 0.0
	for i := 1; i < len(c.ROC); i++ {
		a, b := c.ROC[i-1], c.ROC[i]
		if b.X < a.X || b.Y < a.Y || b.Threshold <= a.Threshold {
			t.Fatalf("point %d: %v after %v", i, b, a)
		}
		area += (b.X - a.X) * (a.Y + b.Y) / 2
	}
	f := must(evaluate.Evaluate(s, 0.5))(t)
	near(t, "area under the thinned curve", area, float64(f.AUC), 0.003)
	if first, last := c.ROC[0], c.ROC[len(c.ROC)-1]; first.X != 0 || first.Y != 0 || last.X != 1 || last.Y != 1 || len(c.ROC) > 200 {
		t.Errorf("%d points from %v to %v", len(c.ROC), first, last)
	}
	for i, b := range c.Balance {
		if i%8 != 1 {
			continue
		}
		f := must(evaluate.Evaluate(s, b.Threshold))(t)
		near(t, "escapes", b.Escapes, float64(f.Escapes.Rate), 1e-12)
		near(t, "overkill", b.Overkill, float64(f.Overkill.Rate), 1e-12)
	}
	total := 0
	for _, h := range c.Histogram {
		for _, n := range h.Count {
			total += n
		}
	}
	if total != 2000 {
		t.Errorf("%d pictures in the histogram", total)
	}
}

// Scores that are probabilities are found to be some, and others not.
func TestCalibration(t *testing.T) {
	r := random(2)
	honest, boastful := two(nil, nil), two(nil, nil)
	for range 5000 {
		p := r.Float64()
		truth := 0
		if r.Float64() < p {
			truth = 1
		}
		q := p * p * p / (p*p*p + (1-p)*(1-p)*(1-p))
		honest.Pictures = append(honest.Pictures, evaluate.Judged{Truth: truth, Scores: []float64{1 - p, p}})
		boastful.Pictures = append(boastful.Pictures, evaluate.Judged{Truth: truth, Scores: []float64{1 - q, q}})
	}
	a, b := must(evaluate.Evaluate(honest, 0.5))(t), must(evaluate.Evaluate(boastful, 0.5))(t)
	if a.CalibrationError > 0.03 || b.CalibrationError < 0.1 || a.Brier >= b.Brier || a.LogLoss >= b.LogLoss {
		t.Errorf("calibration error %.3f and %.3f, Brier %.3f and %.3f", a.CalibrationError, b.CalibrationError, a.Brier, b.Brier)
	}
	inside := 0
	for _, bin := range a.Calibration {
		if bin.Good.Low <= bin.Score && bin.Score <= bin.Good.High {
			inside++
		}
	}
	if inside < len(a.Calibration)-2 {
		t.Errorf("%d of %d bins hold their score: %+v", inside, len(a.Calibration), a.Calibration)
	}
}
