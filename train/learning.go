package train

import (
	"context"
	"errors"
	"time"

	"passfail/evaluate"
	"passfail/train/dataset"
	"passfail/train/head"
)

// learningCurve is what trainings on fewer pictures would have come to.
func (s *session) learningCurve(ctx context.Context, t *tried, whole *evaluate.Sample) (*evaluate.LearningCurve, error) {
	full, err := evaluate.Evaluate(whole, evaluate.DefaultThreshold)
	if err != nil {
		return nil, err
	}
	if !full.AUC.Known() || s.tuning != nil && s.tuning.kept || time.Since(s.start) > 2*s.o.Budget {
		return nil, nil
	}
	curve := &evaluate.LearningCurve{Metric: "auc"}
	n := len(s.pictures.hashes)
	for i, share := range []float64{0.25, 0.5} {
		s.o.Progress(Step{"learning curve", i, 2})
		values, size, err := s.smaller(ctx, t, share)
		if err != nil {
			return nil, err
		}
		if len(values) > 1 {
			curve.Points = append(curve.Points, evaluate.NewLearningPoint(size, values))
		}
	}
	taught := n * (s.folds - 1) / s.folds
	curve.Points = append(curve.Points, evaluate.NewLearningPoint(taught, []float64{float64(full.AUC)}))
	return curve, nil
}

// smaller trains on about a share of the pictures outside each fold and returns
// the AUC of the fold each time, and how many pictures taught on average.
// There are none where that leaves too few parts of a label.
func (s *session) smaller(ctx context.Context, t *tried, share float64) (values []float64, size int, err error) {
	for f := range s.folds {
		fitted, taught, err := s.fitShare(ctx, t, f, share)
		var few *dataset.TooFewError
		if errors.As(err, &few) {
			return nil, 0, nil
		}
		if err != nil {
			return nil, 0, err
		}
		sample := &evaluate.Sample{Labels: s.pictures.set.Labels, Pass: s.pass}
		for i, g := range s.fold {
			if g != f {
				continue
			}
			logits, err := t.material.judge(fitted.Head, t.candidate, i)
			if err != nil {
				return nil, 0, err
			}
			sample.Pictures = append(sample.Pictures, s.judged(i, logits))
		}
		figures, err := evaluate.Evaluate(sample, evaluate.DefaultThreshold)
		if err != nil {
			return nil, 0, err
		}
		if figures.AUC.Known() {
			values = append(values, float64(figures.AUC))
			size += taught
		}
	}
	if len(values) > 0 {
		size /= len(values)
	}
	return values, size, nil
}

// fitShare fits a head to about a share of the pictures outside a fold.
func (s *session) fitShare(ctx context.Context, t *tried, outside int, share float64) (*head.Fitted, int, error) {
	var some, labels, groups []int
	for i, g := range s.fold {
		if g != outside {
			some = append(some, i)
			labels, groups = append(labels, s.pictures.set.Pictures[i].Label), append(groups, s.pictures.groups[i])
		}
	}
	take, err := dataset.Divide(labels, groups, share, s.o.Seed+uint64(outside))
	if err != nil {
		return nil, 0, err
	}
	n := 0
	for j := range some {
		if take[j] {
			some[n], labels[n], groups[n] = some[j], labels[j], groups[j]
			n++
		}
	}
	some, labels, groups = some[:n], labels[:n], groups[:n]
	inner, err := dataset.Folds(labels, groups, folds, s.o.Seed)
	if err != nil {
		return nil, 0, err
	}
	fold, count := make([]int, len(s.fold)), 0
	for j, i := range some {
		fold[i] = inner[j]
		count = max(count, inner[j]+1)
	}
	fitted, err := s.fit(ctx, t.material.examples(some, t.candidate, fold, count, -1))
	return fitted, n, err
}
