package finetune

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// At most micro pictures go through the network at a time, and no more than whose
// maps have atOnce numbers: enough to keep the products of matrices busy, few enough
// to stay in the caches, and in the memory of a small machine.
const (
	micro  = 4
	atOnce = 3 << 20
)

// trainer holds what a training needs in memory.
type trainer struct {
	o       Options
	s       Source
	top     *top
	cache   *cache
	micro   int     // pictures that go through the network at a time
	trial   *Result // that TuneAll goes by; nil: none
	head    *head
	p       *parameters
	grads   [lanes][]float32
	workers []*worker
	weight  []float64   // of each class, so that classes count alike
	targets [][]float32 // wanted probabilities of each class, smoothed
	plain   [][]float32 // and not
	steps   int
}

// worker is the memory of one goroutine.
type worker struct {
	*workspace
	record  []byte
	partner []float32 // the cut of a picture that is mixed in
	extra   []float32 // its features
	logits  []float32
	wanted  []float32
	err     error
}

// item is one picture as it trains: a view of it, perhaps mixed with another's.
type item struct {
	picture, view        int
	partner, partnerView int
	share                float32 // of the picture itself; 1 where none is mixed in
}

func newTrainer(o Options, s Source, t *top, c *cache, trial *Result) *trainer {
	tr := &trainer{o: o, s: s, top: t, cache: c, trial: trial}
	maps := 0
	for _, n := range t.nodes {
		maps += n.size()
	}
	tr.micro = min(max(atOnce/maps, 1), micro)
	classes := s.Classes()
	for range o.Threads {
		tr.workers = append(tr.workers, &worker{
			workspace: newWorkspace(t, tr.micro), record: make([]byte, c.record), partner: make([]float32, t.nodes[0].size()),
			extra: make([]float32, t.features()), logits: make([]float32, rowsFor(classes)), wanted: make([]float32, classes),
		})
	}
	count := make([]float64, classes)
	total := 0.0
	for _, i := range tr.pictures(Trains) {
		count[s.Label(i)]++
		total++
	}
	for c, n := range count {
		tr.weight = append(tr.weight, total/(float64(classes)*n))
		tr.targets = append(tr.targets, wanted(c, classes, o.Smoothing))
		tr.plain = append(tr.plain, wanted(c, classes, 0))
	}
	return tr
}

// pictures lists those with a role.
func (tr *trainer) pictures(role Role) []int {
	var list []int
	for i := range tr.s.Len() {
		if tr.s.Role(i) == role {
			list = append(list, i)
		}
	}
	return list
}

// parallel has each worker do the parts whose number leaves its own as rest.
func (tr *trainer) parallel(parts int, do func(w *worker, part int) error) error {
	var group sync.WaitGroup
	for i, w := range tr.workers {
		w.err = nil
		group.Go(func() {
			for part := i; part < parts && w.err == nil; part += len(tr.workers) {
				w.err = do(w, part)
			}
		})
	}
	group.Wait()
	for _, w := range tr.workers {
		if w.err != nil {
			return w.err
		}
	}
	return nil
}

// each runs items through the network and calls use with each one's place in the
// list and in the worker's memory.
func (tr *trainer) each(ctx context.Context, list []item, values []float32, rounded bool, use func(w *worker, place, n int)) error {
	return tr.parallel((len(list)+tr.micro-1)/tr.micro, func(w *worker, part int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		from := part * tr.micro
		n := min(tr.micro, len(list)-from)
		for i := range n {
			if err := tr.load(w, list[from+i], i); err != nil {
				return err
			}
		}
		tr.top.forward(w.workspace, values, n, rounded)
		for i := range n {
			use(w, from+i, i)
		}
		return nil
	})
}

// load puts an item into place n of a worker's memory.
func (tr *trainer) load(w *worker, it item, n int) error {
	size, all := tr.top.nodes[0].size(), tr.top.features()
	values, features := w.values[0][n*size:(n+1)*size], w.features[n*all:(n+1)*all]
	if err := tr.cache.load(it.picture, it.view, values, features, w.record); err != nil || it.share == 1 {
		return err
	}
	if err := tr.cache.load(it.partner, it.partnerView, w.partner, w.extra, w.record); err != nil {
		return err
	}
	for i, v := range w.partner {
		values[i] += (1 - it.share) * (v - values[i])
	}
	for i, v := range w.extra {
		features[i] += (1 - it.share) * (v - features[i])
	}
	return nil
}

