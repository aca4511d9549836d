package capture

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"gocv.io/x/gocv"
)

// stream is a live source that OpenCV reads by GStreamer or FFmpeg.
type stream struct {
	vc      *gocv.VideoCapture
	rows    int // of a frame, as the pipeline says
	timeout time.Duration
	lost    Reason // what it means when no frame comes
	hint    string
	checked bool
	backlog *backlog // nil once it is read, or where there is none
}

func openGStreamer(pipeline string) (*stream, error) {
	if err := checkPipeline(pipeline); err != nil {
		if strings.Contains(err.Error(), `"libcamerasrc"`) {
			err = fmt.Errorf("%w (install the package gstreamer1.0-libcamera)", err)
		}
		return nil, &failure{OpenFailed, fmt.Errorf("%w, in the pipeline: %s", err, pipeline)}
	}
	vc, err := openCapture(pipeline, gocv.VideoCaptureGstreamer)
	if err != nil {
		return nil, &failure{OpenFailed, fmt.Errorf("the pipeline does not start; try it: gst-launch-1.0 %s", pipeline)}
	}
	return &stream{vc: vc, rows: int(vc.Get(gocv.VideoCaptureFrameHeight)),
		lost: Unplugged, hint: "the pipeline ended: its camera went away or one of its elements failed"}, nil
}

// openTimeout is how long FFmpeg may try to open a network camera: less than openGrace, so that it ends by itself.
const openTimeout = openGrace * 8 / 10

func openNetwork(address string, s Settings) (*stream, error) {
	if err := dial(address, s.Timeout); err != nil {
		return nil, err
	}
	params := append(ffmpegThreads(),
		propOpenTimeout, gocv.VideoCaptureProperties(openTimeout.Milliseconds()),
		propReadTimeout, gocv.VideoCaptureProperties(s.Timeout.Milliseconds()))
	vc, err := openCapture(address, gocv.VideoCaptureFFmpeg, params...)
	if err != nil {
		return nil, &failure{OpenFailed, errors.New("it answers, but not with a video that FFmpeg understands; check path, user and password of its address")}
	}
	return &stream{vc: vc, rows: int(vc.Get(gocv.VideoCaptureFrameHeight)), timeout: s.Timeout,
		lost: ReadError, hint: "the stream ended", backlog: newBacklog(vc.Get(gocv.VideoCaptureFPS))}, nil
}

// Properties that gocv has no names for; open only, milliseconds, FFmpeg.
const (
	propOpenTimeout gocv.VideoCaptureProperties = 53
	propReadTimeout gocv.VideoCaptureProperties = 54
)

// dial asks whether anybody listens, because OpenCV only ever says that opening failed.
func dial(address string, timeout time.Duration) error {
	u, err := url.Parse(address)
	if err != nil {
		return &failure{OpenFailed, err}
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"rtsp": "554", "rtsps": "322", "http": "80", "https": "443"}[u.Scheme]
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(u.Hostname(), port), timeout)
	if err != nil {
		return &failure{NoDevice, err}
	}
	return conn.Close()
}

// read uses Read rather than Grab and Retrieve: gocv's Grab does not say whether it succeeded, and OpenCV's Retrieve
// gives the last frame again where it did not. A frame's time is therefore that of its arrival, converted: a
// millisecond or two late, and without what camera and network took before.
func (s *stream) read(m *gocv.Mat) (shot, error) {
	for {
		began := time.Now()
		if !s.vc.Read(m) {
			if s.timeout > 0 && time.Since(began) >= s.timeout {
				return shot{}, &failure{NoFrame, fmt.Errorf("no frame for %v", s.timeout)}
			}
			return shot{}, &failure{s.lost, errors.New(s.hint)}
		}
		if !s.checked {
			if err := s.check(m); err != nil {
				return shot{}, err
			}
		}
		now := time.Now()
		if s.backlog == nil || s.backlog.over(now.Sub(began)) {
			s.backlog = nil
			return shot{taken: now}, nil
		}
	}
}

// check finds frames whose single channel is not gray but planes of colour or compressed data.
func (s *stream) check(m *gocv.Mat) error {
	s.checked = true
	if m.Channels() == 1 && s.rows > 0 && m.Rows() != s.rows {
		return &settingsError{"the pipeline delivers planar or compressed frames; put `videoconvert ! video/x-raw,format=BGR` before its appsink (after jpegdec, for a camera that sends JPEG)"}
	}
	return nil
}

func (s *stream) close() { s.vc.Close() }

// backlog is what FFmpeg read ahead of a network camera to find out what it sends: up to five seconds of old frames,
// which then come in a rush, as if they were new. They are over when a frame has to be waited for.
type backlog struct {
	wait  time.Duration // half the time between two frames
	until time.Time
}

func newBacklog(fps float64) *backlog {
	if !(fps >= 1 && fps <= 120) {
		fps = 25
	}
	// A processor that decodes no faster than the camera sends, or a camera that sends faster than it says, never has
	// to be waited for: then a second must do.
	return &backlog{wait: time.Duration(float64(time.Second) / fps / 2), until: time.Now().Add(time.Second)}
}

func (b *backlog) over(took time.Duration) bool {
	return took >= b.wait || time.Now().After(b.until)
}
