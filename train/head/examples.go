package head

import "math"

// Examples are pictures that heads are fitted to. Each may be seen in several
// views, mirrored and turned: all of them teach, and of the views in Serve the
// logits are averaged, as the model will.
type Examples struct {
	Features int                                        // of a picture
	Row      func(picture, view int, x []float32) error // gives the features of a picture in a view
	Views    int
	Serve    []int
	Class    []int // of each picture
	Classes  int
	Fold     []int // of each picture, for cross-validation
	Folds    int
	Room     *Room // to fit in; nil: new memory is taken
}

// Room is memory that one fit leaves to the next: most of what a fit takes, 64 MB
// with many examples, is a matrix. The zero Room is ready; one fit may use it at a
// time, and nothing that a fit returns lies in it.
type Room struct{ numbers []float32 }

// floats are n numbers of any value. They are good until the next call.
func (r *Room) floats(n int) []float32 {
	if r == nil {
		return make([]float32, n)
	}
	if len(r.numbers) < n {
		r.numbers = nil // it may go before the larger one is there
		r.numbers = make([]float32, n)
	}
	return r.numbers[:n]
}

// rows is the number of logits: one for two classes.
func (e *Examples) rows() int {
	if e.Classes == 2 {
		return 1
	}
	return e.Classes
}

// target is what the picture's score in a row should be: +1 for its class, −1
// for others.
func (e *Examples) target(picture, row int) float32 {
	if e.rows() == 1 && e.Class[picture] == 1 || e.rows() > 1 && e.Class[picture] == row {
		return 1
	}
	return -1
}

// balance is how much classes count alike: 1 exactly, 0 as many pictures as they
// have.
const balance = 0.5

// weights of the pictures make a rare class count more. On average they are 1.
func (e *Examples) weights() []float64 {
	count := make([]int, e.Classes)
	for _, c := range e.Class {
		count[c]++
	}
	w := make([]float64, len(e.Class))
	sum := 0.0
	for i, c := range e.Class {
		w[i] = math.Pow(float64(count[c]), -balance)
		sum += w[i]
	}
	for i := range w {
		w[i] *= float64(len(w)) / sum
	}
	return w
}
