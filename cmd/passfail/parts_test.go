package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"passfail/config"
	"passfail/device"
)

// A station with a photo-eye judges a part for each of its edges, and none without one.
func TestRunWithAPhotoEye(t *testing.T) {
	changes := make(chan device.Change, 10000)
	lines := make(chan string, 1000)
	s := newStation(t, func(c device.Change) { changes <- c }, func(r slog.Record) {
		text := r.Message
		r.Attrs(func(a slog.Attr) bool {
			text += fmt.Sprintf(" %s=%v", a.Key, a.Value)
			return true
		})
		lines <- text
	})
	s.cfg.Trigger.Mode, s.cfg.Trigger.Debounce = "gpio", 0
	s.cfg.Trigger.Within = config.Duration(time.Minute)
	s.cfg.Outputs.Reject.Delay, s.cfg.Outputs.Reject.Lead = config.Duration(10*time.Second), config.Duration(20*time.Millisecond)
	said := func(want string) string {
		t.Helper()
		var instead []string
		for ctx := limited(t); ; {
			select {
			case l := <-lines:
				if strings.HasPrefix(l, want) {
					return l
				}
				instead = append(instead, l)
			case <-ctx.Done():
				t.Fatalf("the log never said %q, but:\n%s", want, strings.Join(instead, "\n"))
			}
		}
	}
	ctx, stop := context.WithCancel(limited(t))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	await(t, changes, "GPIO23", gpio.High) // the heart beats though no part came
	pin, err := s.board.Pin("GPIO24")
	if err != nil {
		t.Fatal(err)
	}
	eye := pin.(*device.SimulatedPin)
	for part := range 3 {
		eye.Drive(gpio.High)
		line := said("inspected")
		eye.Drive(gpio.Low)
		for range 10 { // ten beats, in which the eye's watcher looks several times
			await(t, changes, "GPIO23", gpio.High)
		}
		if !strings.Contains(line, fmt.Sprintf("part=%d ", part+1)) {
			t.Errorf("the %d. part: %s", part+1, line)
		}
		if good := strings.Contains(line, "-good.jpg"); good != strings.Contains(line, "verdict=pass") {
			t.Errorf("judged wrongly: %s", line)
		}
	}
	stop()
	if line := said("parts"); !strings.Contains(line, "triggered=3 ") || !strings.Contains(line, "under_way=3 ") {
		t.Error(line)
	}
	if err := errors.Join(<-ended, s.board.Close()); err != nil {
		t.Error(err)
	}
}

// What is not there yet is refused with the key, whatever else is asked for.
func TestNotYet(t *testing.T) {
	for _, command := range []string{"run", "check"} {
		r := passfail(t, command, "--config", demoConfig(t, "[log]", "[outputs.busy]\npin = \"GPIO4\"\n[stop]\nin_a_row = 3\n[log]"))
		r.expect(t, 1)
		for _, want := range []string{"outputs.busy: this version can't do that yet", "stop: this version"} {
			if !strings.Contains(r.stderr+r.stdout, want) {
				t.Errorf("%s: %q is missing: %v", command, want, r)
			}
		}
	}
}

func TestCheckLooksAtInputs(t *testing.T) {
	const belt = "[belt]\nmeasure = \"encoder\"\nmm_per_count = 0.5\nencoder_a = \"GPIO5\"\nencoder_b = \"GPIO99\"\n"
	cfg := demoConfig(t, `mode = "continuous"`, `mode = "gpio"`, "[log]", belt+"[log]", "width = \"80ms\"", "width = \"80ms\"\ndistance = 300")
	r := passfail(t, "check", "--config", cfg)
	r.expect(t, 1)
	for _, want := range []string{"trigger: GPIO24 by driver simulated", "belt.encoder_a: GPIO5", `belt.encoder_b: pin "GPIO99"`, "no part will come"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("%q is missing: %v", want, r)
		}
	}
}
