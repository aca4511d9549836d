package config

import "time"

// Outputs says which pins tell what, and how.
type Outputs struct {
	Board     string    `toml:"board"` // gpio, simulated
	Pass      Output    `toml:"pass"`
	Fail      Output    `toml:"fail"`
	Reject    Reject    `toml:"reject"`
	Heartbeat Heartbeat `toml:"heartbeat"`
	Strobe    Strobe    `toml:"strobe"`

	Ready    Signal `toml:"ready"`     // a trigger would be judged
	Busy     Signal `toml:"busy"`      // from a trigger to its verdict
	Alarm    Signal `toml:"alarm"`     // something needs a person
	LineStop Signal `toml:"line_stop"` // the line should stand still, until it is reset
	Green    Signal `toml:"green"`     // tower light: it inspects
	Amber    Signal `toml:"amber"`     // … there is an alarm, and it inspects on
	Red      Signal `toml:"red"`       // … it does not inspect, or has stopped the line
	Buzzer   Signal `toml:"buzzer"`    // with red
}

// Output is a pin that tells a verdict.
type Output struct {
	Pin    string   `toml:"pin"`    // "GPIO17"; "": not used
	Active string   `toml:"active"` // high, low
	Mode   string   `toml:"mode"`   // pulse, level
	Width  Duration `toml:"width"`  // of a pulse
	Delay  Duration `toml:"delay"`  // from the verdict to the pulse
}

// Reject is the pin that pushes a bad part off: the gate.
type Reject struct {
	Pin    string   `toml:"pin"`
	Active string   `toml:"active"`
	Width  Duration `toml:"width"`
	Repeat int      `toml:"repeat"` // pulses for one part
	Pause  Duration `toml:"pause"`  // between them

	// By time (belt.measure = time).
	Delay Duration `toml:"delay"` // from the trigger, or from when the picture was taken where every frame is judged
	Lead  Duration `toml:"lead"`  // the verdict must be there so long before, or the part fails
	Gap   Duration `toml:"gap"`   // parts nearer to each other than this the gate can't tell apart

	// The same by way (belt.measure = encoder), in mm.
	Distance     float64 `toml:"distance"`
	LeadDistance float64 `toml:"lead_distance"`
	GapDistance  float64 `toml:"gap_distance"`

	Neighbour string `toml:"neighbour"` // of a bad part, nearer than the gap: hold (only between bad parts), reject (it is pushed off, too)
}

// Heartbeat is the pin that toggles while the station inspects.
type Heartbeat struct {
	Pin    string   `toml:"pin"`
	Active string   `toml:"active"`
	Period Duration `toml:"period"` // of a whole beat, on and off
}

// Strobe is the pin of a light that is on while a part's picture is taken.
type Strobe struct {
	Pin    string   `toml:"pin"`
	Active string   `toml:"active"`
	Lead   Duration `toml:"lead"`  // before the exposure, as far as trigger.delay has room for it
	Width  Duration `toml:"width"` // in all
}

// Signal is a pin that is active while something is so.
type Signal struct {
	Pin    string `toml:"pin"`
	Active string `toml:"active"`
}

const (
	minPulse = time.Millisecond
	maxPulse = time.Minute
)

// outputPin is what an output calls itself in the file, and its pin.
type outputPin struct{ name, pin string }

// signals are those outputs that are active while something is so.
func (o *Outputs) signals() map[string]*Signal {
	return map[string]*Signal{
		"ready": &o.Ready, "busy": &o.Busy, "alarm": &o.Alarm, "line_stop": &o.LineStop,
		"green": &o.Green, "amber": &o.Amber, "red": &o.Red, "buzzer": &o.Buzzer,
	}
}

// signalNames are the names of signals, in the file's order.
var signalNames = []string{"ready", "busy", "alarm", "line_stop", "green", "amber", "red", "buzzer"}

// Signals gives the outputs that are active while something is so, in the file's order: yield is called with each one's name.
func (o *Outputs) Signals(yield func(name string, s Signal) bool) {
	all := o.signals()
	for _, name := range signalNames {
		if !yield(name, *all[name]) {
			return
		}
	}
}

func (o *Outputs) pins() []outputPin {
	list := []outputPin{{"pass", o.Pass.Pin}, {"fail", o.Fail.Pin}, {"reject", o.Reject.Pin}, {"heartbeat", o.Heartbeat.Pin}, {"strobe", o.Strobe.Pin}}
	for name, s := range o.Signals {
		list = append(list, outputPin{name, s.Pin})
	}
	return list
}

func (o *Outputs) check(k *checker) {
	k.oneOf("outputs.board", o.Board, "gpio", "simulated")
	o.Pass.check("outputs.pass", k)
	o.Fail.check("outputs.fail", k)
	o.Reject.check(k)
	k.oneOf("outputs.heartbeat.active", o.Heartbeat.Active, "high", "low")
	k.span("outputs.heartbeat.period", o.Heartbeat.Period, 20*time.Millisecond, time.Minute)
	k.oneOf("outputs.strobe.active", o.Strobe.Active, "high", "low")
	k.span("outputs.strobe.lead", o.Strobe.Lead, 0, time.Minute)
	k.span("outputs.strobe.width", o.Strobe.Width, minPulse, maxPulse)
	for name, s := range o.Signals {
		k.oneOf("outputs."+name+".active", s.Active, "high", "low")
	}
}

func (o *Output) check(key string, k *checker) {
	k.oneOf(key+".active", o.Active, "high", "low")
	k.oneOf(key+".mode", o.Mode, "pulse", "level")
	k.span(key+".delay", o.Delay, 0, time.Minute)
	if o.Mode == "pulse" {
		k.span(key+".width", o.Width, minPulse, maxPulse)
	} else if o.Delay != 0 {
		k.bad(key+".delay", o.Delay.String(), `a level is there at once; use mode = "pulse", or leave the delay out`)
	}
}

func (r *Reject) check(k *checker) {
	const key = "outputs.reject."
	k.oneOf(key+"active", r.Active, "high", "low")
	k.span(key+"width", r.Width, minPulse, maxPulse)
	k.whole(key+"repeat", r.Repeat, 1, 20)
	k.span(key+"pause", r.Pause, minPulse, maxPulse)
	k.span(key+"delay", r.Delay, 0, 10*time.Minute)
	k.span(key+"lead", r.Lead, 0, time.Minute)
	k.span(key+"gap", r.Gap, 0, time.Minute)
	k.length(key+"distance", r.Distance, 0)
	k.length(key+"lead_distance", r.LeadDistance, 0)
	k.length(key+"gap_distance", r.GapDistance, 0)
	k.oneOf(key+"neighbour", r.Neighbour, "hold", "reject")
}
