package train

import (
	"context"
	"fmt"
	"time"

	"passfail/evaluate"
	"passfail/train/feature"
	"passfail/train/finetune"
	"passfail/train/head"
)

// tuning is what came of fine-tuning a candidate's base.
type tuning struct {
	kept          bool
	before, after *outside
	took          time.Duration
	epochs        int
}

// Folds that do not tune at first: one judges whether anything was gained, of one
// some decide when to stop.
const (
	judging  = 0
	stopping = 1
)

// fineTune trains the top of the candidate's base on some of the pictures and
// compares the outcome, as it is served in 8 bit, with the candidate, on a fold
// that neither tuned nor taught nor stopped. If it judges better, the base is
// tuned once more, on all pictures. fineTune returns the better candidate.
func (s *session) fineTune(ctx context.Context, t *tried) (*tried, *tuning, error) {
	began := time.Now()
	out := &tuning{}
	defer func() { out.took = time.Since(began) }()
	var err error
	if out.before, err = s.judgeOutside(ctx, t); err != nil {
		return nil, nil, err
	}
	source, err := s.newTuneSource(t)
	if err != nil {
		return nil, nil, err
	}
	defer source.close()
	tuner, err := s.newTuner(ctx, t, source)
	if err != nil {
		return nil, nil, err
	}
	defer tuner.Close()
	trial, err := tuner.Tune(ctx)
	if err != nil {
		return nil, nil, err
	}
	out.epochs = trial.Tuned.Epochs
	if out.epochs == 0 { // no pass was better than none
		return t, out, nil
	}
	tuned, err := s.tunedCandidate(ctx, t, trial.Base)
	if err != nil {
		return nil, nil, err
	}
	s.tried = append(s.tried, tuned)
	if out.after, err = s.judgeOutside(ctx, tuned); err != nil {
		return nil, nil, err
	}
	f := out.after.figures
	tuned.loss, tuned.auc, tuned.accuracy = float64(f.LogLoss), f.AUC, f.Accuracy
	// A small gain will do: the trial was tuned by seven tenths of the pictures, and all will gain more.
	if out.kept = f.LogLoss < out.before.figures.LogLoss; !out.kept {
		tuned.skipped = "no better on pictures that were held out"
		return t, out, nil
	}
	final, err := s.tuneAll(ctx, t, tuner, trial, out.after.calibration)
	return final, out, err
}

// tuneAll tunes a candidate's base with all pictures, as the trial did with some,
// and fits a head. The base knows the pictures that tuned it too well, so what the head
// makes of them does not tell how sure it may be: the calibration does, which suited
// the trial's head on pictures that the trial did not know.
func (s *session) tuneAll(ctx context.Context, t *tried, tuner *finetune.Tuner, trial *finetune.Result, c *head.Calibration) (*tried, error) {
	s.room = head.Room{} // tuning needs the memory
	whole, err := tuner.TuneAll(ctx, trial)
	if err != nil {
		return nil, err
	}
	tuner.Close()
	final, err := s.tunedCandidate(ctx, t, whole.Base)
	if err != nil {
		return nil, err
	}
	if err := s.try(ctx, final, s.all()); err != nil {
		return nil, err
	}
	final.fitted.Head.Recalibrate(c)
	return final, nil
}

// newTuner makes what trains the top of a candidate's base.
func (s *session) newTuner(ctx context.Context, t *tried, source *tuneSource) (*finetune.Tuner, error) {
	base, err := t.network.Base()
	if err != nil {
		return nil, err
	}
	file, err := base.Bytes()
	if err != nil {
		return nil, err
	}
	s.room = head.Room{} // tuning needs the memory
	return finetune.NewTuner(ctx, file, source, finetune.Options{
		Views: len(source.views), Seed: s.o.Seed, Dir: s.o.Cache, Threads: 2,
		Progress: func(p finetune.Progress) {
			step := Step{"fine-tuning: " + p.Stage, p.Done, p.Total}
			if p.Epoch > 0 {
				step.Doing = fmt.Sprintf("fine-tuning, pass %d of %d at the most", p.Epoch, p.Epochs)
				if p.All {
					step.Doing = fmt.Sprintf("fine-tuning with all pictures, pass %d of %d", p.Epoch, p.Epochs)
				}
			}
			s.o.Progress(step)
		},
	})
}

// tunedCandidate is a candidate with another base, and all features that it needs.
func (s *session) tunedCandidate(ctx context.Context, t *tried, base []byte) (*tried, error) {
	n, err := feature.NewNetwork(t.network.Name+" (fine-tuned)", base, t.network.Size, describe)
	if err != nil {
		return nil, err
	}
	m, err := s.newMaterial(n)
	if err != nil {
		return nil, err
	}
	tuned := &tried{candidate: &candidate{network: n, teach: t.teach, serve: t.serve, cost: t.cost}, material: m}
	return tuned, m.collect(ctx, s.all(), t.teach, func(done, total int) {
		s.o.Progress(Step{"trying " + tuned.String(), done, total})
	})
}

// outside is how the judging fold is judged by a candidate that others taught.
type outside struct {
	calibration *head.Calibration // that suits the fold
	sample      *evaluate.Sample  // with it
	figures     *evaluate.Figures
}

func (s *session) judgeOutside(ctx context.Context, t *tried) (*outside, error) {
	some, logits, err := s.judgeFold(ctx, t, judging)
	if err != nil {
		return nil, err
	}
	set := s.pictures.set
	var class []int
	for _, i := range some {
		class = append(class, set.Pictures[i].Label)
	}
	o := &outside{}
	if o.calibration, err = head.Calibrate(logits, class, len(set.Labels)); err != nil {
		return nil, err
	}
	o.calibration.Apply(logits)
	o.sample = s.sampleOf(some, logits, len(logits)/len(some))
	o.figures, err = evaluate.Evaluate(o.sample, evaluate.DefaultThreshold)
	return o, err
}

// sentence says what came of it.
func (t *tuning) sentence() string {
	if t.epochs == 0 {
		return fmt.Sprintf("Fine-tuning brought nothing: no pass was better than none (%.0f s).", t.took.Seconds())
	}
	verdict := "Fine-tuning was kept, and done again with all pictures"
	if !t.kept {
		verdict = "Fine-tuning was not kept, since it judged no better"
	}
	before, after := t.before.figures, t.after.figures
	return fmt.Sprintf("%s: on %d pictures that were held out from it, log loss %.3f with and %.3f without, ROC AUC %.3f and %.3f, right labels %s and %s (%d passes, %.0f s).",
		verdict, after.Pictures, float64(after.LogLoss), float64(before.LogLoss), float64(after.AUC), float64(before.AUC),
		evaluate.Percent(float64(after.Accuracy)), evaluate.Percent(float64(before.Accuracy)), t.epochs, t.took.Seconds())
}
