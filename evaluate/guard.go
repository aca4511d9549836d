package evaluate

import "fmt"

// Guard is what comes of failing every part whose novelty is above a limit,
// besides those that fail by their scores.
type Guard struct {
	Limit       float64 `json:"limit"`
	GoodFlagged Rate    `json:"good_flagged"` // good parts above the limit
	BadFlagged  Rate    `json:"bad_flagged"`  // bad parts above it
	Escapes     Rate    `json:"escapes"`      // bad parts that pass all the same
	Overkill    Rate    `json:"overkill"`     // good parts that fail, by either
	AUC         Figure  `json:"auc"`          // of novelty alone
}

// NewGuard computes what a limit of the sample's novelty leads to, beside a
// threshold of the pass score.
func NewGuard(s *Sample, threshold, limit float64) (*Guard, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if !(limit > 0) {
		return nil, fmt.Errorf("evaluation: limit of novelty %v: above 0 is possible", limit)
	}
	part, parts := s.parts()
	good, bad, escapes, overkill := newTally(parts), newTally(parts), newTally(parts), newTally(parts)
	var novelty [2][]float64 // of good and bad parts
	for i, p := range s.Pictures {
		flagged, passes := p.Novelty > limit, s.PassScore(i) >= threshold
		if s.Good(i) {
			good.add(part[i], flagged)
			overkill.add(part[i], flagged || !passes)
			novelty[0] = append(novelty[0], p.Novelty)
		} else {
			bad.add(part[i], flagged)
			escapes.add(part[i], !flagged && passes)
			novelty[1] = append(novelty[1], p.Novelty)
		}
	}
	return &Guard{Limit: limit, GoodFlagged: good.rate(), BadFlagged: bad.rate(), Escapes: escapes.rate(), Overkill: overkill.rate(),
		AUC: AUC(novelty[0], novelty[1])}, nil
}

// Sentence says what the guard does.
func (g *Guard) Sentence() string {
	text := "The guard against unknown parts"
	switch {
	case g.GoodFlagged.Of > 0 && g.BadFlagged.Of > 0:
		return fmt.Sprintf("%s stops %s of the good parts (%s) and %s of the bad ones (%s). With it, %s bad parts escape and %s good parts fail.",
			text, Percent(float64(g.GoodFlagged.Rate)), g.GoodFlagged.Range(), Percent(float64(g.BadFlagged.Rate)), g.BadFlagged.Range(), g.Escapes, g.Overkill)
	case g.GoodFlagged.Of > 0:
		return fmt.Sprintf("%s stops %s of the good parts (%s).", text, Percent(float64(g.GoodFlagged.Rate)), g.GoodFlagged.Range())
	}
	return fmt.Sprintf("%s stops %s of the bad parts (%s).", text, Percent(float64(g.BadFlagged.Rate)), g.BadFlagged.Range())
}
