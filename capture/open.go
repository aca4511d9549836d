package capture

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocv.io/x/gocv"
)

// opener checks what can be checked before anything is opened and returns the call that opens the device. That call may
// block, so it is made in the reader's goroutine.
func opener(source Source, s Settings, log *slog.Logger) (func(*reader) (device, error), error) {
	prepareOpenCV(s, log)
	if source.Live() && source.Kind != V4L2 {
		if len(s.Controls) > 0 {
			hint := "set them on the camera itself"
			switch source.Kind {
			case CSI:
				hint = "write them as properties: gstreamer:libcamerasrc ae-enable=false exposure-time=5000 ! …"
			case GStreamer:
				hint = "write them into the pipeline: v4l2src extra-controls=\"c,auto_exposure=1\""
			}
			return nil, fmt.Errorf("%s: controls can be set on a V4L2 camera only; %s", source, hint)
		}
		if source.Kind != CSI && (s.Width != 0 || s.FPS != 0 || s.PixelFormat != "") {
			log.Warn("size, rate and pixel format are the camera's own here; the settings are not used", "camera", source.String())
		}
	}
	switch source.Kind {
	case V4L2:
		return func(r *reader) (device, error) { return openV4L2(source, r.c.s, log) }, nil
	case CSI:
		return func(*reader) (device, error) { return openGStreamer(csiPipeline(source.Name, s)) }, nil
	case GStreamer:
		return func(*reader) (device, error) { return openGStreamer(withAppsink(source.Pipeline)) }, nil
	case Network:
		return func(r *reader) (device, error) { return openNetwork(source.URL, r.c.s) }, nil
	case Folder:
		paths, err := Pictures(source.Path)
		if err != nil {
			return nil, err
		}
		return pictureOpener(paths), nil
	}
	fi, err := os.Stat(source.Path)
	if err != nil {
		return nil, fmt.Errorf("video file: %w", err)
	}
	if fi.IsDir() {
		return nil, fmt.Errorf("video file %s: is a folder; say folder:%s", source.Path, source.Path)
	}
	if isPicture(source.Path) {
		return pictureOpener([]string{source.Path}), nil
	}
	return func(r *reader) (device, error) { return openVideo(r, source.Path) }, nil
}

func pictureOpener(paths []string) func(*reader) (device, error) {
	return func(r *reader) (device, error) {
		if r.c.s.Pace == RealTime {
			r.pace = &pacer{period: r.c.s.Interval}
		}
		return openFolder(paths, r.c.s.Loop)
	}
}

// openCapture opens an OpenCV VideoCapture and leaves nothing behind where that fails.
func openCapture(uri string, api gocv.VideoCaptureAPI, params ...gocv.VideoCaptureProperties) (*gocv.VideoCapture, error) {
	var vc *gocv.VideoCapture
	var err error
	if len(params) > 0 {
		vc, err = gocv.VideoCaptureFileWithAPIParams(uri, api, params)
	} else {
		vc, err = gocv.VideoCaptureFileWithAPI(uri, api)
	}
	if err != nil {
		vc.Close()
		return nil, err
	}
	return vc, nil
}

// csiPipeline is how a Raspberry Pi's own camera is reached: OpenCV knows no libcamera. The leaky queue keeps libcamera
// running while a frame is converted, so that what waits is never older than a frame.
func csiPipeline(name string, s Settings) string {
	var b strings.Builder
	b.WriteString("libcamerasrc")
	if name != "" {
		fmt.Fprintf(&b, " camera-name=\"%s\"", name)
	}
	b.WriteString(" ! video/x-raw")
	if s.PixelFormat != "" {
		fmt.Fprintf(&b, ",format=%s", s.PixelFormat)
	}
	if s.Width > 0 {
		fmt.Fprintf(&b, ",width=%d,height=%d", s.Width, s.Height)
	}
	if s.FPS > 0 {
		n, d := fraction(s.FPS)
		fmt.Fprintf(&b, ",framerate=%d/%d", n, d)
	}
	b.WriteString(" ! queue leaky=downstream max-size-buffers=1")
	return withAppsink(b.String())
}

// withAppsink ends a pipeline in what OpenCV takes frames from, where it has no such end.
func withAppsink(pipeline string) string {
	if strings.Contains(pipeline, "appsink") || strings.Contains(pipeline, "opencvsink") {
		return pipeline
	}
	return strings.TrimRight(strings.TrimSpace(pipeline), "! ") +
		" ! videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1 sync=false"
}

// fraction writes a rate as GStreamer wants it: 30/1, 29970/1000.
func fraction(fps float64) (int, int) {
	if n := int(fps + 0.5); float64(n) == fps {
		return n, 1
	}
	return int(fps*1000 + 0.5), 1000
}

// video plays a video file.
type video struct {
	path   string
	name   string
	loop   bool
	vc     *gocv.VideoCapture
	frames int // since the start
}

// propThreads is CAP_PROP_N_THREADS, which OpenCV knows from 4.7 on. One thread decodes a frame while the others judge
// the last one; with more, FFmpeg holds frames back too.
const propThreads gocv.VideoCaptureProperties = 70

func openVideo(r *reader, path string) (*video, error) {
	v := &video{path: path, name: filepath.Base(path), loop: r.c.s.Loop}
	if err := v.open(); err != nil {
		return nil, err
	}
	if r.c.s.Pace == RealTime {
		fps := r.c.s.FPS
		if fps == 0 {
			fps = v.vc.Get(gocv.VideoCaptureFPS)
		}
		if !(fps > 0 && fps < 1000) {
			fps = 25 // a container without a rate
		}
		r.pace = &pacer{period: time.Duration(float64(time.Second) / fps)}
	}
	return v, nil
}

func (v *video) open() (err error) {
	if v.vc, err = openCapture(v.path, gocv.VideoCaptureFFmpeg, ffmpegThreads()...); err != nil {
		return errors.New("can't be opened as a video; is it one, and is its codec known to FFmpeg?")
	}
	v.frames = 0
	return nil
}

// read uses Read rather than Grab and Retrieve: gocv's Grab does not say whether it succeeded, and OpenCV's Retrieve
// gives the last frame again where it did not.
func (v *video) read(m *gocv.Mat) (shot, error) {
	for {
		// OpenCV takes a packet that can't be decoded for the end: it is only the end if it stays so.
		for range 8 {
			began := time.Now()
			if v.vc.Read(m) {
				v.frames++
				now := time.Now()
				return shot{taken: now, decode: now.Sub(began), name: v.name}, nil
			}
		}
		if !v.loop || v.frames == 0 {
			return shot{}, io.EOF
		}
		// Opened anew, because seeking to the first frame fails or lands elsewhere in some containers.
		v.vc.Close()
		if err := v.open(); err != nil {
			return shot{}, err
		}
	}
}

func (v *video) close() {
	if v.vc != nil {
		v.vc.Close()
	}
}
