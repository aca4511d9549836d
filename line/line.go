package line

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"sync/atomic"
	"time"

	"gocv.io/x/gocv"

	"passfail/capture"
	"passfail/device"
	"passfail/line/belt"
	"passfail/model"
)

// Pins are the outputs that a verdict moves. Those that are nil are not wired.
type Pins struct {
	Pass, Fail, Reject *device.Output
	RejectDelay        time.Duration // from when the frame was taken to the start of the reject pulse
	Heartbeat          *device.Heartbeat

	// Safe drives every output to rest ([device.Outputs.Safe]). It is called when
	// one of the line's own goroutines panics: the program dies then without the
	// deferred calls of Run's caller.
	Safe func() error
}

// Result is one inspected frame.
type Result struct {
	Judgement
	Model string // the name of the model that judged
	Seq   uint64 // of the frame

	// Of a line with a trigger: the part, and when its edge came. The frame is the last one that
	// was judged of it; a part that nobody saw has none.
	Part      belt.ID
	Triggered time.Time

	Name   string // of the frame's file, if it came from one
	Taken  time.Time
	Stages Stages
	Pin    error // what an output said, nil if all was well
}

// Stages are how long the steps of one inspection took.
type Stages struct {
	Decode time.Duration // the camera's or file's bytes to a picture; in the reader, beside the line
	Load   time.Duration // crop, resize, colour, quantize
	Invoke time.Duration // the network
	Decide time.Duration // scores to verdict
	Pins   time.Duration // verdict to pins
}

// Total is from the decoded frame to the pins.
func (s Stages) Total() time.Duration { return s.Load + s.Invoke + s.Decide + s.Pins }

// Event is what the line tells: a Result, or an error that the line goes on after.
type Event struct {
	Result Result // without Taken: there is none
	Err    error  // not nil: the camera was lost (a *capture.LostError), or a frame or part could not be judged
}

// Model is what judges.
type Model struct {
	Name string // for whom results are told

	// Classifiers are the same file, opened once or more. With several, as many
	// frames are judged at a time, and the pins move in the frames' order: more
	// frames a second, each a little later. A line with a belt takes one, and
	// gives it more threads.
	Classifiers []*model.Classifier

	Judge *Judge // of their labels
}

// Close closes the classifiers.
func (m Model) Close() {
	for _, c := range m.Classifiers {
		c.Close()
	}
}

// Line joins a camera, a model and pins. Run and Inspect belong to one
// goroutine at a time; so does Model, which they replace by what Swap brings.
type Line struct {
	Camera *capture.Camera
	Model  Model
	Pins   Pins

	// Parts are those that a trigger tells of; nil: each frame is a part. They need
	// one classifier, and the gate is theirs instead of Pins.Reject.
	Parts *Parts

	// Events is where the line tells what happens; nil: nobody listens. When it
	// is full the event is dropped and counted, unless Lossless is set: then the
	// line waits, as it may when it plays a file and no belt runs.
	Events   chan<- Event
	Lossless bool

	// Record is given each result, with the picture that was judged, or nil if there is
	// none: who keeps it copies it, and nothing waits for that. err is why it could not be judged. nil:
	// nobody records. With several classifiers nothing is recorded: pictures are given back before
	// they are judged.
	Record func(r Result, err error, picture *gocv.Mat, region image.Rectangle)

	dropped  atomic.Uint64
	started  atomic.Uint64 // frames that were kept to be judged, of a line with a trigger
	finished atomic.Uint64 // frames whose verdict was shown
	swaps
}

// Dropped is how many events found the queue full.
func (l *Line) Dropped() uint64 { return l.dropped.Load() }

// Run inspects until ctx ends or the camera's file does; both are no error.
func (l *Line) Run(ctx context.Context) error {
	if l.Parts != nil {
		return l.runParts(ctx)
	}
	if len(l.Model.Classifiers) > 1 {
		return l.runParallel(ctx)
	}
	return l.frames(ctx, func(f *capture.Frame) {
		r, err := l.Inspect(f)
		l.tell(ctx, Event{r, err})
	}, func(lost error) {
		l.rest(l.Model.Judge)
		l.tell(ctx, Event{Err: lost})
	})
}

