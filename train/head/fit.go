package head

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"passfail/train/parallel"
)

// Fitted is a head and what cross-validation says of it.
type Fitted struct {
	Head   *Head
	Logits []float64 // [pictures][rows]: each picture's, from examples of other folds
	Loss   float64   // mean −log probability of the true class of these
	Width  float64   // of the kernel, as chosen
	Ridge  float64   // likewise
}

// String is such as "kernel of 200 examples, width 1, ridge 0.03".
func (f *Fitted) String() string {
	return fmt.Sprintf("kernel of %d examples, width %g, ridge %g", f.Head.Examples(), f.Width, f.Ridge)
}

// How many examples a head is taught with at most: time grows with the cube,
// memory with the square. Of more pictures a part teaches. And up to how many
// pictures all settings are tried.
const (
	mostExamples = 4000
	carefully    = 300
)

// Fit fits a head, and chooses by cross-validation how wide its kernel is, how
// strongly it is regularized, and whether features or their roots count. The
// result depends on nothing but the arguments, and on how the processor rounds.
func Fit(ctx context.Context, e *Examples, seed uint64) (*Fitted, error) {
	if e.Classes < 2 || e.Folds < 2 {
		return nil, fmt.Errorf("%d classes in %d folds: two at least are needed of each", e.Classes, e.Folds)
	}
	best, err := e.best(ctx, seed)
	if err != nil {
		return nil, err
	}
	if best.solution == nil {
		return nil, errSingular
	}
	return best.fitted(), nil
}

// best is the best attempt.
func (e *Examples) best(ctx context.Context, seed uint64) (*attempt, error) {
	if len(e.Class) > carefully {
		return e.attempt(ctx, false, seed)
	}
	var found [2]*attempt
	var errs [2]error
	parallel.For(2, func(i int) {
		own := *e
		if i > 0 {
			own.Room = nil // one can use it at a time
		}
		found[i], errs[i] = own.attempt(ctx, i > 0, seed)
	})
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if found[1].loss < found[0].loss {
		return found[1], nil
	}
	return found[0], nil
}

// attempt is the best of what was tried with features, or with their roots.
type attempt struct {
	*work
	*solution
	calibration
	scores []float64 // [pictures][rows]
}

// attempt goes from the usual settings to better ones, a step at a time: first of
// the ridge, then of the width.
func (e *Examples) attempt(ctx context.Context, root bool, seed uint64) (*attempt, error) {
	w, err := e.newWork(root, seed)
	if err != nil {
		return nil, err
	}
	best := &attempt{work: w, calibration: calibration{loss: math.Inf(1)}}
	try := func(s settings) (better bool, err error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		solved, err := w.solve(s)
		if errors.Is(err, errSingular) {
			return false, nil // a larger ridge may do
		}
		if err != nil {
			return false, err
		}
		scores, err := w.scores(solved)
		if err != nil {
			return false, err
		}
		c, err := e.calibrate(scores)
		if err != nil {
			return false, err
		}
		if better = c.loss < best.loss; better {
			best.solution, best.calibration, best.scores = solved, c, scores
		}
		return better, nil
	}
	if _, err := try(usual); err != nil {
		return nil, err
	}
	if len(e.Class) > carefully && best.solution != nil {
		return best, nil
	}
	for _, factor := range []struct{ ridge, width float64 }{{4, 1}, {0.25, 1}, {1, 2}, {1, 0.5}} {
		at := usual
		if best.solution != nil {
			at = best.settings
		}
		for range 3 {
			at = settings{at.width * factor.width, at.ridge * factor.ridge}
			better, err := try(at)
			if err != nil {
				return nil, err
			}
			if !better {
				break
			}
		}
	}
	return best, nil
}

// fitted is the head of an attempt.
func (a *attempt) fitted() *Fitted {
	rows := a.rows()
	h := &Head{
		Rows: rows, Root: a.root, Scale: a.scale, Projection: a.projection, Width: a.width,
		Support: a.support, Weights: a.alpha, Bias: make([]float64, rows), lengths: a.lengths,
	}
	for i := range h.Weights {
		h.Weights[i] *= a.slope
	}
	for r := range rows {
		h.Bias[r] = a.slope*a.solution.bias[r] + a.calibration.bias[r]
	}
	for i := range a.scores {
		a.scores[i] = a.slope*a.scores[i] + a.calibration.bias[i%rows]
	}
	return &Fitted{Head: h, Logits: a.scores, Loss: a.loss, Width: a.width, Ridge: a.ridge}
}

// work is what a fit goes by: examples in the order of their folds.
type work struct {
	*Examples
	root       bool // see Head
	scale      Scale
	projection []float32 // see Head
	support    []float32 // [examples][coordinates]
	lengths    []float32 // [examples]: squared
	picture    []int     // of each example
	view       []int
	starts     []int       // of each fold's examples, and the end of all
	distances  []float32   // [examples][examples]: squared; nil: not kept
	targets    [][]float32 // [rows][examples]
	scarcity   []float64   // [examples]: what the ridge of each is multiplied by
}

