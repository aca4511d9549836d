package feature

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"passfail/capture"
	"passfail/model"
)

// Picture is one that features are wanted of.
type Picture struct {
	Hash [32]byte                        // of its file
	Open func() (*capture.Frame, error) // decodes it; called only where something is not on the shelf
	Seen func(*capture.Frame) error     // unless nil, it is to be opened all the same, and shown here
}

// Collect puts the features of each picture, for each of turns, on the shelf,
// unless they are there. View says how Open cuts and turns a picture. A picture
// that can't be used is no reason to stop: its error is at its place in errs.
// Progress, unless nil, is called after each picture, by one goroutine at a time.
func (n *Network) Collect(ctx context.Context, shelf *Shelf, view string, pictures []Picture, turns []Turn, progress func()) (errs []error, err error) {
	errs = make([]error, len(pictures))
	work := make(chan int)
	workers := min(runtime.NumCPU(), max(len(pictures), 1))
	failed := make([]error, workers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			c := collector{network: n, shelf: shelf, view: view, turns: turns}
			defer c.close()
			for i := range work {
				errs[i], failed[w] = c.collect(&pictures[i])
				if failed[w] != nil {
					cancel()
					return
				}
				if progress != nil {
					mu.Lock()
					progress()
					mu.Unlock()
				}
			}
		})
	}
	for i := range pictures {
		select {
		case work <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	group.Wait()
	for _, e := range failed {
		if e != nil {
			return nil, e
		}
	}
	return errs, ctx.Err()
}

// collector is what one goroutine of Collect has.
type collector struct {
	network *Network
	shelf   *Shelf
	view    string
	turns   []Turn
	x       *Extractor // opened when first needed
}

// collect returns what is wrong with the picture, and what is wrong with all.
func (c *collector) collect(p *Picture) (bad, failed error) {
	var missing []Turn
	for _, t := range c.turns {
		if !c.shelf.Has(c.network.Key(p.Hash, c.view, t)) {
			missing = append(missing, t)
		}
	}
	if len(missing) == 0 && p.Seen == nil {
		return nil, nil
	}
	f, err := p.Open()
	if err != nil {
		return err, nil
	}
	defer f.Close()
	if p.Seen != nil {
		if err := p.Seen(f); err != nil {
			return err, nil
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	if c.x == nil {
		if c.x, err = c.network.Open(model.Options{Threads: 1}); err != nil {
			return nil, err
		}
	}
	if err := c.x.Load(&f.Image, f.ROI); err != nil {
		return err, nil
	}
	for _, t := range missing {
		x, err := c.x.Features(t)
		if err != nil {
			return nil, fmt.Errorf("base network %s: %w", c.network.Name, err)
		}
		if err := c.shelf.Put(c.network.Key(p.Hash, c.view, t), Bytes(x)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (c *collector) close() {
	if c.x != nil {
		c.x.Close()
	}
}
