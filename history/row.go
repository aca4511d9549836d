package history

import (
	"fmt"
	"time"
)

// Reason is why a part failed or was pushed, if it was not the model's verdict.
type Reason uint8

// The reasons.
const (
	Judged    Reason = iota // the model's scores decided
	Late                    // the verdict came after it was due
	Unseen                  // no frame showed the part
	Broken                  // the frame could not be judged; Row.Error says why
	Neighbour               // good, and pushed because it was too near a bad one
)

var reasons = [...]string{"judged", "late", "unseen", "error", "neighbour"}

// String returns the reason as it is stored: "judged", "late", "unseen", "error"
// or "neighbour".
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

func parseReason(s string) (Reason, bool) {
	for i, r := range reasons {
		if r == s {
			return Reason(i), true
		}
	}
	return 0, false
}

// Stages are how long the steps of an inspection took.
type Stages struct {
	Decode, Load, Invoke, Decide, Pins time.Duration
}

// Row is what is kept of an inspected part. Its verdict's zero value is fail.
type Row struct {
	ID     int64     // in the order in which parts were recorded, whatever the clock said; the history gives it
	Time   time.Time // of the part's picture, or of its trigger; kept to the millisecond
	Number uint64    // of the part since the station's start

	Product, Model string
	Pass           bool
	Label          string  // the best one; "" where no model judged
	Score          float32 // its score, 0..1
	PassScore      float32 // the pass labels' scores, added up
	Novelty        float32 // 1 is the model's own limit
	Unsure, Unlike bool
	Reason         Reason
	Error          string // with Broken

	Latency time.Duration // from the trigger to the verdict
	Stages  Stages

	Picture   string // its path below the history's folder; "": none was kept. The history gives it
	Hash      uint64 // what the picture looks like: pictures alike have hashes that differ in few bits. The history gives it
	Corrected string // the label that a person gave; "": none
}

// Class is what the part is, as far as is known: the label that a person gave,
// or else the model's.
func (r *Row) Class() string {
	if r.Corrected != "" {
		return r.Corrected
	}
	return r.Label
}

// Verdict returns "pass" or "fail".
func (r *Row) Verdict() string {
	if r.Pass {
		return "pass"
	}
	return "fail"
}
