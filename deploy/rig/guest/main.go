// Guest is what the emulated Pi runs for its tests; nothing of it is on a station. It is built for the Pi by the rig, which
// puts it there beside the initrd.
//
//	guest agent DEVICE                     serve package agent on a serial port: a device's path, or "virtio:NAME"
//	guest enter FROM TO DEVICE             in the initrd: hand over files and the agent's service to the system
//	guest feed DEVICE WIDTH HEIGHT FIFO    be the camera behind a v4l2loopback device: send each JPEG whose path is
//	                                       written into the FIFO, one a line, as one MJPG frame
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"passfail/deploy/rig/agent"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "agent":
		return serve(args[1])
	case len(args) == 4 && args[0] == "enter":
		return enter(args[1], args[2], args[3])
	case len(args) == 5 && args[0] == "feed":
		width, errW := strconv.ParseUint(args[2], 10, 16)
		height, errH := strconv.ParseUint(args[3], 10, 16)
		if err := errors.Join(errW, errH); err != nil {
			return err
		}
		return feed(args[1], int(width), int(height), args[4])
	}
	return fmt.Errorf("%q: agent DEVICE, enter FROM TO DEVICE or feed DEVICE WIDTH HEIGHT FIFO was expected", args)
}

func serve(device string) error {
	bootID, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err
	}
	if name, is := strings.CutPrefix(device, "virtio:"); is {
		if device, err = virtioPort(name); err != nil {
			return err
		}
	}
	port, err := os.OpenFile(device, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer port.Close()
	if err := raw(int(port.Fd())); err != nil && !errors.Is(err, unix.ENOTTY) {
		return fmt.Errorf("%s: %w", device, err)
	}
	return agent.Serve(port, strings.TrimSpace(string(bootID)))
}

// virtioPort is the device of the virtio-serial port with a name that QEMU gave it.
func virtioPort(name string) (string, error) {
	const class = "/sys/class/virtio-ports"
	ports, err := os.ReadDir(class)
	if err != nil {
		return "", err
	}
	for _, p := range ports {
		if b, err := os.ReadFile(class + "/" + p.Name() + "/name"); err == nil && strings.TrimSpace(string(b)) == name {
			return "/dev/" + p.Name(), nil
		}
	}
	return "", fmt.Errorf("no virtio-serial port %q", name)
}

// raw has a terminal pass bytes as they are, without echo.
func raw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}
