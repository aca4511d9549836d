package capture

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
	"unsafe"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"
)

// folder plays pictures as if they were the frames of a camera.
type folder struct {
	pictures []picture
	next     int
	decoded  int // since the start of the folder
	loop     bool
	data     []byte // the file being decoded; grows to the largest and stays
}

// picture is a file of a folder, its names made ready so that playing it allocates nothing.
type picture struct {
	path  string
	cpath []byte // with a zero byte at its end, for the kernel
	name  string
}

func openFolder(paths []string, loop bool) (*folder, error) {
	f := &folder{loop: loop}
	for _, p := range paths {
		c, err := unix.ByteSliceFromString(p)
		if err != nil {
			return nil, fmt.Errorf("picture %q: %w", p, err)
		}
		f.pictures = append(f.pictures, picture{path: p, cpath: c, name: filepath.Base(p)})
	}
	return f, nil
}

func (f *folder) read(m *gocv.Mat) (shot, error) {
	if f.next == len(f.pictures) {
		if !f.loop {
			return shot{}, io.EOF
		}
		if f.decoded == 0 {
			return shot{}, errors.New("none of its pictures can be decoded")
		}
		f.next, f.decoded = 0, 0
	}
	p := &f.pictures[f.next]
	f.next++
	began := time.Now()
	if err := f.load(p); err != nil {
		return shot{}, &undecodable{fmt.Errorf("%s: %w", p.path, err)}
	}
	if err := decode(f.data, m); err != nil {
		return shot{}, &undecodable{fmt.Errorf("%s: %w", p.path, err)}
	}
	f.decoded++
	now := time.Now()
	return shot{taken: now, decode: now.Sub(began), name: p.name}, nil
}

func (f *folder) close() {}

// load reads a file into f.data. It is os.ReadFile without what that allocates: the file, its name and the buffer.
func (f *folder) load(p *picture) error {
	at := unix.AT_FDCWD
	fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(at), uintptr(unsafe.Pointer(&p.cpath[0])), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	defer unix.Close(int(fd))
	f.data = f.data[:0]
	for {
		if len(f.data) == cap(f.data) {
			f.data = append(f.data, make([]byte, max(len(f.data), 1<<18))...)[:len(f.data)]
		}
		n, err := unix.Read(int(fd), f.data[len(f.data):cap(f.data)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n <= 0 {
			return nil
		}
		f.data = f.data[:len(f.data)+n]
		if len(f.data) > maxFile {
			return errors.New("is longer than any picture that is decoded")
		}
	}
}
