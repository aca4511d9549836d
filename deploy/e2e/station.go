package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"passfail/deploy/rig"
	"passfail/deploy/rig/agent"
)

// bootLimit is far more than a boot takes, also where the machine is busy.
const bootLimit = 8 * time.Minute

// station is a booted card.
type station struct {
	*rig.Pi
	journal *agent.Command // follows what the service says and what systemd says of it, since the boot
}

// boot starts a machine and waits until its agent is there.
func boot(ctx context.Context, c rig.Config) (*station, error) {
	pi, err := rig.Start(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%w; %w", err, errOver)
	}
	s := &station{Pi: pi}
	if _, err := pi.Ready(ctx); err != nil {
		err = fmt.Errorf("it does not boot: %w (%v); the end of its console:\n%s\n%w", err, pi.Ended(), pi.Console(), errOver)
		pi.Close()
		return nil, err
	}
	if s.journal, err = pi.Start("exec journalctl --follow --boot --lines=all --output=cat --unit=passfail"); err != nil {
		pi.Close()
		return nil, err
	}
	return s, nil
}

// said waits for a line of the journal, after a mark, and returns its submatches and the mark after it. What was said
// instead is in the error.
func (s *station) said(ctx context.Context, mark int, expression string) ([]string, int, error) {
	match, after, err := s.journal.Expect(ctx, mark, expression)
	if err != nil {
		lines, _ := s.journal.Since(mark)
		err = fmt.Errorf("%w; the journal said meanwhile:\n%s", err, strings.Join(lines[max(0, len(lines)-15):], "\n"))
	}
	return match, after, err
}

// running waits until the service is active and has been started again so many times.
func (s *station) running(ctx context.Context, restarts int) error {
	// A change of a unit's state is no event that a shell could wait for.
	_, err := s.Run(ctx, fmt.Sprintf(`until [ "$(systemctl show -P ActiveState passfail)" = active ] && [ "$(systemctl show -P NRestarts passfail)" -eq %d ]; do
	[ "$(systemctl show -P ActiveState passfail)" != failed ] || { systemctl status passfail --no-pager -l; exit 1; }; sleep 0.3; done`, restarts))
	return err
}

// show is a property of the service.
func (s *station) show(ctx context.Context, property string) (string, error) {
	return s.Run(ctx, "systemctl show --property="+property+" --value passfail")
}

// expect runs a command inside whose output must be want.
func (s *station) expect(ctx context.Context, command, want string) error {
	got, err := s.Run(ctx, command)
	if err == nil && got != want {
		err = fmt.Errorf("%s: %q, want %q", command, got, want)
	}
	return err
}
