package line

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"passfail/capture"
	"passfail/device"
)

// feed is a camera whose pictures the test gives, and which it unplugs: a real
// GStreamer pipeline that reads raw pictures from a FIFO.
type feed struct {
	pipe *os.File
	done chan struct{} // closed when the last picture was written
}

func newFeed(t *testing.T, picture *capture.Frame) (*feed, *capture.Camera) {
	t.Helper()
	scene := newScene(t)
	pipe := scene.pipe
	pixels, err := picture.Image.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	f := &feed{pipe: pipe, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		for {
			if _, err := pipe.Write(pixels); err != nil {
				return // closed
			}
		}
	}()
	return f, scene.camera
}

// unplug ends the pipeline: nobody holds the FIFO's other end.
func (f *feed) unplug() {
	f.pipe.Close()
	<-f.done
}

func TestLevelsRestWhileTheCameraIsLost(t *testing.T) {
	for _, c := range []struct {
		picture string
		pin     string
	}{{"001-good.jpg", passPin}, {"004-scratch.jpg", failPin}} {
		forLanes(t, func(t *testing.T, n int) {
			f := picture(t, c.picture)
			feed, camera := newFeed(t, f)
			defer feed.unplug()
			b := newBench(t, wiring{mode: device.Level, delay: 10 * time.Second, rejectWidth: time.Second})
			cs := openClassifiers(t, n)
			events := make(chan Event)
			l := &Line{Camera: camera, Model: Model{Classifiers: cs, Judge: newJudge(t, cs[0])}, Pins: b.Pins, Events: events, Lossless: true}
			ctx, stop := context.WithCancel(limited(t))
			defer stop()
			ended := running(t, ctx, l)
			if e := wait(t, events, "a verdict"); e.Err != nil {
				t.Fatal(e.Err)
			}
			if got := b.edges(passPin, failPin); !slices.Equal(got, []edge{{c.pin, gpio.High}}) {
				t.Errorf("pins %v", got)
			}
			feed.unplug()
			judged := 1
			var lost *capture.LostError
			for lost == nil {
				e := wait(t, events, "the loss")
				if !errors.As(e.Err, &lost) {
					judged++
				}
			}
			if lost.Reason != capture.Unplugged {
				t.Error(lost)
			}
			if got := b.edges(passPin, failPin); !slices.Equal(got, []edge{{c.pin, gpio.High}, {c.pin, gpio.Low}}) {
				t.Errorf("pins %v", got)
			}
			if l.Model.Judge.seen != 0 {
				t.Error("the frames from before the loss still vote")
			}
			stop()
			if err := wait(t, ended, "the end of Run"); err != nil {
				t.Error(err)
			}
			if got := len(b.edges(heartbeatPin)); got != judged {
				t.Errorf("%d heartbeats of %d frames", got, judged)
			}
		})
	}
}
