package main

import (
	"context"
	"fmt"
	"path"
	"strings"

	"passfail/deploy/rig"
	"passfail/deploy/rig/agent"
)

const (
	cameraDevice  = "/dev/video0"
	cameraWidth   = 640
	cameraHeight  = 480
	pictureFolder = "parts" // under rig.Inside
	fifo          = rig.Inside + "/feed"
)

// camera delivers pictures to the machine's V4L2 camera.
type camera struct {
	station *station
	feeder  *agent.Command
}

// plugIn loads the camera's driver and has its feeder wait for pictures.
func plugIn(ctx context.Context, s *station) (*camera, error) {
	// exclusive_caps: a camera, and no output besides, for whoever asks.
	if _, err := s.Run(ctx, "modprobe videodev && insmod "+rig.Inside+"/v4l2loopback.ko video_nr=0 exclusive_caps=1 card_label=rig && udevadm settle"); err != nil {
		return nil, err
	}
	feeder, err := s.Start(fmt.Sprintf("exec %s/guest feed %s %d %d %s", rig.Inside, cameraDevice, cameraWidth, cameraHeight, fifo))
	if err != nil {
		return nil, err
	}
	_, _, err = feeder.Expect(ctx, 0, "^ready$")
	return &camera{s, feeder}, err
}

// show has the camera take one frame, of a picture of demo/parts.
func (c *camera) show(ctx context.Context, name string) error {
	mark := c.feeder.Mark()
	if _, err := c.station.Run(ctx, fmt.Sprintf("echo %s >%s", path.Join(rig.Inside, pictureFolder, name), fifo)); err != nil {
		return err
	}
	_, _, err := c.feeder.Expect(ctx, mark, "^fed ")
	return err
}

// play has the camera take frames of the pictures whose names match a pattern, one each interval of seconds, again and again
// until the command is killed.
func (c *camera) play(pattern, seconds string) (*agent.Command, error) {
	return c.station.Start(fmt.Sprintf("while :; do for f in %s/%s/%s; do echo $f >%s; sleep %s; done; done", rig.Inside, pictureFolder, pattern, fifo, seconds))
}

// verdict is what the file name of a picture of demo/parts says of the part: "fail" of any label but good.
func verdict(picture string) string {
	_, label, _ := strings.Cut(strings.TrimSuffix(picture, path.Ext(picture)), "-")
	if label == "good" {
		return "pass"
	}
	return "fail"
}
