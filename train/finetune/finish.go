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
	r.Head = h.folded(tr.p.head.weights.of(values), tr.p.head.bias.of(values))
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
	return tr.compare(ctx, net, values, r)
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

// compare runs the held-out pictures through the 8-bit network net and through
// the float one.
func (tr *trainer) compare(ctx context.Context, net *model.Network, values []float32, r *Result) error {
	held := tr.pictures(true)
	var logits []float32
	cosines := make([]float64, len(tr.top.taps))
	w, all := tr.workers[0], tr.top.features()
	for place, i := range held {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := tr.s.Load(i, 0, signed(net.InputBytes())); err != nil {
			return fmt.Errorf("picture %d: %w", i, err)
		}
		if err := net.Invoke(); err != nil {
			return err
		}
		if err := tr.load(w, item{picture: i, share: 1}, 0); err != nil {
			return err
		}
		tr.top.forward(w.workspace, values, 1, false)
		for k, tap := range tr.top.taps {
			served := net.Output(k)
			if tap.node < 0 {
				cosines[k]++
			} else {
				cosines[k] += cosine(served, w.values[tap.node][:len(served)])
			}
			pool(served, tap.channels, w.features[tap.at:all])
		}
		tr.score(w, values, 0)
		logits = append(logits, w.logits...)
		tr.o.Progress(Progress{Stage: "check", Done: place + 1, Total: len(held)})
	}
	for k, tap := range tr.top.taps {
		r.Taps = append(r.Taps, Fidelity{tap.name, cosines[k] / float64(len(held))})
	}
	j := tr.judgeLogits(held, logits)
	r.QuantizedLoss, r.QuantizedAccuracy = j.loss, j.accuracy
	return nil
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
