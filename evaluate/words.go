package evaluate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Percent writes a share as people read it: two digits, more where it is near
// 0 % or 100 %.
func Percent(share float64) string {
	p := 100 * share
	digits := 0
	switch {
	case math.IsNaN(p):
		return "unknown"
	case p <= 0 || p >= 100:
	case p < 1 || p > 99:
		digits = 2
	case p < 10 || p > 90:
		digits = 1
	}
	scale := math.Pow10(digits)
	s := strconv.FormatFloat(math.Round(p*scale)/scale, 'f', digits, 64) // 12.5 is 13, not the even 12
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s + " %"
}

// Percent is such as "7.5 % (1.6 % to 20 %)".
func (r Rate) Percent() string {
	if r.Of == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%s (%s)", Percent(float64(r.Rate)), r.Range())
}

// Range is such as "1.6 % to 20 %".
func (i Interval) Range() string {
	switch {
	case i.Low <= 0 && i.High >= 1:
		return "anything"
	case i.Low <= 0:
		return "up to " + Percent(i.High)
	case i.High >= 1:
		return "at least " + Percent(i.Low)
	}
	return Percent(i.Low) + " to " + Percent(i.High)
}

// inHundred says how many parts of a hundred a rate is, such as
// "about 3 in 100 (between 1 and 8)".
func (r Rate) inHundred() string {
	n := func(share float64) string { // of a hundred parts
		switch p := 100 * share; {
		case p > 0 && p < 10, p > 90 && p < 100:
			return strconv.FormatFloat(math.Round(p*10)/10, 'f', -1, 64)
		default:
			return strconv.FormatFloat(math.Round(p), 'f', -1, 64)
		}
	}
	switch {
	case r.Count == 0:
		return fmt.Sprintf("none of the %d did, which leaves up to %s in 100 possible", r.Of, n(r.High))
	case r.Count == r.Of:
		return fmt.Sprintf("all %d did: %s in 100 at least", r.Of, n(r.Low))
	}
	return fmt.Sprintf("about %s in 100 (between %s and %s; %d of %d did)", n(float64(r.Rate)), n(r.Low), n(r.High), r.Count, r.Of)
}

// Sentences say what the figures mean to who runs the line, the most important
// thing first.
func (f *Figures) Sentences() []string {
	var list []string
	if f.Bad > 0 {
		list = append(list, "Bad parts that would escape: "+f.Escapes.inHundred()+".")
	} else {
		list = append(list, "There were no bad parts, so nothing can be said about how many would escape.")
	}
	if f.Good > 0 {
		list = append(list, "Good parts that would be failed: "+f.Overkill.inHundred()+".")
	} else {
		list = append(list, "There were no good parts, so nothing can be said about how many would be failed.")
	}
	list = append(list, fmt.Sprintf("The verdict was right for %s of the pictures (%s).",
		Percent(float64(f.VerdictAccuracy)), f.Intervals.VerdictAccuracy.Range()))
	if len(f.Labels) > 2 {
		list = append(list, fmt.Sprintf("The label was right for %s of the pictures (%s).",
			Percent(float64(f.Accuracy)), f.Intervals.Accuracy.Range()))
	}
	if f.AUC.Known() {
		list = append(list, fmt.Sprintf("Shown a bad part and a good one, the model tells which is which %s of the time (%s).",
			Percent(float64(f.AUC)), f.Intervals.AUC.Range()))
	}
	return append(list, f.caution()...)
}

// few is how many pictures leave a rate too wide to rely on.
const few = 30

func (f *Figures) caution() []string {
	var list []string
	for _, side := range []struct {
		n    int
		name string
	}{{f.Bad, "bad"}, {f.Good, "good"}} {
		if side.n > 0 && side.n < few {
			list = append(list, fmt.Sprintf("With only %d pictures of %s parts these figures are rough: %d or more would make them firmer.", side.n, side.name, 3*few))
		}
	}
	return list
}

