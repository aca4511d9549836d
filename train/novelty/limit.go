package novelty

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Limit says what is known of the share of good parts that a limit fails. All
// of it comes from good parts that were held out from the fit.
type Limit struct {
	Share    float64  `json:"share"`    // that was asked for
	Expected float64  `json:"expected"` // that is expected: of a part like those seen, the chance to fail
	Low      float64  `json:"low"`      // the share is at least this …
	High     float64  `json:"high"`     // … and at most this, each with 97.5 % certainty
	Parts    int      `json:"parts"`    // different parts that say so
	Warnings []string `json:"warnings,omitempty"`
}

// upper is so many deviations above the mean where one in a hundred lies.
const upper = 2.326

// calibrate sets units and limit from the distances of held-out pictures.
// groups are numbers from 0: which pictures show the same part.
func (m *Model) calibrate(held []distances, groups []int, share float64) {
	pick := func(of func(distances) float64) []float64 {
		values := make([]float64, len(held))
		for i, d := range held {
			values[i] = max(of(d), math.SmallestNonzeroFloat32)
		}
		return values
	}
	m.unit = distances{
		places: beyond(pick(func(d distances) float64 { return d.places }), upper),
		whole:  beyond(pick(func(d distances) float64 { return d.whole }), upper),
	}
	scores := pick(m.score)
	m.Limit, m.limit = limitOf(scores, groups, share)
	m.typical = median(scores) / m.limit
}

// beyond is where values lie that are so many deviations above their mean, on a
// logarithmic scale: distances are positive and skewed.
func beyond(values []float64, deviations float64) float64 {
	n := float64(len(values))
	mean, variance := 0.0, 0.0
	for _, v := range values {
		mean += math.Log(v) / n
	}
	for _, v := range values {
		variance += (math.Log(v) - mean) * (math.Log(v) - mean) / (n - 1)
	}
	return math.Exp(mean + deviations*math.Sqrt(variance))
}

// limitOf chooses a limit of scores, one for each picture, that a share of good
// parts exceeds.
//
// Of m parts and one more like them, each is as likely to be the k-th highest;
// so the k-th highest of m is exceeded by the next one with probability k/(m+1),
// whatever the distribution, and how much of all parts exceed it is distributed
// as Beta(k, m+1−k).
func limitOf(scores []float64, groups []int, share float64) (Limit, float64) {
	parts := partScores(scores, groups)
	n := len(parts)
	l := Limit{Share: share, Parts: n}
	k := int(share * float64(n+1)) // that may exceed it
	limit := 0.0
	if k >= 1 {
		limit = parts[n-k]
		l.Expected = float64(k) / float64(n+1)
	} else {
		// No part at all may exceed it. How far above the highest it must be, only
		// an assumption can tell; what is promised does not rest on it.
		limit = max(parts[n-1]*(1+1e-6), beyond(parts, normalQuantile(1-share)))
		k = 1
		l.Expected = 1 / float64(n+1)
		l.Warnings = append(l.Warnings, fmt.Sprintf("%d different good parts can't promise that only %s of good parts fail: up to %s are to be expected; for a promise of %s at least %d parts are needed",
			n, percent(share), percent(l.Expected), percent(share), int(math.Ceil(1/share))-1))
	}
	l.Low, l.High = mathext.InvRegIncBeta(float64(k), float64(n+1-k), 0.025), mathext.InvRegIncBeta(float64(k), float64(n+1-k), 0.975)
	if l.Expected > share {
		l.Low = 0 // the limit was moved up from the highest part's score
	}
	return l, limit
}

// partScores are the scores of parts, ascending: of a part's pictures the middle one's.
func partScores(scores []float64, groups []int) []float64 {
	of := make([][]float64, slices.Max(groups)+1)
	for i, g := range groups {
		of[g] = append(of[g], scores[i])
	}
	parts := make([]float64, len(of))
	for g, list := range of {
		parts[g] = median(list)
	}
	slices.Sort(parts)
	return parts
}

func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }
