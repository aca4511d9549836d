package v4l2

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Device is an opened video device. Opening one does not disturb the program that streams from it.
type Device struct {
	Info
	fd int
}

// Info is what a device says of itself.
type Info struct {
	Path   string // /dev/video0
	Card   string // HD Pro Webcam C920
	Driver string // uvcvideo
	Bus    string // usb-0000:01:00.0-1.3
}

func (i Info) String() string { return fmt.Sprintf("%s (%s)", i.Path, i.Card) }

// ErrNoCamera is wrapped by errors of devices that exist and deliver no pictures, such as a camera's metadata node.
var ErrNoCamera = errors.New("is no camera: it delivers no pictures")

// Open opens path, which may be a link such as those in /dev/v4l/by-id. The error of a missing device wraps
// fs.ErrNotExist.
func Open(path string) (*Device, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	d := &Device{Info: Info{Path: path}, fd: fd}
	var c capability
	if err := ioctl(fd, vidiocQuerycap, unsafe.Pointer(&c)); err != nil {
		d.Close()
		if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
			err = ErrNoCamera
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d.Card, d.Driver, d.Bus = text(c.card[:]), text(c.driver[:]), text(c.busInfo[:])
	if !c.camera() {
		d.Close()
		return nil, fmt.Errorf("%s (%s): %w", path, d.Card, ErrNoCamera)
	}
	return d, nil
}

// camera tells a node that delivers pictures from the others that a camera has.
func (c *capability) camera() bool {
	caps := c.capabilities
	if caps&capDeviceCaps != 0 {
		caps = c.deviceCaps // of this node; capabilities are those of the whole camera
	}
	return caps&capVideoCapture != 0 && caps&capStreaming != 0
}

// Close closes the device.
func (d *Device) Close() error { return unix.Close(d.fd) }

// List returns the connected cameras in the order of their numbers. What can't be opened is left out.
func List() []Info {
	paths, _ := filepath.Glob("/dev/video*")
	sort.Slice(paths, func(i, j int) bool {
		if len(paths[i]) != len(paths[j]) {
			return len(paths[i]) < len(paths[j])
		}
		return paths[i] < paths[j]
	})
	var found []Info
	for _, p := range paths {
		if d, err := Open(p); err == nil {
			found = append(found, d.Info)
			d.Close()
		}
	}
	return found
}

// Connected names the connected cameras for the end of an error message.
func Connected() string {
	list := List()
	if len(list) == 0 {
		return "no camera is connected"
	}
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.String()
	}
	return "connected: " + strings.Join(names, ", ")
}

// Find returns the camera among list whose card name is name or else contains it, in any case. Two are an error: give
// the path in /dev/v4l/by-id then, which stays the same whatever is plugged in first.
func Find(list []Info, name string) (Info, error) {
	var found []Info
	for _, c := range list {
		if strings.EqualFold(c.Card, name) {
			found = append(found, c)
		}
	}
	for _, c := range list {
		if len(found) == 0 || !strings.EqualFold(found[0].Card, name) {
			if strings.Contains(strings.ToLower(c.Card), strings.ToLower(name)) {
				found = append(found, c)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Info{}, fs.ErrNotExist
	}
	names := make([]string, len(found))
	for i, c := range found {
		names[i] = c.String()
	}
	return Info{}, fmt.Errorf("the name fits %d cameras: %s; say which by its path in /dev/v4l/by-id or /dev/v4l/by-path", len(found), strings.Join(names, ", "))
}

// Exists tells whether a device node is still there: a camera that is unplugged takes its node with it.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
