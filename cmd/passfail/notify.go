package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// notifier tells the service manager how the station is (sd_notify(3)). Without
// one that listens, and where it is nil, it does nothing. Any goroutine may use it.
type notifier struct {
	conn     *net.UnixConn // nil: nobody listens
	watchdog time.Duration // within which it wants a sign of life; 0: none
}

// newNotifier takes from the environment who listens, and how often. A socket
// that can't be used is an error: a service without it is killed for silence.
func newNotifier(getenv func(string) string) (*notifier, error) {
	n := &notifier{}
	address := getenv("NOTIFY_SOCKET")
	if address == "" {
		return n, nil
	}
	name := address
	if rest, abstract := strings.CutPrefix(address, "@"); abstract {
		name = "\x00" + rest
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("NOTIFY_SOCKET=%s: %w", address, err)
	}
	n.conn = conn
	// Meant for another process: a shell in between passes its environment on.
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n, nil
	}
	if text := getenv("WATCHDOG_USEC"); text != "" {
		us, err := strconv.ParseInt(text, 10, 64)
		if err != nil || us <= 0 {
			conn.Close()
			return nil, fmt.Errorf("WATCHDOG_USEC=%s: a number of microseconds is expected", text)
		}
		n.watchdog = time.Duration(us) * time.Microsecond
	}
	return n, nil
}

// tell sends assignments such as "READY=1". The manager's queue may be full; then
// nothing is lost that the next call doesn't say again.
func (n *notifier) tell(assignments ...string) error {
	if n == nil || n.conn == nil {
		return nil
	}
	if err := n.conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err := n.conn.Write([]byte(strings.Join(assignments, "\n")))
	return err
}

// status is what systemctl status shows in one line.
func (n *notifier) status(text string) error {
	return n.tell("STATUS=" + strings.ReplaceAll(text, "\n", "; "))
}

func (n *notifier) close() {
	if n.conn != nil {
		n.conn.Close()
	}
}

// feed gives the watchdog a sign of life as long as well says that the station
// lives, until ctx ends. That it does not is logged once.
func (n *notifier) feed(ctx context.Context, log *slog.Logger, well func(now time.Time) error) {
	if n == nil || n.watchdog == 0 {
		return
	}
	// Four looks within the time, so that one that comes late starves nobody.
	tick := time.NewTicker(n.watchdog / 4)
	defer tick.Stop()
	unfed := false
	for {
		err := well(time.Now())
		if err == nil {
			err = n.tell("WATCHDOG=1")
		}
		if err != nil && !unfed {
			log.Error("the watchdog is not fed", "err", err, "watchdog", n.watchdog)
		}
		unfed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
