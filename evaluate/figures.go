package evaluate

import (
	"fmt"
	"math"
)

// Figures are what a sample's scores come to at one threshold. Their JSON is
// stable: scripts read it.
type Figures struct {
	Pictures  int      `json:"pictures"`
	Parts     int      `json:"parts"` // that the pictures show
	Good      int      `json:"good"`  // pictures of parts that should pass
	Bad       int      `json:"bad"`
	Labels    []string `json:"labels"`
	Pass      []string `json:"pass"`
	Threshold float64  `json:"threshold"`

	Accuracy         Figure `json:"accuracy"`          // share of pictures that are given their label
	VerdictAccuracy  Figure `json:"verdict_accuracy"`  // share of pictures that pass or fail rightly
	BalancedAccuracy Figure `json:"balanced_accuracy"` // of verdicts, if there were as many bad parts as good ones
	Precision        Figure `json:"precision"`         // share of bad parts among those that fail
	Recall           Figure `json:"recall"`            // share of bad parts that fail
	F1               Figure `json:"f1"`                // harmonic mean of these two

	AUC              Figure `json:"auc"`               // how often a bad part scores lower than a good one; ties count half
	AveragePrecision Figure `json:"average_precision"` // precision, averaged over recall
	Brier            Figure `json:"brier"`             // mean square of what the pass score lacks to 1 or 0
	LogLoss          Figure `json:"log_loss"`          // mean −ln of the true side's share of the pass score

	Escapes  Rate `json:"escapes"`  // bad parts that passed, of all bad parts
	Overkill Rate `json:"overkill"` // good parts that failed, of all good parts

	Confusion [][]int  `json:"confusion"` // [true label][given label], in the order of Labels
	Verdicts  Verdicts `json:"verdicts"`
	Classes   []Class  `json:"classes"` // in the order of Labels

	Calibration      []Bin  `json:"calibration"`
	CalibrationError Figure `json:"calibration_error"` // mean distance of the bins' scores from their share of good parts

	Intervals Intervals `json:"intervals"`
}

// Verdicts are counts of pictures.
type Verdicts struct {
	TrueFail int `json:"true_fail"`
	Escape   int `json:"escape"`   // bad, but passed
	Overkill int `json:"overkill"` // good, but failed
	TruePass int `json:"true_pass"`
}

// Class is how well pictures of one label are found.
type Class struct {
	Label     string `json:"label"`
	Pass      bool   `json:"pass"`
	Pictures  int    `json:"pictures"`
	Precision Figure `json:"precision"` // share of its pictures among those that were given the label
	Recall    Rate   `json:"recall"`    // share of its pictures that were given the label
	F1        Figure `json:"f1"`
}

// Intervals are those of Figures that have one; escapes, overkill and a class's
// recall carry theirs with them.
type Intervals struct {
	Accuracy        Interval `json:"accuracy"`
	VerdictAccuracy Interval `json:"verdict_accuracy"`
	Precision       Interval `json:"precision"`
	Recall          Interval `json:"recall"`
	F1              Interval `json:"f1"`
	AUC             Interval `json:"auc"`
}

// Evaluate computes the figures of a sample. A part passes when its pass score
// reaches the threshold, above 0 and up to 1.
func Evaluate(s *Sample, threshold float64) (*Figures, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if !(threshold > 0 && threshold <= 1) {
		return nil, fmt.Errorf("evaluation: threshold %v: above 0, up to 1 is possible", threshold)
	}
	f := &Figures{Pictures: len(s.Pictures), Labels: s.Labels, Threshold: threshold}
	for i, l := range s.Labels {
		if s.Pass[i] {
			f.Pass = append(f.Pass, l)
		}
	}
	f.judge(s)
	r := s.ranking()
	f.Parts, f.AUC, f.AveragePrecision = r.parts, r.auc(nil), r.averagePrecision()
	f.calibrate(r)
	bad, good := newTally(r.parts), newTally(r.parts)
	for i, part := range r.part {
		if r.good[i] {
			good.add(part, false)
		} else {
			bad.add(part, false)
		}
	}
	f.Intervals.AUC = aucInterval(float64(f.AUC), bad.copies(), good.copies())
	return f, nil
}

