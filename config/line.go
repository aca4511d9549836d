package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Trigger says when there is a part to judge.
type Trigger struct {
	Mode string `toml:"mode"` // continuous (every frame is one), gpio (an edge at Pin), presence (it enters the ROI), http

	Pin      string   `toml:"pin"`    // gpio: the photo-eye's
	Active   string   `toml:"active"` // high, low
	Debounce Duration `toml:"debounce"`

	Delay       Duration `toml:"delay"`        // from the trigger to the exposure
	Within      Duration `toml:"within"`       // a frame that was taken later than Delay and this does not show the part
	MinGap      Duration `toml:"min_gap"`      // a trigger that comes sooner after a part is the same part; belt.measure = time
	MinDistance float64  `toml:"min_distance"` // the same in mm; belt.measure = encoder
	Frames      int      `toml:"frames"`       // a burst of so many of each part
	Pick        string   `toml:"pick"`         // of a burst: vote, sharpest

	Presence Presence `toml:"presence"`
}

// Presence says when a part has entered the region of interest.
type Presence struct {
	Enter float64 `toml:"enter"` // this share of it, 0..1, differs from the empty belt: a part is there
	Leave float64 `toml:"leave"` // less than this share: it is gone
}

// Belt says how the way from the photo-eye to the gate is measured.
type Belt struct {
	Measure    string  `toml:"measure"`   // time, encoder
	EncoderA   string  `toml:"encoder_a"` // pin
	EncoderB   string  `toml:"encoder_b"` // pin of the second channel; "": there is one
	MMPerCount float64 `toml:"mm_per_count"`
	Capacity   int     `toml:"capacity"` // parts between photo-eye and gate at most
}

// Confirm is a sensor that sees the parts that the gate pushed off.
type Confirm struct {
	Pin      string   `toml:"pin"` // "": there is none
	Active   string   `toml:"active"`
	Debounce Duration `toml:"debounce"`
	Within   Duration `toml:"within"`  // of the reject pulse's begin
	Missing  string   `toml:"missing"` // what a part that did not come means: alarm, stop
}

// Stop says when the station asks for the line to be stopped.
type Stop struct {
	InARow      int      `toml:"in_a_row"`  // so many rejects one after the other; 0: never
	Rate        float64  `toml:"rate"`      // a greater share of rejects, 0..1, among the last …
	Of          int      `toml:"of"`        // … so many parts; Rate 0: never
	ResetPin    string   `toml:"reset_pin"` // the input that ends a stop; "": there is none
	ResetActive string   `toml:"reset_active"`
	ResetBounce Duration `toml:"reset_debounce"`
}

// Condition says when the camera is found unable to see, and what then happens.
type Condition struct {
	Reference string   `toml:"reference"` // a picture of the scene as it should be; "": only black and white are found
	Lasting   Duration `toml:"lasting"`   // it must be so for so long
	Then      string   `toml:"then"`      // alarm (verdicts go on), fail (every part fails), stop (and line_stop)
}

func (t *Trigger) check(k *checker, belt *Belt) {
	k.oneOf("trigger.mode", t.Mode, "continuous", "gpio", "presence", "http")
	k.oneOf("trigger.active", t.Active, "high", "low")
	k.oneOf("trigger.pick", t.Pick, "vote", "sharpest")
	k.span("trigger.debounce", t.Debounce, 0, time.Second)
	k.span("trigger.delay", t.Delay, 0, time.Minute)
	k.span("trigger.within", t.Within, time.Millisecond, time.Minute)
	k.span("trigger.min_gap", t.MinGap, 0, time.Minute)
	k.length("trigger.min_distance", t.MinDistance, 0)
	k.whole("trigger.frames", t.Frames, 1, 32)
	if t.Mode == "gpio" && t.Pin == "" {
		k.bad("trigger.pin", t.Pin, `the pin of the photo-eye is needed, such as "GPIO24"`)
	}
	if t.Mode == "continuous" && belt.Measure == "encoder" {
		k.bad("belt.measure", belt.Measure, `with trigger.mode = "continuous" a picture is no part whose way could be measured; use "gpio", "presence" or "http"`)
	}
	t.Presence.check(k)
}

func (p *Presence) check(k *checker) {
	k.share("trigger.presence.enter", p.Enter)
	k.share("trigger.presence.leave", p.Leave)
	if !(p.Leave < p.Enter) {
		k.bad("trigger.presence.leave", p.Leave, "it must be less than trigger.presence.enter = %v, or a part at the border would count again and again", p.Enter)
	}
}

func (b *Belt) check(k *checker) {
	k.oneOf("belt.measure", b.Measure, "time", "encoder")
	k.whole("belt.capacity", b.Capacity, 1, 4096)
	if b.Measure != "encoder" {
		return
	}
	if b.EncoderA == "" {
		k.bad("belt.encoder_a", b.EncoderA, `the encoder's pin is needed, such as "GPIO5"`)
	}
	if !(b.MMPerCount >= 0.001 && b.MMPerCount <= 1000) {
		k.bad("belt.mm_per_count", b.MMPerCount, "how far the belt moves from count to count, 0.001 to 1000 mm: let it move a metre, and divide 1000 by the counts")
	}
}

