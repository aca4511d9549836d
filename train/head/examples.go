package head

import (
	"math"
	"math/rand/v2"
)

// Examples are pictures that heads are fitted to, as coordinates in a basis.
// Each may be seen in several views, mirrored and turned: all of them teach, and
// of the views in Serve the logits are averaged, as the model will.
type Examples struct {
	Basis       *Basis
	Coordinates []float64 // [views][pictures][Basis.Len()]
	Views       int
	Serve       []int
	Class       []int // of each picture
	Classes     int
	Fold        []int // of each picture, for cross-validation
	Folds       int
}

// rows is the number of logits: one for two classes.
func (e *Examples) rows() int {
	if e.Classes == 2 {
		return 1
	}
	return e.Classes
}

// at returns a picture's coordinates in a view.
func (e *Examples) at(view, picture int) []float64 {
	q := e.Basis.Len()
	from := (view*len(e.Class) + picture) * q
	return e.Coordinates[from : from+q]
}

// target is what least squares aims at: +1 for the row's class, −1 for others.
func (e *Examples) target(picture int, t []float64) {
	for r := range t {
		t[r] = -1
	}
	switch {
	case len(t) > 1:
		t[e.Class[picture]] = 1
	case e.Class[picture] == 1:
		t[0] = 1
	}
}

// weights make classes count alike however many pictures each has; they add up
// to the number of pictures.
func (e *Examples) weights() []float64 {
	count := make([]int, e.Classes)
	for _, c := range e.Class {
		count[c]++
	}
	present := 0
	for _, n := range count {
		if n > 0 {
			present++
		}
	}
	w := make([]float64, len(e.Class))
	for i, c := range e.Class {
		w[i] = float64(len(e.Class)) / float64(present*count[c])
	}
	return w
}

// part is a set of functions of the coordinates whose weighted sum is a logit.
type part interface {
	width() int
	norm() []float64 // what ridge punishes, see moments.solve
	apply(coordinates, x []float64)
}

// linear is the coordinates themselves, each divided by a power of its spread.
type linear struct{ scale []float64 }

func newLinear(b *Basis, power float64) *linear {
	l := &linear{make([]float64, b.Len())}
	for j, s := range b.Spread {
		l.scale[j] = math.Pow(s, power)
	}
	return l
}

func (l *linear) width() int      { return len(l.scale) }
func (l *linear) norm() []float64 { return nil }
func (l *linear) apply(z, x []float64) {
	for j, s := range l.scale {
		x[j] = z[j] / s
	}
}

// kernel is the nearness to landmarks.
type kernel struct {
	scale     []float64 // [coordinates] of those it uses
	landmarks []float64 // [landmarks][coordinates], scaled
	gamma     float64
	between   []float64 // [landmarks][landmarks]: their nearness to each other
}

// The kernel works in this many coordinates, scaled by the root of their spread:
// half-way between the coordinates as they are and whitened ones.
const (
	kernelCoordinates = 200
	kernelPower       = 0.5
)

// newKernel takes up to most of the pictures as landmarks, as they are. Width is
// in units of the pictures' variance: 1 / (2 gamma) = width · variance.
func newKernel(e *Examples, most int, width float64, seed uint64) *kernel {
	q := min(e.Basis.Len(), kernelCoordinates)
	k := &kernel{scale: make([]float64, q)}
	variance := 0.0
	for j := range q {
		k.scale[j] = math.Pow(e.Basis.Spread[j], kernelPower)
		variance += math.Pow(e.Basis.Spread[j], 2-2*kernelPower)
	}
	k.gamma = 1 / (2 * width * variance)
	order := rand.New(rand.NewPCG(seed, 0x1a4d)).Perm(len(e.Class))
	order = order[:min(most, len(order))]
	k.landmarks = make([]float64, len(order)*q)
	for i, p := range order {
		z := e.at(0, p)
		for j := range q {
			k.landmarks[i*q+j] = z[j] / k.scale[j]
		}
	}
	k.between = make([]float64, len(order)*len(order))
	for i := range order {
		k.near(k.landmarks[i*q:(i+1)*q], k.between[i*len(order):(i+1)*len(order)])
	}
	return k
}

func (k *kernel) near(z, x []float64) {
	q := len(z)
	for i := range x {
		d := 0.0
		for j, v := range k.landmarks[i*q : (i+1)*q] {
			u := z[j] - v
			d += u * u
		}
		x[i] = math.Exp(-k.gamma * d)
	}
}

func (k *kernel) width() int      { return len(k.landmarks) / len(k.scale) }
func (k *kernel) norm() []float64 { return k.between }
func (k *kernel) apply(coordinates, x []float64) {
	z := make([]float64, len(k.scale))
	for j, s := range k.scale {
		z[j] = coordinates[j] / s
	}
	k.near(z, x)
}
