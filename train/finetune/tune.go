package finetune

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"time"
)

// Result is what came of a training.
type Result struct {
	// Base is the new base network. Where no epoch foretold the held-out
	// pictures better than the network as it was, it is the old one.
	Base   []byte
	Tuned  Tuned
	Epochs []Epoch // the first, number 0, is the network as it was
	Taps   []Fidelity

	// Head is the head that was trained along, for the features of the new
	// base: every tap's mean over positions and then its deviation. It is as
	// sure of itself as suits the held-out pictures.
	Head Head

	// QuantizedLoss and QuantizedAccuracy are those of Head on the new base's
	// 8-bit taps, on the held-out pictures; compare them with Epochs.
	QuantizedLoss, QuantizedAccuracy float64

	Activations, Training time.Duration // time that each took

	// What TuneAll goes by.
	planned     int     // epochs over which the rate falls
	penalty     float64 // of the head
	temperature float64 // likewise
}

// Tuned is kept in the new base's metadata.
type Tuned struct {
	Cut      string  `json:"cut"`
	Epochs   int     `json:"epochs"` // that the chosen weights were trained for
	Rate     float64 `json:"rate"`
	Views    int     `json:"views"`
	Pictures int     `json:"pictures"`
	HeldOut  int     `json:"held_out"`
	Seed     uint64  `json:"seed"`
}

// Epoch is one pass over the training pictures. Losses are cross entropies in
// which classes count alike. That of the training includes smoothing and
// mixing; that of the held-out pictures is taken at the best temperature.
type Epoch struct {
	Number            int
	Training, HeldOut float64
	Accuracy          float64 // on the held-out pictures, classes counting alike
	Time              time.Duration
}

// Head is a linear layer on features: logits = Weights · x + Bias, [rows][features]
// and [rows]. One row is a sigmoid's for class 1, more are a softmax's.
type Head struct{ Weights, Bias []float32 }

// Fidelity is how near a tap's map is to what the 8-bit network serves: mean
// cosines over the held-out pictures.
type Fidelity struct {
	Name    string
	Rounded float64 // the float network that rounds as 8 bit does: what was trained
	Float   float64 // the float network that does not round
}

// Tuner trains the top of a base network on examples. It must be closed.
type Tuner struct {
	base     []byte
	examples Source
	o        Options
	cache    *cache
	began    time.Time
	took     time.Duration // for the activations
}

// NewTuner runs the frozen part of a base network, the bytes of a .tflite file such
// as those of model/base, on all views of all pictures, whatever their roles.
func NewTuner(ctx context.Context, base []byte, examples Source, o Options) (*Tuner, error) {
	t := &Tuner{base: base, examples: examples, began: time.Now()}
	var err error
	if t.o, err = o.ready(); err != nil {
		return nil, fmt.Errorf("fine-tuning: %w", err)
	}
	if err := check(examples); err != nil {
		return nil, fmt.Errorf("fine-tuning: %w", err)
	}
	p, err := parse(base, o.Cut)
	if err != nil {
		return nil, fmt.Errorf("fine-tuning: %w", err)
	}
	t.cache = newCache(p.top, examples.Len(), t.o.Views)
	if err := t.cache.fill(ctx, p, base, examples, t.o); err != nil {
		t.Close()
		return nil, fmt.Errorf("fine-tuning: %w", err)
	}
	t.took = time.Since(t.began)
	return t, nil
}

// Close frees the activations.
func (t *Tuner) Close() { t.cache.close() }

// Tune trains with the pictures that train. It never looks at those held out but to
// choose the head's penalty and the epoch, and not at all at those left out.
func (t *Tuner) Tune(ctx context.Context) (*Result, error) { return t.tune(ctx, t.examples, nil) }

// TuneAll trains with all pictures, whatever their roles, for as many epochs as served best
// in a trial by Tune, and with that head's penalty.
func (t *Tuner) TuneAll(ctx context.Context, trial *Result) (*Result, error) {
	if trial.Tuned.Epochs == 0 {
		return nil, fmt.Errorf("fine-tuning with all pictures: the trial gained nothing")
	}
	return t.tune(ctx, whole{t.examples}, trial)
}

