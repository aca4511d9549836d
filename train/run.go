package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"passfail/capture"
	"passfail/evaluate"
	"passfail/evaluate/report"
	"passfail/model"
	"passfail/train/dataset"
	"passfail/train/head"
	"passfail/train/novelty"
)

// Result of a training.
type Result struct {
	Model     []byte // the .tflite file
	Report    *report.Report
	DataSet   string         // its SHA-256, hex
	Base      string         // that the model is made on
	Pictures  int            // that taught
	Examples  map[string]int // of each label
	Threshold float64
}

// Run trains a model. Nothing is written but the cache.
func Run(ctx context.Context, o Options) (*Result, error) {
	s := &session{o: o, start: time.Now(), materials: map[string]*material{}}
	defer s.close()
	if err := s.o.complete(); err != nil {
		return nil, err
	}
	if err := s.survey(ctx); err != nil {
		return nil, err
	}
	if err := s.surveyTest(ctx); err != nil {
		return nil, err
	}
	best, err := s.choose(ctx)
	if err != nil {
		return nil, err
	}
	var sample *evaluate.Sample
	if s.o.FineTune {
		if best, s.tuning, err = s.fineTune(ctx, best); err != nil {
			return nil, err
		}
	}
	if s.tuning != nil && s.tuning.kept {
		// The base has seen the other pictures. It has seen these too, but not
		// when they were judged.
		sample = s.tuning.after.sample
	} else {
		logits, err := s.crossValidate(ctx, best)
		if err != nil {
			return nil, err
		}
		sample = s.sample(logits, best.fitted.Head.Rows)
	}
	choice, err := evaluate.Choose(sample, s.o.Aim)
	if err != nil {
		return nil, err
	}
	var curve *evaluate.LearningCurve
	var b []byte
	p := s.provenance(best, choice)
	err = s.each(best, 2, func(i int) (err error) {
		if i == 0 {
			curve, err = s.learningCurve(ctx, best, sample)
			return err
		}
		s.o.Progress(Step{"writing the model", 0, 1})
		if !s.few(best) {
			s.room = head.Room{} // there are no more fits, and it is large
		}
		b, err = s.assemble(ctx, best, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	r := &Result{Model: b, DataSet: p.DataSet, Base: best.network.Name, Pictures: len(s.pictures.hashes), Examples: p.Examples, Threshold: choice.Threshold}
	r.Report, err = s.report(ctx, best, b, sample, choice, curve)
	return r, err
}

func (s *session) provenance(t *tried, choice *evaluate.Choice) Provenance {
	p := Provenance{
		Description: s.o.Comment, Threshold: choice.Threshold, Pass: s.passLabels(),
		Examples: s.pictures.counts(), DataSet: s.pictures.digest(), BaseName: t.network.Name, Size: t.network.Size,
		Head: t.fitted.String(), Seed: s.o.Seed, Program: s.o.Program, View: s.lineView(),
	}
	if p.Description == "" {
		p.Description = fmt.Sprintf("Tells %s, by %d pictures.", strings.Join(s.pictures.set.Labels, ", "), len(s.pictures.hashes))
	}
	for _, v := range t.serve {
		p.Views = append(p.Views, v.String())
	}
	return p
}

// lineView is how the line's frames are turned and cut before they are judged,
// whether the pictures still had to be or were already.
func (s *session) lineView() *dataset.View {
	v := dataset.ViewOf(s.o.View)
	return &v
}

func (s *session) passLabels() []string {
	var list []string
	for i, l := range s.pictures.set.Labels {
		if s.pass[i] {
			list = append(list, l)
		}
	}
	return list
}

// assemble makes the model's file, with reference pictures, and tries it: what
// it says of pictures must be what the head said of them.
func (s *session) assemble(ctx context.Context, t *tried, p Provenance) ([]byte, error) {
	set := s.pictures.set
	guard, err := t.material.unlike(novelty.Guard, guardShare, s.o.Seed)
	if errors.Is(err, novelty.ErrTooFew) {
		s.warnings = append(s.warnings, "There are too few pictures for a guard against parts unlike any of them: the model judges whatever it is shown.")
		guard, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := Assemble(t.network, t.fitted.Head, t.serve, guard, set.Labels, p)
	if err != nil {
		return nil, err
	}
	witnesses := s.witnesses(t)
	if b, err = s.withReferences(ctx, b, witnesses); err != nil {
		return nil, err
	}
	return b, s.compare(t, b, witnesses)
}

// withReferences adds reference pictures to a model, by which it can be tested
// where it is to judge.
func (s *session) withReferences(ctx context.Context, b []byte, some []int) ([]byte, error) {
	refs, err := model.NewReferences(b)
	if err != nil {
		return nil, fmt.Errorf("the model that was trained can't be opened: %w", err)
	}
	defer refs.Close()
	for _, i := range some {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := capture.ReadPicture(s.pictures.set.Pictures[i].Path, s.pictures.view)
		if err != nil {
			return nil, err
		}
		err = refs.Offer(&f.Image, f.ROI)
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return refs.Bytes()
}

// perLabel is how many pictures of each label a new model is tried on.
const perLabel = 3

// witnesses are some pictures of each label: those that the head is surest of.
func (s *session) witnesses(t *tried) []int {
	set := s.pictures.set
	rows := t.fitted.Head.Rows
	p := make([]float64, len(set.Labels))
	var list []int
	for label := range set.Labels {
		var best []int
		var score []float64
		for i, picture := range set.Pictures {
			if picture.Label != label {
				continue
			}
			head.Probabilities(t.fitted.Logits[i*rows:(i+1)*rows], p)
			at := len(best)
			for at > 0 && p[label] > score[at-1] {
				at--
			}
			best = append(best[:at], append([]int{i}, best[at:]...)...)
			score = append(score[:at], append([]float64{p[label]}, score[at:]...)...)
			if len(best) > perLabel {
				best, score = best[:perLabel], score[:perLabel]
			}
		}
		list = append(list, best...)
	}
	return list
}

// closeEnough is how far the model's scores may be from the head's: the network
// computes in 32 bits and adds up in another order.
const closeEnough = 0.01

// compare opens the model and lets it judge some pictures.
func (s *session) compare(t *tried, b []byte, some []int) error {
	c, err := model.OpenBytes(b, model.Options{Threads: 1})
	if err != nil {
		return fmt.Errorf("the model that was trained can't be opened: %w", err)
	}
	defer c.Close()
	if err := c.SelfTest(); err != nil {
		return err
	}
	want := make([]float64, len(c.Labels()))
	for _, i := range some {
		path := s.pictures.set.Pictures[i].Path
		logits, err := t.material.judge(t.fitted.Head, t.candidate, i)
		if err != nil {
			return err
		}
		head.Probabilities(logits, want)
		got, err := classify(c, path, s.pictures.view)
		if err != nil {
			return err
		}
		for k, v := range got {
			if math.Abs(v-want[k]) > closeEnough {
				return fmt.Errorf("the model that was trained judges %s otherwise than it was taught: %q scores %.3f, and should %.3f; this is a fault of Passfail or of the machine's memory, and nothing was written",
					path, c.Labels()[k], v, want[k])
			}
		}
	}
	return nil
}

// latency is how long the network takes on this machine, milliseconds: the
// fastest of some runs, since others may want the processors too.
func latency(c *model.Classifier) (float64, error) {
	best := math.Inf(1)
	for range 7 {
		start := time.Now()
		if err := c.Invoke(); err != nil {
			return 0, err
		}
		best = min(best, time.Since(start).Seconds()*1000)
	}
	return best, nil
}
