package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"passfail/deploy/rig"
	"passfail/deploy/rig/gpio"
)

// The pins of config.toml.
const (
	passPin      = 17
	failPin      = 27
	rejectPin    = 22
	heartbeatPin = 23
)

// piLane are the checks on the emulated Raspberry Pi 3.
type piLane struct {
	kit      *kit
	short    bool
	pictures []string // shown to the camera, in this order

	station *station
	camera  *camera
}

func (l *piLane) name() string { return "pi" }

func (l *piLane) steps() []step {
	list := []step{
		{"boots", bootLimit, l.boot},
		{"the service is active, and systemd watches it", bootLimit, l.active},
		{"root is mounted read-only, and its data partition is there", 0, l.mounted},
		{"real pins, by the kernel's own device, in spite of the unit's hardening", 0, l.realPins},
		{"pins are timed by a thread of real-time priority", 0, l.realTime},
		{"says in the journal that there is no camera", 0, l.noCamera},
		{"takes the camera when it comes", 0, l.plugIn},
		{fmt.Sprintf("judges %d pictures of its camera rightly, and moves the pins in order", len(l.pictures)), 5 * time.Minute, l.verdicts},
		{"SIGKILL while a pin is high: all pins go to rest", 0, l.kill},
		{"and it inspects again", 0, l.back(1)},
	}
	if !l.short {
		list = append(list,
			step{"SIGSTOP: the heartbeat stands still until the watchdog finds out", 3 * time.Minute, l.hang},
			step{"and it inspects again", 0, l.back(2)},
			step{"a full disk: inspects on, and capture says what is wrong", 0, l.fullDisk},
			step{"room again: captures again", 0, l.room},
		)
	}
	return append(list,
		step{"the watchdog has found nothing else", 0, l.onlyExpectedRestarts},
		step{"goes off in order, its pins at rest", 0, l.off},
	)
}

func (l *piLane) close() {
	if l.station != nil {
		l.station.Close()
	}
}

func (l *piLane) boot(ctx context.Context) error {
	c, err := l.kit.config(ctx, rig.Raspi3B, "pi")
	if err != nil {
		return fmt.Errorf("%w; %w", err, errOver)
	}
	l.station, err = boot(ctx, c)
	return err
}

func (l *piLane) active(ctx context.Context) error {
	if err := l.station.running(ctx, 0); err != nil {
		return err
	}
	usec, err := l.station.show(ctx, "WatchdogUSec")
	if err != nil {
		return err
	}
	if usec == "0" || usec == "infinity" {
		return fmt.Errorf("its watchdog is %s", usec)
	}
	// Alive: it is fed once more.
	_, err = l.station.Run(ctx, `first=$(systemctl show -P WatchdogTimestampMonotonic passfail)
		until [ "$(systemctl show -P WatchdogTimestampMonotonic passfail)" -gt "$first" ]; do sleep 0.5; done`)
	return err
}

func (l *piLane) mounted(ctx context.Context) error {
	// The root file system is an overlay; what is below it must not be written.
	_, err := l.station.Run(ctx, `set -e
		findmnt -n -o FSTYPE / | grep -qx overlay || { echo "/ is no overlay:"; findmnt /; exit 1; }
		grep -E ' ext4 ro,' /proc/mounts | grep -q . || { echo "no ext4 is mounted read-only:"; cat /proc/mounts; exit 1; }
		! [ -e /run/card/degraded ] || { echo degraded:; cat /run/card/degraded; exit 1; }
		findmnt -n -T /var/lib/passfail -o SOURCE,OPTIONS | grep -q ' rw' || { echo "its data:"; findmnt -T /var/lib/passfail; exit 1; }`)
	return err
}

func (l *piLane) realPins(ctx context.Context) error {
	for _, output := range []string{"pass", "fail", "reject", "heartbeat"} {
		if _, _, err := l.station.said(ctx, 0, "msg=output output="+output+" .*driver=gpioioctl"); err != nil {
			return err
		}
	}
	pins := []int{passPin, failPin, rejectPin, heartbeatPin}
	driven, err := l.station.Pins.Driven(ctx, pins...)
	if err != nil {
		return err
	}
	levels, err := l.station.Pins.Levels(ctx, pins...)
	if err != nil {
		return err
	}
	if slices.Contains(driven, false) || slices.Contains(levels, true) {
		return fmt.Errorf("at the chip, pins %v are outputs: %v, high: %v; want outputs that are low", pins, driven, levels)
	}
	return nil
}

