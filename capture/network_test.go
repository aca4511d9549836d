package capture

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// mjpegCamera is a network camera: it sends frames numbered from 0, and after silent of them nothing more.
type mjpegCamera struct {
	*httptest.Server
	sent   atomic.Int64
	silent int64
	served atomic.Int64
}

func newMJPEGCamera(t *testing.T, rate time.Duration, silent int64) *mjpegCamera {
	cam := &mjpegCamera{silent: silent}
	frames := make([][]byte, 256)
	for i := range frames {
		m := numbered(i, 320, 240)
		frames[i] = jpegOf(t, m)
		m.Close()
	}
	cam.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cam.served.Add(1)
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
		tick := time.NewTicker(rate)
		defer tick.Stop()
		for n := int64(0); ; n++ {
			if silent > 0 && n >= silent {
				<-r.Context().Done()
				return
			}
			data := frames[n%256]
			cam.sent.Store(n)
			if _, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(data), data); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(func() { cam.CloseClientConnections(); cam.Close() })
	return cam
}

func TestHTTPCamera(t *testing.T) {
	t.Parallel()
	// FFmpeg reads dozens of frames to find out what it has; none of those may be shown as new. That it does every
	// time. A machine that stands still for 200 ms does so now and then.
	const tries = 3
	for try := 1; ; try++ {
		cam := newMJPEGCamera(t, 20*time.Millisecond, 0)
		c := open(t, Settings{Source: cam.URL + "/video", Timeout: 3 * time.Second})
		worst := int64(0)
		for range 20 {
			f := next(t, c)
			behind := cam.sent.Load() - int64(number(f.Image))
			worst = max(worst, (behind%256+256)%256)
		}
		t.Logf("at most %d frames behind what was sent; %d sent", worst, cam.sent.Load())
		if worst <= 10 {
			return
		}
		if try == tries {
			t.Fatalf("%d times a frame was old, the last time %d frames", tries, worst)
		}
	}
}

func TestHTTPCameraFallsSilent(t *testing.T) {
	t.Parallel()
	cam := newMJPEGCamera(t, 30*time.Millisecond, 60)
	c := open(t, Settings{Source: cam.URL, Timeout: 700 * time.Millisecond, ReopenMin: 10 * time.Millisecond})
	ctx := limited(t)
	for c.Stats().Read == 0 {
		if _, err := c.Next(ctx); err != nil {
			t.Log(err) // slow to open
		}
		if ctx.Err() != nil {
			t.Fatal("no frame ever came")
		}
	}
	e := lost(t, c)
	if e.Reason != NoFrame {
		t.Errorf("%v", e)
	}
	if d := time.Since(e.Since); d > 5*time.Second {
		t.Errorf("noticed after %v", d)
	}
	for ctx := limited(t); c.Stats().Reopens == 0; {
		if _, err := c.Next(ctx); ctx.Err() != nil {
			t.Fatal("never opened again: ", err)
		}
	}
	start := time.Now()
	c.Close()
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("Close took %v", d)
	}
}

func TestNetworkCameraThatIsNotThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	c := open(t, Settings{Source: "rtsp://user:secret@" + address + "/stream"})
	e := lost(t, c)
	if want := "camera rtsp://user:xxxxx@" + address + "/stream: no such device: dial tcp " + address + ": connect: connection refused"; e.Error() != want {
		t.Errorf("got  %v\nwant %v", e, want)
	}
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	c = open(t, Settings{Source: web.URL})
	if e := lost(t, c); e.Reason != OpenFailed {
		t.Error(e)
	}
}
