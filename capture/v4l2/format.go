package v4l2

import (
	"fmt"
	"strings"
	"unsafe"
)

// Format is a way in which a camera delivers pictures.
type Format struct {
	PixelFormat string // FourCC: YUYV, MJPG
	Description string
	Sizes       []Size
}

// Size of a picture in pixels. Max and Step are set where a camera delivers every size from Width×Height on.
type Size struct {
	Width, Height         int
	MaxWidth, MaxHeight   int
	StepWidth, StepHeight int
	Rates                 []float64 // frames a second, where the camera lists them
}

func (s Size) String() string {
	if s.MaxWidth > 0 {
		return fmt.Sprintf("%dx%d to %dx%d", s.Width, s.Height, s.MaxWidth, s.MaxHeight)
	}
	return fmt.Sprintf("%dx%d", s.Width, s.Height)
}

// maxEnum ends the listing of a driver that never says that its list is over.
const maxEnum = 256

// Formats lists what the camera offers.
func (d *Device) Formats() []Format {
	var list []Format
	for i := range uint32(maxEnum) {
		q := fmtdesc{index: i, typ: bufTypeVideoCapture}
		if ioctl(d.fd, vidiocEnumFmt, unsafe.Pointer(&q)) != nil {
			break
		}
		list = append(list, Format{fourCC(q.pixelformat), text(q.description[:]), d.sizes(q.pixelformat)})
	}
	return list
}

func (d *Device) sizes(pixelformat uint32) []Size {
	var list []Size
	for i := range uint32(maxEnum) {
		q := frmsizeenum{index: i, pixelFormat: pixelformat}
		if ioctl(d.fd, vidiocEnumFramesizes, unsafe.Pointer(&q)) != nil {
			break
		}
		s := q.decode()
		if s.MaxWidth > 0 {
			return append(list, s) // a range is the only entry
		}
		s.Rates = d.rates(pixelformat, s)
		list = append(list, s)
	}
	return list
}

func (q *frmsizeenum) decode() Size {
	n := func(i int) int { return int(q.size[i]) }
	if q.typ == frmsizeDiscrete {
		return Size{Width: n(0), Height: n(1)}
	}
	return Size{Width: n(0), MaxWidth: n(1), StepWidth: n(2), Height: n(3), MaxHeight: n(4), StepHeight: n(5)}
}

func (d *Device) rates(pixelformat uint32, s Size) []float64 {
	var list []float64
	for i := range uint32(maxEnum) {
		q := frmivalenum{index: i, pixelFormat: pixelformat, width: uint32(s.Width), height: uint32(s.Height)}
		if ioctl(d.fd, vidiocEnumFrameintervals, unsafe.Pointer(&q)) != nil || q.typ != frmivalDiscrete || q.interval[0] == 0 {
			break
		}
		list = append(list, float64(q.interval[1])/float64(q.interval[0]))
	}
	return list
}

// Current is the format that the device is set to now.
func (d *Device) Current() (width, height int, pixelFormat string, err error) {
	f := format{typ: bufTypeVideoCapture}
	if err := ioctl(d.fd, vidiocGFmt, unsafe.Pointer(&f)); err != nil {
		return 0, 0, "", fmt.Errorf("%s: its format can't be read: %w", d.Path, err)
	}
	return int(f.fmt.pix.width), int(f.fmt.pix.height), fourCC(f.fmt.pix.pixelformat), nil
}

// Offers says in a line what the camera offers, for the end of an error message.
func (d *Device) Offers() string {
	var formats []string
	for _, f := range d.Formats() {
		sizes := make([]string, len(f.Sizes))
		for i, s := range f.Sizes {
			sizes[i] = s.String()
		}
		formats = append(formats, f.PixelFormat+" "+strings.Join(sizes, " "))
	}
	if len(formats) == 0 {
		return "it does not list what it offers"
	}
	return "it offers " + strings.Join(formats, "; ")
}

// fourCC is a pixel format's name, without the blanks that fill short ones and the mark of big-endian ones.
func fourCC(v uint32) string {
	return strings.TrimRight(string([]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v>>24) & 0x7f}), " \x00")
}
