package capture

import (
	"context"
	"fmt"
	"time"
)

const (
	// openGrace is how long a device may take from being opened to its first frame, where Settings.Timeout is not
	// longer: network cameras wait for a key frame, libcamera loads and tunes. Next is told after Timeout all the same.
	openGrace = 10 * time.Second

	// maxAbandoned readers may be stuck inside OpenCV at a time. Each holds a thread and maybe the device itself.
	maxAbandoned = 4
)

// watch owns the camera's readers, one after the other: it starts them, notices when they end or fall silent, gives up
// those that are stuck, and pauses longer after each failure. It ends when ctx ends or a file has.
func (c *Camera) watch(ctx context.Context) {
	defer close(c.done)
	pause := c.s.ReopenMin
	frozen := c.frozenWatch()
	for {
		r := c.start(frozen)
		err := c.attend(ctx, r)
		if ctx.Err() != nil {
			c.finish(context.Cause(ctx))
			return
		}
		if !c.source.Live() {
			c.finish(err)
			return
		}
		if frozen = c.frozenWatch(); frozen != nil && reasonOf(err) == Frozen {
			frozen = r.frozen.reopened()
		}
		if r.last.Load() != noFrameYet && reasonOf(err) != Frozen {
			pause = c.s.ReopenMin
		}
		c.lose(err, pause)
		if !c.pause(ctx, pause) {
			c.finish(context.Cause(ctx))
			return
		}
		pause = min(2*pause, c.s.ReopenMax)
	}
}

func (c *Camera) frozenWatch() *frozenWatch {
	if !c.source.Live() || c.s.FrozenAfter == 0 {
		return nil
	}
	return newFrozenWatch(c.s.FrozenAfter)
}

// pause waits before the next try, and longer while too many readers are stuck. It returns false when ctx has ended.
func (c *Camera) pause(ctx context.Context, d time.Duration) bool {
	for {
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return false
		}
		n := c.Stats().Abandoned
		if n < maxAbandoned {
			return true
		}
		c.log.Error("camera is not opened again: too many readers are stuck in the driver; restart the program", "stuck", n)
		d = c.s.ReopenMax
	}
}

func (c *Camera) start(frozen *frozenWatch) *reader {
	r := &reader{
		c:        c,
		quit:     make(chan struct{}),
		done:     make(chan struct{}),
		lossless: !c.source.Live() && c.s.Pace == Fast,
		frozen:   frozen,
	}
	r.last.Store(noFrameYet)
	c.mu.Lock()
	c.stats.Tries++
	c.mu.Unlock()
	go r.run()
	return r
}

// attend waits until r has ended, or is to be given up, and returns why.
func (c *Camera) attend(ctx context.Context, r *reader) error {
	if !c.source.Live() {
		select {
		case <-r.done:
			return r.err
		case <-ctx.Done():
			c.stop(r, c.s.Timeout)
			return ctx.Err()
		}
	}
	started := time.Now()
	grace := max(openGrace, c.s.Timeout)
	t := time.NewTimer(c.s.Timeout)
	defer t.Stop()
	for {
		select {
		case <-r.done:
			return r.err
		case <-ctx.Done():
			c.stop(r, c.s.Timeout)
			return ctx.Err()
		case <-t.C:
		}
		last := r.last.Load()
		if last == noFrameYet {
			silent := time.Since(started)
			if silent >= grace {
				c.stop(r, 0)
				return &failure{NoFrame, fmt.Errorf("no frame within %v of opening it", grace)}
			}
			c.lose(&failure{NoFrame, fmt.Errorf("no frame within %v of opening it; still waiting", c.s.Timeout)}, 0)
			t.Reset(grace - silent)
			continue
		}
		silent := time.Since(c.opened) - time.Duration(last)
		if silent >= c.s.Timeout {
			c.stop(r, 0)
			return &failure{NoFrame, fmt.Errorf("no frame for %v", c.s.Timeout)}
		}
		t.Reset(c.s.Timeout - silent)
	}
}

// stop tells r to end and waits for that, but no longer than patience: a reader that sits in OpenCV can't be made to
// return, so it is left to free itself when it does.
func (c *Camera) stop(r *reader, patience time.Duration) {
	c.mu.Lock()
	close(r.quit)
	c.mu.Unlock()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-r.done:
		return
	case <-t.C:
	}
	c.mu.Lock()
	select {
	case <-r.done:
	default:
		r.left = true
		c.abandoned++
	}
	n := c.abandoned
	c.mu.Unlock()
	c.log.Warn("reader is stuck in the driver and left behind", "stuck", n)
}
