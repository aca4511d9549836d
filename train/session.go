package train

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	"passfail/evaluate"
	"passfail/train/dataset"
	"passfail/train/feature"
	"passfail/train/head"
)

// session is one training under way.
type session struct {
	o         Options
	start     time.Time
	pictures  *pictures
	heldOut   *pictures // of the test; nil where there is none
	pass      []bool    // by label
	fold      []int     // of each picture
	folds     int
	shelves   []*feature.Shelf
	materials map[string]*material
	tried     []*tried
	tuning    *tuning // nil: none
	warnings  []string
	some      []int // pictures that candidates are compared with
}

// tried is a candidate, and what cross-validation with some pictures said of it.
type tried struct {
	*candidate
	material      *material
	loss          float64 // what candidates are compared by; infinite for one that was not tried
	auc, accuracy evaluate.Figure
	skipped       string // why it was not tried

	fitted *head.Fitted // to these pictures; of the chosen candidate at last to all
}

const folds = 5

// cacheBytes is how much the folder of features may hold after a training.
const cacheBytes = 1 << 30

func (s *session) close() {
	for _, f := range s.shelves {
		f.Close()
	}
	if s.o.Cache != "" {
		// What can't be removed now is tried again after the next training.
		_ = feature.Prune(s.o.Cache, cacheBytes)
	}
}

// shelf opens a shelf that is closed with the session.
func (s *session) shelf(name string, size int) (*feature.Shelf, error) {
	f, err := openShelf(s.o.Cache, name, size)
	if err == nil {
		s.shelves = append(s.shelves, f)
	}
	return f, err
}

// survey looks at the pictures and divides them into folds.
func (s *session) survey(ctx context.Context) error {
	looks, err := s.shelf("looks", dataset.LookSize)
	if err != nil {
		return err
	}
	s.pictures, err = look(ctx, s.o.Dir, 2, s.o.View, looks, func(done, total int) {
		s.o.Progress(Step{"looking at the pictures", done, total})
	})
	if err != nil {
		return err
	}
	if err := s.pictures.enough(); err != nil {
		return err
	}
	if n := len(s.pictures.broken); n > 0 {
		s.warnings = append(s.warnings, fmt.Sprintf("%d files were left out, such as: %v.", n, s.pictures.broken[0]))
	}
	set := s.pictures.set
	if s.pass, err = passes(set.Labels, s.o.Pass); err != nil {
		return err
	}
	if s.fold, err = set.Folds(s.pictures.groups, folds, s.o.Seed); err != nil {
		return err
	}
	for _, f := range s.fold {
		s.folds = max(s.folds, f+1)
	}
	return nil
}

// passes tells for each label whether it means a good part.
func passes(labels, pass []string) ([]bool, error) {
	list := make([]bool, len(labels))
	found := 0
	for _, p := range pass {
		for i, l := range labels {
			if l == p {
				list[i] = true
				found++
			}
		}
	}
	switch {
	case found == 0:
		return nil, fmt.Errorf("none of the labels %q is one of a good part (%q); say which is with --pass", labels, pass)
	case found == len(labels):
		return nil, fmt.Errorf("all labels %q mean good parts; one at least must be of bad ones", labels)
	}
	return list, nil
}

// materialOf makes a base ready at a size, once.
func (s *session) materialOf(b basis, size int) (*material, error) {
	key := fmt.Sprint(b.name, size)
	if m := s.materials[key]; m != nil {
		return m, nil
	}
	n, err := feature.NewNetwork(b.name, b.file, size, describe)
	if err != nil {
		return nil, err
	}
	m, err := s.newMaterial(n)
	if err == nil {
		s.materials[key] = m
	}
	return m, err
}

// newMaterial opens a network's shelves.
func (s *session) newMaterial(n *feature.Network) (*material, error) {
	name := fmt.Sprintf("%s-%d-%.8x", filepath.Base(n.Name), n.Size, n.Digest())
	m := &material{network: n, pictures: s.pictures}
	var err error
	if m.shelf, err = s.shelf(name+".features", 4*n.Count); err != nil {
		return nil, err
	}
	m.descriptions, err = s.shelf(name+".descriptions", 4*n.ExtraCount)
	return m, err
}

