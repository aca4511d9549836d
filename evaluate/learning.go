package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// LearningCurve says how a figure grows with the pictures that a model was
// trained on.
type LearningCurve struct {
	Metric string          `json:"metric"` // auc or accuracy
	Points []LearningPoint `json:"points"`
}

// LearningPoint is what trainings on so many pictures came to.
type LearningPoint struct {
	Pictures int     `json:"pictures"`
	Mean     float64 `json:"mean"`
	Spread   float64 `json:"spread"` // standard deviation between draws; 0 where there is but one
	Draws    int     `json:"draws"`
}

// NewLearningPoint sums up the figure of one or more trainings, each on another
// draw of so many pictures.
func NewLearningPoint(pictures int, values []float64) LearningPoint {
	p := LearningPoint{Pictures: pictures, Draws: len(values)}
	for _, v := range values {
		p.Mean += v / float64(len(values))
	}
	for _, v := range values {
		p.Spread += (v - p.Mean) * (v - p.Mean)
	}
	if len(values) > 1 {
		p.Spread = math.Sqrt(p.Spread / float64(len(values)-1))
	}
	return p
}

// Forecast is what twice the pictures may bring.
type Forecast struct {
	Metric   string   `json:"metric"`
	Pictures int      `json:"pictures"` // those there are
	Now      float64  `json:"now"`      // the fitted curve there
	Twice    int      `json:"twice"`
	Then     float64  `json:"then"` // the fitted curve at twice the pictures
	Gain     Interval `json:"gain"` // of the figure
	// Floor, Slope and Rate are the fitted curve's: 1 − floor − slope · n^−rate.
	Floor float64 `json:"floor"`
	Slope float64 `json:"slope"`
	Rate  float64 `json:"rate"`
	// Clear tells that the curve rises beyond its noise. Otherwise Then is no
	// more than a guess, and Sentence makes no promise.
	Clear bool `json:"clear"`
}

// leastPoints is what a curve of three parameters needs to be contradicted.
const leastPoints = 4

// Forecast fits what is missing to 1 by an inverse power law of the number of
// pictures, floor + slope · n^−rate, and asks it about twice the pictures. The
// interval comes from fitting it again to points that are off by their own
// noise. It is an error if the points are too few.
func (c *LearningCurve) Forecast(seed uint64) (*Forecast, error) {
	points := slices.Clone(c.Points)
	slices.SortStableFunc(points, func(a, b LearningPoint) int { return cmp.Compare(a.Pictures, b.Pictures) })
	sizes := 0
	for i, p := range points {
		if p.Pictures < 1 || math.IsNaN(p.Mean) || p.Draws < 1 {
			return nil, fmt.Errorf("learning curve: point %d has %d pictures and %d draws", i+1, p.Pictures, p.Draws)
		}
		if i == 0 || p.Pictures != points[i-1].Pictures {
			sizes++
		}
	}
	if sizes < leastPoints {
		return nil, fmt.Errorf("learning curve: %d sizes; %d at least are needed", sizes, leastPoints)
	}
	last := points[len(points)-1]
	f := &Forecast{Metric: c.Metric, Pictures: last.Pictures, Twice: 2 * last.Pictures}
	errs := standardErrors(points)
	missing := make([]float64, len(points))
	for i, p := range points {
		missing[i] = 1 - p.Mean
	}
	best := fitPower(points, missing, errs)
	f.Floor, f.Slope, f.Rate = best.floor, best.slope, best.rate
	f.Now, f.Then = f.At(f.Pictures), f.At(f.Twice)
	random := rand.New(rand.NewPCG(seed, 0x6c6561726e696e67))
	gains := make([]float64, 0, draws)
	noisy := make([]float64, len(points))
	for range draws {
		for i := range noisy {
			noisy[i] = missing[i] + errs[i]*random.NormFloat64()
		}
		p := fitPower(points, noisy, errs)
		gains = append(gains, p.at(f.Pictures)-p.at(f.Twice))
	}
	slices.Sort(gains)
	tail := draws * (1 - Confidence) / 2
	f.Gain = Interval{gains[int(tail)], gains[draws-1-int(tail)]}
	// The fit can't fall, so noise alone makes it rise: the points themselves must.
	rise := last.Mean - points[0].Mean
	f.Clear = rise > 2*math.Hypot(errs[0], errs[len(errs)-1]) && f.Gain.Low > 0
	return f, nil
}

// At is the fitted curve at a number of pictures.
func (f *Forecast) At(pictures int) float64 { return 1 - power{f.Floor, f.Slope, f.Rate}.at(pictures) }

// standardErrors are those of the points' means, in which few draws are not
// trusted to know their own spread: they share one.
func standardErrors(points []LearningPoint) []float64 {
	sum, freedom := 0.0, 0
	for _, p := range points {
		sum += p.Spread * p.Spread * float64(p.Draws-1)
		freedom += p.Draws - 1
	}
	shared := 0.03 // of single trainings on a few hundred pictures
	if freedom > 0 {
		shared = math.Sqrt(sum / float64(freedom))
	}
	errs := make([]float64, len(points))
	for i, p := range points {
		spread := math.Sqrt((float64(p.Draws-1)*p.Spread*p.Spread + 3*shared*shared) / float64(p.Draws+2))
		errs[i] = max(spread/math.Sqrt(float64(p.Draws)), 1e-4)
	}
	return errs
}

// power is floor + slope · n^−rate, none of them below 0.
type power struct{ floor, slope, rate float64 }

func (p power) at(n int) float64 { return p.floor + p.slope*math.Pow(float64(n), -p.rate) }

// fitPower is the weighted least-squares fit: for each rate of a grid, floor and
// slope are a line's, with neither below 0.
func fitPower(points []LearningPoint, y, errs []float64) power {
	best, least := power{}, math.Inf(1)
	x := make([]float64, len(points))
	for step := 2; step <= 30; step++ {
		rate := float64(step) * 0.05
		for i, p := range points {
			x[i] = math.Pow(float64(p.Pictures), -rate)
		}
		floor, slope := fitLine(x, y, errs)
		loss := 0.0
		for i := range x {
			d := (y[i] - floor - slope*x[i]) / errs[i]
			loss += d * d
		}
		if loss < least {
			best, least = power{floor, slope, rate}, loss
		}
	}
	return best
}

// fitLine fits y by floor + slope·x, both at least 0.
func fitLine(x, y, errs []float64) (floor, slope float64) {
	var w, wx, wy, wxx, wxy float64
	for i := range x {
		v := 1 / (errs[i] * errs[i])
		w += v
		wx += v * x[i]
		wy += v * y[i]
		wxx += v * x[i] * x[i]
		wxy += v * x[i] * y[i]
	}
	slope = (w*wxy - wx*wy) / (w*wxx - wx*wx)
	floor = (wy - slope*wx) / w
	switch {
	case slope < 0:
		return max(wy/w, 0), 0
	case floor < 0:
		return 0, max(wxy/wxx, 0)
	}
	return floor, slope
}
