package line

import (
	"context"
	"fmt"
	"time"

	"passfail/line/belt"
	"passfail/model"
)

// judgeShots judges what the shutter keeps, until ctx ends.
func (l *Line) judgeShots(ctx context.Context, s *shutter) {
	for {
		select {
		case k := <-s.queue:
			l.judgeShot(ctx, k)
			s.free <- k
		case <-ctx.Done():
			return
		}
	}
}

// judgeShot judges one picture for the parts that it shows.
func (l *Line) judgeShot(ctx context.Context, k *shot) {
	if h := l.takeOver(); h != nil {
		old := l.Model
		l.Model = h.model
		h.done <- answer{old: old}
	}
	c, judge := l.Model.Classifiers[0], l.Model.Judge
	var i inspection
	i.load(c, &k.picture, l.Model.Name)
	i.invoke(c)
	i.decide(c, judge)
	judge.Forget() // the next frame shows another part; a part's own frames vote in its entry
	if i.err != nil {
		i.err = fmt.Errorf("frame %d %s: %w", k.picture.Seq, k.picture.Name, i.err)
	}
	sharp := 0.0
	if l.Parts.Sharpest && len(k.parts) > 0 {
		sharp = k.sharpness()
	}
	for _, part := range k.parts {
		l.vote(ctx, part, k, &i, sharp)
	}
	if len(k.parts) == 0 && i.err != nil {
		l.tell(ctx, Event{Err: i.err})
	}
	if l.Pins.Heartbeat != nil && i.err == nil {
		_ = l.Pins.Heartbeat.Beat()
	}
	l.Parts.counts.judged.Add(1)
	l.finished.Add(1)
}

// decide makes the judgement of a network's scores.
func (i *inspection) decide(c *model.Classifier, judge *Judge) {
	start := time.Now()
	if i.err == nil {
		var scores []float32
		if scores, i.err = c.Scores(); i.err == nil {
			novelty, _ := c.Novelty()
			i.result.Judgement = judge.JudgeNovel(scores, novelty)
		}
	}
	i.result.Stages.Decide = time.Since(start)
}

// vote counts a frame's verdict for a part. The belt knows the part's verdict by the frames so far; when
// the last frame of the part is judged, or is too late, the verdict is told.
func (l *Line) vote(ctx context.Context, part belt.Shot, k *shot, i *inspection, sharp float64) {
	p := l.Parts
	p.said.mu.Lock()
	e := p.said.of(part.Part)
	e.add(i, sharp, p.Sharpest)
	err := p.Belt.Decide(part.Part, belt.Verdict(e.result.Verdict))
	last := part.Number == part.Of || e.frames == part.Of
	if err != nil || e.told || !last {
		p.said.mu.Unlock()
		return // a part that was decided without this is told by the gatekeeper
	}
	e.told = true
	r := e.result
	p.said.mu.Unlock()
	now := time.Now()
	r.Part, r.Triggered = part.Part, p.Epoch.Add(time.Duration(part.Edge))
	r.Pin = l.showVerdict(r.Verdict, now)
	r.Stages.Pins = time.Since(now)
	l.record(r, i.err, &k.picture.Image, k.picture.ROI)
	l.tell(ctx, Event{r, i.err})
}

// add counts a frame.
func (e *entry) add(i *inspection, sharp float64, sharpest bool) {
	e.frames++
	r := i.result // a frame that can't be judged fails
	if r.Verdict == Pass {
		e.votes++
	}
	switch {
	case e.frames == 1 || sharpest && sharp > e.sharp:
		e.result, e.sharp = r, sharp
	case !sharpest:
		e.result = r
	}
	if !sharpest {
		e.result.Verdict = Fail
		if 2*e.votes > e.frames {
			e.result.Verdict = Pass
		}
	}
}
