package simulate

import (
	"fmt"
	"slices"
	"time"
)

// Fits tells whether the timings made no mistake: no escape, no overkill, nothing
// late or missed, but for what the model itself got wrong.
func (r *Result) Fits() bool {
	return r.Escapes+r.Overkill <= r.Wrong && r.Late == 0 && r.Missed == 0 && r.Phantoms == 0 && r.Stats.Full == 0
}

// Advice says what is too slow or too near, and what to change: the configuration's
// keys by name. It is empty if nothing is.
func (r *Result) Advice() []string {
	var list []string
	say := func(format string, a ...any) { list = append(list, fmt.Sprintf(format, a...)) }
	o, s := &r.Options, &r.Options.Belt
	takt, nearest := o.takt(), r.nearest()
	interval := time.Duration(float64(time.Second) / o.FPS)
	needed := r.inspection() * time.Duration(s.Frames)
	if r.Late+r.Unseen > 0 && needed > takt {
		say("The inspector is too slow: a part comes each %v and takes it %v (trigger.frames = %d). Use a smaller model (passfail bench), more model.threads, or lower trigger.frames.", short(takt), short(needed), s.Frames)
	}
	if r.Late > 0 && needed <= takt {
		say("Verdicts come too late: the slowest %v after the edge, and they are due %v after it. Move the gate away from the photo-eye (outputs.reject.delay or distance), or lower outputs.reject.lead.", short(r.Latency.Max), short(time.Duration(s.Gate-s.Decide)))
	}
	if r.Unseen > 0 && time.Duration(s.Within) < interval+time.Duration(o.FrameJitter*float64(interval)) {
		say("Frames are too rare: one comes each %v, and it shows a part for %v only (trigger.within). Raise camera.fps, or trigger.within if the part is in the picture for longer.", short(interval), short(time.Duration(s.Within)))
	} else if r.Unseen > 0 && needed <= takt {
		say("Parts go by unseen: frames found the queue of the inspector full, or came too late. Use a smaller model, or move the gate away from the photo-eye.")
	}
	if r.Untriggered > 0 && r.Stats.TooNear > 0 {
		say("Parts are taken for the one before: they come down to %v apart, and nearer than trigger.min_gap or min_distance (%v) counts as one. Lower it, or feed them farther apart.", short(nearest), short(time.Duration(s.MinGap)))
	}
	if r.Untriggered > int(r.Stats.TooNear+r.Stats.Full) {
		say("The photo-eye sees no gap between some parts: they come down to %v apart and cover it for %v, and a gap must last for trigger.debounce = %v. Feed them farther apart.", short(nearest), short(o.Length), o.Debounce)
	}
	if r.Phantoms > 0 {
		say("Bounces count as parts: raise trigger.debounce above %v, or trigger.min_gap.", o.Bounce)
	}
	if r.Stats.Full > 0 {
		say("There are more parts between photo-eye and gate than belt.capacity = %d: raise it.", o.Capacity)
	}
	if nearest < o.Width && r.Overkill > 0 {
		say("The gate is open for %v (outputs.reject.width), longer than from a part to the next one (%v at the nearest): good parts behind bad ones are pushed too. Make the pulse shorter, or feed parts farther apart.", o.Width, short(nearest))
	}
	if r.TooClose > 0 {
		say("%d good parts are pushed because a bad one is nearer than outputs.reject.gap or gap_distance (%v): feed parts farther apart, or lower it if the gate is faster.", r.TooClose, short(time.Duration(s.GateGap)))
	}
	if len(list) == 0 && r.Escapes+r.Overkill > r.Wrong {
		say("The gate opens when other parts are before it: does the belt keep its speed? Otherwise follow it with an encoder (belt.measure).")
	}
	if len(list) == 0 && r.Wrong > 0 {
		say("The timings fit; %d verdicts were the model's own mistakes.", r.Wrong)
	}
	return list
}

// nearest is the least time between two parts at the photo-eye.
func (r *Result) nearest() time.Duration {
	least := r.Options.takt()
	for i := 1; i < len(r.Parts); i++ {
		least = min(least, r.Parts[i].Edge-r.Parts[i-1].Edge)
	}
	return least
}

// inspection is the mean of how long a frame takes.
func (r *Result) inspection() time.Duration {
	var all time.Duration
	for _, d := range r.Options.Inference {
		all += d
	}
	return all / time.Duration(len(r.Options.Inference))
}

// Inspections is how long a frame's inspection takes in this simulation.
func (r *Result) Inspections() Spread { return spread(slices.Clone(r.Options.Inference)) }

// short writes a length of time to 0.1 ms.
func short(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
