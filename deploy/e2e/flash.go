package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// takenBack is what deploy/flash/host.sh ends with when a version did not judge and the one of before is in force again.
const takenBack = 3

// freePort is an address of this machine at which nobody listens.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// badUpdate installs a version that ends at once, as 'make flash HOST=' would: the station must take it back by itself.
func (l *powerLane) badUpdate(ctx context.Context) error {
	bad := filepath.Join(l.kit.dir, "bad.deb")
	if out, err := exec.CommandContext(ctx, "deploy/e2e/later.sh", "--bad", l.deb, bad).CombinedOutput(); err != nil {
		return fmt.Errorf("deploy/e2e/later.sh: %w: %s", err, out)
	}
	const version = "dpkg-query -W -f='${db:Status-Status} ${Version}' passfail"
	before, err := l.station.Run(ctx, version)
	if err != nil {
		return err
	}
	if _, err := l.station.Run(ctx, "systemctl start ssh"); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(l.config.SSH)
	if err != nil {
		return err
	}
	flash := exec.CommandContext(ctx, "deploy/flash/host.sh", user+"@127.0.0.1")
	flash.Env = append(os.Environ(), "DEB="+bad, "WITHIN=90",
		"SSH=ssh -F none -p "+port+" -i "+l.key+" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null")
	flash.WaitDelay = 5 * time.Second // what it has started, ssh's master, may keep its output open
	out, err := flash.CombinedOutput()
	if status := (*exec.ExitError)(nil); !errors.As(err, &status) || status.ExitCode() != takenBack {
		return fmt.Errorf("make flash HOST= of a version that ends at once: %v, want exit status %d; it said:\n%s", err, takenBack, out)
	}
	if err := l.station.expect(ctx, version, before); err != nil {
		return err
	}
	return l.steady(ctx)
}

// steady checks that the service is active and goes on judging in the same process. How often it was started before says nothing
// here: the bad version was, again and again, until the last moment.
func (l *powerLane) steady(ctx context.Context) error {
	const process = "systemctl show passfail -p ActiveState -p MainPID -p NRestarts"
	before, err := l.station.Run(ctx, process)
	if err != nil {
		return err
	}
	if !strings.Contains(before, "ActiveState=active") {
		return fmt.Errorf("the service is not active: %q", before)
	}
	mark := l.station.journal.Mark()
	for range 3 {
		if _, mark, err = l.station.said(ctx, mark, "msg=inspected verdict="); err != nil {
			return err
		}
	}
	return l.station.expect(ctx, process, before)
}
