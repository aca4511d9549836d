package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"passfail/evaluate"
	"passfail/train/feature"
	"passfail/train/head"
)

// tryPictures is with how many pictures candidates are compared at most; the best
// one is taught with all.
const tryPictures = 400

// choose tries candidates and returns the best: of the first base input sizes, with
// the pictures as they are; then variants that teach and views that are served; then
// other bases in the same way. So what matters most comes first, if time is short.
func (s *session) choose(ctx context.Context) (*tried, error) {
	if err := s.chooseSome(); err != nil {
		return nil, err
	}
	var best *tried
	for _, b := range s.bases {
		own, err := s.climb(ctx, b, best)
		if err != nil {
			return nil, err
		}
		if best != nil {
			best = better(best, own)
			continue
		}
		if best, err = s.chooseViews(ctx, own); err != nil {
			return nil, err
		}
	}
	if best.fitted == nil {
		return nil, fmt.Errorf("no base network costs at most %v × MobileNetV2 at 224 pixels: allow more, or name a smaller size", s.o.MaxCost)
	}
	return s.settle(ctx, best)
}

// chooseViews tries for the best candidate in which variants its pictures teach and
// in which views it sees them.
func (s *session) chooseViews(ctx context.Context, best *tried) (*tried, error) {
	for _, teach := range s.o.Augment.teachings() {
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
	return best, nil
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
// ones. Where there is a best candidate of another base, it begins with that one's size,
// and teaches and serves as that one does.
func (s *session) climb(ctx context.Context, b basis, rival *tried) (*tried, error) {
	first, teach, serve := firstSize, s.o.Augment.teachings()[0], []feature.Turn{0}
	if rival != nil {
		first, teach, serve = rival.network.Size, rival.teach, rival.serve
	}
	at := b.start(first)
	tryAt := func(i int) (*tried, error) {
		m, err := s.materialOf(b, b.sizes[i])
		if err != nil {
			return nil, err
		}
		return s.consider(ctx, m, teach, serve, rival != nil || len(s.tried) > 0)
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

// better is the new candidate if it is better than the best so far; if it costs more,
// by more than what chance makes of the pictures. The other's head goes, which may be
// of ten megabytes.
func better(best, t *tried) *tried {
	gain, chance := 0.0, 0.0
	if t.cost > dearer*best.cost {
		gain, chance = compareLosses(best.losses, t.losses)
	}
	if t.loss < best.loss && gain >= chance {
		best, t = t, best
	}
	t.fitted = nil
	return best
}

// dearer is the ratio of costs from which on one candidate is dearer than another.
const dearer = 1.1

// compareLosses is by how much the mean of b is less than that of a, losses of the same
// pictures, and the standard error of that.
func compareLosses(a, b []float64) (gain, deviation float64) {
	n := float64(min(len(a), len(b)))
	if n < 2 {
		return 0, 0
	}
	for i := range b {
		gain += (a[i] - b[i]) / n
	}
	for i := range b {
		d := a[i] - b[i] - gain
		deviation += d * d / (n - 1)
	}
	return gain, math.Sqrt(deviation / n)
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
		t.losses = s.losses(s.some, t.fitted.Logits, t.fitted.Head.Rows)
	}
	s.tried = append(s.tried, t)
	return t, nil
}

// losses are −log of the probability that each picture's own label gets.
func (s *session) losses(some []int, logits []float64, rows int) []float64 {
	set := s.pictures.set
	p := make([]float64, len(set.Labels))
	list := make([]float64, len(some))
	for j, i := range some {
		head.Probabilities(logits[j*rows:(j+1)*rows], p)
		list[j] = -math.Log(max(p[set.Pictures[i].Label], 1e-300))
	}
	return list
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

// settle teaches the best candidate with all pictures and, if time is left, the
// best of those that see more or fewer views: some pictures can hardly tell what another view
// brings, and all can.
func (s *session) settle(ctx context.Context, best *tried) (*tried, error) {
	if len(s.some) == len(s.pictures.hashes) {
		return best, nil
	}
	teach := func(t *tried) (*tried, error) {
		if err := s.try(ctx, t, s.all()); err != nil {
			return nil, err
		}
		t.whole = t.fitted.Loss
		return &tried{candidate: t.candidate, loss: t.whole, losses: s.losses(s.all(), t.fitted.Logits, t.fitted.Head.Rows)}, nil
	}
	first, err := teach(best)
	if err != nil {
		return nil, err
	}
	other := s.runnerUp(best)
	if other == nil || time.Since(s.start) > s.o.Budget {
		return best, nil
	}
	second, err := teach(other)
	if err != nil {
		return nil, err
	}
	cheap, dear := first, second
	if dear.cost < cheap.cost {
		cheap, dear = dear, cheap
	}
	if better(cheap, dear) == second {
		best, other = other, best
	}
	other.fitted = nil
	return best, nil
}

// runnerUp is the best of the candidates that see another number of views, nil if
// none was tried.
func (s *session) runnerUp(best *tried) *tried {
	var other *tried
	for _, t := range s.tried {
		if t.skipped == "" && len(t.serve) != len(best.serve) && (other == nil || t.loss < other.loss) {
			other = t
		}
	}
	return other
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
