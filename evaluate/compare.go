package evaluate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Comparison is of two models that judged the same pictures.
type Comparison struct {
	Pictures  int    `json:"pictures"`
	BothRight int    `json:"both_right"`
	BothWrong int    `json:"both_wrong"`
	OnlyA     int    `json:"only_a_right"`
	OnlyB     int    `json:"only_b_right"`
	P         Figure `json:"p"` // McNemar's exact test of the verdicts, two-sided

	EscapesA  int `json:"escapes_a"`
	EscapesB  int `json:"escapes_b"`
	OverkillA int `json:"overkill_a"`
	OverkillB int `json:"overkill_b"`

	AUCGain     Figure   `json:"auc_gain"` // B's over A's
	AUCInterval Interval `json:"auc_gain_interval"`

	Differences []Difference `json:"differences"` // verdicts that differ, in the order of A's pictures
}

// Difference is a picture that two models judge differently.
type Difference struct {
	Path   string  `json:"path"`
	Truth  string  `json:"truth"`
	LabelA string  `json:"label_a"`
	LabelB string  `json:"label_b"`
	PassA  float64 `json:"pass_score_a"`
	PassB  float64 `json:"pass_score_b"`
	FailA  bool    `json:"fail_a"`
	FailB  bool    `json:"fail_b"`
	RightA bool    `json:"right_a"`
	RightB bool    `json:"right_b"`
}

// Side is one of two compared models: its sample and its threshold.
type Side struct {
	Sample    *Sample
	Threshold float64
}

// Compare compares the verdicts of two models. Pictures are matched by their
// path; each must be in both, with the same truth. The models may have different
// labels, as long as they agree on which picture is good.
func Compare(a, b Side, seed uint64) (*Comparison, error) {
	for _, side := range []Side{a, b} {
		if err := side.Sample.Check(); err != nil {
			return nil, err
		}
	}
	at := map[string]int{}
	for i, p := range b.Sample.Pictures {
		at[p.Path] = i
	}
	if len(at) != len(b.Sample.Pictures) || len(at) != len(a.Sample.Pictures) {
		return nil, fmt.Errorf("comparison: %d and %d pictures, of which %d have a name of their own; the same are needed",
			len(a.Sample.Pictures), len(b.Sample.Pictures), len(at))
	}
	c := &Comparison{Pictures: len(a.Sample.Pictures)}
	matched := &Sample{Labels: b.Sample.Labels, Pass: b.Sample.Pass} // B's pictures in A's order
	for i, p := range a.Sample.Pictures {
		j, there := at[p.Path]
		if !there {
			return nil, fmt.Errorf("comparison: picture %s is missing from the second sample", p.Path)
		}
		delete(at, p.Path)
		if a.Sample.Good(i) != b.Sample.Good(j) {
			return nil, fmt.Errorf("comparison: picture %s is good in one sample and bad in the other", p.Path)
		}
		c.add(a, b, i, j)
		matched.Pictures = append(matched.Pictures, b.Sample.Pictures[j])
	}
	c.P = McNemar(c.OnlyA, c.OnlyB)
	c.gain(a.Sample, matched, seed)
	return c, nil
}

// add counts A's picture i, which is B's picture j.
func (c *Comparison) add(a, b Side, i, j int) {
	d := Difference{Path: a.Sample.Pictures[i].Path, Truth: a.Sample.Labels[a.Sample.Pictures[i].Truth],
		LabelA: a.Sample.Labels[a.Sample.Label(i, a.Threshold)], LabelB: b.Sample.Labels[b.Sample.Label(j, b.Threshold)],
		PassA: a.Sample.PassScore(i), PassB: b.Sample.PassScore(j)}
	d.FailA, d.FailB = d.PassA < a.Threshold, d.PassB < b.Threshold
	good := a.Sample.Good(i)
	d.RightA, d.RightB = d.FailA != good, d.FailB != good
	switch {
	case d.RightA && d.RightB:
		c.BothRight++
	case d.RightA:
		c.OnlyA++
	case d.RightB:
		c.OnlyB++
	default:
		c.BothWrong++
	}
	count := func(right bool, escapes, overkill *int) {
		if right {
			return
		}
		if good {
			*overkill++
		} else {
			*escapes++
		}
	}
	count(d.RightA, &c.EscapesA, &c.OverkillA)
	count(d.RightB, &c.EscapesB, &c.OverkillB)
	if d.FailA != d.FailB {
		c.Differences = append(c.Differences, d)
	}
}

// McNemar is the exact two-sided probability that pictures of which only one of
// two equally good models is right are shared out at least as unevenly.
func McNemar(a, b int) Figure {
	if a+b == 0 {
		return 1
	}
	p := 2 * distuv.Binomial{N: float64(a + b), P: 0.5}.CDF(float64(min(a, b)))
	return Figure(min(p, 1))
}

// comparisonDraws is how often the parts are drawn for the interval of a difference.
const comparisonDraws = 1000

// gain compares the areas under both ROC curves on random draws of the parts,
// the same for both.
func (c *Comparison) gain(a, b *Sample, seed uint64) {
	// Parts are numbered by A's groups in both.
	same := &Sample{Labels: b.Labels, Pass: b.Pass, Pictures: slices.Clone(b.Pictures)}
	for i := range same.Pictures {
		same.Pictures[i].Group = a.Pictures[i].Group
	}
	ra, rb := a.ranking(), same.ranking()
	c.AUCGain, c.AUCInterval = rb.auc(nil)-ra.auc(nil), Interval{-1, 1}
	if !c.AUCGain.Known() {
		return
	}
	random := rand.New(rand.NewPCG(seed, 0x636f6d70617265))
	gains := make([]float64, 0, comparisonDraws)
	for range comparisonDraws {
		w := ra.draw(random)
		gains = append(gains, float64(rb.auc(w)-ra.auc(w)))
	}
	gains = slices.DeleteFunc(gains, math.IsNaN)
	slices.Sort(gains)
	if len(gains) == 0 {
		return
	}
	tail := int(float64(len(gains)) * (1 - Confidence) / 2)
	c.AUCInterval = Interval{gains[tail], gains[len(gains)-1-tail]}
}