// tryPictures is with how many pictures candidates are compared at most; the best
// one is taught with all.
const tryPictures = 500

// choose tries candidates and returns the best: first input sizes, with the
// pictures as they are, then variants that teach and views that are served, then
// other bases.
func (s *session) choose(ctx context.Context) (*tried, error) {
	bases, err := s.o.bases()
	if err != nil {
		return nil, err
	}
	if err := s.chooseSome(); err != nil {
		return nil, err
	}
	teachings := s.o.Augment.teachings()
	var best *tried
	for _, b := range bases {
		own, err := s.climb(ctx, b, teachings[0], best)
		if err != nil {
			return nil, err
		}
		if best == nil || own.loss < best.loss {
			best = own
		}
	}
	for _, teach := range teachings {
		for _, serve := range servings(teach) {
			if slices.Equal(teach, best.teach) && len(serve) == len(best.serve) {
				continue
			}
			t, err := s.consider(ctx, best.material, teach, serve, true)
			if err != nil {
				return nil, err
			}
			if t.loss < best.loss {
				best = t
			}
		}
	}
	if best, err = s.smallerTwice(ctx, bases, best); err != nil {
		return nil, err
	}
	return best, s.teachAll(ctx, best)
}

// smallerTwice tries a smaller size with two views where these cost too much at
// the best one.
func (s *session) smallerTwice(ctx context.Context, bases []basis, best *tried) (*tried, error) {
	serve := servings(best.teach)
	most := serve[len(serve)-1]
	if len(most) <= len(best.serve) || best.cost/float64(len(best.serve))*float64(len(most)) <= s.o.MaxCost {
		return best, nil
	}
	for _, b := range bases {
		if b.name != best.network.Name {
			continue
		}
		for _, size := range slices.Backward(b.sizes) {
			share := float64(size*size) / float64(best.network.Size*best.network.Size)
			if size >= best.network.Size || best.cost*share*float64(len(most)) > s.o.MaxCost {
				continue
			}
			m, err := s.materialOf(b, size)
			if err != nil {
				return nil, err
			}
			t, err := s.consider(ctx, m, best.teach, most, true)
			if err != nil {
				return nil, err
			}
			if t.loss < best.loss {
				best = t
			}
			break
		}
	}
	return best, nil
}

// climb tries a base's sizes: larger ones as long as they are better, else smaller
// ones. Where there is a best candidate of another base, it begins with that one's size.
func (s *session) climb(ctx context.Context, b basis, teach []feature.Variant, rival *tried) (*tried, error) {
	at := 0
	for i, size := range b.sizes {
		if size <= firstSize || rival != nil && size <= rival.network.Size {
			at = i
		}
	}
	tryAt := func(i int) (*tried, error) {
		m, err := s.materialOf(b, b.sizes[i])
		if err != nil {
			return nil, err
		}
		return s.consider(ctx, m, teach, []feature.Turn{0}, rival != nil || len(s.tried) > 0)
	}
	best, err := tryAt(at)
	if err != nil {
		return nil, err
	}
	if rival != nil && best.loss > rival.loss+clearly {
		return best, nil // another size will not make up for that
	}
	for _, step := range []int{1, -1} {
		grown := false
		for i := at + step; i >= 0 && i < len(b.sizes); i += step {
			t, err := tryAt(i)
			if err != nil {
				return nil, err
			}
			if t.loss >= best.loss {
				break
			}
			best, grown = t, true
		}
		if grown {
			break
		}
	}
	return best, nil
}

// clearly is a difference of log losses that no change of size makes up for.
const clearly = 0.05

