package head

import (
	"math"
	"math/rand/v2"

	"passfail/train/dense"
)

// Head gives classes their logits from a picture's features:
//
//	logit = Bias + Σ Weightsᵢ exp(−Width · |z − Supportᵢ|)
//
// where z are the features or their roots, standardized by Scale and, where there is a
// Projection, taken to fewer coordinates. With one row it is the logit of the
// second class against the first; with a row for each class the logits of a
// softmax.
type Head struct {
	Rows       int
	Bias       []float64 // [rows]
	Root       bool      // of the features their square roots count
	Scale      Scale
	Projection []float32 // [coordinates][features]; nil: coordinates are the features
	Width      float64
	Support    []float32 // [examples][coordinates]
	Weights    []float64 // [rows][examples]

	lengths []float32 // [examples]: of Support, squared; nil: computed for each call
}

// Features is how many the head takes.
func (h *Head) Features() int { return len(h.Scale.Mean) }

// Coordinates is how many numbers of a picture are compared.
func (h *Head) Coordinates() int {
	if h.Projection == nil {
		return h.Features()
	}
	return len(h.Projection) / h.Features()
}

// Examples is with how many, each a view of a picture, new ones are compared.
func (h *Head) Examples() int { return len(h.Weights) / h.Rows }

// Logits computes the logits [n][rows] of rows of features x [n][features],
// which it spoils.
func (h *Head) Logits(x []float32) []float64 {
	if h.Root {
		roots(x)
	}
	h.Scale.apply(x)
	z := project(x, h.Projection, h.Features())
	q, m := h.Coordinates(), h.Examples()
	n := len(z) / q
	d := make([]float32, n*m)
	lengths := h.lengths
	if lengths == nil {
		lengths = squares(h.Support, q)
	}
	distances(z, h.Support, squares(z, q), lengths, q, d)
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

// roots takes the square roots of features in place: large ones count less then,
// which serves where examples are few.
func roots(x []float32) {
	for i, v := range x {
		x[i] = float32(math.Sqrt(float64(max(v, 0))))
	}
}

// project takes rows x [n][features] to coordinates; without a projection they
// are x itself.
func project(x, projection []float32, features int) []float32 {
	if projection == nil {
		return x
	}
	z := make([]float32, len(x)/features*(len(projection)/features))
	projectInto(x, projection, features, z)
	return z
}

func projectInto(x, projection []float32, features int, z []float32) {
	n, q := len(x)/features, len(projection)/features
	dense.Multiply(dense.New(x, n, features), dense.New(projection, q, features).T(), z, false)
}

// How many coordinates are kept, which keeps the model small and quick, and with
// how few examples that would lose more than it saves.
const (
	mostCoordinates = 256
	fewExamples     = 1200
)

// flatten is the power of its deviation by which each coordinate is divided:
// somewhat nearer to being all alike than they are.
const flatten = 0.2

// basisRows is how many examples decide on the directions; more add nothing but
// time.
const basisRows = 1500

// projected tells whether so many examples are taken to fewer coordinates.
func projected(n, features int) bool { return n > fewExamples && features > mostCoordinates }

// newProjection finds the directions in which n standardized examples, which row
// gives, differ most, and scales them so that squared distances stay about what
// they were.
func newProjection(n, features int, row func(i int, x []float32) error, seed uint64, room *Room) ([]float32, error) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if n > basisRows {
		order = rand.New(rand.NewPCG(seed, 0xba5e)).Perm(n)[:basisRows]
	}
	count := len(order)
	memory := room.floats(count*features + count*count)
	some, products := memory[:count*features], memory[count*features:]
	for at, i := range order {
		if err := row(i, some[at*features:(at+1)*features]); err != nil {
			return nil, err
		}
	}
	p, variances := directions(some, features, mostCoordinates, products, seed)
	before, after := 0.0, 0.0
	for _, s := range squares(some, features) {
		before += float64(s)
	}
	for _, v := range variances {
		after += math.Pow(v/variances[0], 1-flatten) * variances[0]
	}
	for j, v := range variances {
		f := float32(math.Sqrt(before/after) * math.Pow(v/variances[0], -flatten/2))
		for c := range features {
			p[j*features+c] *= f
		}
	}
	return p, nil
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
