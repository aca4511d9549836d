package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"passfail/capture/v4l2"
)

// usb is a camera that the kernel shows as a V4L2 device: nearly always one on USB.
type usb struct {
	path     string
	controls map[string]int
	timeout  time.Duration
	vc       *gocv.VideoCapture
	jpeg     gocv.Mat // what the camera sent, where that is JPEG
	isJPEG   bool
	opened   time.Time
	checked  bool
	clock    unix.Timespec
}

// driverBuffers is how many frames the driver may hold: one being converted, one filled, one being filled. With fewer
// it drops every other frame; with more, what is read after a pause is older.
const driverBuffers = 3

func openV4L2(source Source, s Settings, log *slog.Logger) (device, error) {
	path := source.Path
	if path == "" {
		info, err := v4l2.Find(v4l2.List(), source.Name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &failure{NoDevice, errors.New(v4l2.Connected())}
		}
		if err != nil {
			return nil, &failure{OpenFailed, err}
		}
		path = info.Path
	}
	dev, err := v4l2.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return nil, &failure{NoDevice, errors.New(v4l2.Connected())}
	case errors.Is(err, fs.ErrPermission):
		return nil, &failure{OpenFailed, fmt.Errorf("%w; add the user to the group video", err)}
	case err != nil:
		return nil, &failure{OpenFailed, fmt.Errorf("%w; %s", err, v4l2.Connected())}
	}
	defer dev.Close()
	vc, err := openCapture(path, gocv.VideoCaptureV4L2)
	if err != nil {
		return nil, &failure{OpenFailed, fmt.Errorf("another program uses it (see: fuser -v %s), or OpenCV knows none of its formats; %s", path, dev.Offers())}
	}
	u := &usb{path: path, controls: s.Controls, timeout: s.Timeout, vc: vc, jpeg: gocv.NewMat()}
	if err := u.configure(dev, s, log); err != nil {
		u.close()
		return nil, err
	}
	u.opened = time.Now()
	return u, nil
}

// decodable are the formats that OpenCV turns into BGR.
var decodable = []string{"MJPG", "JPEG", "YUYV", "UYVY", "NV12", "NV21", "YU12", "YV12", "BGR3", "RGB3", "GREY", "Y16"}

// configure sets format, size, rate and controls, in this order: each of the first starts the driver anew.
func (u *usb) configure(dev *v4l2.Device, s Settings, log *slog.Logger) error {
	// Unasked, OpenCV would set 640x480 and its own favourite format: keep what the device has.
	w, h, pixels, err := dev.Current()
	if err != nil {
		return &failure{OpenFailed, err}
	}
	if s.Width > 0 {
		w, h = s.Width, s.Height
	}
	if s.PixelFormat != "" {
		pixels = s.PixelFormat
	}
	if s.PixelFormat != "" || slices.Contains(decodable, pixels) {
		u.vc.Set(gocv.VideoCaptureFOURCC, u.vc.ToCodec(fmt.Sprintf("%-4s", pixels)))
	}
	u.vc.Set(gocv.VideoCaptureFrameWidth, float64(w))
	u.vc.Set(gocv.VideoCaptureFrameHeight, float64(h))
	if s.FPS > 0 {
		u.vc.Set(gocv.VideoCaptureFPS, math.Round(s.FPS))
	}
	u.vc.Set(gocv.VideoCaptureBufferSize, driverBuffers)

	gw, gh, got, err := dev.Current()
	if err != nil {
		return &failure{OpenFailed, err}
	}
	if gw != w || gh != h || (s.PixelFormat != "" && got != strings.TrimRight(s.PixelFormat, " ")) {
		return &settingsError{fmt.Sprintf("wanted %dx%d %s, got %dx%d %s; %s", w, h, pixels, gw, gh, got, dev.Offers())}
	}
	if fps := u.vc.Get(gocv.VideoCaptureFPS); s.FPS > 0 && fps > 0 && math.Abs(fps-s.FPS) > 0.5 {
		log.Warn("camera runs at another rate", "wanted", s.FPS, "got", fps)
	}
	if err := dev.Apply(u.controls); err != nil {
		return &failure{Refused, err}
	}
	// OpenCV shows the last picture again where a JPEG can't be decoded, and says nothing: decode it here.
	if u.isJPEG = got == "MJPG" || got == "JPEG"; u.isJPEG {
		u.vc.Set(gocv.VideoCaptureConvertRGB, 0)
	}
	log.Info("camera opened", "camera", dev.Info.String(), "width", gw, "height", gh, "format", got)
	return nil
}

func (u *usb) read(m *gocv.Mat) (shot, error) {
	for {
		if err := u.grab(m); err != nil {
			return shot{}, err
		}
		taken := u.taken(time.Now())
		if taken.Before(u.opened) {
			continue // filled before this opening
		}
		if !u.checked {
			u.checked = true
			if err := u.check(); err != nil {
				return shot{}, err
			}
		}
		var decoding time.Duration
		if u.isJPEG {
			began := time.Now()
			data, err := u.jpeg.DataPtrUint8()
			if err == nil {
				err = decode(data, m)
			}
			if err != nil {
				return shot{}, &undecodable{fmt.Errorf("frame of %s: %w", u.path, err)}
			}
			decoding = time.Since(began)
		}
		return shot{taken: taken, decode: decoding}, nil
	}
}

// grab reads a frame into m, or into u.jpeg. A failure is looked into before it is believed: Go's own signals interrupt
// OpenCV's select, which it reports as a failure to read.
func (u *usb) grab(m *gocv.Mat) error {
	if u.isJPEG {
		m = &u.jpeg
	}
	began := time.Now()
	for range 5 {
		if u.vc.Read(m) {
			return nil
		}
		if !v4l2.Exists(u.path) {
			return &failure{Unplugged, errors.New(v4l2.Connected())}
		}
		if time.Since(began) >= u.timeout {
			return &failure{NoFrame, fmt.Errorf("no frame for %v", u.timeout)}
		}
	}
	return &failure{ReadError, errors.New("the driver delivers no frames, though the camera is there; plug it in again, and mind power and bandwidth of its USB port")}
}

// check reads the controls back now that the stream runs.
func (u *usb) check() error {
	if len(u.controls) == 0 {
		return nil
	}
	dev, err := v4l2.Open(u.path)
	if err != nil {
		return err
	}
	defer dev.Close()
	if err := dev.Check(u.controls); err != nil {
		return &failure{Refused, err}
	}
	return nil
}

// taken is the driver's own time of the frame, which OpenCV passes on as its position.
func (u *usb) taken(now time.Time) time.Time {
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &u.clock) != nil {
		return now
	}
	return driverTime(u.vc.Get(gocv.VideoCapturePosMsec), time.Duration(u.clock.Nano()), now, u.timeout)
}

// driverTime turns a driver's time stamp, in milliseconds of CLOCK_MONOTONIC, into a time.Time; monotonic is that clock
// at now. Some drivers stamp with another clock, or not at all: a frame that seems to be from the future, or older than
// oldest, was taken now as far as anybody knows.
func driverTime(stamp float64, monotonic time.Duration, now time.Time, oldest time.Duration) time.Time {
	age := monotonic - time.Duration(stamp*float64(time.Millisecond))
	if stamp <= 0 || age < 0 || age > oldest {
		return now
	}
	return now.Add(-age)
}

func (u *usb) close() {
	u.vc.Close()
	u.jpeg.Close()
}
