package line

import (
	"math"
	"strings"
	"testing"
)

var labels = []string{"chip", "good", "scratch"}

func TestJudge(t *testing.T) {
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		rule   Rule
		scores []float32
		want   Verdict
		label  string
		unsure bool
	}{
		"good":                 {Rule{Threshold: 0.5}, []float32{0.1, 0.8, 0.1}, Pass, "good", false},
		"bad":                  {Rule{Threshold: 0.5}, []float32{0.1, 0.2, 0.7}, Fail, "scratch", false},
		"below the threshold":  {Rule{Threshold: 0.9}, []float32{0.1, 0.8, 0.1}, Fail, "good", false},
		"just the threshold":   {Rule{Threshold: 0.5}, []float32{0.25, 0.5, 0.25}, Pass, "good", false},
		"unsure fails":         {Rule{Threshold: 0.3, Confidence: 0.6}, []float32{0.3, 0.5, 0.2}, Fail, "good", true},
		"unsure passes":        {Rule{Threshold: 0.9, Confidence: 0.6, BelowConfidence: Pass}, []float32{0.3, 0.5, 0.2}, Pass, "good", true},
		"no number":            {Rule{Threshold: 0.1}, []float32{nan, nan, nan}, Fail, "chip", true},
		"no number in fail":    {Rule{Threshold: 0.5, BelowConfidence: Pass}, []float32{0.1, 0.8, nan}, Fail, "good", true},
		"no number first":      {Rule{Threshold: 0.05, Confidence: 0.5, BelowConfidence: Pass}, []float32{nan, 0.1, 0.9}, Fail, "chip", true},
		"each for itself, bad": {Rule{Threshold: 0.5}, []float32{0, 0.6, 0.95}, Fail, "scratch", false},
		"each for itself":      {Rule{Threshold: 0.5}, []float32{0.3, 0.9, 0.4}, Pass, "good", false},
		"two that add up":      {Rule{Pass: []string{"good", "chip"}, Threshold: 0.9}, []float32{0.8, 0.8, 0.1}, Fail, "chip", false},
		"no number in pass":    {Rule{Threshold: 0.1, BelowConfidence: Pass}, []float32{0.5, nan, 0.5}, Fail, "chip", true},
		"a sum of pass labels": {Rule{Pass: []string{"good", "chip"}, Threshold: 0.9}, []float32{0.45, 0.5, 0.05}, Pass, "good", false},
	} {
		if c.rule.Pass == nil {
			c.rule.Pass = []string{"good"}
		}
		j, err := NewJudge(c.rule, labels)
		if err != nil {
			t.Fatal(err)
		}
		got := j.Judge(c.scores)
		if got.Verdict != c.want || got.Label != c.label || got.Unsure != c.unsure {
			t.Errorf("%s: %+v, want %v %s unsure %v", name, got, c.want, c.label, c.unsure)
		}
	}
}

func TestJudgeNovel(t *testing.T) {
	nan := float32(math.NaN())
	good := []float32{0.1, 0.8, 0.1}
	for name, c := range map[string]struct {
		limit   float64
		unlike  Verdict
		scores  []float32
		novelty float32
		want    Verdict
		flagged bool
	}{
		"like the training's":   {1, Fail, good, 0.7, Pass, false},
		"at the limit":          {1, Fail, good, 1, Pass, false},
		"unlike fails":          {1, Fail, good, 1.01, Fail, true},
		"unlike is ignored":     {1, Pass, good, 5, Pass, true},
		"unlike and bad":        {1, Pass, []float32{0.9, 0.1, 0}, 5, Fail, true},
		"a limit of one's own":  {2, Fail, good, 1.9, Pass, false},
		"off":                   {0, Fail, good, 9, Pass, false},
		"no number":             {1, Fail, good, nan, Fail, true},
		"no number, off":        {0, Fail, good, nan, Pass, false},
		"a model without guard": {1, Fail, good, 0, Pass, false},
	} {
		j, err := NewJudge(Rule{Pass: []string{"good"}, Threshold: 0.5, NoveltyLimit: c.limit, Unlike: c.unlike}, labels)
		if err != nil {
			t.Fatal(err)
		}
		if got := j.JudgeNovel(c.scores, c.novelty); got.Verdict != c.want || got.Unlike != c.flagged {
			t.Errorf("%s: %+v, want %v, unlike %v", name, got, c.want, c.flagged)
		}
	}
	if _, err := NewJudge(Rule{Threshold: 0.5, NoveltyLimit: math.NaN()}, []string{"good", "bad"}); err == nil || !strings.Contains(err.Error(), "novelty_limit") {
		t.Errorf("a limit that is no number: error %v", err)
	}
}

// A part unlike all others that was outvoted has failed on its own all the same.
func TestUnlikePartsVoteFail(t *testing.T) {
	j, err := NewJudge(Rule{Pass: []string{"good"}, Threshold: 0.5, NoveltyLimit: 1, Vote: 2}, labels)
	if err != nil {
		t.Fatal(err)
	}
	good := []float32{0, 1, 0}
	if got := j.JudgeNovel(good, 0); got.Verdict != Pass {
		t.Errorf("%+v", got)
	}
	if got := j.JudgeNovel(good, 3); got.Verdict != Fail || !got.Unlike { // one of two
		t.Errorf("%+v", got)
	}
}

func TestVote(t *testing.T) {
	j, err := NewJudge(Rule{Pass: []string{"good"}, Threshold: 0.5, Vote: 3}, labels)
	if err != nil {
		t.Fatal(err)
	}
	good, bad := []float32{0, 1, 0}, []float32{1, 0, 0}
	var got strings.Builder
	for _, c := range "gbggbbggxgb" {
		switch c {
		case 'g':
			got.WriteByte(j.Judge(good).Verdict.String()[0])
		case 'b':
			got.WriteByte(j.Judge(bad).Verdict.String()[0])
		case 'x':
			j.Forget()
		}
	}
	// g: 1 of 1. b: a tie fails. Then always two of the last three. x forgets.
	if want := "pf" + "pp" + "pf" + "fp" + "pf"; got.String() != want {
		t.Errorf("verdicts %s, want %s", got.String(), want)
	}
}

func TestNewJudgeErrors(t *testing.T) {
	for _, c := range []struct {
		pass []string
		want string
	}{
		{[]string{"ok"}, "chip, good, scratch"},
		{[]string{"good", "goood"}, `no label "goood"`},
		{labels, "no part could fail"},
	} {
		if _, err := NewJudge(Rule{Pass: c.pass, Threshold: 0.5}, labels); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("pass %q: error %v, want one with %q", c.pass, err, c.want)
		}
	}
	if _, err := NewJudge(Rule{}, []string{"daisy", "palace"}); err == nil || !strings.Contains(err.Error(), "daisy, palace") {
		t.Errorf("error %v", err)
	}
	for _, threshold := range []float64{0, -1, 1.5, math.NaN()} {
		if _, err := NewJudge(Rule{Threshold: threshold}, labels); err == nil || !strings.Contains(err.Error(), "decision.threshold") {
			t.Errorf("threshold %v: %v", threshold, err)
		}
	}
	j, err := NewJudge(Rule{Threshold: 0.5}, []string{"NOK", "OK"})
	if err != nil {
		t.Fatal(err)
	}
	if got := j.Judge([]float32{0.2, 0.8}); got.Verdict != Pass {
		t.Errorf("OK at 0.8: %+v", got)
	}
}
