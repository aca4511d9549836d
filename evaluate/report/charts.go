package report

import (
	"fmt"
	"math"
	"sort"
	"strconv"

	"passfail/evaluate"
)

// charts are those that an evaluation has the data for.
func (r *Report) charts(e *Evaluation) []*chart {
	var list []*chart
	add := func(c *chart) {
		if c != nil {
			list = append(list, c)
		}
	}
	if e != nil && e.Curves != nil {
		add(histogramChart(e))
		add(balanceChart(e))
		add(rocChart(e))
		add(precisionChart(e))
		add(calibrationChart(e))
	}
	add(learningChart(r.LearningCurve, r.Forecast))
	return list
}

func shareAxis(name string) axis { return axis{Name: name, High: 1, percentage: true} }

// rocChart has the threshold marked on it.
func rocChart(e *Evaluation) *chart {
	if len(e.Curves.ROC) == 0 {
		return nil
	}
	f := e.Figures
	c := newChart("roc", "ROC curve", shareAxis("good parts that fail (overkill)"), shareAxis("bad parts that fail"))
	var line, floor []point
	for _, p := range e.Curves.ROC {
		line = append(line, point{p.X, p.Y})
		floor = append(floor, point{p.X, 0})
	}
	c.band("fill", floor, line)
	c.line("chance", []point{{0, 0}, {1, 1}})
	c.line("main", line)
	x, y := float64(f.Overkill.Rate), float64(f.Recall)
	c.dot("here", x, y, 6, true)
	side, dx := "start", 11.0
	if x > 0.6 {
		side, dx = "end", -11
	}
	c.say("strong", side, x, y, dx, 16, "threshold %s", short(f.Threshold))
	c.say("soft", "end", 0.99, 0.04, 0, 0, "AUC %.3f (%.3f to %.3f)", float64(f.AUC), f.Intervals.AUC.Low, f.Intervals.AUC.High)
	c.Description = fmt.Sprintf("Bad parts that fail against good parts that fail, for every threshold. The area under the curve is %.3f. At the threshold %s, %s of the bad parts and %s of the good parts fail.",
		float64(f.AUC), short(f.Threshold), share(f.Recall), share(f.Overkill.Rate))
	return c
}

func precisionChart(e *Evaluation) *chart {
	if len(e.Curves.Precision) == 0 || !e.Figures.Precision.Known() {
		return nil
	}
	f := e.Figures
	c := newChart("pr", "Precision and recall", shareAxis("bad parts that fail (recall)"), shareAxis("bad among the failed (precision)"))
	var line []point
	for _, p := range e.Curves.Precision {
		line = append(line, point{p.X, p.Y})
	}
	chance := float64(f.Bad) / float64(f.Bad+f.Good)
	c.line("chance", []point{{0, chance}, {1, chance}})
	c.line("main", line)
	c.dot("here", float64(f.Recall), float64(f.Precision), 6, true)
	c.say("strong", "end", float64(f.Recall), float64(f.Precision), -10, 18, "threshold %s", short(f.Threshold))
	c.say("soft", "start", 0.02, 0.04, 0, 0, "average precision %.3f", float64(f.AveragePrecision))
	c.Description = fmt.Sprintf("How many of the failed parts are bad, against how many of the bad parts fail. At the threshold the precision is %s and the recall %s.", share(f.Precision), share(f.Recall))
	return c
}