// frames calls judge with each frame and lost with each loss of the camera.
func (l *Line) frames(ctx context.Context, judge func(*capture.Frame), lost func(error)) error {
	for {
		f, err := l.Camera.Next(ctx)
		var loss *capture.LostError
		switch {
		case err == nil:
			judge(f)
		case errors.As(err, &loss):
			lost(loss)
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return nil
		default:
			return err
		}
	}
}

// Inspect judges one frame with the first classifier and moves the pins. A
// frame that can't be judged fails: its part is pushed off like any bad one.
// Nothing is allocated.
func (l *Line) Inspect(f *capture.Frame) (Result, error) {
	if h := l.take(f); h != nil {
		old := l.Model
		l.Model = h.model
		h.done <- answer{old: old}
	}
	c := l.Model.Classifiers[0]
	var i inspection
	i.load(c, f, l.Model.Name)
	i.invoke(c)
	r, err := l.finish(&i, c, l.Model.Judge)
	l.record(r, err, &f.Image, f.ROI)
	return r, err
}

func (l *Line) record(r Result, err error, picture *gocv.Mat, region image.Rectangle) {
	if l.Record != nil {
		l.Record(r, err, picture, region)
	}
}

// inspection is one frame on its way through the line.
type inspection struct {
	result Result
	err    error // the first one
}

func (i *inspection) load(c *model.Classifier, f *capture.Frame, name string) {
	start := time.Now()
	i.result = Result{Model: name, Seq: f.Seq, Name: f.Name, Taken: f.Taken}
	i.err = c.Load(&f.Image, f.ROI)
	i.result.Stages = Stages{Decode: f.Decode, Load: time.Since(start)}
}

func (i *inspection) invoke(c *model.Classifier) {
	if i.err != nil {
		return
	}
	start := time.Now()
	i.err = c.Invoke()
	i.result.Stages.Invoke = time.Since(start)
}

func (l *Line) finish(i *inspection, c *model.Classifier, judge *Judge) (Result, error) {
	r := &i.result
	i.decide(c, judge)
	if i.err != nil {
		judge.Forget()
	}
	decided := time.Now()
	r.Pin = l.show(r.Verdict, r.Taken, decided)
	r.Stages.Pins = time.Since(decided)
	l.finished.Add(1)
	if i.err != nil {
		return *r, fmt.Errorf("frame %d %s: %w", r.Seq, r.Name, i.err)
	}
	return *r, nil
}

// show moves the pins for a verdict on a part that was taken at taken.
func (l *Line) show(v Verdict, taken, now time.Time) error {
	err := l.showVerdict(v, now)
	if v == Fail && l.Pins.Reject != nil {
		err = first(err, l.Pins.Reject.PulseAt(taken.Add(l.Pins.RejectDelay), 0))
	}
	if l.Pins.Heartbeat != nil {
		err = first(err, l.Pins.Heartbeat.Beat())
	}
	return err
}

// showVerdict lets the outputs for pass and fail tell a verdict.
func (l *Line) showVerdict(v Verdict, now time.Time) error {
	yes, no := l.Pins.Pass, l.Pins.Fail
	if v == Fail {
		yes, no = no, yes
	}
	// The opposite ends first: at no moment do both levels speak.
	err := tell(no, false, now)
	return first(err, tell(yes, true, now))
}

// tell lets an output speak, or end a level that says the opposite.
func tell(o *device.Output, active bool, now time.Time) error {
	switch {
	case o == nil:
		return nil
	case o.Settings().Mode == device.Level:
		return o.Set(active)
	case active:
		return o.PulseAt(now, 0)
	}
	return nil
}

func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// safeOnPanic is deferred in each goroutine that Run starts.
func (l *Line) safeOnPanic() {
	if p := recover(); p != nil {
		if l.Pins.Safe != nil {
			_ = l.Pins.Safe() // the panic says more
		}
		panic(p)
	}
}

// rest ends what the last verdict said: while the camera is lost there is none.
func (l *Line) rest(judge *Judge) {
	judge.Forget()
	for _, o := range []*device.Output{l.Pins.Pass, l.Pins.Fail} {
		// A pin that can't be driven tells so through device.Options.OnFault.
		_ = tell(o, false, time.Time{})
	}
}

func (l *Line) tell(ctx context.Context, e Event) {
	if l.Events == nil {
		return
	}
	select {
	case l.Events <- e:
		return
	default:
	}
	if l.Lossless {
		select {
		case l.Events <- e:
			return
		case <-ctx.Done():
		}
	}
	l.dropped.Add(1)
}
