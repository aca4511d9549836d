package capture

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gocv.io/x/gocv"
)

// fake is a live device that a test plays by hand. It runs in the bubble's time.
type fake struct {
	frames chan any // int: read delivers a frame of that number; error: it fails; nothing: it hangs as OpenCV may
	closed bool
}

func (f *fake) read(m *gocv.Mat) (shot, error) {
	switch v := (<-f.frames).(type) {
	case int:
		n := numbered(v, 64, 48)
		defer n.Close()
		n.CopyTo(m)
		return shot{taken: time.Now()}, nil
	case error:
		return shot{}, v
	}
	return shot{}, errors.New("test is over")
}

func (f *fake) close() { f.closed = true }

// rig is a camera whose every opening the test answers.
type rig struct {
	*Camera
	t     *testing.T
	opens chan any // *fake or error, for one opening each
	fakes []*fake
}

// withRig runs a test in a bubble, where time passes only when all wait.
func withRig(t *testing.T, s Settings, test func(*rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, opens: make(chan any)}
		var err error
		r.Camera, err = openWith(t.Context(), Source{Kind: V4L2, Path: "/dev/video9"}, s, testLog(t), func(*reader) (device, error) {
			if f, ok := (<-r.opens).(*fake); ok {
				return f, nil
			}
			return nil, &failure{NoDevice, errors.New("no camera is connected")}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			close(r.opens)
			for _, f := range r.fakes {
				close(f.frames)
			}
			r.Close()
			synctest.Wait()
			if n := r.Stats().Abandoned; n != 0 {
				t.Errorf("%d readers are still left behind", n)
			}
			for i, f := range r.fakes {
				if !f.closed {
					t.Errorf("device %d was not closed", i)
				}
			}
		}()
		test(r)
	})
}

// plug lets the next opening succeed.
func (r *rig) plug() *fake {
	f := &fake{frames: make(chan any)}
	r.fakes = append(r.fakes, f)
	r.opens <- f
	return f
}

func (r *rig) lost(want Reason) *LostError {
	r.t.Helper()
	f, err := r.Next(r.t.Context())
	var e *LostError
	if !errors.As(err, &e) {
		r.t.Fatalf("got frame %v, error %v; want a loss for %q", f, err, want)
	}
	if e.Reason != want {
		r.t.Fatalf("lost for %q (%v), want %q", e.Reason, e, want)
	}
	return e
}

func (r *rig) frame(want int) *Frame {
	r.t.Helper()
	f, err := r.Next(r.t.Context())
	if err != nil {
		r.t.Fatalf("%v; want frame %d", err, want)
	}
	if got := number(f.Image); got != want {
		r.t.Fatalf("got frame %d, want %d", got, want)
	}
	return f
}

// quiet expects Next to have nothing to say for d.
func (r *rig) quiet(d time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), d)
	defer cancel()
	if f, err := r.Next(ctx); err != context.DeadlineExceeded {
		r.t.Fatalf("got frame %v, error %v; want nothing for %v", f, err, d)
	}
}

