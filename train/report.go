package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	"passfail/capture"
	"passfail/evaluate"
	"passfail/evaluate/report"
	"passfail/model"
)

// onSheet is how many pictures a contact sheet has at most.
const onSheet = 24

// report says what the training came to.
func (s *session) report(ctx context.Context, best *tried, b []byte, sample *evaluate.Sample, choice *evaluate.Choice, curve *evaluate.LearningCurve) (*report.Report, error) {
	classifier, err := model.OpenBytes(b, model.Options{})
	if err != nil {
		return nil, err
	}
	defer classifier.Close()
	r, err := s.newReport("Training on "+filepath.Base(s.o.Dir), best.network.Name, classifier, b)
	if err != nil {
		return nil, err
	}
	r.Model.Pass, r.Model.Views, r.Model.Head = s.passLabels(), len(best.serve), best.fitted.String()
	r.Threshold, r.LearningCurve = choice, curve
	how := fmt.Sprintf("cross-validation, %d folds", s.folds)
	if s.tuning != nil {
		r.Warnings = append(r.Warnings, s.tuning.sentence())
		if s.tuning.kept {
			how = "a fifth of the pictures, which tuned and taught nothing"
		}
	}
	if s.folds < 3 {
		r.Warnings = append(r.Warnings, "A label has pictures of only two parts: the figures are of the very cross-validation that chose the model, so they flatter it. Take more pictures.")
	}
	if r.CrossValidated, err = report.NewEvaluation(how, sample, choice.Threshold); err != nil {
		return nil, err
	}
	if curve != nil {
		// A curve of too few points has no forecast; the report says so.
		r.Forecast, _ = curve.Forecast(s.o.Seed)
	}
	var thumbnail func(evaluate.Suspect) (plain, overlay []byte, err error)
	if s.o.Sheets {
		thumbnail = report.Thumbnails(ctx, s.pictures.view, classifier)
	}
	suspects, err := evaluate.Mislabelled(sample, choice.Threshold, onSheet)
	if err != nil {
		return nil, err
	}
	r.Mislabelled = report.NewPictures(suspects, thumbnail)
	if suspects, err = evaluate.Worst(sample, choice.Threshold, onSheet); err != nil {
		return nil, err
	}
	r.Worst = report.NewPictures(suspects, thumbnail)
	s.reportTried(r, best)
	if s.heldOut != nil {
		if r.Test, err = s.test(ctx, classifier, choice.Threshold); err != nil {
			return nil, err
		}
	}
	s.finish(r)
	return r, nil
}

// newReport begins a report on the model in b, which classifier has open.
func (s *session) newReport(title, base string, classifier *model.Classifier, b []byte) (*report.Report, error) {
	took, err := latency(classifier)
	if err != nil {
		return nil, err
	}
	set, sum := s.pictures.set, sha256.Sum256(b)
	r := &report.Report{
		Title: title, Made: time.Now().UTC().Truncate(time.Second), Program: s.o.Program,
		Model: report.Model{
			SHA256: hex.EncodeToString(sum[:]), Bytes: len(b), Labels: classifier.Labels(), Base: base,
			Input: classifier.Input().String(), View: s.lineView().String(), Views: 1, Milliseconds: took, Seed: &s.o.Seed,
		},
		Data:     report.Data{Dir: set.Dir, Hash: s.pictures.digest(), Parts: s.parts()},
		Warnings: slices.Clone(s.warnings),
	}
	for i, n := range set.Counts() {
		r.Data.Labels = append(r.Data.Labels, report.Count{Label: set.Labels[i], Pass: s.pass[i], Pictures: n})
	}
	for _, err := range s.pictures.broken {
		r.Data.Unreadable = append(r.Data.Unreadable, err.Error())
	}
	return r, nil
}

// finish notes how long all of it took.
func (s *session) finish(r *report.Report) {
	r.Seconds = time.Since(s.start).Seconds()
	r.Model.TrainingSeconds = r.Seconds
}

// parts is how many the pictures show.
func (s *session) parts() int {
	seen := map[int]bool{}
	for _, g := range s.pictures.groups {
		seen[g] = true
	}
	return len(seen)
}

func (s *session) reportTried(r *report.Report, best *tried) {
	for _, t := range s.tried {
		c := report.Candidate{Name: t.String(), Cost: t.cost, Accuracy: evaluate.Unknown, AUC: evaluate.Unknown, Why: t.skipped}
		if !math.IsInf(t.loss, 1) {
			c.Accuracy, c.AUC = t.accuracy, t.auc
			c.LogLoss, c.LogLossOfAll = t.loss, t.whole
			c.Chosen = t == best
			if !c.Chosen {
				gain, chance := compareLosses(best.losses, t.losses)
				c.Behind, c.BehindError = -gain, chance
				if t.cost > dearer*best.cost && gain > 0 {
					c.Why = "slower, and better by no more than chance"
				}
			}
		}
		r.Candidates = append(r.Candidates, c)
	}
}

// classify scores a picture file.
func classify(c *model.Classifier, path string, view capture.Settings) ([]float64, error) {
	f, err := capture.ReadPicture(path, view)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	got, err := c.Classify(&f.Image, f.ROI)
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", path, err)
	}
	scores := make([]float64, len(got))
	for k, v := range got {
		scores[k] = float64(v)
	}
	return scores, nil
}
