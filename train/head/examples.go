package head

import "math"

// Space is a set of features of all examples, as coordinates in a basis.
type Space struct {
	Basis *Basis
	Z     []float32 // [views][pictures][Basis.Len()]
}

// Examples are pictures that heads are fitted to. Each may be seen in several
// views, mirrored and turned: all of them teach, and of the views in Serve the
// logits are averaged, as the model will.
type Examples struct {
	Straight Space // what the linear part sees
	Bent     Space // what the kernel part sees
	Views    int
	Serve    []int
	Class    []int // of each picture
	Classes  int
	Fold     []int // of each picture, for cross-validation
	Folds    int
}

// rows is the number of logits: one for two classes.
func (e *Examples) rows() int {
	if e.Classes == 2 {
		return 1
	}
	return e.Classes
}

// at returns a picture's coordinates in a view.
func (s *Space) at(view, picture, pictures int) []float32 {
	q := s.Basis.Len()
	from := (view*pictures + picture) * q
	return s.Z[from : from+q]
}

// target is what the picture's logit of a row should be: +1 for its class, −1
// for others.
func (e *Examples) target(picture, row int) float64 {
	if e.rows() == 1 && e.Class[picture] == 1 || e.rows() > 1 && e.Class[picture] == row {
		return 1
	}
	return -1
}

// weights make classes count more alike than their pictures are many: by the
// power 1 exactly alike, by 0 as they are. On average they are 1.
func (e *Examples) weights(power float64) []float64 {
	count := make([]int, e.Classes)
	for _, c := range e.Class {
		count[c]++
	}
	w := make([]float64, len(e.Class))
	sum := 0.0
	for i, c := range e.Class {
		w[i] = math.Pow(float64(count[c]), -power)
		sum += w[i]
	}
	for i := range w {
		w[i] *= float64(len(w)) / sum
	}
	return w
}
