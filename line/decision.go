package line

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict on a part.
type Verdict uint8

// The verdicts.
const (
	Fail Verdict = iota
	Pass
)

// String returns "pass" or "fail".
func (v Verdict) String() string {
	if v == Pass {
		return "pass"
	}
	return "fail"
}

// Rule says what of a model's scores makes a part pass.
type Rule struct {
	Pass            []string // labels of good parts, every other label is a fail; empty: those of GoodLabels that the model has
	Threshold       float64  // above 0, up to 1: the pass labels' scores must add up to this
	Confidence      float64  // 0..1: the best label must have this score …
	BelowConfidence Verdict  // … or this is the verdict
	NoveltyLimit    float64  // a part with a novelty above this is unlike all that the model knows; 0: no part is
	Unlike          Verdict  // Fail: such a part fails whatever its scores; Pass: its scores decide
	Vote            int      // frames that vote on a verdict; 0 and 1: no vote
}

// Passes tells whether a label is that of good parts, whatever model has it.
func (r Rule) Passes(label string) bool {
	if len(r.Pass) > 0 {
		return slices.Contains(r.Pass, label)
	}
	return slices.Contains(GoodLabels, strings.ToLower(label))
}

// addUpSlack is how much more than 1 the scores of labels that exclude each other
// may add up to: 8-bit scores are rounded.
const addUpSlack = 1.0 / 16

// GoodLabels are what people call good parts.
var GoodLabels = []string{"good", "ok", "pass"}

// Judgement is what a rule made of a frame's scores.
type Judgement struct {
	Verdict   Verdict
	Label     string  // the best label
	Score     float32 // its score, 0..1
	PassScore float32 // the pass labels' scores, added up
	Unsure    bool    // the best score was below the rule's confidence
	Novelty   float32 // how unlike the training's pictures; 1 is the model's own limit; 0 from models that can't tell
	Unlike    bool    // the novelty was above the rule's limit
}

// Judge applies a rule to a model's scores, frame by frame. It belongs to one
// goroutine.
type Judge struct {
	rule   Rule
	labels []string
	passes []bool    // by label
	recent []Verdict // the frames that vote, a ring
	next   int
	seen   int
}

// PassLabels tells of each label whether it means a good part: those of pass do,
// or, where pass is empty, those that are called one of GoodLabels. It is an
// error if all or none do.
func PassLabels(pass, labels []string) ([]bool, error) {
	passes := make([]bool, len(labels))
	for i, l := range labels {
		passes[i] = Rule{Pass: pass}.Passes(l)
	}
	for _, p := range pass {
		if !slices.Contains(labels, p) {
			return nil, fmt.Errorf("decision.pass: the model has no label %q; its labels are: %s", p, strings.Join(labels, ", "))
		}
	}
	if !slices.Contains(passes, true) {
		return nil, fmt.Errorf("decision.pass: none of the model's labels is called %s; say which of them mean a good part: %s",
			strings.Join(GoodLabels, " or "), strings.Join(labels, ", "))
	}
	if !slices.Contains(passes, false) {
		return nil, fmt.Errorf("decision.pass: all of the model's labels would pass (%s), so no part could fail", strings.Join(labels, ", "))
	}
	return passes, nil
}

// NewJudge makes the judge of a model with these labels.
func NewJudge(rule Rule, labels []string) (*Judge, error) {
	passes, err := PassLabels(rule.Pass, labels)
	if err != nil {
		return nil, err
	}
	if !(rule.Threshold > 0 && rule.Threshold <= 1) {
		return nil, fmt.Errorf("decision.threshold = %v: above 0, up to 1 is possible; with 0 every part would pass", rule.Threshold)
	}
	if !(rule.NoveltyLimit >= 0) {
		return nil, fmt.Errorf("decision.novelty_limit = %v: 0 (no part is unlike), or more is possible", rule.NoveltyLimit)
	}
	return &Judge{rule: rule, labels: labels, passes: passes, recent: make([]Verdict, max(rule.Vote, 1))}, nil
}

// Judge returns the verdict on scores, which are in the order of the labels. A
// score that is no number never helps a part to pass.
func (j *Judge) Judge(scores []float32) Judgement { return j.JudgeNovel(scores, 0) }

// JudgeNovel is Judge for a picture whose novelty is known. A novelty that is no
// number is above every limit.
func (j *Judge) JudgeNovel(scores []float32, novelty float32) Judgement {
	r := Judgement{Novelty: novelty}
	r.Unlike = j.rule.NoveltyLimit > 0 && !(float64(novelty) <= j.rule.NoveltyLimit)
	best, total, highest, broken := 0, float32(0), float32(0), false
	for i, s := range scores {
		broken = broken || !(s >= 0)
		total += s
		if j.passes[i] {
			r.PassScore += s
			highest = max(highest, s)
		}
		if s > scores[best] {
			best = i
		}
	}
	r.Label, r.Score = j.labels[best], scores[best]
	// Labels that are scored each for itself do not share a whole: then scores
	// can't be added up, and a bad label that is likelier than the good ones wins.
	if total > 1+addUpSlack {
		r.PassScore = highest
		if !j.passes[best] {
			r.PassScore = min(highest, 1-r.Score)
		}
	}
	switch {
	case broken:
		r.Unsure = true
	case !(float64(r.Score) >= j.rule.Confidence):
		r.Unsure = true
		r.Verdict = j.rule.BelowConfidence
	case float64(r.PassScore) >= j.rule.Threshold:
		r.Verdict = Pass
	}
	if r.Unlike && j.rule.Unlike == Fail {
		r.Verdict = Fail
	}
	r.Verdict = j.vote(r.Verdict)
	return r
}

// vote replaces a frame's verdict by that of the last frames' majority; a tie
// fails. While there are fewer frames than votes, those there are vote.
func (j *Judge) vote(v Verdict) Verdict {
	j.recent[j.next] = v
	j.next = (j.next + 1) % len(j.recent)
	j.seen = min(j.seen+1, len(j.recent))
	passes := 0
	for _, v := range j.recent[:j.seen] {
		if v == Pass {
			passes++
		}
	}
	if 2*passes > j.seen {
		return Pass
	}
	return Fail
}

// Forget drops the frames that would vote: after the camera was lost they show
// another part.
func (j *Judge) Forget() { j.next, j.seen = 0, 0 }
