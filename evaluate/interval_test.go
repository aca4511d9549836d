package evaluate_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"passfail/evaluate"
)

// Values that R's binom.test prints; none and all are one-sided.
func TestClopperPearson(t *testing.T) {
	for _, c := range []struct {
		count, of int
		low, high float64
	}{
		{7, 10, 0.3475471, 0.9332605},
		{3, 40, 0.0157, 0.2039},
		{1, 2, 0.01257912, 0.98742088},
		{50, 100, 0.3983211, 0.6016789},
		{0, 40, 0, 0.0721575},
		{40, 40, 0.9278425, 1},
		{0, 0, 0, 1},
	} {
		within(t, fmt.Sprint(c.count, " of ", c.of), evaluate.NewRate(c.count, c.of).Interval, c.low, c.high, 5e-5)
	}
}

// The interval holds the true share as often as it says or more often, but for
// shares beyond the one-sided bounds.
func TestClopperPearsonCovers(t *testing.T) {
	for _, n := range []int{5, 20, 100} {
		for _, p := range []float64{0.05, 0.2, 0.5, 0.9} {
			b, covered := distuv.Binomial{N: float64(n), P: p}, 0.0
			for k := range n + 1 {
				if i := evaluate.NewRate(k, n).Interval; i.Low <= p && p <= i.High {
					covered += b.Prob(float64(k))
				}
			}
			least := evaluate.Confidence
			if p < evaluate.NewRate(0, n).High*1.3 || p > 1-evaluate.NewRate(0, n).High*1.3 {
				least = 0.925
			}
			if covered < least {
				t.Errorf("%d cases of %v: covered with %.3f", n, p, covered)
			}
		}
	}
}

// Over many samples the AUC's interval holds the true one about as often as it says.
func TestAUCIntervalCovers(t *testing.T) {
	r := random(3)
	for _, c := range []struct {
		bad, good int
		shift     float64 // between the means, in standard deviations
	}{{10, 10, 1}, {10, 60, 2}, {15, 15, 3}, {100, 100, 1.5}} {
		truth := distuv.UnitNormal.CDF(c.shift / math.Sqrt2)
		const trials = 300
		covered, width := 0, 0.0
		for range trials {
			f := must(evaluate.Evaluate(two(normal(r, c.bad, 0), normal(r, c.good, c.shift)), 0.5))(t)
			i := f.Intervals.AUC
			if i.Low <= truth && truth <= i.High {
				covered++
			}
			width += (i.High - i.Low) / trials
		}
		t.Logf("%d bad, %d good, AUC %.3f: covered %.3f, mean width %.3f", c.bad, c.good, truth, float64(covered)/trials, width)
		if float64(covered)/trials < 0.93 {
			t.Errorf("%+v: AUC %.3f is covered with %.3f", c, truth, float64(covered)/trials)
		}
	}
}

// Parts told apart perfectly by chance leave the AUC's interval wide.
func TestPerfectIsNotCertain(t *testing.T) {
	few := must(evaluate.Evaluate(two([]float64{0.1, 0.2, 0.1}, []float64{0.9, 0.8, 0.7}), 0.5))(t)
	if few.AUC != 1 || few.Intervals.AUC.Low > 0.7 || few.Intervals.AUC.High != 1 || few.Intervals.F1.Low > 0.6 {
		t.Errorf("AUC %v, %v; F1 %v", few.AUC, few.Intervals.AUC, few.Intervals.F1)
	}
}

// Twenty pictures of each part are hardly more than one of each; twenty that are
// as independent as pictures of different parts are nearly twenty.
func TestGroups(t *testing.T) {
	r := random(4)
	single := two(normal(r, 40, -1), normal(r, 60, 1))
	copies, strangers := *single, *single
	copies.Pictures, strangers.Pictures = nil, nil
	for i, p := range single.Pictures {
		for k := range 20 {
			p.Group = i + 1
			copies.Pictures = append(copies.Pictures, p)
			q := single.Pictures[(i+k)%40]
			if i >= 40 {
				q = single.Pictures[40+(i-40+k)%60]
			}
			q.Group = i + 1
			strangers.Pictures = append(strangers.Pictures, q)
		}
	}
	one := must(evaluate.Evaluate(single, 0.5))(t)
	same := must(evaluate.Evaluate(&copies, 0.5))(t)
	many := must(evaluate.Evaluate(&strangers, 0.5))(t)
	if same.Parts != 100 || same.Pictures != 2000 || same.AUC != one.AUC {
		t.Errorf("%d parts, AUC %v and %v", same.Parts, same.AUC, one.AUC)
	}
	width := func(i evaluate.Interval) float64 { return i.High - i.Low }
	for name, w := range map[string][3]float64{
		"escapes":  {width(one.Escapes.Interval), width(same.Escapes.Interval), width(many.Escapes.Interval)},
		"accuracy": {width(one.Intervals.Accuracy), width(same.Intervals.Accuracy), width(many.Intervals.Accuracy)},
		"f1":       {width(one.Intervals.F1), width(same.Intervals.F1), width(many.Intervals.F1)},
	} {
		if math.Abs(w[1]-w[0]) > 0.02*w[0] || w[2] > 0.5*w[0] {
			t.Errorf("%s: intervals as wide as %.3f of single pictures, %.3f of copies, %.3f of strangers", name, w[0], w[1], w[2])
		}
	}
	near(t, "AUC interval of copies", same.Intervals.AUC.Low, one.Intervals.AUC.Low, 1e-9)
}

// Repeats of a cross-validation make figures no surer than their pictures do.
func TestPool(t *testing.T) {
	r := random(5)
	first := two(normal(r, 30, -1), normal(r, 30, 1))
	shuffled := *first
	shuffled.Pictures = append([]evaluate.Judged{}, first.Pictures...)
	r.Shuffle(60, func(i, j int) {
		shuffled.Pictures[i], shuffled.Pictures[j] = shuffled.Pictures[j], shuffled.Pictures[i]
	})
	pooled := must(evaluate.Pool(first, &shuffled, first))(t)
	one, all := must(evaluate.Evaluate(first, 0.5))(t), must(evaluate.Evaluate(pooled, 0.5))(t)
	if all.Parts != 60 || all.Pictures != 180 || all.Accuracy != one.Accuracy || first.Pictures[0].Group != 0 {
		t.Errorf("%d parts, %d pictures, accuracy %v and %v", all.Parts, all.Pictures, all.Accuracy, one.Accuracy)
	}
	within(t, "accuracy", all.Intervals.Accuracy, one.Intervals.Accuracy.Low, one.Intervals.Accuracy.High, 0.005)
	other := two([]float64{0}, []float64{1})
	if _, err := evaluate.Pool(first, other); err == nil {
		t.Error("other pictures were pooled")
	}
	if _, err := evaluate.Pool(); err == nil {
		t.Error("nothing was pooled")
	}
}
