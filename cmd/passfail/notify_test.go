package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"passfail/device"
)

// manager is the service manager's end of the socket.
type manager struct{ *net.UnixConn }

func newManager(t *testing.T, name string) *manager {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &manager{c}
}

// socketPath is short: a socket's name has at most 107 bytes.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "notify")
}

// next is what is told next.
func (m *manager) next(t *testing.T) string {
	t.Helper()
	if err := m.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := m.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// await reads until something begins so, and returns all that was told until then, that included.
func (m *manager) await(t *testing.T, beginning string) []string {
	t.Helper()
	var told []string
	for len(told) == 0 || !strings.HasPrefix(told[len(told)-1], beginning) {
		told = append(told, m.next(t))
	}
	return told
}

// forget passes over what was told until now.
func (m *manager) forget(t *testing.T) {
	t.Helper()
	raw, err := m.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	if err := raw.Control(func(fd uintptr) {
		for {
			if _, _, err := syscall.Recvfrom(int(fd), b, syscall.MSG_DONTWAIT); err != nil {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// The service manager is told that the station is ready once the pins are at rest, that it lives while it inspects, and that it stops.
func TestNotify(t *testing.T) {
	for name, address := range map[string]string{"a file": socketPath(t), "an abstract name": "@" + socketPath(t)} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, address)
			c := command(t, "run", "--config", demoConfig(t, quick...))
			c.Env = append(c.Env, "NOTIFY_SOCKET="+address, "WATCHDOG_USEC=200000")
			p := begin(t, c)
			before := m.await(t, "READY=1")
			if slices.Contains(before, "WATCHDOG=1") {
				t.Errorf("the watchdog was fed before all was ready: %q", before)
			}
			m.await(t, "WATCHDOG=1")
			m.await(t, "WATCHDOG=1")
			if told := m.await(t, "STATUS="); !strings.Contains(told[len(told)-1], " inspected, ") {
				t.Errorf("status %q", told)
			}
			if err := p.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			m.await(t, "STOPPING=1")
			r := p.end(t, nil)
			r.expect(t, 0, "msg=stopped")
			if strings.Contains(r.stdout, "not fed") {
				t.Errorf("%v", r)
			}
			rest := strings.Index(r.stdout, "msg=output output=heartbeat") // told once all of them are at rest
			if ready := strings.Index(r.stdout, "msg=ready"); rest < 0 || ready < rest {
				t.Errorf("ready before the pins were at rest: %v", r)
			}
		})
	}
}

// A station without a camera is ready too, says what is missing, and lives as long as it looks for it.
func TestNotifyWithoutCamera(t *testing.T) {
	m := newManager(t, socketPath(t))
	c := command(t, "run", "--config", demoConfig(t, inRepository("demo")+"/parts", "/dev/video99", `"500ms"`, `"50ms"`, `"10s"`, `"100ms"`))
	c.Env = append(c.Env, "NOTIFY_SOCKET="+m.LocalAddr().String(), "WATCHDOG_USEC=200000")
	p := begin(t, c)
	m.await(t, "READY=1")
	told := m.await(t, "STATUS=camera lost")
	if s := told[len(told)-1]; !strings.Contains(s, "/dev/video99") || !strings.Contains(s, "no such device") {
		t.Errorf("status %q", s)
	}
	for range 3 {
		m.await(t, "WATCHDOG=1")
	}
	p.end(t, syscall.SIGTERM).expect(t, 0, "msg=stopped inspected=0 ")
}

// A line that hangs in a pin starves the watchdog; one that goes on feeds it again.
func TestNotifyWhileTheLineHangs(t *testing.T) {
	m := newManager(t, socketPath(t))
	hanging, goOn, unfed := make(chan struct{}, 1), make(chan struct{}), make(chan struct{}, 1)
	hung := false
	s := newStation(t, func(c device.Change) {
		if c.Pin == "GPIO17" && c.Level == gpio.High && !hung { // level mode: only the line's goroutine makes it high
			hung = true
			hanging <- struct{}{}
			<-goOn
		}
	}, func(r slog.Record) {
		if r.Message == "the watchdog is not fed" {
			unfed <- struct{}{}
		}
	})
	var err error
	s.notify, err = newNotifier(environment{"NOTIFY_SOCKET": m.LocalAddr().String(), "WATCHDOG_USEC": "100000"}.get)
	if err != nil {
		t.Fatal(err)
	}
	defer s.notify.close()
	ctx, stop := context.WithCancel(limited(t))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	<-hanging
	<-unfed
	m.forget(t)
	// Over twelve looks no sign of life comes. This one is in real time, as the socket is.
	if err := m.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 4096); ; {
		n, err := m.Read(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil || string(b[:n]) == "WATCHDOG=1" {
			t.Fatalf("told %q, error %v while the line hung", b[:n], err)
		}
	}
	close(goOn)
	m.await(t, "WATCHDOG=1")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// environment stands for the process's own.
type environment map[string]string

func (e environment) get(name string) string { return e[name] }

func TestNewNotifier(t *testing.T) {
	m := newManager(t, socketPath(t))
	address := m.LocalAddr().String()
	for name, c := range map[string]struct {
		env      environment
		watchdog time.Duration
		err      string
	}{
		"no manager":            {environment{}, 0, ""},
		"no watchdog":           {environment{"NOTIFY_SOCKET": address}, 0, ""},
		"a watchdog":            {environment{"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1500000"}, 1500 * time.Millisecond, ""},
		"ours":                  {environment{"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": fmt.Sprint(os.Getpid())}, time.Second, ""},
		"another's":             {environment{"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}, 0, ""},
		"no number":             {environment{"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "soon"}, 0, "WATCHDOG_USEC=soon"},
		"no time":               {environment{"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "0"}, 0, "WATCHDOG_USEC=0"},
		"nobody listens there":  {environment{"NOTIFY_SOCKET": address + "x"}, 0, "NOTIFY_SOCKET=" + address + "x"},
		"a kind that we've not": {environment{"NOTIFY_SOCKET": "vsock:2:1"}, 0, "NOTIFY_SOCKET=vsock:2:1"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := newNotifier(c.env.get)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer n.close()
			if n.watchdog != c.watchdog {
				t.Errorf("watchdog %v, want %v", n.watchdog, c.watchdog)
			}
			if err := n.status("two\nlines"); err != nil {
				t.Error(err)
			}
			if c.env["NOTIFY_SOCKET"] != "" {
				if got := m.next(t); got != "STATUS=two; lines" {
					t.Errorf("told %q", got)
				}
			}
		})
	}
}