func (c *Confirm) check(k *checker) {
	k.oneOf("confirm.active", c.Active, "high", "low")
	k.oneOf("confirm.missing", c.Missing, "alarm", "stop")
	k.span("confirm.debounce", c.Debounce, 0, time.Second)
	k.span("confirm.within", c.Within, time.Millisecond, time.Minute)
}

func (s *Stop) check(k *checker) {
	k.whole("stop.in_a_row", s.InARow, 0, 10000)
	k.share("stop.rate", s.Rate)
	k.whole("stop.of", s.Of, 2, 10000)
	k.oneOf("stop.reset_active", s.ResetActive, "high", "low")
	k.span("stop.reset_debounce", s.ResetBounce, 0, time.Second)
}

func (c *Condition) check(k *checker) {
	k.span("condition.lasting", c.Lasting, 0, time.Hour)
	k.oneOf("condition.then", c.Then, "alarm", "fail", "stop")
}

// length checks millimetres.
func (c *checker) length(key string, mm, low float64) {
	if math.IsNaN(mm) || mm < low || mm > 100000 {
		c.bad(key, mm, "%v to 100000 mm is possible", low)
	}
}

// checkTogether looks at what must go together between sections.
func (c *Config) checkTogether(k *checker) {
	t, r := &c.Trigger, &c.Outputs.Reject
	if t.Mode != "continuous" {
		switch {
		case c.Belt.Measure == "encoder" && !(r.Distance > 0):
			k.bad("outputs.reject.distance", r.Distance, "how far it is from the photo-eye to the gate, in mm, is needed where an encoder measures")
		case c.Belt.Measure == "encoder" && !(r.LeadDistance < r.Distance):
			k.bad("outputs.reject.lead_distance", r.LeadDistance, "it must be less than outputs.reject.distance = %v: the verdict must be there before the part is at the gate, and after it was at the photo-eye", r.Distance)
		case c.Belt.Measure == "time" && time.Duration(t.Delay)+time.Duration(r.Lead) >= time.Duration(r.Delay):
			k.bad("outputs.reject.delay", r.Delay.String(), "the picture is taken %v after the trigger (trigger.delay), and the verdict must be there %v before the part is at the gate (outputs.reject.lead): the delay must be longer than both together", t.Delay, r.Lead)
		}
		if latest := time.Duration(r.Delay) - time.Duration(r.Lead); t.Mode == "gpio" && c.Belt.Measure == "time" && time.Duration(t.Debounce) >= latest {
			k.bad("trigger.debounce", t.Debounce.String(), "an edge is known only after that, but the part's verdict must be there %v after it (outputs.reject.delay less lead)", latest)
		}
		if c.Decision.Vote > 1 {
			k.bad("decision.vote", c.Decision.Vote, `the frames of different parts can't vote on each other; with trigger.mode = "%s" use trigger.frames`, t.Mode)
		}
		if c.Camera.Pace == "fast" {
			k.bad("camera.pace", c.Camera.Pace, `with trigger.mode = "%s" pictures must come at their pace; use "realtime"`, t.Mode)
		}
	}
	if t.Mode == "http" && c.API.Listen == "" {
		k.bad("api.listen", c.API.Listen, `trigger.mode = "http" needs an address, such as "127.0.0.1:8080"`)
	}
	c.checkPins(k)
}

// checkPins looks whether each pin has one use.
func (c *Config) checkPins(k *checker) {
	type use struct{ key, pin string }
	var pins []use
	for _, o := range c.Outputs.pins() {
		pins = append(pins, use{"outputs." + o.name + ".pin", o.pin})
	}
	if c.Trigger.Mode == "gpio" {
		pins = append(pins, use{"trigger.pin", c.Trigger.Pin})
	}
	if c.Belt.Measure == "encoder" {
		pins = append(pins, use{"belt.encoder_a", c.Belt.EncoderA}, use{"belt.encoder_b", c.Belt.EncoderB})
	}
	pins = append(pins, use{"confirm.pin", c.Confirm.Pin}, use{"stop.reset_pin", c.Stop.ResetPin})
	for i, p := range c.Product.Pins {
		pins = append(pins, use{fmt.Sprintf("product.pins[%d]", i), p})
	}
	for i, p := range pins {
		j := slices.IndexFunc(pins[:i], func(q use) bool { return p.pin != "" && strings.EqualFold(p.pin, q.pin) })
		if j >= 0 {
			k.bad(p.key, p.pin, `%s has the same pin; give each its own, or "" to one that is not wired`, pins[j].key)
		}
	}
}
