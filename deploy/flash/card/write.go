package card

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// chunk is how much is written and read at a time, in bytes: as much as cards
// erase at once, and a multiple of every block size.
const chunk = 4 << 20

// Progress is told how many of the image's bytes are done. It may be nil.
type Progress func(done int64)

// Device is a disk that is open for being overwritten, by nobody else.
type Device struct {
	file *os.File
	size int64
}

// Open opens the disk for itself alone. The kernel refuses that where the disk,
// or a partition of it, is mounted, swap, or part of a RAID or a volume.
func Open(path string) (*Device, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_EXCL, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, fmt.Errorf("%s is in use, says the kernel: something on it is mounted, or part of a volume; lsblk %s shows it", path, path)
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.ENOMEDIUM):
		return nil, fmt.Errorf("%s cannot be written: %w; is there a card, and is its lock open?", path, err)
	case err != nil:
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: how large is it? %w", path, err)
	}
	return &Device{file: f, size: size}, nil
}

// Close gives the disk back, after the kernel has read its new partitions.
func (d *Device) Close() error {
	// Refused for what has no partitions, such as most loop devices: then there is nothing to read.
	_ = unix.IoctlSetInt(int(d.file.Fd()), unix.BLKRRPART, 0)
	return d.file.Close()
}

// Write puts the image, of so many bytes, on the disk's beginning, and returns
// once the disk says that it has it. Where the image is zero the disk is zeroed too,
// without a transfer if it can do that by itself.
func (d *Device) Write(ctx context.Context, image io.ReaderAt, size int64, progress Progress) error {
	if size > d.size {
		return fmt.Errorf("%s holds %s, and the image has %s", d.file.Name(), Bytes(d.size), Bytes(size))
	}
	buf := make([]byte, chunk)
	zero := make([]byte, chunk)
	err := chunks(ctx, size, progress, func(at int64, n int) error {
		if _, err := image.ReadAt(buf[:n], at); err != nil {
			return fmt.Errorf("the image cannot be read at byte %d: %w", at, err)
		}
		if bytes.Equal(buf[:n], zero[:n]) && d.zero(at, n) == nil {
			return nil
		}
		if _, err := d.file.WriteAt(buf[:n], at); err != nil {
			return fmt.Errorf("%s cannot be written at byte %d: %w; is the card worn out, or was it pulled out?", d.file.Name(), at, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.file.Sync(); err != nil {
		return fmt.Errorf("%s did not take all that was written: %w; the card or its reader is broken", d.file.Name(), err)
	}
	return nil
}

// zero has n bytes from at on read as zero. Not every kind of device can.
func (d *Device) zero(at int64, n int) error {
	span := [2]uint64{uint64(at), uint64(n)}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, d.file.Fd(), unix.BLKZEROOUT, uintptr(unsafe.Pointer(&span)))
	if errno != 0 {
		return errno
	}
	return nil
}

// Verify reads the image back and compares. What the kernel still has in memory is
// passed by (direct I/O), so it is the disk that answers.
func (d *Device) Verify(ctx context.Context, image io.ReaderAt, size int64, progress Progress) error {
	// Where it is no block device there is nothing to flush.
	_ = unix.IoctlSetInt(int(d.file.Fd()), unix.BLKFLSBUF, 0)
	f, err := os.OpenFile(d.file.Name(), os.O_RDONLY|unix.O_DIRECT, 0)
	if err != nil {
		return fmt.Errorf("%s cannot be read past the page cache: %w", d.file.Name(), err)
	}
	defer func() { _ = f.Close() }() // only read
	// Memory of its own pages, as direct I/O wants it.
	read, err := unix.Mmap(-1, 0, chunk, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("no memory to read into: %w", err)
	}
	defer func() { _ = unix.Munmap(read) }()
	wanted := make([]byte, chunk)
	return chunks(ctx, size, progress, func(at int64, n int) error {
		if _, err := image.ReadAt(wanted[:n], at); err != nil {
			return fmt.Errorf("the image cannot be read at byte %d: %w", at, err)
		}
		// Whole blocks: the end of the image may lie within one.
		got, err := f.ReadAt(read[:min(d.size-at, chunk)], at)
		if got < n {
			return fmt.Errorf("%s cannot be read at byte %d: %w", d.file.Name(), at, err)
		}
		if bytes.Equal(read[:n], wanted[:n]) {
			return nil
		}
		for i := range n {
			if read[i] != wanted[i] {
				at += int64(i)
				break
			}
		}
		return fmt.Errorf("%s reads back other than it was written, at byte %d: the card or its reader is broken, or the card holds less than it says; try another one", d.file.Name(), at)
	})
}

// chunks calls f for each chunk of size bytes, until one fails or ctx ends.
func chunks(ctx context.Context, size int64, progress Progress, f func(at int64, n int) error) error {
	for at := int64(0); at < size; at += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := int(min(chunk, size-at))
		if err := f(at, n); err != nil {
			return err
		}
		if progress != nil {
			progress(at + int64(n))
		}
	}
	return nil
}