// balanceChart shows what another threshold would cost.
func balanceChart(e *Evaluation) *chart {
	if len(e.Curves.Balance) == 0 {
		return nil
	}
	f := e.Figures
	c := newChart("balance", "Escapes and overkill", axis{Name: "threshold", High: 1}, shareAxis("share of the parts"))
	var escapes, overkill []point
	for i, b := range e.Curves.Balance {
		if i > 0 { // a step lies between two thresholds
			last := e.Curves.Balance[i-1]
			escapes = append(escapes, point{b.Threshold, last.Escapes})
			overkill = append(overkill, point{b.Threshold, last.Overkill})
		}
		escapes = append(escapes, point{b.Threshold, b.Escapes})
		overkill = append(overkill, point{b.Threshold, b.Overkill})
	}
	last := e.Curves.Balance[len(e.Curves.Balance)-1]
	escapes, overkill = append(escapes, point{1, last.Escapes}), append(overkill, point{1, last.Overkill})
	c.line("rule", []point{{f.Threshold, 0}, {f.Threshold, 1}})
	c.line("bad", escapes)
	c.line("good dashed", overkill)
	c.dot("bad", f.Threshold, float64(f.Escapes.Rate), 4.5, false)
	c.dot("good", f.Threshold, float64(f.Overkill.Rate), 4.5, true)
	c.direct(escapes, "badtext", "escapes", f.Threshold, true)
	c.direct(overkill, "goodtext", "overkill", f.Threshold, false)
	side, dx := "start", 6.0
	if f.Threshold > 0.6 {
		side, dx = "end", -6
	}
	c.say("strong", side, f.Threshold, 0.98, dx, 6, "threshold %s", short(f.Threshold))
	c.Description = fmt.Sprintf("How many bad parts escape and how many good parts fail, for every threshold. At %s, %s escape and %s are overkill.", short(f.Threshold), share(f.Escapes.Rate), share(f.Overkill.Rate))
	return c
}

// direct names a line where it is about half-way up, away from the threshold.
func (c *chart) direct(line []point, class, name string, threshold float64, early bool) {
	const height = 0.5
	at := sort.Search(len(line), func(i int) bool {
		if early {
			return line[i].y <= height
		}
		return line[i].y >= height
	})
	if at == len(line) {
		return
	}
	x := line[at].x
	anchor, dx := "end", -7.0
	if x > threshold && x < 0.8 || x < 0.15 {
		anchor, dx = "start", 7
	}
	c.say(class, anchor, x, height, dx, 0, "%s", name)
}

// histogramChart has a strip for each label.
func histogramChart(e *Evaluation) *chart {
	if len(e.Curves.Histogram) == 0 {
		return nil
	}
	f := e.Figures
	c := newChart("histogram", "Pass scores of each label", axis{Name: "pass score", High: 1}, axis{High: 1, Low: 0})
	c.Y.Ticks = nil
	// Good labels above, bad ones below, each the tallest of its own strip.
	var order []evaluate.Histogram
	for _, pass := range []bool{true, false} {
		for _, h := range e.Curves.Histogram {
			if h.Pass == pass {
				order = append(order, h)
			}
		}
	}
	strip := 1 / float64(len(order))
	for i, h := range order {
		class, bottom := "goodbar", 1-float64(i+1)*strip
		if !h.Pass {
			class = "badbar"
		}
		most, total := 1, 0
		for _, n := range h.Count {
			most, total = max(most, n), total+n
		}
		width := 1 / float64(len(h.Count))
		for k, n := range h.Count {
			if n > 0 {
				c.bar(class, (float64(k)+0.06)*width, bottom, (float64(k)+0.94)*width, bottom+strip*0.72*float64(n)/float64(most))
			}
		}
		c.line("base", []point{{0, bottom}, {1, bottom}})
		c.say("onstrip", "start", 0, bottom+strip, 3, 13, "%s", clip(h.Label, 24))
		c.say("onstrip soft", "end", 1, bottom+strip, -3, 13, "%d pictures, most in a bar %d", total, most)
	}
	c.line("rule", []point{{f.Threshold, 0}, {f.Threshold, 1}})
	c.Texts = append(c.Texts, text{"strong", "fails ← " + short(f.Threshold) + " → passes", "middle", min(max(c.X.at(f.Threshold), 120), chartWidth-90), marginTop - 2})
	c.Description = fmt.Sprintf("How the pass scores of each label's pictures are spread. Left of the threshold %s a part fails, right of it it passes.", short(f.Threshold))
	return c
}

// calibrationChart compares scores with what they turned out to mean.
func calibrationChart(e *Evaluation) *chart {
	bins := e.Figures.Calibration
	if len(bins) < 2 || e.Figures.Good == 0 || e.Figures.Bad == 0 {
		return nil
	}
	c := newChart("calibration", "Calibration", axis{Name: "pass score", High: 1}, shareAxis("good parts among them"))
	c.line("chance", []point{{0, 0}, {1, 1}})
	var line []point
	for _, b := range bins {
		c.line("whisker", []point{{b.Score, b.Good.Low}, {b.Score, b.Good.High}})
		line = append(line, point{b.Score, float64(b.Good.Rate)})
	}
	c.line("main", line)
	for _, p := range line {
		c.dot("dot", p.x, p.y, 4, true)
	}
	c.say("soft", "end", 0.99, 0.04, 0, 0, "mean error %.3f", float64(e.Figures.CalibrationError))
	c.Description = "How many parts of a pass score are good. On the diagonal a score can be taken for a probability; bars are 95 % intervals."
	return c
}

