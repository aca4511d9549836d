package train

import (
	"context"
	"fmt"
	"time"
	"unsafe"

	"passfail/capture"
	"passfail/evaluate"
	"passfail/model"
	"passfail/train/feature"
	"passfail/train/finetune"
)

// tuning is what came of fine-tuning a candidate's base.
type tuning struct {
	kept          bool
	before, after *evaluate.Figures // of the fold that taught nothing
	sample        *evaluate.Sample  // that fold, judged by the tuned model
	took          time.Duration
	epochs        int
}

// Folds that do not tune: one judges whether anything was gained, one decides
// when to stop.
const (
	judging  = 0
	stopping = 1
)

// fineTune trains the top of the candidate's base and compares the outcome, as it
// is served in 8 bit, with the candidate, on a fold that neither tuned nor taught
// nor stopped. It returns the better one.
func (s *session) fineTune(ctx context.Context, t *tried) (*tried, *tuning, error) {
	if s.folds < 4 {
		return nil, nil, fmt.Errorf("fine-tuning needs pictures of at least four parts of each label: it divides them into parts that tune, stop and judge")
	}
	began := time.Now()
	source, err := s.newTuneSource(t)
	if err != nil {
		return nil, nil, err
	}
	defer source.close()
	untuned, err := t.network.Base()
	if err != nil {
		return nil, nil, err
	}
	file, err := untuned.Bytes()
	if err != nil {
		return nil, nil, err
	}
	r, err := finetune.Tune(ctx, file, source, finetune.Options{
		Views: len(source.turns), Seed: s.o.Seed, Dir: s.o.Cache, Threads: 2,
		Progress: func(p finetune.Progress) {
			doing := "fine-tuning: " + p.Stage
			if p.Epoch > 0 {
				doing = fmt.Sprintf("fine-tuning, pass %d of %d at the most", p.Epoch, p.Epochs)
			}
			s.o.Progress(Step{doing, p.Done, p.Total})
		},
	})
	if err != nil {
		return nil, nil, err
	}
	out := &tuning{epochs: r.Tuned.Epochs}
	_, before, err := s.judgeOutside(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	if out.before, err = evaluate.Evaluate(before, evaluate.DefaultThreshold); err != nil {
		return nil, nil, err
	}
	if r.Tuned.Epochs == 0 { // no pass was better than none
		out.after, out.took = out.before, time.Since(began)
		return t, out, nil
	}
	n, err := feature.NewNetwork(t.network.Name+" (fine-tuned)", r.Base, t.network.Size, describe)
	if err != nil {
		return nil, nil, err
	}
	m, err := s.newMaterial(n)
	if err != nil {
		return nil, nil, err
	}
	tuned := &tried{candidate: &candidate{network: n, teach: t.teach, serve: t.serve, cost: t.cost}, material: m}
	if err := s.try(ctx, tuned, s.all()); err != nil {
		return nil, nil, err
	}
	logits, after, err := s.judgeOutside(ctx, tuned)
	if err != nil {
		return nil, nil, err
	}
	out.sample = after
	if out.after, err = evaluate.Evaluate(after, evaluate.DefaultThreshold); err != nil {
		return nil, nil, err
	}
	tuned.loss, tuned.auc, tuned.accuracy = float64(out.after.LogLoss), out.after.AUC, out.after.Accuracy
	out.took = time.Since(began)
	out.kept = out.after.LogLoss < out.before.LogLoss
	if !out.kept {
		tuned.skipped = "no better on pictures that were held out"
		s.tried = append(s.tried, tuned)
		return t, out, nil
	}
	// The base knows the pictures that tuned it too well: how sure the model may
	// be is told by those that did not.
	if err := s.recalibrate(tuned, logits); err != nil {
		return nil, nil, err
	}
	s.tried = append(s.tried, tuned)
	return tuned, out, nil
}

// judgeOutside is judgeFold of the judging fold: its logits, and the sample.
func (s *session) judgeOutside(ctx context.Context, t *tried) ([]float64, *evaluate.Sample, error) {
	some, logits, err := s.judgeFold(ctx, t, judging)
	if err != nil {
		return nil, nil, err
	}
	return logits, s.sampleOf(some, logits, t.fitted.Head.Rows), nil
}

// recalibrate makes a candidate's head as sure as logits of the judging fold say.
func (s *session) recalibrate(t *tried, logits []float64) error {
	var class []int
	for i, f := range s.fold {
		if f == judging {
			class = append(class, s.pictures.set.Pictures[i].Label)
		}
	}
	return t.fitted.Head.Recalibrate(logits, class, len(s.pictures.set.Labels))
}

// sentence says what came of it.
func (t *tuning) sentence() string {
	verdict := "Fine-tuning was kept"
	switch {
	case t.epochs == 0:
		return fmt.Sprintf("Fine-tuning brought nothing: no pass was better than none (%.0f s).", t.took.Seconds())
	case !t.kept:
		verdict = "Fine-tuning was not kept, since it judged no better"
	}
	return fmt.Sprintf("%s: on %d pictures that were held out from it, log loss %.3f with and %.3f without, ROC AUC %.3f and %.3f, right labels %s and %s (%d passes, %.0f s).",
		verdict, t.after.Pictures, float64(t.after.LogLoss), float64(t.before.LogLoss), float64(t.after.AUC), float64(t.before.AUC),
		evaluate.Percent(float64(t.after.Accuracy)), evaluate.Percent(float64(t.before.Accuracy)), t.epochs, t.took.Seconds())
}

// tuneSource shows finetune the pictures outside the judging fold.
type tuneSource struct {
	s        *session
	pictures []int
	turns    []feature.Turn
	x        *feature.Extractor
	loaded   int // picture that x holds; −1: none
}

func (s *session) newTuneSource(t *tried) (*tuneSource, error) {
	src := &tuneSource{s: s, loaded: -1}
	for i, f := range s.fold {
		if f != judging {
			src.pictures = append(src.pictures, i)
		}
	}
	seen := map[feature.Turn]bool{}
	for _, v := range t.teach {
		if !seen[v.Turn] {
			seen[v.Turn] = true
			src.turns = append(src.turns, v.Turn)
		}
	}
	var err error
	src.x, err = t.network.Open(model.Options{Threads: 1})
	return src, err
}

func (t *tuneSource) close()       { t.x.Close() }
func (t *tuneSource) Len() int     { return len(t.pictures) }
func (t *tuneSource) Classes() int { return len(t.s.pictures.set.Labels) }
func (t *tuneSource) Label(i int) int {
	return t.s.pictures.set.Pictures[t.pictures[i]].Label
}
func (t *tuneSource) HeldOut(i int) bool { return t.s.fold[t.pictures[i]] == stopping }

// Load is finetune.Source's: the picture as the network's input, by the code that
// serves.
func (t *tuneSource) Load(i, view int, input []int8) error {
	if t.loaded != i {
		f, err := capture.ReadPicture(t.s.pictures.set.Pictures[t.pictures[i]].Path, t.s.pictures.view)
		if err != nil {
			return err
		}
		err = t.x.Load(&f.Image, f.ROI)
		f.Close()
		if err != nil {
			return err
		}
		t.loaded = i
	}
	t.x.Turned(t.turns[view], unsafe.Slice((*byte)(unsafe.Pointer(&input[0])), len(input)))
	return nil
}
