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
	for _, share := range []float64{0.25, 0.5, 0.75} { // with all, as many as a forecast needs
		values, size, err := s.smaller(ctx, t, share)
		if err != nil {
			return nil, err
		}
		if len(values) > 1 {
			curve.Points = append(curve.Points, evaluate.NewLearningPoint(size, values))
		}
	}
	values, err := s.foldAUCs(whole)
	if err != nil {
		return nil, err
	}
	if len(values) > 0 {
		taught := len(s.pictures.hashes) * (s.folds - 1) / s.folds
		curve.Points = append(curve.Points, evaluate.NewLearningPoint(taught, values))
	}
	return curve, nil
}

// foldAUCs is the AUC of each fold by itself. That of all pictures together would
// not compare with those of the smaller trainings, which are of a fold each.
func (s *session) foldAUCs(whole *evaluate.Sample) ([]float64, error) {
	var values []float64
	for fold := range s.folds {
		one := &evaluate.Sample{Labels: whole.Labels, Pass: whole.Pass}
		for i, p := range whole.Pictures {
			if s.fold[i] == fold {
				one.Pictures = append(one.Pictures, p)
			}
		}
		if len(one.Pictures) == 0 {
			continue
		}
		figures, err := evaluate.Evaluate(one, evaluate.DefaultThreshold)
		if err != nil {
			return nil, err
		}
		if figures.AUC.Known() {
			values = append(values, float64(figures.AUC))
		}
	}
	return values, nil
}

// smaller trains on about a share of the pictures outside each fold and returns
// the AUC of the fold each time, and how many pictures taught on average.
// There are none where that leaves too few parts of a label.
func (s *session) smaller(ctx context.Context, t *tried, share float64) (values []float64, size int, err error) {
	all, taught := make([]evaluate.Figure, s.folds), make([]int, s.folds)
	err = s.eachFold(ctx, t, "learning curve", func(f int) (err error) {
		all[f], taught[f], err = s.judgeShare(ctx, t, f, share)
		return err
	})
	var few *dataset.TooFewError
	if errors.As(err, &few) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	for f, auc := range all {
		if auc.Known() {
			values = append(values, float64(auc))
			size += taught[f]
		}
	}
	if len(values) > 0 {
		size /= len(values)
	}
	return values, size, nil
}

// judgeShare fits a head to about a share of the pictures outside a fold, and
// returns the AUC of the fold and how many taught.
func (s *session) judgeShare(ctx context.Context, t *tried, fold int, share float64) (auc evaluate.Figure, taught int, err error) {
	fitted, taught, err := s.fitShare(ctx, t, fold, share)
	if err != nil {
		return evaluate.Unknown, 0, err
	}
	var some []int
	for i, f := range s.fold {
		if f == fold {
			some = append(some, i)
		}
	}
	logits, err := t.material.judge(fitted.Head, t.candidate, some...)
	if err != nil {
		return evaluate.Unknown, 0, err
	}
	figures, err := evaluate.Evaluate(s.sampleOf(some, logits, fitted.Head.Rows), evaluate.DefaultThreshold)
	if err != nil {
		return evaluate.Unknown, 0, err
	}
	return figures.AUC, taught, nil
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
