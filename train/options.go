package train

import (
	"fmt"
	"time"

	"passfail/capture"
	"passfail/evaluate"
)

// Options of Run.
type Options struct {
	Dir  string           // a folder of pictures for each label
	Test string           // another, of pictures that are not taught but judged at the end; "": none
	Pass []string         // labels of good parts
	View capture.Settings // how the station looks at parts; of it only Rotate, Flip and ROI matter

	Bases   []string // names or files of base networks that may be tried; nil: those of Passfail
	Sizes   []int    // input sizes that may be tried, pixels; nil: those that Passfail thinks worth it
	Augment Augment
	MaxCost float64       // most that judging a part may cost, in units of MobileNetV2 at 224 pixels; 0: DefaultMaxCost
	Budget  time.Duration // after so long nothing new is tried; 0: DefaultBudget
	Aim     evaluate.Aim  // what the threshold is chosen for
	Seed    uint64        // the same pictures, options and seed give the same model

	FineTune bool // train the top of the base too, and keep that if it judges better

	Sheets bool // make the pictures of the report's contact sheets

	Cache    string     // folder for features; "": they are not kept
	Comment  string     // goes into the model
	Program  string     // name and version, for model and report
	Progress func(Step) // told how far it is; nil: nobody. It is called by one goroutine at a time
}

// Defaults of Options.
const (
	DefaultMaxCost = 3.2
	DefaultBudget  = 20 * time.Second
)

// Augment says in which variants of themselves the pictures teach.
type Augment string

// The ways of augmenting.
const (
	AugmentAuto   Augment = "auto"   // cross-validation decides
	AugmentNone   Augment = "none"   // pictures as they are
	AugmentTurns  Augment = "turns"  // mirrored and turned by right angles too
	AugmentJitter Augment = "jitter" // as other shots of the same part: other light, a little moved
	AugmentAll    Augment = "all"    // both
)

// Augments lists them.
func Augments() []Augment {
	return []Augment{AugmentAuto, AugmentNone, AugmentTurns, AugmentJitter, AugmentAll}
}

// Step is how far a training is.
type Step struct {
	Doing       string // such as "looking at the pictures"
	Done, Total int
}

func (o *Options) complete() error {
	if len(o.Pass) == 0 {
		return fmt.Errorf("no label is said to mean a good part")
	}
	if o.MaxCost == 0 {
		o.MaxCost = DefaultMaxCost
	}
	if o.MaxCost < 0 || o.MaxCost != o.MaxCost {
		return fmt.Errorf("a cost of at most %v: it must be above 0", o.MaxCost)
	}
	if o.Budget == 0 {
		o.Budget = DefaultBudget
	}
	if o.Budget < 0 {
		return fmt.Errorf("a time budget of %v: it must be above 0", o.Budget)
	}
	if o.Augment == "" {
		o.Augment = AugmentAuto
	}
	if o.Progress == nil {
		o.Progress = func(Step) {}
	}
	o.Aim.Seed = o.Seed
	return o.Aim.Check()
}
