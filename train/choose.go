package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"passfail/evaluate"
	"passfail/train/feature"
)

// tryPictures is with how many pictures candidates are compared at most; the best
// one is taught with all.
const tryPictures = 400

// choose tries candidates and returns the best: first input sizes, with the
// pictures as they are, of each base, then with the best of these variants that
// teach and views that are served.
func (s *session) choose(ctx context.Context) (*tried, error) {
	if err := s.chooseSome(); err != nil {
		return nil, err
	}
	teachings := s.o.Augment.teachings()
	best := &tried{loss: math.Inf(1)}
	for _, b := range s.bases {
		var rival *tried
		if best.fitted != nil {
			rival = best
		}
		own, err := s.climb(ctx, b, teachings[0], rival)
		if err != nil {
			return nil, err
		}
		best = better(best, own)
	}
	if best.fitted == nil {
		return nil, fmt.Errorf("no base network costs at most %v × MobileNetV2 at 224 pixels: allow more, or name a smaller size", s.o.MaxCost)
	}
	for _, teach := range teachings {
		for _, serve := range servings(teach) {
			if slices.Equal(teach, best.teach) && len(serve) == len(best.serve) {
				continue
			}
			m, err := s.affordable(best, len(serve))
			if err != nil {
				return nil, err
			}
			t, err := s.consider(ctx, m, teach, serve, true)
			if err != nil {
				return nil, err
			}
			best = better(best, t)
		}
	}
	return best, s.teachAll(ctx, best)
}

// affordable is the best candidate's base at the largest size, up to its own, at
// which so many views do not cost too much; at its own if none is.
func (s *session) affordable(best *tried, views int) (*material, error) {
	one := best.cost / float64(len(best.serve))
	for _, b := range s.bases {
		if b.name != best.network.Name {
			continue
		}
		for _, size := range slices.Backward(b.sizes) {
			share := float64(size*size) / float64(best.network.Size*best.network.Size)
			if size <= best.network.Size && one*share*float64(views) <= s.o.MaxCost {
				return s.materialOf(b, size)
			}
		}
	}
	return best.material, nil
}

// climb tries a base's sizes: larger ones as long as they are better, else smaller
// ones. Where there is a best candidate of another base, it begins with that one's size.
func (s *session) climb(ctx context.Context, b basis, teach []feature.Variant, rival *tried) (*tried, error) {
	first := firstSize
	if rival != nil {
		first = max(first, rival.network.Size)
	}
	at := b.start(first)
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
			if best = better(best, t); best != t {
				break
			}
			grown = true
		}
		if grown {
			break
		}
	}
	return best, nil
}

// better is the one of two that is, the first if both are as good. The other's head
// goes, which may be of ten megabytes.
func better(a, b *tried) *tried {
	if b.loss < a.loss {
		a, b = b, a
	}
	b.fitted = nil
	return a
}

// clearly is a difference of log losses that no change of size makes up for.
const clearly = 0.05

// nearEnough is by how much a candidate may cost more than it should: maps whose
// sides are rounded up cost somewhat more than their pixels' share.
const nearEnough = 1.02

// consider tries a candidate, unless it costs too much or, where there are others
// already, the time is up.
func (s *session) consider(ctx context.Context, m *material, teach []feature.Variant, serve []feature.Turn, others bool) (*tried, error) {
	t := &tried{candidate: &candidate{network: m.network, teach: teach, serve: serve}, material: m, loss: math.Inf(1)}
	t.cost = float64(m.network.MultiplyAdds()) / standardCost * float64(len(serve))
	switch {
	case t.cost > s.o.MaxCost*nearEnough:
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
	if t.fitted, err = s.fit(ctx, t.material.examples(some, t.candidate, s.fold, s.folds, -1)); err != nil {
		return err
	}
	return ctx.Err()
}
