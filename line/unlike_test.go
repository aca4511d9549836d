package line

import (
	"os"
	"testing"
	"time"

	"passfail/device"
	"passfail/model"
	"passfail/model/graph"
)

// guardedModel is the demo's model with a made-up guard: its novelty is twice
// the score of good, so that it knows bad parts only.
func guardedModel(t testing.TB, rule Rule) Model {
	t.Helper()
	b, err := os.ReadFile(demoModel)
	if err != nil {
		t.Fatal(err)
	}
	f, err := graph.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	s := f.Model.Subgraphs[0]
	twice := make([]float32, f.Model.Shape(s.Outputs[0])[1])
	twice[1] = 2 // labels are chip, good, …
	s.Outputs = append(s.Outputs, f.Model.Dense(s.Outputs[0], twice, []float32{0}, model.NoveltyOutput))
	if b, err = f.Bytes(); err != nil {
		t.Fatal(err)
	}
	c, err := model.OpenBytes(b, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	j, err := NewJudge(rule, c.Labels())
	if err != nil {
		t.Fatal(err)
	}
	return Model{Classifiers: []*model.Classifier{c}, Judge: j}
}

// A part that the model does not know fails, though all its score is for good,
// and is pushed off like a bad one.
func TestPartsUnlikeTheTrainingsFail(t *testing.T) {
	for name, c := range map[string]struct {
		rule Rule
		want Verdict
		flag bool
	}{
		"fail":    {Rule{Threshold: 0.5, NoveltyLimit: 1}, Fail, true},
		"ignored": {Rule{Threshold: 0.5, NoveltyLimit: 1, Unlike: Pass}, Pass, true},
		"off":     {Rule{Threshold: 0.5}, Pass, false},
	} {
		b := newBench(t, wiring{mode: device.Level, rejectWidth: time.Millisecond, heartbeatHalf: time.Second})
		l := &Line{Model: guardedModel(t, c.rule), Pins: b.Pins}
		f := picture(t, "001-good.jpg")
		f.Taken = time.Now()
		r, err := l.Inspect(f)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != c.want || r.Unlike != c.flag || r.Label != "good" || r.Novelty < 1 {
			t.Errorf("%s: %+v", name, r.Judgement)
		}
	}
}