// learningChart shows the curve and, where it is clear, where it leads.
func learningChart(l *evaluate.LearningCurve, f *evaluate.Forecast) *chart {
	if l == nil || len(l.Points) < 2 {
		return nil
	}
	first, last, low, high := math.MaxInt, 0, 1.0, 0.0
	for _, p := range l.Points {
		first, last = min(first, p.Pictures), max(last, p.Pictures)
		low, high = min(low, p.Mean-p.Spread), max(high, p.Mean+p.Spread)
	}
	right := last
	forecast := f != nil && f.Clear
	if forecast {
		right = f.Twice
		high, low = max(high, f.Now+f.Gain.High), min(low, f.At(first))
	}
	if first >= right {
		return nil
	}
	low, high = math.Floor(low*20-0.1)/20, math.Min(math.Ceil(high*20+0.1)/20, 1)
	name := map[string]string{"auc": "ROC AUC", "accuracy": "accuracy"}[l.Metric]
	if name == "" {
		name = l.Metric
	}
	const margin = 0.93 // so that no bar lies on an axis
	c := newChart("learning", "Learning curve", axis{Name: "pictures in the training", Low: float64(first) * margin, High: float64(right) / margin, log: true}, axis{Name: name, Low: low, High: high})
	place := func(n int) float64 { return float64(n) }
	taken := -100.0
	sizes := []int{}
	for _, p := range l.Points {
		sizes = append(sizes, p.Pictures)
	}
	if forecast {
		sizes = append(sizes, f.Twice)
	}
	sort.Ints(sizes)
	for _, n := range sizes {
		if at := c.X.at(place(n)); at-taken > 34 {
			c.X.Ticks = append(c.X.Ticks, tick{at, strconv.Itoa(n)})
			taken = at
		}
	}
	c.forecast(f, forecast, first, last)
	for _, p := range l.Points {
		x := place(p.Pictures)
		if p.Spread > 0 {
			c.line("whisker", []point{{x, p.Mean - p.Spread}, {x, p.Mean + p.Spread}})
		}
		c.dot("dot", x, p.Mean, 4.5, true)
	}
	c.Description = fmt.Sprintf("The %s of trainings on fewer pictures; bars are one standard deviation between draws.", name)
	c.Note = learningNote(name, f)
	if f != nil {
		c.Description += " " + f.Sentence()
	}
	return c
}

// learningNote explains the learning curve.
func learningNote(name string, f *evaluate.Forecast) string {
	s := "Each dot: the " + name + " of trainings on so many of the pictures, the mean over the folds of the cross-validation; its bar: their standard deviation. "
	switch {
	case f == nil:
		return s + "With so few points nothing can be said of what more pictures would bring."
	case f.Clear:
		return s + "Line: fitted to them; dashed, with the ring: what it says of up to twice the pictures, shaded how sure that is (95 %)."
	}
	return s + "The line is fitted to them. It rises no more than by chance, so it says nothing of what more pictures would bring."
}

// forecast draws the fitted curve, and dashed what it says of more pictures.
func (c *chart) forecast(f *evaluate.Forecast, clear bool, first, last int) {
	if f == nil {
		return
	}
	curve := func(from, to int) []point {
		var list []point
		const steps = 40
		for i := range steps + 1 {
			n := float64(from) * math.Pow(float64(to)/float64(from), float64(i)/steps)
			list = append(list, point{n, 1 - f.Floor - f.Slope*math.Pow(n, -f.Rate)})
		}
		return list
	}
	c.line("main", curve(first, last))
	if !clear {
		return
	}
	now := float64(last)
	then := float64(f.Twice)
	c.band("fill", []point{{now, f.Now}, {then, f.Now + f.Gain.Low}}, []point{{now, f.Now}, {then, f.Now + f.Gain.High}})
	c.line("main dashed", curve(last, f.Twice))
	c.dot("hollow", then, f.Then, 5, true)
}

// clip shortens a label that would not fit into a drawing.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
