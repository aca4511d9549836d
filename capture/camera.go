package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Camera is an opened source of frames. One goroutine calls Next; Stats and Close may be called from any.
type Camera struct {
	s      Settings
	source Source
	view   view
	log    *slog.Logger
	open   func(*reader) (device, error) // called in the reader's goroutine: it may block
	cancel context.CancelFunc
	done   chan struct{} // closed when the watchdog has ended

	wake chan struct{} // to Next: there is a frame, a loss or an end
	room chan struct{} // to a lossless reader: Next took the frame

	opened time.Time

	mu        sync.Mutex
	ready     *buffer    // the newest frame, if fresh
	held      *buffer    // what Next returned last
	fresh     bool       // ready holds a frame that Next has not returned
	loss      *LostError // not yet returned by Next
	lost      bool       // no frame since the last loss
	end       error      // nothing comes any more, once fresh is taken
	stats     Stats
	last      time.Time // when the newest frame was taken
	abandoned int       // readers stuck inside OpenCV
}

// Stats count since Open.
type Stats struct {
	Read      uint64 // frames that the device delivered
	Judged    uint64 // frames that Next returned
	Dropped   uint64 // frames overwritten by a newer one, or outlived by a loss, before Next came for them
	Skipped   uint64 // pictures and frames that could not be decoded
	Losses    uint64 // times that the camera was lost
	Tries     uint64 // times that it was opened, or that this was tried
	Reopens   uint64 // times that it came back
	Abandoned int    // readers stuck inside OpenCV now; only ending the program frees those that never return
	Lost      bool   // lost now
	Reason    Reason // why, while it is lost; it may change from one try to the next
	FPS       float64
}

// Open starts to read s.Source, until Close is called or ctx ends.
//
// A file or folder that does not exist, holds nothing readable or does not fit the settings is an error here: Open
// waits for its first frame. A live camera may be absent: Next says so, and it is opened when it comes.
func Open(ctx context.Context, s Settings, log *slog.Logger) (*Camera, error) {
	source, err := parseSource(s.Source, s.Dir)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	open, err := opener(source, s, log)
	if err != nil {
		return nil, err
	}
	return openWith(ctx, source, s, log, open)
}