// consider tries a candidate, unless it costs too much or, where there are others
// already, the time is up.
func (s *session) consider(ctx context.Context, m *material, teach []feature.Variant, serve []feature.Turn, others bool) (*tried, error) {
	t := &tried{candidate: &candidate{network: m.network, teach: teach, serve: serve}, material: m, loss: math.Inf(1)}
	t.cost = float64(m.network.MultiplyAdds()) / standardCost * float64(len(serve))
	switch {
	case t.cost > s.o.MaxCost:
		t.skipped = "costs too much"
	case others && time.Since(s.start) > s.o.Budget:
		t.skipped = "no time left"
	default:
		if err := s.try(ctx, t, s.some); err != nil {
			return nil, err
		}
		figures, err := evaluate.Evaluate(s.sampleOf(s.some, t.fitted.Logits, t.fitted.Head.Rows), evaluate.DefaultThreshold)
		if err != nil {
			return nil, err
		}
		t.loss, t.auc, t.accuracy = t.fitted.Loss, figures.AUC, figures.Accuracy
	}
	s.tried = append(s.tried, t)
	return t, nil
}

// chooseSome chooses the pictures that candidates are compared with.
func (s *session) chooseSome() error {
	n := len(s.pictures.hashes)
	if n <= tryPictures {
		s.some = s.all()
		return nil
	}
	take, err := s.pictures.set.Divide(s.pictures.groups, tryPictures/float64(n), s.o.Seed)
	if err != nil {
		return err
	}
	for i, t := range take {
		if t {
			s.some = append(s.some, i)
		}
	}
	return nil
}

func (s *session) all() []int {
	all := make([]int, len(s.pictures.hashes))
	for i := range all {
		all[i] = i
	}
	return all
}

// teachAll teaches the chosen candidate with all pictures.
func (s *session) teachAll(ctx context.Context, t *tried) error {
	if len(s.some) == len(s.pictures.hashes) {
		return nil
	}
	return s.try(ctx, t, s.all())
}

// try fits a candidate's head to some pictures.
func (s *session) try(ctx context.Context, t *tried, some []int) error {
	err := t.material.collect(ctx, some, t.teach, func(done, total int) {
		s.o.Progress(Step{"trying " + t.String(), done, total})
	})
	if err != nil {
		return err
	}
	e := t.material.examples(some, t.candidate, s.fold, s.folds, -1)
	if t.fitted, err = head.Fit(ctx, e, s.o.Seed); err != nil {
		return err
	}
	return ctx.Err()
}

// sample makes a sample of all pictures of logits [pictures][rows].
func (s *session) sample(logits []float64, rows int) *evaluate.Sample {
	return s.sampleOf(s.all(), logits, rows)
}

// sampleOf is sample of some pictures, given by their indices.
func (s *session) sampleOf(some []int, logits []float64, rows int) *evaluate.Sample {
	sample := &evaluate.Sample{Labels: s.pictures.set.Labels, Pass: s.pass}
	for j, i := range some {
		sample.Pictures = append(sample.Pictures, s.judged(i, logits[j*rows:(j+1)*rows]))
	}
	return sample
}

// judged is a picture with its logits.
func (s *session) judged(i int, logits []float64) evaluate.Judged {
	p := s.pictures.set.Pictures[i]
	scores := make([]float64, len(s.pictures.set.Labels))
	head.Probabilities(logits, scores)
	return evaluate.Judged{Path: p.Path, Truth: p.Label, Scores: scores, Group: s.pictures.groups[i] + 1}
}

// crossValidate makes the whole choice of a head again without each fold, and
// lets it judge that fold: so honest are no figures that a choice was made by.
// Where there are but two folds, none is left to choose by, and it is the
// logits of the choice itself.
func (s *session) crossValidate(ctx context.Context, t *tried) ([]float64, error) {
	if s.folds < 3 {
		return t.fitted.Logits, nil
	}
	rows := t.fitted.Head.Rows
	logits := make([]float64, len(s.pictures.hashes)*rows)
	for f := range s.folds {
		s.o.Progress(Step{"cross-validating", f, s.folds})
		var rest []int
		for i, g := range s.fold {
			if g != f {
				rest = append(rest, i)
			}
		}
		e := t.material.examples(rest, t.candidate, s.fold, s.folds, f)
		fitted, err := head.Fit(ctx, e, s.o.Seed)
		if err != nil {
			return nil, err
		}
		for i, g := range s.fold {
			if g != f {
				continue
			}
			l, err := t.material.judge(fitted.Head, t.candidate, i)
			if err != nil {
				return nil, err
			}
			copy(logits[i*rows:], l)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return logits, nil
}
