package line

import (
	"context"
	"sync"

	"passfail/capture"
	"passfail/model"
)

// lane is one classifier and the frame that it has under way.
type lane struct {
	classifier *model.Classifier
	work       inspection
	loaded     chan struct{} // closed at the end
	invoked    chan struct{}
}

// turn is what is finished next: a lane's frame, or a loss of the camera.
type turn struct {
	lane *lane
	lost error
}

// runParallel is Run with several classifiers: this goroutine loads frames, one
// for each lane runs the network, and one finishes them in the frames' order. A
// frame is the camera's again as soon as it is loaded.
func (l *Line) runParallel(ctx context.Context) error {
	free := make(chan *lane, len(l.Classifiers))
	turns := make(chan turn, len(l.Classifiers)+1)
	var lanes, finisher sync.WaitGroup
	for _, c := range l.Classifiers {
		n := &lane{classifier: c, loaded: make(chan struct{}, 1), invoked: make(chan struct{}, 1)}
		lanes.Go(func() {
			defer l.safeOnPanic()
			for range n.loaded {
				n.work.invoke(n.classifier)
				n.invoked <- struct{}{}
			}
		})
		free <- n
	}
	finisher.Go(func() {
		defer l.safeOnPanic()
		for t := range turns {
			if t.lost != nil {
				l.rest()
				l.tell(ctx, Event{Err: t.lost})
				continue
			}
			<-t.lane.invoked
			r, err := l.finish(&t.lane.work, t.lane.classifier)
			free <- t.lane
			l.tell(ctx, Event{r, err})
		}
	})
	err := l.frames(ctx, func(f *capture.Frame) {
		n := <-free
		n.work.load(n.classifier, f)
		n.loaded <- struct{}{}
		turns <- turn{lane: n}
	}, func(lost error) { turns <- turn{lost: lost} })
	close(turns)
	finisher.Wait()
	for range l.Classifiers {
		close((<-free).loaded)
	}
	lanes.Wait()
	return err
}