func (t *Tuner) tune(ctx context.Context, examples Source, trial *Result) (*Result, error) {
	begin := time.Now()
	p, err := parse(t.base, t.o.Cut)
	if err != nil {
		return nil, fmt.Errorf("fine-tuning: %w", err)
	}
	r := &Result{Base: t.base, Activations: t.took}
	tr := newTrainer(t.o, examples, p.top, t.cache, trial)
	if err := tr.run(ctx, p, r, t.began); err != nil {
		return nil, fmt.Errorf("fine-tuning: %w", err)
	}
	r.Training = time.Since(begin)
	r.Tuned.Cut, r.Tuned.Rate, r.Tuned.Views, r.Tuned.Seed = p.top.nodes[0].name, t.o.Rate, t.o.Views, t.o.Seed
	r.Tuned.Pictures, r.Tuned.HeldOut = len(tr.pictures(Trains)), len(tr.pictures(HoldsOut))
	if err := tr.finish(ctx, p, r); err != nil {
		return nil, fmt.Errorf("fine-tuning: %w", err)
	}
	return r, nil
}

// whole is a source of which all pictures train.
type whole struct{ Source }

func (whole) Role(int) Role { return Trains }

// snapshot is a state of the training.
type snapshot struct {
	values []float32
	ranges ranges
}

// run trains and leaves the best epoch's state in the trainer: its average
// weights and the ranges. The last one, which the falling rate has calmed, is the best
// unless another clearly is: which of them does best on so few pictures is mostly chance.
func (tr *trainer) run(ctx context.Context, p *parsed, r *Result, begin time.Time) error {
	if err := tr.start(ctx, p); err != nil {
		return err
	}
	r.penalty = tr.head.penalty
	if tr.trial != nil {
		return tr.repeat(ctx, r)
	}
	held := tr.pictures(HoldsOut)
	judge := func() (judgement, error) {
		tr.p.round(tr.top, tr.p.average)
		return tr.judge(ctx, held, tr.p.rounded, true)
	}
	j, err := judge()
	if err != nil {
		return err
	}
	r.Epochs = []Epoch{{Training: math.NaN(), HeldOut: j.loss, Accuracy: j.accuracy}}
	best := snapshot{slices.Clone(tr.p.average), tr.top.ranges()}
	untouched, least, epochs := j, j, tr.o.Epochs
	number := 0
	for number = 1; number <= epochs; number++ {
		from := time.Now()
		loss, err := tr.epoch(ctx, number, epochs)
		if err != nil {
			return err
		}
		// The ranges are those of the average weights, which may be kept.
		if err := tr.calibrate(ctx, tr.views(tr.pictures(Trains), calibration), tr.p.average); err != nil {
			return err
		}
		if j, err = judge(); err != nil {
			return err
		}
		took := time.Since(from)
		r.Epochs = append(r.Epochs, Epoch{number, loss, j.loss, j.accuracy, took})
		if j.loss < least.loss {
			least, r.Tuned.Epochs = j, number
			copy(best.values, tr.p.average)
			best.ranges = tr.top.ranges()
		}
		if math.IsNaN(loss) || number-r.Tuned.Epochs >= tr.o.Patience {
			break
		}
		if tr.o.Budget > 0 { // as many epochs as fit, so that the rate can still fall to 0
			epochs = min(epochs, number+int((tr.o.Budget-time.Since(begin))/max(took, 1)))
		}
	}
	r.planned = epochs
	if number > epochs && j.loss < untouched.loss && !j.clearlyWorse(least) {
		r.Tuned.Epochs = epochs
		return nil
	}
	copy(tr.p.average, best.values)
	tr.top.setRanges(best.ranges)
	return nil
}

// clearlyWorse tells whether the loss is higher than another's of the same pictures by
// more than chance makes of so few: twice the standard error of the difference.
func (j judgement) clearlyWorse(other judgement) bool {
	n := float64(len(j.losses))
	squares := 0.0
	for i, v := range j.losses {
		d := v - other.losses[i] - (j.loss - other.loss)
		squares += d * d
	}
	return j.loss-other.loss > 2*math.Sqrt(squares/max(n-1, 1)/n)
}