// Sentences say how a threshold was chosen and what it is known to lead to.
func (c *Choice) Sentences() []string {
	threshold := strconv.FormatFloat(c.Threshold, 'g', 3, 64)
	switch c.Basis {
	case Given:
		return []string{fmt.Sprintf("A part passes when its pass score is %s or more.", threshold)}
	case ByDefault:
		return []string{fmt.Sprintf("A part passes when its pass score is %s or more, the usual threshold: without both good and bad pictures there is nothing to choose one by.", threshold)}
	case ByCost:
		return []string{fmt.Sprintf("A part passes when its pass score is %s or more: %s.", threshold, c.costWords())}
	}
	list := []string{fmt.Sprintf("A part passes when its pass score is %s or more, so that at most %s of the bad parts escape.", threshold, Percent(c.MaxEscapes))}
	seen := fmt.Sprintf("%s bad pictures escaped, so up to %s of the bad parts may escape (95 %% sure)", c.Escapes, Percent(c.EscapeBound))
	switch {
	case c.Unreachable:
		list[0] = fmt.Sprintf("No threshold keeps the escapes at %s: some bad parts get the highest pass score there is. Look at them first: their label may be wrong.", Percent(c.MaxEscapes))
		list = append(list, seen+".")
	case c.Shown:
		list = append(list, seen+": the limit is kept.")
	default:
		list = append(list, fmt.Sprintf("%s: whether the limit of %s is kept is not known. It would take %d bad parts, none of them escaping, to show it.", seen, Percent(c.MaxEscapes), c.Needed))
	}
	if c.Overkill.Of > 0 {
		list = append(list, fmt.Sprintf("The price: %s of the good parts are failed (%s).", Percent(float64(c.Overkill.Rate)), c.Overkill.Range()))
	}
	return list
}

func (c *Choice) costWords() string {
	s := "that makes the fewest wrong verdicts"
	if c.EscapeCost > 0 && c.EscapeCost != 1 {
		s = fmt.Sprintf("that costs least when an escape is as bad as %s good parts failed", strconv.FormatFloat(c.EscapeCost, 'g', 4, 64))
	}
	if c.BadShare > 0 {
		s += fmt.Sprintf(" and %s of the parts are bad", Percent(c.BadShare))
	}
	return s
}

// metricNames is what a figure is called in a sentence.
var metricNames = map[string]string{"auc": "the AUC", "accuracy": "the accuracy"}

// Sentence says what twice the pictures would bring.
func (f *Forecast) Sentence() string {
	name := f.Metric
	if n, ok := metricNames[f.Metric]; ok {
		name = n
	}
	if !f.Clear {
		return fmt.Sprintf("Between the fewest and all %d pictures, %s changed no more than by chance: what more pictures would bring can't be said.", f.Pictures, name)
	}
	return fmt.Sprintf("Twice the pictures (%d) would bring %s from %.3f to about %.3f (%.3f to %.3f).",
		f.Twice, name, f.Now, f.Then, f.Now+f.Gain.Low, f.Now+f.Gain.High)
}

// Sentence says whether one of two models is better.
func (c *Comparison) Sentence() string {
	differ := c.OnlyA + c.OnlyB
	if differ == 0 {
		return fmt.Sprintf("Both models give the same verdict on all %d pictures.", c.Pictures)
	}
	s := fmt.Sprintf("Of %d pictures, %d are judged differently: the first model is right on %d of them, the second on %d.", c.Pictures, differ, c.OnlyA, c.OnlyB)
	if c.P < 1-Confidence {
		better := "first"
		if c.OnlyB > c.OnlyA {
			better = "second"
		}
		return s + fmt.Sprintf(" The %s is better beyond chance (McNemar's exact test: p = %.2g).", better, float64(c.P))
	}
	return s + fmt.Sprintf(" That may be chance (McNemar's exact test: p = %.2g).", float64(c.P))
}
