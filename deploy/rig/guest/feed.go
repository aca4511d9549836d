package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of linux/videodev2.h.
const (
	vidiocSFmt     = 0xc0d05605 // VIDIOC_S_FMT
	bufVideoOutput = 2          // V4L2_BUF_TYPE_VIDEO_OUTPUT
	fieldNone      = 1          // V4L2_FIELD_NONE
	pixFmtMJPEG    = 'M' | 'J'<<8 | 'P'<<16 | 'G'<<24
)

// v4l2Format is struct v4l2_format with its member pix; the union is aligned to eight bytes.
type v4l2Format struct {
	typ                                       uint32
	_                                         uint32
	width, height, pixelFormat, field         uint32
	bytesPerLine, sizeImage, colorSpace, priv uint32
	_                                         [168]byte
}

// feed sends pictures until the FIFO is removed from under it, which nobody does: it is killed.
func feed(device string, width, height int, fifo string) error {
	camera, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer camera.Close()
	f := v4l2Format{typ: bufVideoOutput, width: uint32(width), height: uint32(height), pixelFormat: pixFmtMJPEG, field: fieldNone}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, camera.Fd(), vidiocSFmt, uintptr(unsafe.Pointer(&f))); errno != 0 {
		return fmt.Errorf("%s: MJPG of %dx%d: %w", device, width, height, errno)
	}
	if f.width != uint32(width) || f.height != uint32(height) || f.pixelFormat != pixFmtMJPEG {
		return fmt.Errorf("%s: MJPG of %dx%d was refused for %dx%d", device, width, height, f.width, f.height)
	}

	if err := unix.Mkfifo(fifo, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", fifo, err)
	}
	names, err := os.OpenFile(fifo, os.O_RDWR, 0) // both ends, so that it has no end when a writer goes
	if err != nil {
		return err
	}
	defer names.Close()
	fmt.Println("ready")
	for lines := bufio.NewScanner(names); lines.Scan(); {
		picture, err := os.ReadFile(lines.Text())
		if err != nil {
			return err
		}
		// One call is one frame.
		if n, err := camera.Write(picture); err != nil || n != len(picture) {
			return fmt.Errorf("%s: %d of %d bytes of %s: %w", device, n, len(picture), lines.Text(), err)
		}
		fmt.Println("fed", lines.Text())
	}
	return nil
}