// calibrate sets the ranges of all maps by what pictures show without rounding.
func (tr *trainer) calibrate(ctx context.Context, list []item, values []float32) error {
	for _, w := range tr.workers {
		w.forget()
	}
	if err := tr.each(ctx, list, values, false, func(*worker, int, int) {}); err != nil {
		return err
	}
	for i := range tr.top.nodes[1:] {
		seen := tr.workers[0].seen[i+1]
		for _, w := range tr.workers[1:] {
			seen.low, seen.high = min(seen.low, w.seen[i+1].low), max(seen.high, w.seen[i+1].high)
		}
		tr.top.nodes[i+1].setRange(seen)
	}
	return nil
}

// score computes place n's logits in w.logits.
func (tr *trainer) score(w *worker, values []float32, n int) {
	h, all := tr.head, tr.top.features()
	x, weights, bias := w.features[n*all:(n+1)*all], tr.p.head.weights.of(values), tr.p.head.bias.of(values)
	for k := range w.logits {
		sum := float32(0)
		row := weights[k*all : (k+1)*all]
		for j, v := range x {
			sum += row[j] * (v - h.mean[j]) / h.scale[j]
		}
		w.logits[k] = sum + bias[k]
	}
}

// judgement is how well pictures are told apart, classes counting alike.
type judgement struct {
	loss        float64 // at the best temperature: how sure a head is of itself is soon mended
	accuracy    float64
	temperature float64   // what logits must be divided by for that
	losses      []float64 // of each picture, whose mean is loss
}

// judge runs pictures through the network and the head.
func (tr *trainer) judge(ctx context.Context, list []int, values []float32, rounded bool) (judgement, error) {
	logits := make([]float32, len(list)*tr.head.rows)
	err := tr.each(ctx, asServed(list), values, rounded, func(w *worker, place, n int) {
		tr.score(w, values, n)
		copy(logits[place*tr.head.rows:], w.logits)
	})
	return tr.judgeLogits(list, logits), err
}

// judgeLogits judges logits [pictures][rows].
func (tr *trainer) judgeLogits(list []int, logits []float32) judgement {
	rows := tr.head.rows
	loss := func(scale float64) float64 {
		sum, total := 0.0, 0.0
		z := make([]float32, rows)
		for place, i := range list {
			for k := range z {
				z[k] = float32(scale) * logits[place*rows+k]
			}
			class := tr.s.Label(i)
			sum += tr.weight[class] * deviate(z, tr.plain[class])
			total += tr.weight[class]
		}
		return sum / total
	}
	// The loss is convex in the scale, so a search that divides its interval finds the lowest point.
	low, high := math.Log(0.1), math.Log(10.0)
	for range 30 {
		a, b := low+(high-low)/3, high-(high-low)/3
		if loss(math.Exp(a)) < loss(math.Exp(b)) {
			high = b
		} else {
			low = a
		}
	}
	right, total := 0.0, 0.0
	for place, i := range list {
		w := tr.weight[tr.s.Label(i)]
		total += w
		if choice(logits[place*rows:(place+1)*rows]) == tr.s.Label(i) {
			right += w
		}
	}
	scale := math.Exp((low + high) / 2)
	j := judgement{loss: loss(scale), accuracy: right / total, temperature: 1 / scale}
	z := make([]float32, rows)
	for place, i := range list {
		for k := range z {
			z[k] = float32(scale) * logits[place*rows+k]
		}
		class := tr.s.Label(i)
		j.losses = append(j.losses, tr.weight[class]*deviate(z, tr.plain[class])*float64(len(list))/total)
	}
	return j
}

func choice(logits []float32) int {
	if len(logits) > 1 {
		return slices.Index(logits, slices.Max(logits))
	}
	if logits[0] > 0 {
		return 1
	}
	return 0
}

// epoch is one pass over the training pictures; it returns the mean loss. All
// chance comes from the seed and the epoch's number.
func (tr *trainer) epoch(ctx context.Context, number, epochs int) (float64, error) {
	random := rand.New(rand.NewPCG(tr.o.Seed, uint64(number)))
	list := tr.pictures(Trains)
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	items := make([]item, len(list))
	for i := range items {
		items[i] = item{picture: list[i], view: random.IntN(tr.o.Views), share: 1}
		if random.Float64() < tr.o.Mixup {
			items[i].partner, items[i].partnerView = list[random.IntN(len(list))], random.IntN(tr.o.Views)
			items[i].share = float32(1 - 0.5*random.Float64())
		}
	}
	batches := (len(items) + tr.o.Batch - 1) / tr.o.Batch
	sum, total := 0.0, 0.0
	for b := range batches {
		// Batches differ in size by one at most.
		batch := items[b*len(items)/batches : (b+1)*len(items)/batches]
		at := (float64(number-1) + float64(b)/float64(batches)) / float64(epochs)
		loss, weight, err := tr.step(ctx, batch, tr.o.Rate*rateAt(at))
		if err != nil {
			return 0, err
		}
		sum += loss
		total += weight
		step := Progress{Stage: "training", Done: (b + 1) * len(items) / batches, Total: len(items), Epoch: number, Epochs: epochs}
		if tr.trial != nil {
			step.Epochs, step.All = tr.trial.Tuned.Epochs, true
		}
		tr.o.Progress(step)
	}
	return sum / total, nil
}