func TestNewestFrameWins(t *testing.T) {
	withRig(t, Settings{}, func(r *rig) {
		cam := r.plug()
		cam.frames <- 1
		held := r.frame(1)
		for i := 2; i <= 9; i++ {
			cam.frames <- i
			synctest.Wait()
			if number(held.Image) != 1 {
				t.Fatal("the reader wrote into the frame that the caller holds")
			}
		}
		if f := r.frame(9); f.Seq != 9 {
			t.Errorf("Seq %d, want 9", f.Seq)
		}
		r.quiet(time.Second)
		if s := r.Stats(); s.Read != 9 || s.Judged != 2 || s.Dropped != 7 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAbsentAtStart(t *testing.T) {
	withRig(t, Settings{ReopenMin: time.Second, ReopenMax: 4 * time.Second}, func(r *rig) {
		start := time.Now()
		r.opens <- nil
		e := r.lost(NoDevice)
		if want := "camera /dev/video9: no such device: no camera is connected"; e.Error() != want {
			t.Errorf("got  %s\nwant %s", e, want)
		}
		if !e.Since.Equal(start) || e.Retry != time.Second || !r.Stats().Lost {
			t.Errorf("since %v, retry %v", e.Since, e.Retry)
		}
		if got := r.Stats().Reason; got != NoDevice {
			t.Errorf("lost for %q", got)
		}
		// One loss, however many tries; the pauses grow: 1, 2, 4, 4 s.
		for _, at := range []time.Duration{1, 3, 7} {
			r.opens <- nil
			if got := time.Since(start); got != at*time.Second {
				t.Errorf("tried again after %v, want %v", got, at*time.Second)
			}
		}
		cam := r.plug()
		if got := time.Since(start); got != 11*time.Second {
			t.Errorf("tried again after %v, want 11 s", got)
		}
		cam.frames <- 5
		r.frame(5)
		if s := r.Stats(); s.Losses != 1 || s.Reopens != 0 || s.Lost || s.Reason != "" {
			t.Errorf("%+v", s)
		}
		// The pause starts small again once the camera has worked.
		cam.frames <- &failure{Unplugged, errors.New("gone")}
		if e := r.lost(Unplugged); e.Retry != time.Second {
			t.Errorf("retry %v", e.Retry)
		}
	})
}

func TestUnpluggedAndBack(t *testing.T) {
	withRig(t, Settings{}, func(r *rig) {
		cam := r.plug()
		cam.frames <- 1
		r.frame(1)
		cam.frames <- 2 // nobody asks for it before the camera goes
		cam.frames <- &failure{Unplugged, errors.New("no camera is connected")}
		synctest.Wait()
		r.lost(Unplugged)
		r.quiet(100 * time.Millisecond) // the frame from before the loss must not come
		cam = r.plug()
		cam.frames <- 3
		r.frame(3)
		if s := r.Stats(); s.Losses != 1 || s.Reopens != 1 || s.Dropped != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestLossIsToldBeforeTheNextFrame(t *testing.T) {
	withRig(t, Settings{}, func(r *rig) {
		cam := r.plug()
		cam.frames <- errors.New("boom")
		cam = r.plug()
		cam.frames <- 7
		synctest.Wait()
		if e := r.lost(ReadError); !strings.Contains(e.Error(), "boom") {
			t.Error(e)
		}
		r.frame(7)
	})
}

func TestHangingReader(t *testing.T) {
	withRig(t, Settings{Timeout: 3 * time.Second, ReopenMin: time.Second}, func(r *rig) {
		stuck := r.plug()
		stuck.frames <- 1
		f := r.frame(1)
		start := time.Now()
		e := r.lost(NoFrame)
		if d := time.Since(start); d != 3*time.Second || !e.Since.Equal(f.Taken) {
			t.Errorf("noticed after %v, since %v", d, e.Since)
		}
		if n := r.Stats().Abandoned; n != 1 {
			t.Errorf("%d readers left behind, want 1", n)
		}
		cam := r.plug()
		cam.frames <- 2
		r.frame(2)
		// The old reader returns at last, with a frame: it must not be shown.
		stuck.frames <- 99
		synctest.Wait()
		if n := r.Stats().Abandoned; n != 0 || !stuck.closed {
			t.Errorf("%d readers left behind; closed: %v", n, stuck.closed)
		}
		r.quiet(time.Second)
		cam.frames <- 3
		r.frame(3)
	})
}

func TestHangingOpen(t *testing.T) {
	withRig(t, Settings{Timeout: time.Second, ReopenMin: time.Second}, func(r *rig) {
		start := time.Now()
		e := r.lost(NoFrame)
		if d := time.Since(start); d != time.Second || !strings.Contains(e.Error(), "still waiting") {
			t.Errorf("after %v: %v", d, e)
		}
		// A slow camera is waited for.
		time.Sleep(5 * time.Second)
		cam := r.plug()
		cam.frames <- 1
		r.frame(1)
		if s := r.Stats(); s.Losses != 1 || s.Abandoned != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestTooManyStuckReaders(t *testing.T) {
	withRig(t, Settings{Timeout: time.Second, ReopenMin: time.Second, ReopenMax: time.Second}, func(r *rig) {
		var stuck []*fake
		for range maxAbandoned {
			stuck = append(stuck, r.plug())
		}
		r.lost(NoFrame)
		time.Sleep(time.Hour)
		if n := r.Stats().Abandoned; n != maxAbandoned {
			t.Errorf("%d readers left behind, want %d", n, maxAbandoned)
		}
		select {
		case r.opens <- nil:
			t.Error("opened one more")
		default:
		}
		stuck[2].frames <- errors.New("back from the driver")
		cam := r.plug()
		cam.frames <- 8
		r.frame(8)
	})
}

func TestCloseDoesNotWaitForAStuckReader(t *testing.T) {
	withRig(t, Settings{Timeout: 2 * time.Second}, func(r *rig) {
		cam := r.plug()
		cam.frames <- 1
		r.frame(1)
		synctest.Wait() // until the reader is stuck in its next read
		start := time.Now()
		r.Close()
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("Close took %v, want the timeout", d)
		}
		if n := r.Stats().Abandoned; n != 1 {
			t.Errorf("%d readers left behind", n)
		}
		if _, err := r.Next(t.Context()); err != ErrClosed {
			t.Error(err)
		}
	})
}

func TestFrozenCamera(t *testing.T) {
	withRig(t, Settings{Timeout: 2 * time.Second, FrozenAfter: 5 * time.Second, ReopenMin: time.Second}, func(r *rig) {
		cam := r.plug()
		for i := range 20 { // changing pictures are never frozen
			cam.frames <- i
			r.frame(i)
			time.Sleep(time.Second)
		}
		start := time.Now()
		for range 5 {
			cam.frames <- 50
			r.frame(50)
			time.Sleep(time.Second)
		}
		cam.frames <- 50
		e := r.lost(Frozen)
		if d := time.Since(start); d != 5*time.Second || !strings.Contains(e.Error(), "5s") {
			t.Errorf("after %v: %v", d, e)
		}
		// Opened again, it still shows the same picture: that is no recovery, and no second loss.
		cam = r.plug()
		for range 5 {
			cam.frames <- 50
			r.quiet(time.Second)
		}
		cam.frames <- 50
		cam = r.plug()
		cam.frames <- 50
		cam.frames <- 51
		r.frame(51)
		if s := r.Stats(); s.Losses != 1 || s.Reopens != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// One bit anywhere is life.
func TestFrozenWatchSeesEveryBit(t *testing.T) {
	w := newFrozenWatch(time.Second)
	now := time.Now()
	pixels := make([]byte, 640*480*3)
	w.see(pixels, now)
	for _, at := range []int{0, 1, sampleBlock, sampleEvery - 1, len(pixels) - 1, 5*sampleEvery + 2000} {
		now = now.Add(900 * time.Millisecond)
		w.see(pixels, now)
		pixels[at] ^= 1
		now = now.Add(900 * time.Millisecond)
		if same, frozen := w.see(pixels, now); frozen {
			t.Errorf("a bit in byte %d changed, and it counts as frozen for %v", at, same)
		}
	}
	if _, frozen := w.see(pixels, now.Add(time.Second)); !frozen {
		t.Error("not frozen after a second")
	}
}

func TestUndecodableFrames(t *testing.T) {
	withRig(t, Settings{}, func(r *rig) {
		cam := r.plug()
		for range maxUndecodable - 1 {
			cam.frames <- &undecodable{errors.New("the JPEG is cut off")}
		}
		cam.frames <- 1
		r.frame(1)
		for range maxUndecodable {
			cam.frames <- &undecodable{errors.New("the JPEG is cut off")}
		}
		if e := r.lost(ReadError); !strings.Contains(e.Error(), "in a row") {
			t.Error(e)
		}
		if s := r.Stats(); s.Skipped != 2*maxUndecodable-1 {
			t.Errorf("%+v", s)
		}
	})
}

// The region of interest of a live camera is wrong: said once, tried again, because another camera may be plugged in.
func TestRegionOutsideLiveFrame(t *testing.T) {
	withRig(t, Settings{ROI: rect(60, 0, 10, 10)}, func(r *rig) {
		cam := r.plug()
		cam.frames <- 1
		if e := r.lost(Refused); !strings.Contains(e.Error(), "64x48") {
			t.Error(e)
		}
	})
}

func TestRate(t *testing.T) {
	withRig(t, Settings{}, func(r *rig) {
		cam := r.plug()
		for i := range 50 {
			cam.frames <- i
			time.Sleep(40 * time.Millisecond)
		}
		if fps := r.Stats().FPS; fps < 24.9 || fps > 25.1 {
			t.Errorf("%v frames a second, want 25", fps)
		}
	})
}

// slowFile is a file whose decoding takes time.
type slowFile struct {
	left   int
	decode time.Duration
}

func (f *slowFile) read(m *gocv.Mat) (shot, error) {
	if f.left == 0 {
		return shot{}, io.EOF
	}
	time.Sleep(f.decode)
	n := numbered(f.left, 64, 48)
	defer n.Close()
	n.CopyTo(m)
	f.left--
	return shot{taken: time.Now()}, nil
}

func (f *slowFile) close() {}

// Decoding a file overlaps with judging it: two of 10 ms each take 10 ms a frame, not 20.
func TestFileIsDecodedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const frames, each = 50, 10 * time.Millisecond
		c, err := openWith(t.Context(), Source{Kind: File, Path: "film.avi"}, Settings{Pace: Fast}, testLog(t), func(r *reader) (device, error) {
			return &slowFile{frames, each}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		start := time.Now()
		for i := range frames {
			f, err := c.Next(t.Context())
			if err != nil || number(f.Image) != frames-i {
				t.Fatalf("frame %d: %v", i, err)
			}
			time.Sleep(each)
		}
		if d := time.Since(start); d != frames*each {
			t.Errorf("%d frames took %v, want %v", frames, d, frames*each)
		}
		if _, err := c.Next(t.Context()); err != io.EOF {
			t.Error(err)
		}
	})
}
