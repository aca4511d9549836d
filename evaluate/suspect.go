package evaluate

import (
	"cmp"
	"slices"
)

// Suspect is a picture that is worth a look.
type Suspect struct {
	Index   int       `json:"index"` // of the sample's pictures
	Path    string    `json:"path"`
	Truth   string    `json:"truth"`
	Judged  string    `json:"judged"` // the label that speaks against the truth
	Scores  []float64 `json:"scores"` // in the order of the sample's labels
	Pass    float64   `json:"pass_score"`
	Verdict string    `json:"verdict"` // pass or fail
	// Certainty is how strongly the scores contradict the truth, 0..1.
	Certainty float64 `json:"certainty"`
}

func (s *Sample) suspect(i, judged int, threshold, certainty float64) Suspect {
	p := s.Pictures[i]
	v := Suspect{Index: i, Path: p.Path, Truth: s.Labels[p.Truth], Judged: s.Labels[judged], Scores: p.Scores,
		Pass: s.PassScore(i), Verdict: "fail", Certainty: certainty}
	if v.Pass >= threshold {
		v.Verdict = "pass"
	}
	return v
}

// sure is a score that is enough, however high a label's scores usually are, and
// leastSure one that is needed, however low: a weak model's doubts are no sign of a
// wrong label.
const (
	sure      = 0.9
	leastSure = 0.8
)

// Mislabelled returns up to limit pictures whose label is likely wrong, the
// likeliest first. It is one where another label's score is higher than that of
// its own, and as high as pictures that do have the other label get on average
// (confident learning), but at least 0.8, or 0.9. The scores must be out-of-fold: a model has
// learned the wrong labels of its own training, too.
func Mislabelled(s *Sample, threshold float64, limit int) ([]Suspect, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	usual, count := make([]float64, len(s.Labels)), make([]float64, len(s.Labels))
	for _, p := range s.Pictures {
		usual[p.Truth] += p.Scores[p.Truth]
		count[p.Truth]++
	}
	for i := range usual {
		usual[i] = min(max(usual[i]/max(count[i], 1), leastSure), sure)
	}
	var list []Suspect
	for i, p := range s.Pictures {
		other := -1
		for j, v := range p.Scores {
			if j != p.Truth && count[j] > 0 && v >= usual[j] && (other < 0 || v > p.Scores[other]) {
				other = j
			}
		}
		if other >= 0 && p.Scores[other] > p.Scores[p.Truth] {
			list = append(list, s.suspect(i, other, threshold, p.Scores[other]-p.Scores[p.Truth]))
		}
	}
	return surest(list, limit), nil
}

// Worst returns up to limit pictures that were judged most wrongly, the worst
// first: verdicts that are wrong, by how far the pass score is on the wrong side
// of the threshold.
func Worst(s *Sample, threshold float64, limit int) ([]Suspect, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	var list []Suspect
	for i := range s.Pictures {
		score, good := s.PassScore(i), s.Good(i)
		switch {
		case !good && score >= threshold:
			list = append(list, s.suspect(i, s.best(i, true), threshold, ratio(score-threshold, 1-threshold)))
		case good && score < threshold:
			list = append(list, s.suspect(i, s.best(i, false), threshold, ratio(threshold-score, threshold)))
		}
	}
	return surest(list, limit), nil
}

func ratio(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}

// best is the likeliest of the labels that pass, or of those that do not.
func (s *Sample) best(i int, pass bool) int {
	best := slices.Index(s.Pass, pass)
	for j, v := range s.Pictures[i].Scores {
		if s.Pass[j] == pass && v > s.Pictures[i].Scores[best] {
			best = j
		}
	}
	return best
}

func surest(list []Suspect, limit int) []Suspect {
	slices.SortStableFunc(list, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(b.Certainty, a.Certainty), cmp.Compare(a.Path, b.Path))
	})
	return list[:min(len(list), max(limit, 0))]
}