// rateAt is the share of the rate at a point of the training, 0 to 1: it rises for the
// first twentieth, in which Adam does not know its moments yet, and then falls as
// a cosine.
func rateAt(x float64) float64 {
	const rise = 0.05
	return min(x/rise+0.02, 1) * 0.5 * (1 + math.Cos(math.Pi*x))
}

// step takes one batch's derivatives and moves the parameters.
func (tr *trainer) step(ctx context.Context, batch []item, rate float64) (loss, weight float64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}
	tr.p.round(tr.top, tr.p.values)
	var losses, weights [lanes]float64
	err = tr.parallel(lanes, func(w *worker, lane int) error {
		mine := batch[lane*len(batch)/lanes : (lane+1)*len(batch)/lanes]
		for from := 0; from < len(mine); from += tr.micro {
			items := mine[from:min(from+tr.micro, len(mine))]
			l, v, err := tr.learn(w, items, tr.grads[lane], 1/float64(len(batch)))
			if err != nil {
				return err
			}
			losses[lane] += l
			weights[lane] += v
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	for lane := range lanes {
		loss += losses[lane]
		weight += weights[lane]
	}
	tr.steps++
	s := step{rate: rate, pull: tr.o.Pull, average: min(tr.o.Average, float64(tr.steps)/float64(tr.steps+10)), number: tr.steps}
	head := tr.p.head.weights
	for i, v := range head.of(tr.p.values) { // the penalty that the head was fitted with
		tr.grads[0][head.from+i] += float32(tr.head.penalty) * v
	}
	n := len(tr.p.values)
	err = tr.parallel(lanes, func(_ *worker, part int) error {
		from, to := part*n/lanes, (part+1)*n/lanes
		for lane := 1; lane < lanes && from < to; lane++ {
			accumulate(tr.grads[lane][from:to], tr.grads[0][from:to])
			clear(tr.grads[lane][from:to])
		}
		adam(s, tr.p, tr.grads[0], from, to)
		return nil
	})
	return loss, weight, err
}

// learn adds the derivatives of a few items' loss to g.
func (tr *trainer) learn(w *worker, items []item, g []float32, share float64) (loss, weight float64, err error) {
	for i, it := range items {
		if err := tr.load(w, it, i); err != nil {
			return 0, 0, err
		}
	}
	p, h, all := tr.p, tr.head, tr.top.features()
	tr.top.forward(w.workspace, p.rounded, len(items), true)
	for i, it := range items {
		v := tr.target(w, it)
		tr.score(w, p.rounded, i)
		loss += v * deviate(w.logits, w.wanted)
		weight += v
		x, dx := w.features[i*all:(i+1)*all], w.dfeatures[i*all:(i+1)*all]
		clear(dx)
		for k, d := range w.logits {
			d *= float32(v * share)
			row := p.head.weights.of(p.rounded)[k*all : (k+1)*all]
			grow := p.head.weights.of(g)[k*all : (k+1)*all]
			for j := range x {
				dx[j] += d * row[j] / h.scale[j]
				grow[j] += d * (x[j] - h.mean[j]) / h.scale[j]
			}
			p.head.bias.of(g)[k] += d
		}
	}
	tr.top.backward(w.workspace, p.rounded, g, len(items), true)
	return loss, weight, nil
}

// target fills w.wanted and returns the item's weight.
func (tr *trainer) target(w *worker, it item) float64 {
	a := tr.s.Label(it.picture)
	copy(w.wanted, tr.targets[a])
	if it.share == 1 {
		return tr.weight[a]
	}
	b := tr.s.Label(it.partner)
	for k, v := range tr.targets[b] {
		w.wanted[k] += (1 - it.share) * (v - w.wanted[k])
	}
	return float64(it.share)*tr.weight[a] + float64(1-it.share)*tr.weight[b]
}
