package finetune

import (
	"context"
	"fmt"
	"math"

	"passfail/model"
)

// finish writes the new base, runs it in 8 bit on the held-out pictures, and
// notes how near it is to what was trained.
func (tr *trainer) finish(ctx context.Context, p *parsed, r *Result) error {
	h, values := tr.head, tr.p.average
	if r.Tuned.Epochs > 0 {
		b, err := p.write(tr.top.quantize(values), r.Tuned)
		if err != nil {
			return err
		}
		r.Base = b
	}
	net, err := model.OpenNetwork(r.Base, nil, model.Options{Threads: tr.o.Threads})
	if err != nil {
		return fmt.Errorf("the new base: %w", err)
	}
	defer net.Close()
	j, err := tr.compare(ctx, net, values, r)
	if err != nil {
		return err
	}
	r.temperature = j.temperature
	if tr.trial != nil { // none is left that the head does not know
		j.loss, j.accuracy, r.temperature = math.NaN(), math.NaN(), tr.trial.temperature
	}
	r.QuantizedLoss, r.QuantizedAccuracy = j.loss, j.accuracy
	// Smoothed labels teach a head to doubt itself: its logits are put right.
	r.Head = h.folded(tr.p.head.weights.of(values), tr.p.head.bias.of(values))
	for _, x := range [][]float32{r.Head.Weights, r.Head.Bias} {
		for i := range x {
			x[i] /= float32(r.temperature)
		}
	}
	return nil
}

// folded is the head for features that are not standardized.
func (h *head) folded(weights, bias []float32) Head {
	out := Head{Weights: make([]float32, len(weights)), Bias: make([]float32, len(bias))}
	for k := range bias {
		sum := float64(bias[k])
		for j := range h.features {
			v := float64(weights[k*h.features+j]) / float64(h.scale[j])
			out.Weights[k*h.features+j] = float32(v)
			sum -= v * float64(h.mean[j])
		}
		out.Bias[k] = float32(sum)
	}
	return out
}

// checked is with how many pictures the new base is compared where none is held
// out.
const checked = 64

// compare runs the held-out pictures through the 8-bit network net and through
// the float one, and judges the head on what the 8-bit one gives.
func (tr *trainer) compare(ctx context.Context, net *model.Network, values []float32, r *Result) (judgement, error) {
	held := tr.pictures(HoldsOut)
	if len(held) == 0 {
		held = some(tr.pictures(Trains), checked)
	}
	var logits []float32
	r.Taps = make([]Fidelity, len(tr.top.taps))
	for k, tap := range tr.top.taps {
		r.Taps[k].Name = tap.name
	}
	tr.p.round(tr.top, values)
	w := tr.workers[0]
	for place, i := range held {
		if err := ctx.Err(); err != nil {
			return judgement{}, err
		}
		if err := tr.s.Load(i, 0, signed(net.InputBytes())); err != nil {
			return judgement{}, fmt.Errorf("picture %d: %w", i, err)
		}
		if err := net.Invoke(); err != nil {
			return judgement{}, err
		}
		if err := tr.load(w, item{picture: i, share: 1}, 0); err != nil {
			return judgement{}, err
		}
		share := 1 / float64(len(held))
		tr.top.forward(w.workspace, tr.p.rounded, 1, true)
		for k := range r.Taps {
			r.Taps[k].Rounded += share * tr.likeness(w, net, k)
		}
		tr.top.forward(w.workspace, values, 1, false)
		for k, tap := range tr.top.taps {
			r.Taps[k].Float += share * tr.likeness(w, net, k)
			pool(net.Output(k), tap.channels, w.features[tap.at:])
		}
		tr.score(w, values, 0)
		logits = append(logits, w.logits...)
		tr.o.Progress(Progress{Stage: "check", Done: place + 1, Total: len(held)})
	}
	return tr.judgeLogits(held, logits), nil
}

// likeness is the cosine between tap k's map in a worker and what net gave.
func (tr *trainer) likeness(w *worker, net *model.Network, k int) float64 {
	n := tr.top.taps[k].node
	if n < 0 {
		return 1 // a frozen tap is the 8-bit network's own
	}
	served := net.Output(k)
	return cosine(served, w.values[n][:len(served)])
}

func cosine(a, b []float32) float64 {
	ab, aa, bb := 0.0, 0.0, 0.0
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
