package line

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"sync/atomic"

	"gocv.io/x/gocv"

	"passfail/capture"
	"passfail/model"
)

// swaps is how a running line gets another model.
type swaps struct {
	one  sync.Mutex               // a swap at a time
	next atomic.Pointer[handover] // that waits for a frame

	// region is the size of the last frame's region of interest: width<<32 | height.
	region atomic.Uint64
}

// handover is a model on its way to the line.
type handover struct {
	model Model
	done  chan answer // has room for the one answer
}

// answer is what the line makes of a handover.
type answer struct {
	old Model // that is used no more
	err error
}

// Swap gives a running line another model. The line takes it between two frames:
// each frame is judged once, by the old model or the new one, and none waits.
// The frames so far don't vote on the next verdicts.
//
// Swap returns when the old model, which it returns, is used no more and can be
// closed. If ctx ends before there was a frame, or the new model has another
// number of classifiers than the old, the error says so and the new one is
// still the caller's. Any goroutine may call it, but the one that runs the line.
func (l *Line) Swap(ctx context.Context, m Model) (old Model, err error) {
	l.swaps.one.Lock()
	defer l.swaps.one.Unlock()
	if len(m.Classifiers) == 0 || m.Judge == nil {
		return Model{}, errors.New("a model without classifiers or judge can't be swapped in")
	}
	if err := l.warm(m); err != nil {
		return Model{}, err
	}
	h := &handover{m, make(chan answer, 1)}
	l.swaps.next.Store(h)
	select {
	case a := <-h.done:
		return a.old, a.err
	case <-ctx.Done():
	}
	if l.swaps.next.CompareAndSwap(h, nil) {
		return Model{}, fmt.Errorf("no frame came to swap the model at: %w", ctx.Err())
	}
	a := <-h.done // it was taken just then
	return a.old, a.err
}

// warm runs a model on a picture as large as the line's, or its first frame would
// wait for the tables that resizing needs.
func (l *Line) warm(m Model) error {
	size := l.swaps.region.Load()
	if size == 0 {
		return nil
	}
	region := image.Rect(0, 0, int(size>>32), int(uint32(size)))
	picture := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(127, 127, 127, 0), region.Dy(), region.Dx(), gocv.MatTypeCV8UC3)
	defer picture.Close()
	for _, c := range m.Classifiers {
		if _, err := c.Classify(&picture, region); err != nil {
			return err
		}
	}
	return nil
}

// take returns the model that waits, if one does, before f is judged.
func (l *Line) take(f *capture.Frame) *handover {
	l.noteRegion(f)
	return l.takeOver()
}

// noteRegion notes how large the line's pictures are.
func (l *Line) noteRegion(f *capture.Frame) {
	l.swaps.region.Store(uint64(f.ROI.Dx())<<32 | uint64(uint32(f.ROI.Dy())))
}

// takeOver returns the model that waits, if one does.
func (l *Line) takeOver() *handover {
	if l.swaps.next.Load() == nil {
		return nil
	}
	h := l.swaps.next.Swap(nil)
	if h == nil {
		return nil // it was taken back
	}
	if got, want := len(h.model.Classifiers), len(l.Model.Classifiers); got != want {
		h.done <- answer{err: fmt.Errorf("the new model has %d classifiers; as many as the old one has, %d, are needed", got, want)}
		return nil
	}
	return h
}

// crew is a model at work in the lanes of a parallel line.
type crew struct {
	model Model
	lanes int           // that use it
	done  chan<- answer // nil: this is the line's model
}

// leave tells that a model that was replaced is used no more, once that is so.
func (c *crew) leave() {
	if c.lanes == 0 && c.done != nil {
		c.done <- answer{old: c.model}
	}
}

// join gives a free lane the line's model.
func (c *crew) join(n *lane) {
	before := n.crew
	if before == c {
		return
	}
	n.crew = c
	c.lanes++
	if before != nil {
		before.lanes--
		before.leave()
	}
}

func (n *lane) classifier() *model.Classifier { return n.crew.model.Classifiers[n.index] }