// judge fills in what follows from labels and verdicts at the threshold.
func (f *Figures) judge(s *Sample) {
	part, parts := s.parts()
	right, rightVerdict, escapes, overkill := newTally(parts), newTally(parts), newTally(parts), newTally(parts)
	precision, jaccard := newTally(parts), newTally(parts)
	recall := make([]*tally, len(s.Labels))
	f.Confusion = make([][]int, len(s.Labels))
	for i := range s.Labels {
		f.Confusion[i], recall[i] = make([]int, len(s.Labels)), newTally(parts)
	}
	for i, p := range s.Pictures {
		label, passes, good := s.Label(i, f.Threshold), s.PassScore(i) >= f.Threshold, s.Good(i)
		f.Confusion[p.Truth][label]++
		right.add(part[i], label == p.Truth)
		recall[p.Truth].add(part[i], label == p.Truth)
		rightVerdict.add(part[i], passes == good)
		if good {
			overkill.add(part[i], !passes)
		} else {
			escapes.add(part[i], passes)
		}
		if !passes {
			precision.add(part[i], !good)
		}
		if !passes || !good {
			jaccard.add(part[i], !passes && !good)
		}
	}
	f.Escapes, f.Overkill = escapes.rate(), overkill.rate()
	f.Bad, f.Good = f.Escapes.Of, f.Overkill.Of
	f.Verdicts = Verdicts{f.Bad - f.Escapes.Count, f.Escapes.Count, f.Overkill.Count, f.Good - f.Overkill.Count}
	f.Recall, f.Intervals.Recall = 1-f.Escapes.Rate, Interval{1 - f.Escapes.High, 1 - f.Escapes.Low}
	f.BalancedAccuracy = 1 - (f.Escapes.Rate+f.Overkill.Rate)/2
	set := func(value *Figure, in *Interval, t *tally) {
		r := t.rate()
		*value, *in = r.Rate, r.Interval
	}
	set(&f.Accuracy, &f.Intervals.Accuracy, right)
	set(&f.VerdictAccuracy, &f.Intervals.VerdictAccuracy, rightVerdict)
	set(&f.Precision, &f.Intervals.Precision, precision)
	// F1 is 2J/(1+J) of J, the share of true fails among all that failed or
	// should have: a share of counted cases, so F1 has an interval from it.
	set(&f.F1, &f.Intervals.F1, jaccard)
	fromJaccard := func(j float64) float64 { return 2 * j / (1 + j) }
	f.F1 = Figure(fromJaccard(float64(f.F1)))
	f.Intervals.F1 = Interval{fromJaccard(f.Intervals.F1.Low), fromJaccard(f.Intervals.F1.High)}
	if f.Bad == 0 {
		f.F1, f.Intervals.F1 = Unknown, anything
	}
	f.classes(s, recall)
}

func (f *Figures) classes(s *Sample, recall []*tally) {
	for i, l := range s.Labels {
		given := 0
		for _, row := range f.Confusion {
			given += row[i]
		}
		c := Class{Label: l, Pass: s.Pass[i], Recall: recall[i].rate(), Precision: Unknown, F1: Unknown}
		c.Pictures = c.Recall.Of
		hits := float64(c.Recall.Count)
		if given > 0 {
			c.Precision = Figure(hits / float64(given))
		}
		if c.Pictures > 0 {
			c.F1 = Figure(2 * hits / float64(given+c.Pictures))
		}
		f.Classes = append(f.Classes, c)
	}
}

// auc is the area under the ROC curve: the probability that a bad picture has a
// lower pass score than a good one, ties counted half. weight, by part, counts
// pictures several times; nil: once.
func (r *ranking) auc(weight []float64) Figure {
	area, below, good := 0.0, 0.0, 0.0 // bad pictures below the tie that is looked at
	for i := 0; i < len(r.score); {
		tiedBad, tiedGood := 0.0, 0.0
		for tie := r.score[i]; i < len(r.score) && r.score[i] == tie; i++ {
			w := 1.0
			if weight != nil {
				w = weight[r.part[i]]
			}
			if r.good[i] {
				tiedGood += w
			} else {
				tiedBad += w
			}
		}
		area += tiedGood * (below + tiedBad/2)
		below += tiedBad
		good += tiedGood
	}
	if below == 0 || good == 0 {
		return Unknown
	}
	return Figure(area / (below * good))
}

// averagePrecision adds up precision times the recall that each step down the
// ranking brings.
func (r *ranking) averagePrecision() Figure {
	bad := r.count(false)
	if bad == 0 {
		return Unknown
	}
	sum, hits := 0.0, 0
	for i := 0; i < len(r.score); {
		before := hits
		for tie := r.score[i]; i < len(r.score) && r.score[i] == tie; i++ {
			if !r.good[i] {
				hits++
			}
		}
		sum += float64(hits-before) / float64(bad) * float64(hits) / float64(i)
	}
	return Figure(sum)
}

// AUC is how often a case of high values has a higher one than a case of low
// values, ties counted half: of novelty or any other warning light, by itself.
func AUC(low, high []float64) Figure {
	r := &ranking{}
	for _, v := range low {
		r.score, r.good = append(r.score, v), append(r.good, false)
	}
	for _, v := range high {
		r.score, r.good = append(r.score, v), append(r.good, true)
	}
	sortByScore(r)
	return r.auc(nil)
}

// leastShare keeps the log loss of a score that is 0 for the truth finite.
const leastShare = 1e-7

// calibrate fills in how far the pass score can be taken for a probability.
func (f *Figures) calibrate(r *ranking) {
	brier, loss := 0.0, 0.0
	for i, score := range r.score {
		missing := score
		if r.good[i] {
			missing = 1 - score
		}
		brier += missing * missing
		loss -= math.Log(max(1-missing, leastShare))
	}
	n := float64(len(r.score))
	f.Brier, f.LogLoss = Figure(brier/n), Figure(loss/n)
	f.Calibration = r.bins()
	off := 0.0
	for _, b := range f.Calibration {
		off += float64(b.Good.Of) * math.Abs(b.Score-float64(b.Good.Rate))
	}
	f.CalibrationError = Figure(off / n)
}
