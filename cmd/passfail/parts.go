package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"passfail/capture"
	"passfail/capture/presence"
	"passfail/config"
	"passfail/device"
	"passfail/line"
	"passfail/line/belt"
)

// trigger is what the line's parts hang on: the inputs that tell of them.
type trigger struct {
	parts   *line.Parts // nil: every frame is judged
	closers []func()
}

func (t *trigger) close() {
	for _, c := range t.closers {
		c()
	}
}

// newTrigger takes the inputs of the configuration's trigger and belt from the board.
func newTrigger(cfg *config.Config, board *device.Board, outputs *device.Outputs) (*trigger, error) {
	t := &trigger{}
	if cfg.Trigger.Mode == "continuous" {
		return t, nil
	}
	kept, err := belt.New(beltSettings(cfg), cfg.Belt.Capacity)
	if err != nil {
		return nil, err
	}
	epoch := time.Now()
	var way line.Way = line.NewByTime(epoch)
	if b := cfg.Belt; b.Measure == "encoder" {
		encoder, err := device.NewEncoder(board, device.EncoderSettings{Name: "belt", A: b.EncoderA, B: b.EncoderB})
		if err != nil {
			return nil, err
		}
		t.closers = append(t.closers, encoder.Close)
		way = line.ByEncoder{Encoder: encoder}
	}
	t.parts = line.NewParts(kept, way, epoch)
	t.parts.Sharpest = cfg.Trigger.Pick == "sharpest"
	t.parts.Pictures = picturesWaiting(cfg)
	t.parts.Idle = min(time.Duration(cfg.Outputs.Heartbeat.Period)/2, time.Second)
	gateAndStrobe(t.parts, cfg, outputs)
	if err := t.open(cfg, board); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// open opens what tells of parts.
func (t *trigger) open(cfg *config.Config, board *device.Board) error {
	k := cfg.Trigger
	switch k.Mode {
	case "gpio":
		eye, err := device.NewInput(board, device.InputSettings{Name: "trigger", Pin: k.Pin, ActiveLow: k.Active == "low", Debounce: time.Duration(k.Debounce)})
		if err != nil {
			return err
		}
		t.closers = append(t.closers, eye.Close)
		t.parts.Next = func(ctx context.Context) (time.Time, error) { return eye.Next(ctx) }
	case "presence":
		s := presence.Defaults()
		s.Enter, s.Leave = k.Presence.Enter, k.Presence.Leave
		d, err := presence.New(s)
		if err != nil {
			return err
		}
		t.parts.Presence = func(f *capture.Frame) (time.Time, bool, error) {
			sight, err := d.See(&f.Image, f.ROI, f.Taken)
			return sight.At, sight.Entered, err
		}
	}
	return nil
}

// inputPin is a pin that tells of parts, with its key in the configuration.
type inputPin struct{ key, pin string }

// inputPins are those of the configuration's trigger and belt.
func inputPins(cfg *config.Config) []inputPin {
	var list []inputPin
	if cfg.Trigger.Mode == "gpio" {
		list = append(list, inputPin{"trigger.pin", cfg.Trigger.Pin})
	}
	if cfg.Belt.Measure == "encoder" {
		list = append(list, inputPin{"belt.encoder_a", cfg.Belt.EncoderA})
		if cfg.Belt.EncoderB != "" {
			list = append(list, inputPin{"belt.encoder_b", cfg.Belt.EncoderB})
		}
	}
	return list
}

// picturesWaiting is for how many frames of parts there is room: two bursts.
func picturesWaiting(cfg *config.Config) int { return max(4, 2*cfg.Trigger.Frames) }

// beltSettings is the configuration's way from the photo-eye to the gate in package belt's terms.
func beltSettings(cfg *config.Config) belt.Settings {
	t, r := cfg.Trigger, cfg.Outputs.Reject
	s := belt.Settings{Delay: belt.Position(t.Delay), Within: belt.Position(t.Within), Frames: t.Frames}
	if r.Neighbour == "reject" {
		s.Neighbour = belt.Reject
	}
	if cfg.Belt.Measure == "encoder" {
		counts := func(mm float64) belt.Position { return belt.Position(math.Round(mm / cfg.Belt.MMPerCount)) }
		s.MinGap, s.Gate, s.Decide, s.GateGap = counts(t.MinDistance), counts(r.Distance), counts(r.LeadDistance), counts(r.GapDistance)
		return s
	}
	// What comes to the gate during its pulse it can't tell apart, whatever was said.
	gap := max(r.Gap, r.Width)
	s.MinGap, s.Gate, s.Decide, s.GateGap = belt.Position(t.MinGap), belt.Position(r.Delay), belt.Position(r.Lead), belt.Position(gap)
	return s
}

// gateAndStrobe gives parts the outputs that they move.
func gateAndStrobe(p *line.Parts, cfg *config.Config, outputs *device.Outputs) {
	r, k := cfg.Outputs.Reject, cfg.Outputs.Strobe
	p.Gate = line.Gate{Width: time.Duration(r.Width), Repeat: r.Repeat, Pause: time.Duration(r.Pause)}
	for _, o := range outputs.All() {
		switch o.Name() {
		case outReject:
			p.Gate.Output = o
		case outStrobe:
			p.Strobe = &line.Strobe{Output: o, Delay: max(0, time.Duration(cfg.Trigger.Delay)-time.Duration(k.Lead))}
		}
	}
}

// notYet is what the configuration may ask for and this version can't do. A station never runs as if it could.
func notYet(cfg *config.Config) error {
	var errs []error
	no := func(asked bool, key, instead string) {
		if asked {
			errs = append(errs, fmt.Errorf("%s: this version can't do that yet; %s", key, instead))
		}
	}
	no(cfg.Trigger.Mode == "http", `trigger.mode = "http"`, `use "gpio", "presence" or "continuous"`)
	for name, s := range cfg.Outputs.Signals {
		no(s.Pin != "", "outputs."+name, `leave its pin ""`)
	}
	no(cfg.Outputs.Pass.Delay != 0, "outputs.pass.delay", "leave it out")
	no(cfg.Outputs.Fail.Delay != 0, "outputs.fail.delay", "leave it out")
	no(cfg.Trigger.Mode == "continuous" && cfg.Outputs.Reject.Repeat > 1, "outputs.reject.repeat where every frame is judged", "leave it out")
	no(cfg.Confirm.Pin != "", "confirm", `leave its pin ""`)
	no(cfg.Stop.InARow > 0 || cfg.Stop.Rate > 0 || cfg.Stop.ResetPin != "", "stop", "leave the section out")
	no(cfg.Condition.Reference != "" || cfg.Condition.Then != "alarm", "condition", "leave the section out")
	no(len(cfg.Products) > 0 || cfg.Product.Use != "", "products", "leave the sections out")
	no(cfg.Metrics.Listen != "", "metrics", "leave the section out")
	no(cfg.API.Listen != "", "api", "leave the section out")
	return errors.Join(errs...)
}

// logParts logs what became of the parts that a trigger told of.
func logParts(log *slog.Logger, c line.PartCounts) {
	b := c.Belt
	log.Info("parts", "triggered", b.Entered, "passed", b.Passed, "failed", b.Failed, "late", b.Late, "unseen", b.Unseen,
		"too_close", b.TooClose, "pushed", b.Pushed, "too_near", b.TooNear, "full", b.Full, "under_way", b.UnderWay,
		"overruns", c.Overruns, "unpushed", c.Unpushed)
}