// openWith is Open with a device of the caller's.
func openWith(ctx context.Context, source Source, s Settings, log *slog.Logger, open func(*reader) (device, error)) (*Camera, error) {
	s, err := s.complete()
	if err != nil {
		return nil, err
	}
	v, err := newView(s)
	if err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(ctx)
	c := &Camera{
		s: s, source: source, view: v, log: log.With("camera", source.String()), open: open,
		cancel: cancel,
		done:   make(chan struct{}),
		wake:   make(chan struct{}, 1),
		room:   make(chan struct{}, 1),
		ready:  newBuffer(v),
		held:   newBuffer(v),
		opened: time.Now(),
	}
	go c.watch(life)
	if source.Live() {
		return c, nil
	}
	if err := c.firstFrame(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// firstFrame waits until a file has shown that it can be read, and leaves its first frame for Next.
func (c *Camera) firstFrame(ctx context.Context) error {
	for {
		c.mu.Lock()
		fresh, end := c.fresh, c.end
		c.mu.Unlock()
		if fresh {
			notify(c.wake)
			return nil
		}
		if end != nil {
			return end
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Next waits for a frame newer than the last one that it returned. The frame is valid until the next call of Next or
// Close.
//
// It returns io.EOF at the end of a file or folder that is played once, a *LostError once for each loss of a live
// camera (call Next again: it waits for the camera to come back), ctx's error when ctx ends, and ErrClosed after Close.
func (c *Camera) Next(ctx context.Context) (*Frame, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.mu.Lock()
		if e := c.loss; e != nil {
			c.loss = nil
			c.mu.Unlock()
			return nil, e
		}
		if c.fresh {
			c.ready, c.held = c.held, c.ready
			c.fresh = false
			c.stats.Judged++
			f := &c.held.frame
			c.mu.Unlock()
			notify(c.room)
			return f, nil
		}
		end := c.end
		c.mu.Unlock()
		if end != nil {
			return nil, end
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
		}
	}
}

// Stats may be called at any time, also after Close.
func (c *Camera) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Lost = c.lost
	s.Abandoned = c.abandoned
	return s
}

// Patience is what a camera that is well keeps to: it delivers a frame, or is lost, within frame; and while it is lost it
// is tried again within try. Both have room for a busy machine.
func (c *Camera) Patience() (frame, try time.Duration) {
	const room = 5 * time.Second
	frame = c.s.Timeout
	if c.source.Kind == Folder {
		frame = max(frame, c.s.Interval)
	}
	return frame + room, max(openGrace, c.s.Timeout) + c.s.ReopenMax + room
}

// Source is what was opened.
func (c *Camera) Source() Source { return c.source }

// Close ends the camera, waits for its goroutines and frees its frames. A reader that is stuck inside OpenCV gets
// Settings.Timeout to return; then it is left behind and frees itself when it returns.
func (c *Camera) Close() error {
	c.cancel()
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready == nil {
		return nil
	}
	c.end, c.fresh, c.loss = ErrClosed, false, nil
	c.ready.free()
	c.held.free()
	c.ready, c.held = nil, nil
	notify(c.wake)
	return nil
}

// publish makes b the newest frame and returns the buffer to fill next. It returns false when r is to end.
func (c *Camera) publish(r *reader, b *buffer, shot shot) (*buffer, bool) {
	c.mu.Lock()
	for r.lossless && c.fresh && !r.stopped() {
		c.mu.Unlock()
		select {
		case <-c.room:
		case <-r.quit:
			return b, false
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	if r.stopped() { // under mu, so that a reader given up can't publish after its loss was told
		return b, false
	}
	c.stats.Read++
	b.frame.Taken, b.frame.Decode, b.frame.Name, b.frame.Seq = shot.taken, shot.decode, shot.name, c.stats.Read
	if c.fresh {
		c.stats.Dropped++
	}
	if c.lost {
		c.lost, c.stats.Reason = false, ""
		c.log.Info("camera is back", "lost for", shot.taken.Sub(c.since()).Round(time.Millisecond))
		if c.stats.Read > 1 {
			c.stats.Reopens++
		}
	}
	c.measure(shot.taken)
	b, c.ready, c.fresh = c.ready, b, true
	notify(c.wake)
	return b, true
}

// measure keeps a running mean of the rate that the device really delivers.
func (c *Camera) measure(taken time.Time) {
	if d := taken.Sub(c.last).Seconds(); !c.last.IsZero() && d > 0 && d < 10 {
		if c.stats.FPS == 0 {
			c.stats.FPS = 1 / d
		}
		c.stats.FPS += (1/d - c.stats.FPS) / 16
	}
	c.last = taken
}

// lose tells Next that the camera is lost, once until a frame comes again, and takes back a frame that nobody has
// asked for yet: by now it is old.
func (c *Camera) lose(err error, retry time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	reason := reasonOf(err)
	if c.lost {
		level := slog.LevelDebug
		if reason != c.stats.Reason { // not there at first, then there and refusing: worth a line
			level = slog.LevelWarn
		}
		c.stats.Reason = reason
		c.log.Log(context.Background(), level, "camera is still lost", "reason", reason, "error", err, "retry", retry)
		return
	}
	c.stats.Reason = reason
	c.loss = &LostError{Source: c.source.String(), Reason: reason, Since: c.since(), Retry: retry, Err: err}
	if f, ok := err.(*failure); ok {
		c.loss.Err = f.err
	}
	c.lost = true
	c.stats.Losses++
	c.stats.FPS = 0
	if c.fresh {
		c.fresh = false
		c.stats.Dropped++
	}
	c.log.Error("camera lost", "err", c.loss, "retry", retry)
	notify(c.wake)
}

// since is when the last frame came, or Open.
func (c *Camera) since() time.Time {
	if c.last.IsZero() {
		return c.opened
	}
	return c.last
}

// finish ends the camera for good: with io.EOF, or with what made a file unreadable.
func (c *Camera) finish(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == io.EOF && c.stats.Read == 0:
		err = fmt.Errorf("%s: holds no frame that can be decoded", c.source)
	case err == io.EOF, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	default:
		err = fmt.Errorf("%s: %w", c.source, err)
	}
	c.end = err
	notify(c.wake)
}

// skipped counts a picture that could not be decoded.
func (c *Camera) skipped(err error) {
	c.mu.Lock()
	c.stats.Skipped++
	c.mu.Unlock()
	c.log.Warn("picture skipped", "error", err)
}

// notify leaves a note in a channel that holds one.
func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
