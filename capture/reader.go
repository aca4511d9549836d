package capture

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"gocv.io/x/gocv"
)

// device is one opened source. Only the goroutine that opened it uses it, and only device calls may block.
type device interface {
	// read waits for the next frame and leaves it in m: 8 bit, 1, 3 or 4 channels, any size. io.EOF ends a file, an
	// *undecodable is passed over, every other error ends the reader.
	read(m *gocv.Mat) (shot, error)
	close()
}

// shot is what is known of a frame beside its pixels.
type shot struct {
	taken  time.Time
	decode time.Duration
	name   string
}

// undecodable is a picture or frame that can't be decoded among others that can.
type undecodable struct{ err error }

func (u *undecodable) Error() string { return u.err.Error() }
func (u *undecodable) Unwrap() error { return u.err }

// maxUndecodable frames in a row are a broken camera, not a broken frame.
const maxUndecodable = 100

// reader owns an opened device and the buffer that is being filled. Once quit is closed it publishes nothing more and
// ends when the call that it is in returns; it then frees what it holds itself, so that it may be left behind.
type reader struct {
	c        *Camera
	quit     chan struct{} // closed by the watchdog, under c.mu
	done     chan struct{} // closed by the reader after it has freed everything
	lossless bool          // waits for Next rather than dropping
	pace     *pacer        // nil: as fast as the device
	frozen   *frozenWatch  // nil: not looked for
	last     atomic.Int64  // when a frame was last read, since c.opened; or noFrameYet
	err      error         // why it ended; valid after done
	left     bool          // the watchdog waits for it no more; under c.mu
}

const noFrameYet = -1

func (r *reader) stopped() bool {
	select {
	case <-r.quit:
		return true
	default:
		return false
	}
}

func (r *reader) run() {
	defer r.leave()
	// A panic in a goroutine ends the program before anybody can put the pins to rest: here it is a loss of the camera.
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("reading failed: %v", p)
			r.c.log.Error("the reader panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	b := newBuffer(r.c.view)
	defer func() { b.free() }()
	d, err := r.c.open(r)
	if err != nil {
		r.err = err
		return
	}
	defer d.close()
	bad := 0
	for !r.stopped() {
		shot, err := d.read(b.input())
		if err != nil {
			u, ok := err.(*undecodable)
			if !ok {
				r.err = err
				return
			}
			r.c.skipped(u.err)
			if bad++; bad >= maxUndecodable {
				r.err = fmt.Errorf("%d frames in a row could not be decoded: %w", bad, u.err)
				return
			}
			continue
		}
		bad = 0
		began := time.Now()
		if err := b.finish(r.c.view); err != nil {
			r.err = err
			return
		}
		shot.decode += time.Since(began)
		r.last.Store(int64(time.Since(r.c.opened)))
		if r.frozen != nil {
			same, isFrozen := r.frozen.see(b.pixels, shot.taken)
			if isFrozen {
				r.err = &failure{Frozen, fmt.Errorf("the picture has not changed by a single bit for %v; a living sensor has noise", same.Round(time.Millisecond))}
				return
			}
			if r.frozen.known {
				continue // opened again after freezing, and still the same picture: not a recovery
			}
		}
		if r.pace != nil {
			if !r.pace.wait(r.quit) {
				return
			}
			shot.taken = time.Now()
		}
		var ok bool
		if b, ok = r.c.publish(r, b, shot); !ok {
			return
		}
	}
}

// leave is the last thing that a reader does.
func (r *reader) leave() {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.left {
		r.c.abandoned--
	}
	close(r.done)
}

// pacer plays a file as the camera did.
type pacer struct {
	period time.Duration
	due    time.Time
	timer  *time.Timer
}

// maxBehind is how late a frame may be before the pacer gives up catching up with the past.
const maxBehind = time.Second

// wait returns when the next frame is due, or false when quit is closed.
func (p *pacer) wait(quit <-chan struct{}) bool {
	now := time.Now()
	if p.due.IsZero() || now.Sub(p.due) > maxBehind {
		p.due = now
	}
	d := p.due.Sub(now)
	p.due = p.due.Add(p.period)
	if d <= 0 {
		return true
	}
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	select {
	case <-p.timer.C:
		return true
	case <-quit:
		p.timer.Stop()
		return false
	}
}