func (l *piLane) realTime(ctx context.Context) error {
	// Field 41 of stat is the policy, 1 for SCHED_FIFO; the name, field 2, has no spaces here.
	out, err := l.station.Run(ctx, `cut -d' ' -f41 /proc/$(systemctl show -P MainPID passfail)/task/*/stat`)
	if err == nil && !slices.Contains(strings.Fields(out), "1") && !slices.Contains(strings.Fields(out), "2") {
		err = fmt.Errorf("the scheduling policies of its threads are %q; none is real-time", strings.Fields(out))
	}
	return err
}

func (l *piLane) noCamera(ctx context.Context) error {
	_, _, err := l.station.said(ctx, 0, "camera lost.*"+cameraDevice+".*no such device")
	return err
}

// plugIn has the camera stream pictures of good parts until the station has judged one: cameras do, and OpenCV takes some
// frames while it sets one up. Then it shows one bad part, so that nothing is under way afterwards.
func (l *piLane) plugIn(ctx context.Context) error {
	mark := l.station.journal.Mark()
	var err error
	if l.camera, err = plugIn(ctx, l.station); err != nil {
		return err
	}
	playing, err := l.camera.play("*-good.jpg", "0.5")
	if err != nil {
		return err
	}
	for _, expression := range []string{`msg="camera opened"`, `msg=inspected verdict=pass`} {
		if _, mark, err = l.station.said(ctx, mark, expression); err != nil {
			playing.Kill()
			return err
		}
	}
	playing.Kill()
	if _, err := playing.Wait(ctx); err != nil {
		return err
	}
	edge := l.station.Pins.Mark()
	if err := l.camera.show(ctx, l.bad()); err != nil {
		return err
	}
	if _, _, err := l.station.said(ctx, mark, "msg=inspected verdict=fail"); err != nil {
		return err
	}
	_, err = l.station.Pins.Wait(ctx, edge, func(e []gpio.Edge) bool { return len(e) >= 2 }, rejectPin)
	return err
}

// bad is one of the pictures, of a bad part.
func (l *piLane) bad() string {
	return l.pictures[slices.IndexFunc(l.pictures, func(p string) bool { return verdict(p) == "fail" })]
}

// verdicts shows the pictures one by one; for each there must be its verdict in the journal, and its pins must move: pass,
// or fail and then reject.
func (l *piLane) verdicts(ctx context.Context) error {
	heartbeat := l.station.Pins.Mark()
	for _, picture := range l.pictures {
		if err := l.oneVerdict(ctx, picture); err != nil {
			return fmt.Errorf("%s: %w", picture, err)
		}
	}
	beats, _ := l.station.Pins.Since(heartbeat, heartbeatPin)
	if len(beats) < len(l.pictures)/2 {
		return fmt.Errorf("the heartbeat changed %d times in %d verdicts", len(beats), len(l.pictures))
	}
	return nil
}

func (l *piLane) oneVerdict(ctx context.Context, picture string) error {
	want, pins := verdict(picture), []int{passPin}
	if want == "fail" {
		pins = []int{failPin, rejectPin}
	}
	line, edge := l.station.journal.Mark(), l.station.Pins.Mark()
	if err := l.camera.show(ctx, picture); err != nil {
		return err
	}
	match, _, err := l.station.said(ctx, line, `msg=inspected verdict=(\w+) label=(\w+)`)
	if err != nil {
		return err
	}
	if match[1] != want {
		return fmt.Errorf("verdict %s (%s), want %s", match[1], match[2], want)
	}
	// Until each pin has been high and is low again.
	edges, err := l.station.Pins.Wait(ctx, edge, func(e []gpio.Edge) bool { return len(e) >= 2*len(pins) }, passPin, failPin, rejectPin)
	if err != nil {
		return err
	}
	if moved := gpio.Beginnings(gpio.Pulses(edges)); !slices.Equal(moved, pins) {
		return fmt.Errorf("a verdict %s moved pins %v in this order, want %v: %v", want, moved, pins, edges)
	}
	levels, err := l.station.Pins.Levels(ctx, passPin, failPin, rejectPin)
	if err == nil && slices.Contains(levels, true) {
		err = fmt.Errorf("after their pulses, GPLEV0 has pass, fail and reject high: %v", levels)
	}
	return err
}

