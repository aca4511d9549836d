package line

import (
	"context"
	"sync"

	"passfail/capture"
)

// lane is a classifier, and the frame that it has under way.
type lane struct {
	index   int   // of the classifier
	crew    *crew // changes only while the lane is free
	work    inspection
	loaded  chan struct{} // closed at the end
	invoked chan struct{}
}

// turn is what is finished next: a lane's frame, or a loss of the camera.
type turn struct {
	lane  *lane
	judge *Judge
	lost  error
}

// runParallel is Run with several classifiers: this goroutine loads frames, one
// for each lane runs the network, and one finishes them in the frames' order. A
// frame is the camera's again as soon as it is loaded.
func (l *Line) runParallel(ctx context.Context) error {
	count := len(l.Model.Classifiers)
	free := make(chan *lane, count)
	turns := make(chan turn, count+1)
	now := &crew{model: l.Model}
	var lanes, finisher sync.WaitGroup
	for i := range count {
		n := &lane{index: i, loaded: make(chan struct{}, 1), invoked: make(chan struct{}, 1)}
		now.join(n)
		lanes.Go(func() {
			defer l.safeOnPanic()
			for range n.loaded {
				n.work.invoke(n.classifier())
				n.invoked <- struct{}{}
			}
		})
		free <- n
	}
	finisher.Go(func() {
		defer l.safeOnPanic()
		for t := range turns {
			if t.lost != nil {
				l.rest(t.judge)
				l.tell(ctx, Event{Err: t.lost})
				continue
			}
			<-t.lane.invoked
			r, err := l.finish(&t.lane.work, t.lane.classifier(), t.judge)
			free <- t.lane
			l.tell(ctx, Event{r, err})
		}
	})
	err := l.frames(ctx, func(f *capture.Frame) {
		if h := l.take(f); h != nil {
			now.done = h.done
			now.leave()
			now, l.Model = &crew{model: h.model}, h.model
		}
		n := <-free
		now.join(n)
		n.work.load(n.classifier(), f, now.model.Name)
		n.loaded <- struct{}{}
		turns <- turn{lane: n, judge: now.model.Judge}
	}, func(lost error) { turns <- turn{judge: now.model.Judge, lost: lost} })
	close(turns)
	finisher.Wait()
	for range count {
		n := <-free
		now.join(n)
		close(n.loaded)
	}
	lanes.Wait()
	return err
}
