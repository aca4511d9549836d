package train

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"passfail/evaluate"
	"passfail/train/dataset"
	"passfail/train/feature"
	"passfail/train/head"
	"passfail/train/parallel"
)

// session is one training under way.
type session struct {
	o         Options
	start     time.Time
	pictures  *pictures
	heldOut   *pictures // of the test; nil where there is none
	goodOnly  bool      // pictures of good parts alone teach
	pass      []bool    // by label
	fold      []int     // of each picture
	folds     int
	shelves   []*feature.Shelf
	materials map[string]*material
	tried     []*tried
	tuning    *tuning // nil: none
	warnings  []string
	bases     []basis    // that may be tried
	some      []int      // pictures that candidates are compared with
	fitting   sync.Mutex // held by the fit that uses room
	room      head.Room
}

// mostNamed is how many files a warning names.
const mostNamed = 3

// tried is a candidate, and what cross-validation with some pictures said of it.
type tried struct {
	*candidate
	material      *material
	loss          float64   // what candidates are compared by; infinite for one that was not tried
	losses        []float64 // of each picture
	whole         float64   // the loss with all pictures; 0 for one that was not taught with all
	auc, accuracy evaluate.Figure
	skipped       string // why it was not tried

	fitted *head.Fitted // to these pictures, of the best one so far; of the chosen one at last to all
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
	var errs []error
	if s.pictures, errs, err = list(ctx, s.o.Dir, 2, s.o.View); err != nil {
		return err
	}
	if s.bases, err = s.o.bases(); err != nil {
		return err
	}
	first, err := s.first()
	if err != nil {
		return err
	}
	err = s.pictures.look(ctx, errs, looks, first, func(done, total int) {
		s.o.Progress(Step{"looking at the pictures", done, total})
	})
	if err != nil {
		return err
	}
	if err := s.pictures.enough(); err != nil {
		return err
	}
	if n := len(s.pictures.broken); n > 0 {
		some := s.pictures.broken[:min(n, mostNamed)]
		why := make([]string, len(some))
		for i, err := range some {
			why[i] = err.Error()
		}
		text := "1 file was left out: "
		if n > 1 {
			text = fmt.Sprintf("%d files were left out: ", n)
		}
		text += strings.Join(why, "; ")
		if more := n - len(some); more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		s.warnings = append(s.warnings, text+".")
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
	if s.o.FineTune {
		return s.tunable()
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

// first is the material of the candidate that will be tried first, nil where too
// many pictures are there for all of them to be tried.
func (s *session) first() (*material, error) {
	if len(s.pictures.set.Pictures) > tryPictures {
		return nil, nil
	}
	return s.materialOf(s.bases[0], s.bases[0].sizes[s.bases[0].start(firstSize)])
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

// fit fits a head, in the memory that a fit left which ended before.
func (s *session) fit(ctx context.Context, e *head.Examples) (*head.Fitted, error) {
	if s.fitting.TryLock() {
		defer s.fitting.Unlock()
		e.Room = &s.room
	}
	return head.Fit(ctx, e, s.o.Seed)
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
	s.o.Progress(Step{"cross-validating", 0, s.folds})
	err := s.eachFold(ctx, t, "cross-validating", func(f int) error {
		some, judged, err := s.judgeFold(ctx, t, f)
		if err != nil {
			return err
		}
		for j, i := range some {
			copy(logits[i*rows:], judged[j*rows:(j+1)*rows])
		}
		return nil
	})
	return logits, err
}

// fewExamples is with how many examples fits go side by side: one of so many leaves
// processors idle, and takes some 20 MB.
const fewExamples = 1000

// few tells whether a candidate has so few examples.
func (s *session) few(t *tried) bool { return len(s.pictures.hashes)*len(t.teach) <= fewExamples }

// each does n works on a candidate: side by side where it has few examples, else
// one after the other until one fails.
func (s *session) each(t *tried, n int, work func(i int) error) error {
	errs := make([]error, n)
	if s.few(t) {
		parallel.For(n, func(i int) { errs[i] = work(i) })
		return errors.Join(errs...)
	}
	for i := range n {
		if err := work(i); err != nil {
			return err
		}
	}
	return nil
}

// eachFold is each for the folds. With few examples it is done before its progress
// could be read, and others may be telling theirs.
func (s *session) eachFold(ctx context.Context, t *tried, doing string, work func(fold int) error) error {
	return s.each(t, s.folds, func(f int) error {
		if !s.few(t) {
			s.o.Progress(Step{doing, f, s.folds})
		}
		if err := work(f); err != nil {
			return err
		}
		return ctx.Err()
	})
}

// judgeFold fits a candidate's head without a fold and lets it judge that fold:
// the fold's pictures, by their indices, and their logits [pictures][rows].
func (s *session) judgeFold(ctx context.Context, t *tried, fold int) (some []int, logits []float64, err error) {
	var rest []int
	labels := len(s.pictures.set.Labels)
	taught, all := make([]int, labels), make([]int, labels) // pictures by label
	for i, f := range s.fold {
		label := s.pictures.set.Pictures[i].Label
		all[label]++
		if f == fold {
			some = append(some, i)
		} else {
			rest = append(rest, i)
			taught[label]++
		}
	}
	fitted, err := s.fit(ctx, t.material.examples(rest, t.candidate, s.fold, s.folds, fold))
	if err != nil {
		return nil, nil, err
	}
	// Without a fold that has one of three bad parts, bad parts are rarer than they
	// are; with it, less rare. Logits of different folds would be out of line.
	fitted.Head.ShiftPriors(taught, all)
	logits, err = t.material.judge(fitted.Head, t.candidate, some...)
	return some, logits, err
}
