package main

import (
	"cmp"
	"log/slog"
	"time"

	"passfail/capture"
	"passfail/config"
	"passfail/device"
	"passfail/evaluate"
	"passfail/line"
	"passfail/model"
)

const configFile = "config.toml"

// captureSettings is the configuration's camera in package capture's terms.
func captureSettings(c *config.Config) capture.Settings {
	k := c.Camera
	s := capture.Settings{
		Source: k.Source, Width: k.Width, Height: k.Height, FPS: k.FPS, PixelFormat: k.PixelFormat, Controls: k.Controls,
		Loop: k.Loop, Interval: time.Duration(k.Interval), Rotate: k.Rotate, ROI: k.ROI.Rectangle(),
		Timeout: time.Duration(k.Timeout), FrozenAfter: time.Duration(k.FrozenAfter),
		ReopenMin: time.Duration(k.ReopenMin), ReopenMax: time.Duration(k.ReopenMax),
		Dir: c.Dir,
	}
	if k.Pace == "fast" {
		s.Pace = capture.Fast
	}
	switch k.Flip {
	case "horizontal":
		s.Flip = capture.FlipHorizontal
	case "vertical":
		s.Flip = capture.FlipVertical
	case "both":
		s.Flip = capture.FlipBoth
	}
	return s
}

// newJudge makes the judge of a model: by the configuration, and by the threshold
// that the model was given in its training where the configuration has none.
func newJudge(c *config.Config, m *model.Classifier) (*line.Judge, error) {
	return line.NewJudge(rule(c, m), m.Labels())
}

// rule is the configuration's decision on a model's scores in package line's
// terms. What the configuration leaves open the model's training decided.
func rule(c *config.Config, m *model.Classifier) line.Rule {
	d := c.Decision
	threshold := cmp.Or(m.Threshold(), evaluate.DefaultThreshold)
	if d.Threshold != nil {
		threshold = *d.Threshold
	}
	pass := d.Pass
	if len(pass) == 0 {
		pass = m.Pass()
	}
	r := line.Rule{Pass: pass, Threshold: threshold, Confidence: d.Confidence, NoveltyLimit: d.NoveltyLimit, Vote: d.Vote}
	if d.Unlike == "pass" {
		r.Unlike = line.Pass
	}
	if d.BelowConfidence == "pass" {
		r.BelowConfidence = line.Pass
	}
	return r
}

// Names of the outputs, in logs and messages.
const (
	outPass      = "pass"
	outFail      = "fail"
	outReject    = "reject"
	outHeartbeat = "heartbeat"
	outStrobe    = "strobe"
)

// outputSettings is the configuration's outputs that are wired.
func outputSettings(c *config.Config) []device.OutputSettings {
	var list []device.OutputSettings
	add := func(name, pin, active, mode string, width config.Duration) {
		if pin == "" {
			return
		}
		s := device.OutputSettings{Name: name, Pin: pin, ActiveLow: active == "low"}
		if mode == "pulse" {
			s.Mode, s.Width = device.Pulse, time.Duration(width)
		}
		list = append(list, s)
	}
	o := c.Outputs
	add(outPass, o.Pass.Pin, o.Pass.Active, o.Pass.Mode, o.Pass.Width)
	add(outFail, o.Fail.Pin, o.Fail.Active, o.Fail.Mode, o.Fail.Width)
	add(outReject, o.Reject.Pin, o.Reject.Active, "pulse", o.Reject.Width)
	add(outHeartbeat, o.Heartbeat.Pin, o.Heartbeat.Active, "level", 0)
	if c.Trigger.Mode != "continuous" { // else nobody knows when a picture is taken
		add(outStrobe, o.Strobe.Pin, o.Strobe.Active, "pulse", o.Strobe.Width)
	}
	return list
}

// pins gives the line its outputs.
func pins(c *config.Config, outputs *device.Outputs) line.Pins {
	p := line.Pins{RejectDelay: time.Duration(c.Outputs.Reject.Delay), Safe: outputs.Safe}
	for _, o := range outputs.All() {
		switch o.Name() {
		case outPass:
			p.Pass = o
		case outFail:
			p.Fail = o
		case outReject:
			p.Reject = o
		case outHeartbeat:
			p.Heartbeat = device.NewHeartbeat(o, time.Duration(c.Outputs.Heartbeat.Period)/2)
		}
	}
	return p
}

// openBoard opens the configured board. What simulated pins do goes to observe.
func openBoard(c *config.Config, log *slog.Logger, observe func(device.Change)) (*device.Board, error) {
	if c.Outputs.Board == "simulated" {
		return device.OpenSimulated(observe), nil
	}
	return device.OpenGPIO(log)
}
