package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"passfail/deploy/rig/agent"
	"passfail/deploy/rig/card"
	"passfail/deploy/rig/cpio"
	"passfail/deploy/rig/gpio"
	"passfail/deploy/rig/qmp"
)

// Config is what a Pi is started with.
type Config struct {
	Machine Machine
	Card    *card.Card
	Guest   []byte      // the program of deploy/rig/guest, for arm64
	Files   []cpio.File // more files for the machine, found under Inside
	Kernel  string      // more words for the kernel's command line
	NoPins  bool        // leave the qtest socket to another program; then Pi.Pins is nil
	SSH     string      // host and port, such as 127.0.0.1:2222, that are forwarded to the machine's ssh; "": no network
}

// Pi is a running machine. Its methods may be called from any goroutine.
type Pi struct {
	*agent.Client // runs commands inside

	Pins *gpio.Pins
	QMP  *qmp.Client

	cmd   *exec.Cmd
	dir   string
	cut   atomic.Bool   // QEMU was killed
	ended chan struct{} // closed when QEMU has ended
	err   error         // how, once it has
}

// Start starts a machine; it is booting when Start returns, and [agent.Client.Ready] waits until its services start. Whatever happens to
// it, Close must be called in the end.
func Start(ctx context.Context, c Config) (*Pi, error) {
	// Paths of sockets must be short.
	dir, err := os.MkdirTemp("", "rig")
	if err != nil {
		return nil, err
	}
	p := &Pi{dir: dir, ended: make(chan struct{})}
	if err := p.boot(ctx, c); err != nil {
		p.Close()
		return nil, fmt.Errorf("%s: %w", c.Machine, err)
	}
	return p, nil
}

func (p *Pi) boot(ctx context.Context, c Config) error {
	cmdline, err := p.firmware(ctx, c)
	if err != nil {
		return err
	}
	args, err := c.Machine.arguments(p.dir, c.Card.Path, c.SSH)
	if err != nil {
		return err
	}
	log, err := os.Create(p.dir + "/log")
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command(qemu, append(args, "-append", cmdline)...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("%w; 'deploy/setup.sh e2e' installs it", err)
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	err = p.connect(ctx, !c.NoPins)
	if err == nil {
		return nil
	}
	p.cmd.Process.Kill() // what it said of itself is worth more than that it is gone
	<-p.ended
	return fmt.Errorf("%w; %w", err, p.Ended())
}

// firmware puts what QEMU is to boot into the machine's folder, as the Pi's firmware would into its memory, and returns the
// command line of the kernel.
func (p *Pi) firmware(ctx context.Context, c Config) (string, error) {
	config, err := c.Card.BootFile(ctx, "config.txt")
	if err != nil {
		return "", err
	}
	boot, err := card.ParseConfig(string(config))
	if err != nil {
		return "", err
	}
	files := map[string][]byte{}
	for _, name := range []string{boot.Kernel, boot.Initrd, boot.Cmdline, dtb} {
		if files[name], err = c.Card.BootFile(ctx, name); err != nil {
			return "", err
		}
	}
	first, err := initrd(files[boot.Initrd], c.Guest, c.Machine.agentDevice(), c.Files)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(p.dir+"/initrd", first, 0o644); err != nil {
		return "", err
	}
	if err := os.WriteFile(p.dir+"/kernel", files[boot.Kernel], 0o644); err != nil {
		return "", err
	}
	if err := c.Machine.deviceTree(ctx, files[dtb], p.dir+"/dtb"); err != nil {
		return "", err
	}
	return strings.Join([]string{strings.TrimSpace(string(files[boot.Cmdline])), c.Machine.console(), c.Machine.words(), c.Kernel}, " "), nil
}

func (p *Pi) connect(ctx context.Context, pins bool) error {
	monitor, err := p.dial(ctx, "qmp")
	if err != nil {
		return err
	}
	if p.QMP, err = qmp.NewClient(ctx, monitor); err != nil {
		return err
	}
	if pins {
		chip, err := p.dial(ctx, "qtest")
		if err != nil {
			return err
		}
		if p.Pins, err = gpio.Open(ctx, p.QMP, chip); err != nil {
			return err
		}
	}
	line, err := p.dial(ctx, "agent")
	if err != nil {
		return err
	}
	p.Client = agent.NewClient(line)
	// It stood still until now, so that no edge is missed.
	return p.QMP.Execute(ctx, "cont", nil, nil)
}

// dial connects to a socket that QEMU is about to make.
func (p *Pi) dial(ctx context.Context, name string) (net.Conn, error) {
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(p.dir, name))
		if err == nil {
			return conn, nil
		}
		select {
		case <-p.ended:
			return nil, p.Ended()
		case <-ctx.Done():
			return nil, err
		case <-time.After(10 * time.Millisecond): // a socket's making is no event
		}
	}
}

// Cut pulls the power: QEMU is killed, at once, and what it has not written yet is lost.
func (p *Pi) Cut() {
	p.cut.Store(true)
	p.cmd.Process.Kill()
	<-p.ended
}

// Wait waits until the machine has gone off by itself.
func (p *Pi) Wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shutdown has the machine go off in order, and waits for that.
func (p *Pi) Shutdown(ctx context.Context) error {
	if _, err := p.Start("systemctl poweroff"); err != nil {
		return err
	}
	return p.Wait(ctx)
}

// Ended is nil while the machine runs, and then tells how it ended.
func (p *Pi) Ended() error {
	select {
	case <-p.ended:
	default:
		return nil
	}
	if p.cut.Load() {
		return errors.New("its power was cut")
	}
	return fmt.Errorf("QEMU ended (%v): %s", p.err, tail(p.dir+"/log", 2000))
}

// Console is the end of what kernel and services have written on the machine's console.
func (p *Pi) Console() string { return tail(p.dir+"/console", 8000) }

// Dir holds the sockets of the machine, qmp and qtest among them, and its console; until Close.
func (p *Pi) Dir() string { return p.dir }

// Close pulls the power if it is still on, and removes what the machine left beside its card.
func (p *Pi) Close() error {
	if p.cmd != nil && p.cmd.Process != nil {
		p.Cut()
	}
	if p.Client != nil {
		p.Client.Close()
	}
	if p.Pins != nil {
		p.Pins.Close()
	}
	if p.QMP != nil {
		p.QMP.Close()
	}
	return os.RemoveAll(p.dir)
}
