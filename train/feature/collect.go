package feature

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"

	"passfail/capture"
	"passfail/model"
)

// Picture is one that features are wanted of.
type Picture struct {
	Hash   [32]byte                       // of its file
	Pixels int64                          // that decoding gives; 0: not known
	Open   func() (*capture.Frame, error) // decodes it; called only where something is not on the shelf
	Seen   func(*capture.Frame) error     // unless nil, it is to be opened all the same, and shown here
}

// mostPixels is how many may be decoded at a time, but for a single picture that
// has more: each takes three bytes, and about as much again where it is turned,
// looked at or jittered.
const mostPixels = 12_000_000

// Show shows each picture to its Seen, where it has one: Collect without features.
func Show(ctx context.Context, pictures []Picture, progress func()) (errs []error, err error) {
	return (*Network)(nil).Collect(ctx, nil, nil, "", pictures, nil, progress)
}

// Collect puts the features of each picture, in each of the variants, on the
// shelf, unless they are there. View says how Open cuts and turns a picture. A picture
// that can't be used is no reason to stop: its error is at its place in errs.
// Extras, unless nil, is given what is extra of each picture as it is.
// Progress, unless nil, is called after each picture, by one goroutine at a time.
func (n *Network) Collect(ctx context.Context, shelf, extras *Shelf, view string, pictures []Picture, variants []Variant, progress func()) (errs []error, err error) {
	errs = make([]error, len(pictures))
	work := make(chan int)
	workers := min(runtime.NumCPU(), max(len(pictures), 1))
	failed := make([]error, workers)
	room := semaphore.NewWeighted(mostPixels)
	pooling := sync.OnceValues(n.pooling) // one for all workers, and none where nothing is missing
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			c := collector{network: n, shelf: shelf, extras: extras, view: view, variants: variants, pooling: pooling, room: room}
			defer c.close()
			for i := range work {
				errs[i], failed[w] = c.collect(ctx, &pictures[i])
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
	network       *Network
	shelf, extras *Shelf
	view          string
	variants      []Variant
	pooling       func() ([]byte, error)
	room          *semaphore.Weighted // pixels
	x             *Extractor          // opened when first needed
}

// collect returns what is wrong with the picture, and what is wrong with all.
func (c *collector) collect(ctx context.Context, p *Picture) (bad, failed error) {
	var missing []Variant
	for _, v := range c.variants {
		k := c.network.Key(p.Hash, c.view, v)
		if !c.shelf.Has(k) || c.wantsExtra(v) && !c.extras.Has(k) {
			missing = append(missing, v)
		}
	}
	if len(missing) == 0 && p.Seen == nil {
		return nil, nil
	}
	pixels := p.Pixels
	if pixels <= 0 || pixels > mostPixels {
		pixels = mostPixels
	}
	if c.room.Acquire(ctx, pixels) != nil {
		return nil, nil // ctx has ended, and Collect says so
	}
	defer c.room.Release(pixels)
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
		b, err := c.pooling()
		if err != nil {
			return nil, err
		}
		if c.x, err = c.network.open(b, model.Options{Threads: 1}); err != nil {
			return nil, err
		}
	}
	loaded := -1
	for _, v := range missing {
		if v.Jitter != loaded {
			if err := c.x.LoadJittered(&f.Image, f.ROI, p.Hash, v.Jitter); err != nil {
				return err, nil
			}
			loaded = v.Jitter
		}
		x, err := c.x.Features(v.Turn)
		if err != nil {
			return nil, fmt.Errorf("base network %s: %w", c.network.Name, err)
		}
		k := c.network.Key(p.Hash, c.view, v)
		if err := c.shelf.Put(k, Bytes(x)); err != nil {
			return nil, err
		}
		if c.wantsExtra(v) {
			if err := c.extras.Put(k, Bytes(c.x.Extra())); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

func (c *collector) wantsExtra(v Variant) bool { return c.extras != nil && v == Variant{} }

func (c *collector) close() {
	if c.x != nil {
		c.x.Close()
	}
}
