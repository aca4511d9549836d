package gpio

import (
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	"passfail/deploy/rig/qmp"
)

// halted starts a real QEMU whose processor stands still, so that only this test touches its pins.
func halted(t *testing.T, machine string) *Pins {
	t.Helper()
	const qemu = "qemu-system-aarch64"
	if _, err := exec.LookPath(qemu); err != nil {
		t.Skipf("%s is not there; 'deploy/setup.sh e2e' installs it", qemu)
	}
	dir := t.TempDir()
	// The test listens, and QEMU connects.
	accept := map[string]func() net.Conn{}
	for _, name := range []string{"qmp", "qtest"} {
		l, err := net.Listen("unix", dir+"/"+name)
		if err != nil {
			t.Fatal(err)
		}
		accept[name] = func() net.Conn {
			defer l.Close()
			l.(*net.UnixListener).SetDeadline(time.Now().Add(time.Minute))
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	cmd := exec.Command(qemu, "-M", machine, "-S", "-display", "none", "-nic", "none", "-serial", "none", "-accel", "tcg",
		"-qmp", "unix:"+dir+"/qmp", "-qtest", "unix:"+dir+"/qtest", "-qtest-log", "none")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	qtestConn := accept["qtest"]() // QEMU waits for this one first
	monitor, err := qmp.NewClient(t.Context(), accept["qmp"]())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { monitor.Close() })
	p, err := Open(t.Context(), monitor, qtestConn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// What a program on the Pi does to the registers of its GPIO block is seen at the block's outputs.
func TestQEMURaspi3(t *testing.T) {
	p := halted(t, "raspi3b")
	ctx := t.Context()
	for _, pin := range []int{17, 22} {
		address, shift, _ := p.chip.direction(pin)
		if err := p.client.WriteL(ctx, address, 1<<shift); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []struct {
		pin  int
		high bool
	}{{17, true}, {22, true}, {17, true}, {17, false}, {22, false}} {
		if err := p.Set(ctx, s.pin, s.high); err != nil { // the register that a program writes
			t.Fatal(err)
		}
	}
	edges, _ := p.Since(0)
	if got := fmt.Sprint(edges); got != "[GPIO17 high GPIO22 high GPIO17 low GPIO22 low]" {
		t.Errorf("edges %s", got)
	}
	driven, err := p.Driven(ctx, 17, 22, 27)
	if err != nil || fmt.Sprint(driven) != "[true true false]" {
		t.Errorf("Driven = %v, %v", driven, err)
	}
	if err := p.Set(ctx, 22, true); err != nil {
		t.Fatal(err)
	}
	levels, err := p.Levels(ctx, 17, 22)
	if err != nil || fmt.Sprint(levels) != "[false true]" {
		t.Errorf("Levels = %v, %v", levels, err)
	}
}

func TestQEMUVirt(t *testing.T) {
	p := halted(t, "virt")
	ctx := t.Context()
	if err := p.Set(ctx, 24, true); err != nil {
		t.Fatal(err)
	}
	levels, err := p.Levels(ctx, 17, 24)
	if err != nil || fmt.Sprint(levels) != "[false true]" {
		t.Errorf("Levels = %v, %v", levels, err)
	}
	line, err := p.chip.line(22)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct {
		address uint64
		value   uint32
	}{{gpioDir, 1 << line}, {gpioData, 1 << line}, {gpioData, 0}} {
		if err := p.client.WriteL(ctx, pl061Base+w.address, w.value); err != nil {
			t.Fatal(err)
		}
	}
	edges, _ := p.Since(0, 22)
	if got := fmt.Sprint(edges); got != "[GPIO22 high GPIO22 low]" {
		t.Errorf("edges %s", got)
	}
	driven, err := p.Driven(ctx, 22, 24)
	if err != nil || fmt.Sprint(driven) != "[true false]" {
		t.Errorf("Driven = %v, %v", driven, err)
	}
}