// repeat trains as the trial did, to the epoch that was best there.
func (tr *trainer) repeat(ctx context.Context, r *Result) error {
	r.planned, r.Tuned.Epochs = tr.trial.planned, tr.trial.Tuned.Epochs
	for number := 1; number <= r.Tuned.Epochs; number++ {
		from := time.Now()
		loss, err := tr.epoch(ctx, number, r.planned)
		if err != nil {
			return err
		}
		if math.IsNaN(loss) {
			return fmt.Errorf("epoch %d: the loss is no number", number)
		}
		r.Epochs = append(r.Epochs, Epoch{number, loss, math.NaN(), math.NaN(), time.Since(from)})
	}
	return tr.calibrate(ctx, tr.views(tr.pictures(Trains), calibration), tr.p.average)
}

// calibration is how many pictures set the ranges of the maps.
const calibration = 256

// start sets the ranges and fits the head with which the training begins.
func (tr *trainer) start(ctx context.Context, p *parsed) error {
	const largest = 24 << 20 // bytes that the features to fit the head to may take
	training, held := tr.pictures(Trains), tr.pictures(HoldsOut)
	if err := tr.calibrate(ctx, tr.views(training, calibration), p.values); err != nil {
		return err
	}
	h := &head{rows: rowsFor(tr.s.Classes()), features: tr.top.features()}
	rounded := make([]float32, len(p.values))
	tr.top.round(p.values, rounded)
	collect := func(list []item) (examples, error) {
		e := examples{x: make([]float32, len(list)*h.features)}
		for _, it := range list {
			e.class = append(e.class, tr.s.Label(it.picture))
			e.weight = append(e.weight, tr.weight[tr.s.Label(it.picture)])
		}
		err := tr.each(ctx, list, rounded, true, func(w *worker, place, n int) {
			copy(e.x[place*h.features:], w.features[n*h.features:(n+1)*h.features])
		})
		return e, err
	}
	tr.o.Progress(Progress{Stage: "head"})
	most := max(largest/(4*h.features), 8*tr.s.Classes())
	known, err := collect(tr.views(training, most))
	if err != nil {
		return err
	}
	unknown, err := collect(asServed(some(held, most/3)))
	if err != nil {
		return err
	}
	h.standardize(known.x)
	h.apply(known.x)
	h.apply(unknown.x)
	penalties := startPenalties
	if tr.trial != nil {
		penalties, unknown = []float64{tr.trial.penalty}, known
	}
	if err := h.fit(ctx, known, unknown, tr.targets, penalties, &tr.workers[0].product); err != nil {
		return err
	}
	known, unknown = examples{}, examples{}
	debug.FreeOSMemory() // a small board needs their memory for what comes now
	tr.head = h
	tr.p = newParameters(p.values, h)
	tr.p.measure(tr.top, tr.o.Rate, tr.o.HeadRate, tr.o.Decay)
	for lane := range tr.grads {
		tr.grads[lane] = make([]float32, len(tr.p.values))
	}
	return nil
}

// views lists at most n views of pictures, evenly, each picture's views in turn.
func (tr *trainer) views(pictures []int, n int) []item {
	all := len(pictures) * tr.o.Views
	n = min(n, all)
	var list []item
	for k := range n {
		// Steps of one picture, and a further view after each round, so that few
		// views are of as many pictures as there are.
		at := k
		if n < len(pictures) {
			at = k * len(pictures) / n
		}
		i := at % len(pictures)
		list = append(list, item{picture: pictures[i], view: (at/len(pictures) + i) % tr.o.Views, share: 1})
	}
	return list
}

// asServed lists pictures in view 0.
func asServed(pictures []int) []item {
	list := make([]item, len(pictures))
	for k, i := range pictures {
		list[k] = item{picture: i, share: 1}
	}
	return list
}

// some takes at most n of a list, evenly.
func some(list []int, n int) []int {
	if len(list) <= n {
		return list
	}
	out := make([]int, n)
	for i := range out {
		out[i] = list[i*len(list)/n]
	}
	return out
}
