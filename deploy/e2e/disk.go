package main

import (
	"context"
	"fmt"
	"strings"

	"passfail/deploy/rig"
	"passfail/deploy/rig/gpio"
)

const (
	dataFolder = "/var/lib/passfail"
	asPassfail = "cd " + dataFolder + " && setpriv --reuid=passfail --regid=passfail --init-groups "
	configFile = "/etc/passfail/config.toml"
)

// captureCommand takes so many pictures of a label from recorded pictures, since the service has the camera. What capture
// prints on its standard output are the names of pictures that it has saved. when says when it takes them.
func captureCommand(label string, count int, when ...string) string {
	return fmt.Sprintf("%spassfail capture --config %s/capture.toml --out %s/pictures --label %s --count %d %s",
		asPassfail, rig.Inside, dataFolder, label, count, strings.Join(when, " "))
}

// fullDisk fills the data partition: the line goes on, and capture fails and says why.
func (l *piLane) fullDisk(ctx context.Context) error {
	// The file system keeps some blocks for root, who fills it here.
	if _, err := l.station.Run(ctx, `free=$(df --output=avail -B1 `+dataFolder+` | tail -n 1)
		fallocate -l "$free" `+dataFolder+`/filler || dd if=/dev/zero of=`+dataFolder+`/filler bs=1M status=none || true
		dd if=/dev/zero of=`+dataFolder+`/filler2 bs=4k status=none; sync; df `+dataFolder); err != nil {
		return err
	}
	out, err := l.station.Run(ctx, captureCommand("full", 3, "--every", "100ms"))
	if err == nil {
		return fmt.Errorf("capture on a full disk succeeded: %s", out)
	}
	if !strings.Contains(out, "no space left on device") {
		return fmt.Errorf("capture on a full disk does not say so: %w", err)
	}
	playing, err := l.camera.play("*.jpg", "1")
	if err != nil {
		return err
	}
	defer playing.Kill()
	edge := l.station.Pins.Mark()
	if _, err := l.station.Pins.Wait(ctx, edge, func(e []gpio.Edge) bool { return len(e) >= 4 }, heartbeatPin); err != nil {
		return fmt.Errorf("it does not inspect on: %w", err)
	}
	return l.station.expect(ctx, "systemctl is-active passfail", "active")
}

// room removes what filled the disk: capture works again, without anybody having started anything.
func (l *piLane) room(ctx context.Context) error {
	if _, err := l.station.Run(ctx, "rm "+dataFolder+"/filler*"); err != nil {
		return err
	}
	out, err := l.station.Run(ctx, captureCommand("room", 2, "--every", "100ms")+" 2>/dev/null")
	if err != nil {
		return err
	}
	if n := len(strings.Fields(out)); n != 2 {
		return fmt.Errorf("capture saved %d pictures, want 2: %s", n, out)
	}
	return nil
}
