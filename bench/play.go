package bench

import (
	"context"
	"slices"
	"time"

	"passfail/capture"
	"passfail/line"
)

// ring keeps the last results in memory that it has from the start: a list that
// grew would be a leak in the memory's curve.
type ring struct {
	stages []line.Stages
	n      int
}

func newRing(size int) *ring {
	r := &ring{stages: make([]line.Stages, size)}
	for i := range r.stages {
		r.stages[i].Pins = 1 // pages that were never written are not in RAM
	}
	return r
}

func (r *ring) add(s line.Stages) {
	r.stages[r.n%len(r.stages)] = s
	r.n++
}

// quantiles of one stage over what the ring holds.
func (r *ring) quantiles(of func(line.Stages) time.Duration) Quantile {
	list := make([]time.Duration, min(r.n, len(r.stages)))
	for i := range list {
		list[i] = of(r.stages[i])
	}
	slices.Sort(list)
	return Quantile{P50: ms(quantile(list, 0.50)), P99: ms(quantile(list, 0.99))}
}

// playing is one pass of a source through a line at full speed.
type playing struct {
	source  string
	atLeast time.Duration // play over and over for so long …
	frames  int           // … or exactly so many frames, unless 0
	each    func(n int)   // told of the number of frames so far; may be nil

	results *ring
	took    time.Duration // while frames came: opening a file is no part of its rate
}

func (p *playing) run(ctx context.Context, l *line.Line) error {
	p.results = newRing(keptResults)
	for p.results.n == 0 || p.frames == 0 && p.took < p.atLeast || p.results.n < p.frames {
		if err := p.once(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// once plays the source to its end, or to the number of frames.
func (p *playing) once(ctx context.Context, l *line.Line) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := capture.Defaults()
	s.Source, s.Pace, s.Loop = p.source, capture.Fast, p.frames > 0
	camera, err := capture.Open(ctx, s, nil)
	if err != nil {
		return err
	}
	defer camera.Close()
	events := make(chan line.Event, 64)
	l.Camera, l.Events, l.Lossless = camera, events, true
	counted := make(chan error, 1)
	start := time.Now()
	go func() {
		var failure error
		for e := range events {
			if e.Err != nil && failure == nil {
				failure = e.Err
				cancel()
			}
			if p.frames > 0 && p.results.n == p.frames {
				continue // already under way when the number was reached
			}
			p.results.add(e.Result.Stages)
			p.took += time.Since(start)
			start = time.Now()
			if p.each != nil {
				p.each(p.results.n)
			}
			if p.results.n == p.frames {
				cancel()
			}
		}
		counted <- failure
	}()
	err = l.Run(ctx)
	close(events)
	if failure := <-counted; failure != nil {
		return failure
	}
	return err
}
