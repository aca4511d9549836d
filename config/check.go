package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// checker collects what is wrong with the values.
type checker struct{ errs Errors }

func (c *checker) bad(key string, value any, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s = %s: %s", key, literal(value), fmt.Sprintf(format, args...)))
}

func (c *checker) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.bad(key, value, "possible are %s", strings.Join(allowed, ", "))
	}
}

func (c *checker) whole(key string, value, low, high int) {
	if value < low || value > high {
		c.bad(key, value, "%d to %d is possible", low, high)
	}
}

func (c *checker) share(key string, value float64) {
	if math.IsNaN(value) || value < 0 || value > 1 {
		c.bad(key, value, "0 to 1 is possible")
	}
}

func (c *checker) span(key string, value Duration, low, high time.Duration) {
	if d := time.Duration(value); d < low || d > high {
		c.bad(key, value.String(), "%v to %v is possible", low, high)
	}
}

func (c *Config) check() Errors {
	var k checker
	c.Camera.check(&k)
	switch file, store := c.Model.File, c.Model.Store; {
	case file == "" && store == "":
		k.bad("model.file", "", "the path of a .tflite file is needed, or model.store, the folder of a model store")
	case file != "" && store != "":
		k.bad("model.store", store, "model.file = %q is given, too; keep the one that shall judge", file)
	}
	k.whole("model.threads", c.Model.Threads, 0, 64)
	c.Decision.check(&k)
	c.Trigger.check(&k, &c.Belt)
	c.Belt.check(&k)
	c.Outputs.check(&k)
	c.Confirm.check(&k)
	c.Stop.check(&k)
	c.Condition.check(&k)
	c.History.check(&k)
	k.address("metrics.listen", c.Metrics.Listen)
	k.address("api.listen", c.API.Listen)
	c.checkTogether(&k)
	c.checkProducts(&k)
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "text", "json")
	return k.errs
}

const maxSide = 16384 // pixels

func (c *Camera) check(k *checker) {
	if strings.TrimSpace(c.Source) == "" {
		k.bad("camera.source", c.Source, `a camera is needed, such as "/dev/video0", "csi", "rtsp://…" or a folder of pictures`)
	}
	k.whole("camera.width", c.Width, 0, maxSide)
	k.whole("camera.height", c.Height, 0, maxSide)
	if (c.Width == 0) != (c.Height == 0) {
		k.bad("camera.width", c.Width, "give width and height, or neither (camera.height = %d)", c.Height)
	}
	if math.IsNaN(c.FPS) || c.FPS != 0 && c.FPS < 0.01 || c.FPS > 1000 {
		k.bad("camera.fps", c.FPS, "0 (what the camera has), or 0.01 to 1000 is possible")
	} else if between := time.Duration(float64(time.Second) / max(c.FPS, 0.01)); c.FPS != 0 && between >= time.Duration(c.Timeout) {
		k.bad("camera.fps", c.FPS, "a picture every %v is none within camera.timeout = %v, so the camera would always be lost; make the timeout longer", between, c.Timeout)
	}
	if n := len(c.PixelFormat); n != 0 && n != 4 {
		k.bad("camera.pixel_format", c.PixelFormat, `four letters are needed, such as "MJPG" or "YUYV"`)
	}
	if !slices.Contains([]int{0, 90, 180, 270}, c.Rotate) {
		k.bad("camera.rotate", c.Rotate, "possible are 0, 90, 180, 270")
	}
	k.oneOf("camera.flip", c.Flip, "none", "horizontal", "vertical", "both")
	k.oneOf("camera.pace", c.Pace, "realtime", "fast")
	k.span("camera.interval", c.Interval, time.Millisecond, time.Hour)
	k.span("camera.timeout", c.Timeout, 100*time.Millisecond, time.Hour)
	if c.FrozenAfter != 0 {
		k.span("camera.frozen_after", c.FrozenAfter, 100*time.Millisecond, time.Hour)
	}
	k.span("camera.reopen_min", c.ReopenMin, 10*time.Millisecond, time.Hour)
	k.span("camera.reopen_max", c.ReopenMax, 10*time.Millisecond, time.Hour)
	if c.ReopenMax < c.ReopenMin {
		k.bad("camera.reopen_max", c.ReopenMax.String(), "it can't be shorter than camera.reopen_min = %v", c.ReopenMin)
	}
	c.checkROI(k)
}

func (c *Camera) checkROI(k *checker) {
	r := c.ROI
	if r == nil {
		return
	}
	for _, v := range []struct {
		name       string
		value, low int
	}{{"x", r.X, 0}, {"y", r.Y, 0}, {"width", r.Width, 1}, {"height", r.Height, 1}} {
		k.whole("camera.roi."+v.name, v.value, v.low, maxSide)
	}
	width, height := c.Width, c.Height
	if c.Rotate == 90 || c.Rotate == 270 {
		width, height = height, width
	}
	if width > 0 && (r.X+r.Width > width || r.Y+r.Height > height) {
		k.bad("camera.roi", fmt.Sprintf("%d,%d %d×%d", r.X, r.Y, r.Width, r.Height),
			"it reaches to %d,%d but the picture has %d×%d pixels; make it smaller or move it", r.X+r.Width, r.Y+r.Height, width, height)
	}
}

func (d *Decision) check(k *checker) {
	for i, l := range d.Pass {
		if l == "" || slices.Contains(d.Pass[:i], l) {
			k.bad("decision.pass", l, "each label once, and none empty")
		}
	}
	if d.Threshold != nil {
		k.share("decision.threshold", *d.Threshold)
		if *d.Threshold == 0 {
			k.bad("decision.threshold", *d.Threshold, "with 0 every part would pass; above 0, up to 1 is possible; left out, it is the model's own")
		}
	}
	k.share("decision.confidence", d.Confidence)
	k.oneOf("decision.below_confidence", d.BelowConfidence, "fail", "pass")
	k.oneOf("decision.unlike", d.Unlike, "fail", "pass")
	if !(d.NoveltyLimit == 0 || d.NoveltyLimit >= 0.1 && d.NoveltyLimit <= 100) {
		k.bad("decision.novelty_limit", d.NoveltyLimit, "0 (off), or 0.1 to 100 times the model's own limit is possible")
	}
	k.whole("decision.vote", d.Vote, 1, 99)
}
