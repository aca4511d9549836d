package train

import (
	"strings"
	"testing"
	"time"

	"passfail/model"
)

// Whatever comes of fine-tuning, the report says it, and the model judges.
func TestFineTune(t *testing.T) {
	o := small(drawn(t, 16))
	o.FineTune = true
	r := run(t, o)
	if w := strings.Join(r.Report.Warnings, "\n"); !strings.Contains(w, "Fine-tuning") {
		t.Errorf("the report does not say what came of fine-tuning: %s", w)
	}
	c, err := model.OpenBytes(r.Model, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SelfTest(); err != nil {
		t.Error(err)
	}
}

// A base that is tuned with all pictures makes a whole model, as sure of itself as
// pictures say that did not tune the trial.
func TestTuneAll(t *testing.T) {
	s := &session{o: small(drawn(t, 16)), start: time.Now(), materials: map[string]*material{}}
	defer s.close()
	ctx := t.Context()
	if err := s.o.complete(); err != nil {
		t.Fatal(err)
	}
	if err := s.survey(ctx); err != nil {
		t.Fatal(err)
	}
	best, err := s.choose(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.judgeOutside(ctx, best)
	if err != nil {
		t.Fatal(err)
	}
	source, err := s.newTuneSource(best)
	if err != nil {
		t.Fatal(err)
	}
	defer source.close()
	tuner, err := s.newTuner(ctx, best, source)
	if err != nil {
		t.Fatal(err)
	}
	defer tuner.Close()
	trial, err := tuner.Tune(ctx)
	if err != nil {
		t.Fatal(err)
	}
	trial.Tuned.Epochs = 2 // as if they had served
	c := *before.calibration
	c.Slope *= 0.5
	final, err := s.tuneAll(ctx, best, tuner, trial, &c)
	if err != nil {
		t.Fatal(err)
	}
	if final.network.Digest() == best.network.Digest() {
		t.Error("the base is as it was")
	}
	// Half as sure is no reason to change its mind on what it was taught.
	sample := s.sample(final.fitted.Logits, final.fitted.Head.Rows)
	for i, p := range sample.Pictures {
		logits, err := final.material.judge(final.fitted.Head, final.candidate, i)
		if err != nil {
			t.Fatal(err)
		}
		if (logits[0] > 0) != (p.Truth == 1) {
			t.Errorf("%s: a picture that taught and tuned has logit %.2f", p.Path, logits[0])
		}
	}
	witnesses := s.witnesses(final)
	b, err := Assemble(final.network, final.fitted.Head, final.serve, nil, s.pictures.set.Labels, Provenance{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.compare(final, b, witnesses); err != nil {
		t.Error(err)
	}
}
