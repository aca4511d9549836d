package v4l2

import (
	"bytes"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's structures, field by field. Go lays them out as C does on the architectures that Linux has cameras on;
// where C packs a structure, its 64-bit members are byte arrays here.

type capability struct {
	driver       [16]byte
	card         [32]byte
	busInfo      [32]byte
	version      uint32
	capabilities uint32
	deviceCaps   uint32
	_            [3]uint32
}

type fmtdesc struct {
	index       uint32
	typ         uint32
	flags       uint32
	description [32]byte
	pixelformat uint32
	mbusCode    uint32
	_           [3]uint32
}

type frmsizeenum struct {
	index       uint32
	pixelFormat uint32
	typ         uint32
	size        [6]uint32 // discrete: width, height; else min, max, step of the width, then of the height
	_           [2]uint32
}

type frmivalenum struct {
	index       uint32
	pixelFormat uint32
	width       uint32
	height      uint32
	typ         uint32
	interval    [6]uint32 // discrete: numerator, denominator; else min, max, step
	_           [2]uint32
}

type format struct {
	typ uint32
	fmt struct {
		_   [0]uintptr // the union holds a pointer in C, which aligns it
		pix struct {
			width, height, pixelformat, field, bytesperline, sizeimage uint32
		}
		_ [200 - 24]byte
	}
}

type queryExtCtrl struct {
	id           uint32
	typ          uint32
	name         [32]byte
	minimum      int64
	maximum      int64
	step         uint64
	defaultValue int64
	flags        uint32
	elemSize     uint32
	elems        uint32
	nrOfDims     uint32
	dims         [4]uint32
	_            [32]uint32
}

type querymenu struct {
	id    uint32
	index uint32
	name  [32]byte // or, in its first 8 bytes, the value of an integer menu
	_     uint32
}

type extControl struct {
	id    uint32
	size  uint32
	_     uint32
	value [8]byte // packed in C; 32 bits are used but of 64-bit controls
}

type extControls struct {
	which     uint32
	count     uint32
	errorIdx  uint32
	requestFD int32
	_         uint32
	controls  unsafe.Pointer
}

// Directions of an ioctl request number.
const (
	iocWrite = 1
	iocRead  = 2
)

// request is the _IOC macro for the type 'V'.
func request(dir, nr, size uintptr) uintptr { return dir<<30 | size<<16 | 'V'<<8 | nr }

var (
	vidiocQuerycap           = request(iocRead, 0, unsafe.Sizeof(capability{}))
	vidiocEnumFmt            = request(iocRead|iocWrite, 2, unsafe.Sizeof(fmtdesc{}))
	vidiocGFmt               = request(iocRead|iocWrite, 4, unsafe.Sizeof(format{}))
	vidiocQuerymenu          = request(iocRead|iocWrite, 37, unsafe.Sizeof(querymenu{}))
	vidiocGExtCtrls          = request(iocRead|iocWrite, 71, unsafe.Sizeof(extControls{}))
	vidiocSExtCtrls          = request(iocRead|iocWrite, 72, unsafe.Sizeof(extControls{}))
	vidiocEnumFramesizes     = request(iocRead|iocWrite, 74, unsafe.Sizeof(frmsizeenum{}))
	vidiocEnumFrameintervals = request(iocRead|iocWrite, 75, unsafe.Sizeof(frmivalenum{}))
	vidiocQueryExtCtrl       = request(iocRead|iocWrite, 103, unsafe.Sizeof(queryExtCtrl{}))
)

const (
	bufTypeVideoCapture = 1

	capVideoCapture = 0x00000001
	capStreaming    = 0x04000000
	capDeviceCaps   = 0x80000000

	frmsizeDiscrete = 1
	frmivalDiscrete = 1
)

// ioctl repeats a request that a signal interrupted: Go's scheduler sends signals of its own.
func ioctl(fd int, req uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), req, uintptr(arg))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// text is a C string within a fixed field.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