func (e *Examples) newWork(root bool, seed uint64) (*work, error) {
	w := &work{Examples: e, root: root}
	views, pictures := w.thin(seed)
	for f := range e.Folds {
		w.starts = append(w.starts, len(w.picture))
		for _, p := range pictures {
			if e.Fold[p] != f {
				continue
			}
			for _, v := range views {
				w.picture, w.view = append(w.picture, p), append(w.view, v)
			}
		}
	}
	w.starts = append(w.starts, len(w.picture))
	if err := w.place(seed); err != nil {
		return nil, err
	}
	w.lengths = squares(w.support, len(w.support)/len(w.picture))
	weight := e.weights()
	w.targets = make([][]float32, e.rows())
	for _, p := range w.picture {
		w.scarcity = append(w.scarcity, 1/weight[p])
		for r := range w.targets {
			w.targets[r] = append(w.targets[r], e.target(p, r))
		}
	}
	return w, nil
}

// chunk is how many examples are projected at a time.
const chunk = 256

// place finds scale and projection, and with them the examples' support. Where
// there is a projection, examples are read anew for each step: all of them at once
// would be the largest thing in memory.
func (w *work) place(seed uint64) error {
	n, f := len(w.picture), w.Features
	row := func(i int, x []float32) error {
		err := w.Row(w.picture[i], w.view[i], x)
		if w.root {
			roots(x)
		}
		return err
	}
	var whole []float32
	if !projected(n, f) {
		whole = make([]float32, n*f)
		for i := range n {
			if err := row(i, whole[i*f:(i+1)*f]); err != nil {
				return err
			}
		}
		row = func(i int, x []float32) error { copy(x, whole[i*f:]); return nil }
	}
	var err error
	if w.scale, err = newScale(n, f, row); err != nil {
		return err
	}
	if whole != nil {
		w.scale.apply(whole)
		w.support = whole
		return nil
	}
	factors := w.scale.Factors()
	standardized := func(i int, x []float32) error {
		err := row(i, x)
		w.scale.applyFactors(factors, x)
		return err
	}
	if w.projection, err = newProjection(n, f, standardized, seed, w.Room); err != nil {
		return err
	}
	q := len(w.projection) / f
	w.support = make([]float32, n*q)
	x := make([]float32, chunk*f)
	for from := 0; from < n; from += chunk {
		to := min(n, from+chunk)
		for i := from; i < to; i++ {
			if err := standardized(i, x[(i-from)*f:(i-from+1)*f]); err != nil {
				return err
			}
		}
		projectInto(x[:(to-from)*f], w.projection, f, w.support[from*q:to*q])
	}
	return nil
}

// thin chooses what teaches: all views of all pictures, or fewer views, those
// first that are served, or fewer pictures.
func (w *work) thin(seed uint64) (views, pictures []int) {
	views = slices.Clone(w.Serve)
	for v := range w.Views {
		if !slices.Contains(views, v) {
			views = append(views, v)
		}
	}
	n := len(w.Class)
	if n*len(views) > mostExamples {
		views = views[:max(1, mostExamples/n)]
	}
	pictures = rand.New(rand.NewPCG(seed, 0x5a3)).Perm(n)[:min(n, mostExamples/len(views))]
	slices.Sort(pictures)
	return views, pictures
}

// solve fits the machine.
func (w *work) solve(s settings) (*solution, error) {
	n := len(w.picture)
	kernel := w.Room.floats(n * n)
	if w.distances != nil {
		copy(kernel, w.distances)
	} else {
		distances(w.support, w.support, w.lengths, w.lengths, len(w.support)/n, kernel)
		for i := range n {
			kernel[i*n+i] = 0
		}
		if len(w.Class) <= carefully {
			w.distances = slices.Clone(kernel) // other settings are tried, and these stay
		}
	}
	ridges := make([]float64, n)
	for i, v := range w.scarcity {
		ridges[i] = s.ridge * v
	}
	return solve(kernel, s, w.targets, ridges, w.starts)
}

// scores are those of each picture from examples of other folds, served:
// [pictures][rows]. Pictures that do not teach are judged by all that do, which
// none of them is.
func (w *work) scores(s *solution) ([]float64, error) {
	rows, n := w.rows(), len(w.picture)
	scores, count := make([]float64, len(w.Class)*rows), make([]int, len(w.Class))
	for i, p := range w.picture {
		if !slices.Contains(w.Serve, w.view[i]) {
			continue
		}
		count[p]++
		for r := range rows {
			scores[p*rows+r] += s.left[r*n+i]
		}
	}
	errs := make([]error, len(w.Class))
	parallel.For(len(w.Class), func(p int) {
		if count[p] == 0 {
			errs[p] = w.judge(s, p, scores[p*rows:(p+1)*rows])
			return
		}
		for r := range rows {
			scores[p*rows+r] /= float64(count[p])
		}
	})
	return scores, errors.Join(errs...)
}

// judge gives a picture that did not teach the mean score of its served views.
func (w *work) judge(s *solution, picture int, scores []float64) error {
	h := &Head{
		Rows: len(scores), Root: w.root, Scale: w.scale, Projection: w.projection, Width: s.width,
		Support: w.support, Weights: s.alpha, Bias: s.bias, lengths: w.lengths,
	}
	for _, view := range w.Serve {
		x := make([]float32, w.Features)
		if err := w.Row(picture, view, x); err != nil {
			return err
		}
		for r, v := range h.Logits(x) {
			scores[r] += v / float64(len(w.Serve))
		}
	}
	return nil
}
