package finetune

import (
	"fmt"
	"time"
)

// Source is the labelled pictures. A Tuner calls it from one goroutine.
type Source interface {
	Len() int
	Classes() int
	// Label is a picture's class, from 0.
	Label(i int) int
	// Role is what picture i is for. Pictures of one part must have the same.
	Role(i int) Role
	// Load writes picture i as the base's input, int8 [height width channels].
	// View 0 is the picture as it is served; the other views of Options.Views
	// show what a picture of the same class could look like as well. Load may be called again
	// for the same picture.
	Load(i, view int, input []int8) error
}

// Role is what a picture is for in a training.
type Role int

const (
	Trains   Role = iota // its views train
	HoldsOut             // it trains nothing and decides when to stop
	LeftOut              // it does neither
)

// Options say how to train. The zero value of a field means its default.
type Options struct {
	// Cut is the name or the index of the tensor up to which the network stays
	// frozen. Everything above must come from it alone. Default: where the
	// block begins that leads to the last stride.
	Cut string

	Views int // of a training picture; default 1
	Batch int // pictures between two steps; default 32

	// Epochs is the most passes over the training pictures, each picture in a random
	// view; default 12. Training ends after Patience epochs without a gain; default half of Epochs, 8 at least.
	Epochs, Patience int

	// Rate is the highest rate of the steps, as a share of the size of a channel's weights; default 0.01. It falls
	// to 0 as a cosine. HeadRate is the same for the head; default 0.001.
	Rate, HeadRate float64

	Decay     float64 // factor on the rate for each layer further down; default 0.9
	Pull      float64 // back towards the starting weights, as a share of the rate; default 0.1
	Smoothing float64 // of labels, 0 to 0.9; default 0.1
	Mixup     float64 // share of pictures that are mixed with another, at the cut; default 0
	Average   float64 // what the moving average of the weights keeps of itself at each step; default 0.99

	Seed uint64

	Budget   time.Duration // for activations and Tune; 0 for no limit
	Threads  int           // default 1, at most 4 are used; the result does not depend on it
	Dir      string        // where activations go that do not fit into memory; default /var/tmp
	Progress func(Progress)
}

// Progress tells how far a Tuner is.
type Progress struct {
	Stage       string // "activations", "head", "training", "check"
	Done, Total int    // pictures
	Epoch       int    // from 1, while training
	Epochs      int    // at most
	All         bool   // with all pictures, after a trial
}

// Defaults, found by the held-out loss on ELPV and on generated parts.
const (
	defaultEpochs    = 12
	defaultBatch     = 32
	defaultRate      = 1e-2
	defaultHeadRate  = 1e-3
	defaultDecay     = 0.9
	defaultPull      = 0.1
	defaultSmoothing = 0.1
	defaultAverage   = 0.99
)

// lanes is how many parts a batch is divided into, each with a gradient of its
// own: as many goroutines can work at it. The division is the same for any number
// of threads, and so is the result.
const lanes = 4

func (o Options) ready() (Options, error) {
	if o.Epochs == 0 {
		o.Epochs = defaultEpochs
	}
	// While the rate is high, the weights are worse than those to begin with.
	patience := max(8, o.Epochs/2)
	ints := []struct {
		name  string
		value *int
		def   int
	}{
		{"Views", &o.Views, 1}, {"Epochs", &o.Epochs, 0}, {"Batch", &o.Batch, defaultBatch},
		{"Threads", &o.Threads, 1}, {"Patience", &o.Patience, patience},
	}
	for _, f := range ints {
		if *f.value == 0 {
			*f.value = f.def
		}
		if *f.value < 1 {
			return o, fmt.Errorf("%s is %d; it must be at least 1", f.name, *f.value)
		}
	}
	reals := []struct {
		name       string
		value      *float64
		def, limit float64
	}{
		{"Rate", &o.Rate, defaultRate, 1}, {"HeadRate", &o.HeadRate, defaultHeadRate, 1}, {"Decay", &o.Decay, defaultDecay, 1},
		{"Pull", &o.Pull, defaultPull, 100}, {"Smoothing", &o.Smoothing, defaultSmoothing, 0.9}, {"Mixup", &o.Mixup, 0, 1},
		{"Average", &o.Average, defaultAverage, 0.99999},
	}
	for _, f := range reals {
		if *f.value == 0 {
			*f.value = f.def
		}
		if !(*f.value >= 0 && *f.value <= f.limit) {
			return o, fmt.Errorf("%s is %v; it must be from 0 to %v", f.name, *f.value, f.limit)
		}
	}
	if o.Dir == "" {
		o.Dir = "/var/tmp"
	}
	o.Threads = min(o.Threads, lanes)
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o, nil
}

// check makes sure that there is something of each class to learn from and to
// judge by.
func check(s Source) error {
	classes := s.Classes()
	if classes < 2 {
		return fmt.Errorf("%d classes: two at least are needed", classes)
	}
	training, held := make([]int, classes), make([]int, classes)
	for i := range s.Len() {
		c := s.Label(i)
		if c < 0 || c >= classes {
			return fmt.Errorf("picture %d has class %d of %d", i, c, classes)
		}
		switch s.Role(i) {
		case Trains:
			training[c]++
		case HoldsOut:
			held[c]++
		}
	}
	for c := range classes {
		if training[c] < 2 || held[c] < 1 {
			return fmt.Errorf("class %d has %d pictures to train with and %d held out; 2 and 1 at least are needed", c, training[c], held[c])
		}
	}
	return nil
}
