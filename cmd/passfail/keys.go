package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// errNoMoreKeys says that q was pressed, or that the input has ended.
var errNoMoreKeys = errors.New("no more keys")

// keys reads single presses of keys. On a terminal it switches waiting for
// Return and showing what is typed off until Close; Ctrl-C works as ever.
type keys struct {
	in    *os.File
	saved *unix.Termios // how the terminal was; nil: it is none
}

func openKeys(in *os.File) (*keys, error) {
	k := &keys{in: in}
	fd := int(in.Fd())
	if !term.IsTerminal(fd) {
		return k, nil
	}
	saved, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	now := *saved
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &now); err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	k.saved = saved
	return k, nil
}

// Close gives the terminal back as it was.
func (k *keys) Close() error {
	if k.saved == nil {
		return nil
	}
	return unix.IoctlSetTermios(int(k.in.Fd()), unix.TCSETS, k.saved)
}

// Next waits for a key, and returns errNoMoreKeys for q and at the end of the
// input, and ctx's error when ctx ends.
func (k *keys) Next(ctx context.Context) error {
	// Nothing interrupts a read of a terminal: wait for a key or for ctx, and read
	// only when there is something.
	wake, done, err := os.Pipe()
	if err != nil {
		return err
	}
	defer wake.Close()
	stop := context.AfterFunc(ctx, func() { done.Close() })
	defer func() {
		if stop() {
			done.Close()
		}
	}()
	for {
		list := []unix.PollFd{{Fd: int32(k.in.Fd()), Events: unix.POLLIN}, {Fd: int32(wake.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(list, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("keys: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if list[0].Revents == 0 {
			continue
		}
		var b [1]byte
		n, err := unix.Read(int(k.in.Fd()), b[:])
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil:
			return fmt.Errorf("keys: %w", err)
		case n == 0, b[0] == 'q', b[0] == 'Q', b[0] == 4: // 4 is Ctrl-D
			return errNoMoreKeys
		}
		return nil
	}
}
