package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"passfail/deploy/rig/gpio"
)

// Machine is one that a card is booted in.
type Machine string

const (
	Raspi3B Machine = "raspi3b"
	Virt    Machine = "virt"
)

const (
	qemu = "qemu-system-aarch64"
	// dtb is the device tree of Debian's kernel for what Raspi3B emulates.
	dtb = "bcm2837-rpi-3-b.dtb"
	// agentPort is the name of Virt's port for the agent.
	agentPort = "passfail.rig"
)

// agentDevice is what the agent inside serves on.
func (m Machine) agentDevice() string {
	if m == Raspi3B {
		return "/dev/ttyAMA0"
	}
	return "virtio:" + agentPort
}

// console is the kernel's console, which goes into a file.
func (m Machine) console() string {
	if m == Raspi3B {
		return "console=ttyS1,115200"
	}
	return "console=ttyAMA0"
}

// arguments are those of QEMU that make the machine.
func (m Machine) arguments(dir, cardPath, sshForward string) ([]string, error) {
	args := []string{
		"-display", "none", "-no-reboot", "-S", "-accel", "tcg",
		"-qmp", "unix:" + dir + "/qmp,server=on,wait=off",
		"-qmp", "unix:" + dir + "/qmp2,server=on,wait=off", // for somebody else beside
		"-qtest", "unix:" + dir + "/qtest,server=on,wait=off", "-qtest-log", "none",
		"-chardev", "socket,id=agent,path=" + dir + "/agent,server=on,wait=off",
		"-kernel", dir + "/kernel", "-initrd", dir + "/initrd", "-dtb", dir + "/dtb",
	}
	switch m {
	case Raspi3B:
		args = append(args, "-M", "raspi3b",
			"-drive", "if=sd,format=qcow2,file="+cardPath,
			"-serial", "chardev:agent", "-serial", "file:"+dir+"/console")
	case Virt:
		args = append(args, m.virt()...)
		args = append(args,
			"-drive", "if=none,id=card,format=qcow2,file="+cardPath, "-device", "virtio-blk-pci,drive=card",
			"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name="+agentPort,
			"-serial", "file:"+dir+"/console")
	default:
		return nil, fmt.Errorf("no machine %q; there are %s and %s", m, Raspi3B, Virt)
	}
	if sshForward == "" {
		return append(args, "-nic", "none"), nil
	}
	device := "virtio-net-pci,romfile=" // Debian has that in a package of its own, for booting from a network
	if m == Raspi3B {
		device = "usb-net"
	}
	// restrict: nothing but what is forwarded gets in or out.
	return append(args, "-netdev", "user,id=net,restrict=on,hostfwd=tcp:"+sshForward+"-:22", "-device", device+",netdev=net"), nil
}

// virt is a processor that is quickly emulated: without pointer authentication, with atomic instructions; and one of it, since
// several cost more time together than they save.
func (m Machine) virt() []string {
	return []string{"-M", "virt", "-cpu", "neoverse-n1", "-smp", "1", "-m", "1024"}
}

// words are those of the kernel's command line that save half of Virt's time. A kernel at a random address keeps its page table
// from programs, as no kernel on a Pi 3 does, and QEMU forgets all that it knows of addresses at each system call then.
func (m Machine) words() string {
	if m == Virt {
		return "nokaslr mitigations=off"
	}
	return ""
}

// deviceTree writes the device tree of the machine to path; onCard is the Pi's.
func (m Machine) deviceTree(ctx context.Context, onCard []byte, path string) error {
	if m == Raspi3B {
		if err := os.WriteFile(path, onCard, 0o644); err != nil {
			return err
		}
		// On a Pi 3 the first serial port belongs to Bluetooth, which QEMU has not.
		return tool(ctx, "fdtput", "-r", path, "/soc/serial@7e201000/bluetooth")
	}
	args := append(m.virt(), "-M", "dumpdtb="+path, "-display", "none", "-nic", "none")
	if err := tool(ctx, qemu, args...); err != nil {
		return err
	}
	names := []string{"-t", "s", path, "/pl061@9030000", "gpio-line-names"}
	for i, pin := range gpio.VirtLines() {
		if pin < 0 {
			names = append(names, fmt.Sprintf("LINE%d", i))
		} else {
			names = append(names, fmt.Sprintf("GPIO%d", pin))
		}
	}
	return tool(ctx, "fdtput", names...)
}

func tool(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is missing; 'deploy/setup.sh e2e' installs it", name)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// tail is the end of a file, for an error message.
func tail(path string, bytes int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Sprintf("(%s: %v)", filepath.Base(path), err)
	}
	return strings.TrimSpace(string(b[max(0, len(b)-bytes):]))
}
