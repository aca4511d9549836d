package train

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"passfail/evaluate"
	"passfail/train/dataset"
	"passfail/train/feature"
	"passfail/train/head"
)

// session is one training under way.
type session struct {
	o        Options
	start    time.Time
	pictures *pictures
	pass     []bool // by label
	fold     []int  // of each picture
	folds    int
	shelves  []*feature.Shelf
	tried    []tried
}

// tried is a candidate with what cross-validation said of it.
type tried struct {
	*candidate
	material *material
	fitted   *head.Fitted
	auc      float64
	accuracy float64
	seconds  float64
	skipped  string // why it was not tried
}

const folds = 5

func (s *session) close() {
	for _, f := range s.shelves {
		f.Close()
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

// newMaterial opens a network's shelf.
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

// choose tries candidates and returns the best: first networks, with the
// pictures as they are, then with the best of them other variants and views.
func (s *session) choose(ctx context.Context) (*tried, error) {
	networks, err := s.o.networks()
	if err != nil {
		return nil, err
	}
	teachings := s.o.Augment.teachings()
	var best *tried
	consider := func(m *material, teach []feature.Variant, serve []feature.Turn) error {
		c := &candidate{network: m.network, teach: teach, serve: serve}
		c.cost = float64(m.network.MultiplyAdds()) / standardCost * float64(len(serve))
		t := tried{candidate: c, material: m}
		switch {
		case c.cost > s.o.MaxCost:
			t.skipped = "costs too much"
		case best != nil && time.Since(s.start) > s.o.Budget:
			t.skipped = "no time left"
		default:
			if err := s.try(ctx, &t); err != nil {
				return err
			}
			if best == nil || t.fitted.Loss < best.fitted.Loss {
				best = &t
			}
		}
		s.tried = append(s.tried, t)
		return nil
	}
	for _, n := range networks {
		m, err := s.newMaterial(n)
		if err != nil {
			return nil, err
		}
		if err := consider(m, teachings[0], []feature.Turn{0}); err != nil {
			return nil, err
		}
	}
	m := best.material
	for i, teach := range teachings {
		if len(teach)*len(s.pictures.hashes)*mostCoordinates > mostExamples {
			continue
		}
		for j, serve := range servings(teach) {
			if i == 0 && j == 0 {
				continue // was the first
			}
			if err := consider(m, teach, serve); err != nil {
				return nil, err
			}
		}
	}
	return best, nil
}

// try fits a candidate's head, with the losses of cross-validation.
func (s *session) try(ctx context.Context, t *tried) error {
	began := time.Now()
	err := t.material.collect(ctx, t.teach, func(done, total int) {
		s.o.Progress(Step{"trying " + t.String(), done, total})
	})
	if err != nil {
		return err
	}
	all := make([]int, len(s.pictures.hashes))
	for i := range all {
		all[i] = i
	}
	e, err := t.material.examples(all, t.candidate, s.fold, s.folds, -1, s.o.Seed)
	if err != nil {
		return err
	}
	if t.fitted, err = head.Fit(ctx, e, s.o.Seed); err != nil {
		return err
	}
	sample := s.sample(t.fitted.Logits, t.fitted.Head.Rows)
	t.auc = math.NaN()
	if f, err := evaluate.Evaluate(sample, evaluate.DefaultThreshold); err == nil {
		t.auc, t.accuracy = float64(f.AUC), float64(f.Accuracy)
	}
	t.seconds = time.Since(began).Seconds()
	return ctx.Err()
}

// sample makes a sample of all pictures of logits [pictures][rows].
func (s *session) sample(logits []float64, rows int) *evaluate.Sample {
	set := s.pictures.set
	sample := &evaluate.Sample{Labels: set.Labels, Pass: s.pass}
	for i := range set.Pictures {
		sample.Pictures = append(sample.Pictures, s.judged(i, logits[i*rows:(i+1)*rows]))
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
		e, err := t.material.examples(rest, t.candidate, s.fold, s.folds, f, s.o.Seed)
		if err != nil {
			return nil, err
		}
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