// kill kills the service while a fault's reject pin is high, of whose fall nobody in the machine has to know any more.
func (l *piLane) kill(ctx context.Context) error {
	pins := l.station.Pins
	pid, err := l.station.show(ctx, "MainPID")
	if err != nil {
		return err
	}
	line, edge := l.station.journal.Mark(), pins.Mark()
	if err := l.camera.show(ctx, l.bad()); err != nil {
		return err
	}
	if _, err := pins.Wait(ctx, edge, func(e []gpio.Edge) bool { return len(e) > 0 && e[len(e)-1].High }, rejectPin); err != nil {
		return err
	}
	if _, err := l.station.Run(ctx, "kill -KILL "+pid); err != nil {
		return err
	}
	if _, _, err := l.station.said(ctx, line, "status=9/KILL"); err != nil {
		return err
	}
	if _, _, err := l.station.said(ctx, line, `heartbeat: GPIO23 is at rest`); err != nil {
		return err
	}
	levels, err := pins.Levels(ctx, passPin, failPin, rejectPin, heartbeatPin)
	if err == nil && slices.Contains(levels, true) {
		err = fmt.Errorf("pass, fail, reject, heartbeat are high: %v", levels)
	}
	return err
}

// back waits until the service, started again so many times, inspects.
func (l *piLane) back(restarts int) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := l.station.running(ctx, restarts); err != nil {
			return err
		}
		playing, err := l.camera.play("*.jpg", "1")
		if err != nil {
			return err
		}
		defer playing.Kill()
		edge := l.station.Pins.Mark()
		_, err = l.station.Pins.Wait(ctx, edge, func(e []gpio.Edge) bool { return len(e) >= 2 }, heartbeatPin)
		return err
	}
}

// hang stops the service's process while it inspects: from then until systemd's watchdog ends it, no pin may move.
func (l *piLane) hang(ctx context.Context) error {
	playing, err := l.camera.play("*.jpg", "1")
	if err != nil {
		return err
	}
	defer playing.Kill()
	pins, line, edge := l.station.Pins, l.station.journal.Mark(), l.station.Pins.Mark()
	if _, err := pins.Wait(ctx, edge, func(e []gpio.Edge) bool { return len(e) >= 2 }, heartbeatPin); err != nil {
		return err
	}
	if _, err := l.station.Run(ctx, "systemctl kill --signal=STOP --kill-whom=main passfail"); err != nil {
		return err
	}
	stopped, began := pins.Mark(), time.Now()
	if _, _, err := l.station.said(ctx, line, "Watchdog timeout"); err != nil {
		return err
	}
	if edges, _ := pins.Since(stopped, heartbeatPin); len(edges) > 0 {
		return fmt.Errorf("the heartbeat of a process that was stopped moved: %v", edges)
	}
	if silent := time.Since(began); silent < 5*time.Second {
		return fmt.Errorf("the watchdog found out after %v; too soon to say that the heartbeat stood still", silent)
	}
	_, _, err = l.station.said(ctx, line, `heartbeat: GPIO23 is at rest`)
	return err
}

func (l *piLane) onlyExpectedRestarts(ctx context.Context) error {
	want := "1"
	if !l.short {
		want = "2"
	}
	return l.station.expect(ctx, "systemctl show -P NRestarts passfail", want)
}

func (l *piLane) off(ctx context.Context) error {
	if _, err := l.station.Run(ctx, "systemctl stop passfail"); err != nil {
		return err
	}
	levels, err := l.station.Pins.Levels(ctx, passPin, failPin, rejectPin, heartbeatPin)
	if err != nil {
		return err
	}
	if slices.Contains(levels, true) {
		return fmt.Errorf("stopped, it leaves pass, fail, reject, heartbeat high: %v", levels)
	}
	if err := l.station.Shutdown(ctx); err != nil {
		return fmt.Errorf("%w; the end of its console:\n%s", err, l.station.Console())
	}
	return nil
}
