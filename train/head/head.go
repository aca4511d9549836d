package head

import (
	"math"
	"math/rand/v2"

	"passfail/train/dense"
)

// Head gives classes their logits from a picture's features:
//
//	logit = Bias + Σ Weightsᵢ exp(−Width · |x − exampleᵢ|)
//
// where x are the features, standardized by Scale. With one row it is the logit
// of the second class against the first; with a row for each class the logits of
// a softmax.
//
// Of the examples only the coordinates in a few Directions are kept, and how
// long the rest of each is: |x − example|² = |z − Support|² + |x|² − |z|² + Rest
// with the coordinates z of x. That takes what lies outside the directions for
// being at right angles to all others, as noise is.
type Head struct {
	Rows       int
	Bias       []float64 // [rows]
	Scale      Scale
	Directions []float32 // [coordinates][features], orthonormal
	Width      float64
	Support    []float32 // [examples][coordinates]
	Rest       []float32 // [examples]
	Weights    []float64 // [rows][examples]
}

// Features is how many the head takes.
func (h *Head) Features() int { return len(h.Scale.Mean) }

// Coordinates is in how many directions it looks.
func (h *Head) Coordinates() int { return len(h.Directions) / h.Features() }

// Logits computes the logits [n][rows] of rows of features x [n][features],
// which it standardizes in place.
func (h *Head) Logits(x []float32) []float64 {
	h.Scale.apply(x)
	f, q, m := h.Features(), h.Coordinates(), len(h.Rest)
	n := len(x) / f
	z := make([]float32, n*q)
	dense.Multiply(dense.New(x, n, f), dense.New(h.Directions, q, f).T(), z, false)
	lengths := squares(h.Support, q)
	for i, r := range h.Rest {
		lengths[i] += r
	}
	d := make([]float32, n*m)
	distances(z, h.Support, squares(x, f), lengths, q, d)
	nearness(d, m, h.Width)
	logits := make([]float64, n*h.Rows)
	for i := range n {
		for r := range h.Rows {
			s := h.Bias[r]
			for j, v := range d[i*m : (i+1)*m] {
				s += float64(v) * h.Weights[r*m+j]
			}
			logits[i*h.Rows+r] = s
		}
	}
	return logits
}

// Coordinates of the examples that are kept.
const mostCoordinates = 192

// basisRows is how many examples decide on the directions; more add nothing but
// time.
const basisRows = 1500

// compress gives of standardized examples x [n][features] what is kept:
// directions, coordinates in them, and how much of the squared length they miss.
func compress(x []float32, features int, seed uint64) (directed, support, rest []float32) {
	n := len(x) / features
	some := x
	if n > basisRows {
		order := rand.New(rand.NewPCG(seed, 0xba5e)).Perm(n)[:basisRows]
		some = make([]float32, 0, basisRows*features)
		for _, i := range order {
			some = append(some, x[i*features:(i+1)*features]...)
		}
	}
	directed = directions(some, features, mostCoordinates, seed)
	q := len(directed) / features
	support = make([]float32, n*q)
	dense.Multiply(dense.New(x, n, features), dense.New(directed, q, features).T(), support, false)
	rest = squares(x, features)
	for i, inside := range squares(support, q) {
		rest[i] = max(rest[i]-inside, 0)
	}
	return directed, support, rest
}

// Probabilities turns logits into the classes' probabilities: one logit into
// two, several by softmax.
func Probabilities(logits, p []float64) {
	if len(logits) == 1 {
		p[1] = 1 / (1 + math.Exp(-logits[0]))
		p[0] = 1 - p[1]
		return
	}
	most := logits[0]
	for _, v := range logits {
		most = max(most, v)
	}
	sum := 0.0
	for i, v := range logits {
		p[i] = math.Exp(v - most)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
}
