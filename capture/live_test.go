package capture

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests read real GStreamer pipelines, in real time: no camera is connected to the machine that builds.

const testsrc = "gstreamer:videotestsrc is-live=true "

// lost calls Next until it tells of a loss.
func lost(t *testing.T, c *Camera) *LostError {
	t.Helper()
	for {
		_, err := c.Next(limited(t))
		var e *LostError
		if errors.As(err, &e) {
			return e
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestMain starts GStreamer before any clock runs: the first time on a machine it lists its plug-ins for seconds.
func TestMain(m *testing.M) {
	checkPipeline("fakesrc")
	os.Exit(m.Run())
}

func TestPipelineNewestFrame(t *testing.T) {
	t.Parallel()
	c := open(t, Settings{Source: testsrc + "! video/x-raw,format=BGR,width=320,height=240,framerate=100/1", Rotate: 90, ROI: rect(10, 20, 100, 50)})
	f := next(t, c)
	if f.Image.Cols() != 240 || f.Image.Rows() != 320 || f.ROI != image.Rect(10, 20, 110, 70) {
		t.Errorf("frame %dx%d", f.Image.Cols(), f.Image.Rows())
	}
	// A slow caller: it asks again when ten more frames have come.
	for first := c.Stats().Read; c.Stats().Read < first+10; {
		runtime.Gosched()
	}
	read := c.Stats().Read
	if f = next(t, c); f.Seq < read {
		t.Errorf("got frame %d when %d had been read", f.Seq, read)
	}
	if s := c.Stats(); s.Dropped < 8 {
		t.Errorf("%+v", s)
	}
	if d := time.Since(f.Taken); d < 0 || d > time.Second {
		t.Errorf("taken %v ago", d)
	}
}

func TestPipelineEnds(t *testing.T) {
	t.Parallel()
	c := open(t, Settings{Source: testsrc + "num-buffers=5 pattern=snow ! video/x-raw,width=64,height=48,framerate=100/1", ReopenMin: 10 * time.Millisecond})
	for range 2 {
		next(t, c)
		if e := lost(t, c); e.Reason != Unplugged {
			t.Errorf("%v", e)
		}
	}
	next(t, c)
	if s := c.Stats(); s.Losses < 2 || s.Reopens < 2 {
		t.Errorf("%+v", s)
	}
}

func TestPipelineFrozen(t *testing.T) {
	t.Parallel()
	c := open(t, Settings{Source: testsrc + "pattern=black ! video/x-raw,width=64,height=48,framerate=50/1", FrozenAfter: 300 * time.Millisecond, ReopenMin: 10 * time.Millisecond})
	next(t, c)
	if e := lost(t, c); e.Reason != Frozen {
		t.Errorf("%v", e)
	}
}

func TestPipelineThatDoesNotStart(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]string{
		"nosuchelement":                       `no element "nosuchelement"`,
		"videotestsrc is-lively=true":         "is-lively",
		"videotestsrc pattern=":               "in the pipeline",
		"v4l2src device=/dev/nowhere":         "try it: gst-launch-1.0 v4l2src",
		"videotestsrc ! video/x-raw,width=-3": "neither element can handle",
	} {
		c := open(t, Settings{Source: "gstreamer:" + p})
		if e := lost(t, c); e.Reason != OpenFailed || !strings.Contains(e.Error(), want) {
			t.Errorf("%s: %v", p, e)
		}
		c.Close()
	}
}

func TestPipelineOfPlanarFrames(t *testing.T) {
	t.Parallel()
	c := open(t, Settings{Source: testsrc + "! video/x-raw,format=I420,width=64,height=48 ! appsink"})
	if e := lost(t, c); e.Reason != Refused || !strings.Contains(e.Error(), "videoconvert") {
		t.Errorf("%v", e)
	}
	c = open(t, Settings{Source: testsrc + "! video/x-raw,format=GRAY8,width=64,height=48 ! appsink"})
	if f := next(t, c); f.Image.Channels() != 3 || f.Image.Rows() != 48 {
		t.Errorf("%d channels", f.Image.Channels())
	}
}

// A camera that falls silent while OpenCV waits for it. The pipeline reads raw frames from a FIFO that the test feeds.
func TestPipelineHangs(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "frames")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	feed, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, Settings{
		Source:    "gstreamer:filesrc location=" + fifo + " blocksize=9216 ! rawvideoparse width=64 height=48 format=bgr framerate=30/1 ! appsink sync=false",
		Timeout:   400 * time.Millisecond,
		ReopenMin: time.Hour, // the second reader would be stuck in opening
	})
	stop := make(chan struct{})
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		frame := make([]byte, 64*48*3)
		for i := 0; ; i++ {
			frame[0] = byte(i)
			select {
			case <-stop:
				return
			default:
				feed.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
				feed.Write(frame)
			}
		}
	}()
	f := next(t, c)
	close(stop)
	<-fed
	e := lost(t, c)
	if e.Reason != NoFrame {
		t.Errorf("%v", e)
	}
	if d := time.Since(e.Since); d < 400*time.Millisecond || d > 5*time.Second {
		t.Errorf("noticed after %v", d)
	}
	_ = f
	if n := c.Stats().Abandoned; n != 1 {
		t.Errorf("%d readers left behind", n)
	}
	start := time.Now()
	c.Close()
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("Close took %v", d)
	}
	// The pipeline ends when nobody holds the FIFO's other end: then the reader comes back and frees itself.
	feed.Close()
	for ctx := limited(t); c.Stats().Abandoned != 0; {
		if ctx.Err() != nil {
			t.Fatal("the reader did not come back")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestCSIPipeline(t *testing.T) {
	got := csiPipeline("", Settings{Width: 1280, Height: 720, FPS: 29.97})
	want := "libcamerasrc ! video/x-raw,width=1280,height=720,framerate=29970/1000 ! queue leaky=downstream max-size-buffers=1 ! videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1 sync=false"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = csiPipeline("/base/soc/i2c0mux/i2c@1/imx219@10", Settings{PixelFormat: "NV12", FPS: 60})
	if !strings.HasPrefix(got, `libcamerasrc camera-name="/base/soc/i2c0mux/i2c@1/imx219@10" ! video/x-raw,format=NV12,framerate=60/1 ! queue`) {
		t.Error(got)
	}
	if p := "videotestsrc ! appsink"; withAppsink(p) != p {
		t.Error("a second appsink")
	}
}

func TestControlsNeedAV4L2Camera(t *testing.T) {
	for _, source := range []string{"csi", "gstreamer:videotestsrc", "rtsp://localhost/"} {
		_, err := Open(context.Background(), Settings{Source: source, Controls: map[string]int{"gain": 1}}, nil)
		if err == nil || !strings.Contains(err.Error(), "V4L2") {
			t.Errorf("%s: %v", source, err)
		}
	}
}
