// Package parallel spreads work that falls into numbered parts over the
// processors.
package parallel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// For calls work for 0 to n−1, as many at a time as there are processors, and
// returns when all are done. What comes out must not depend on the order.
func For(n int, work func(i int)) { _ = Until(context.Background(), n, work) }

// Until is For that begins nothing more once ctx has ended, and then returns its
// error: what was begun is done by then.
func Until(ctx context.Context, n int, work func(i int)) error {
	var next atomic.Int64
	do := func() {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			work(i)
		}
	}
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		do()
		return ctx.Err()
	}
	var group sync.WaitGroup
	for range workers {
		group.Go(do)
	}
	group.Wait()
	return ctx.Err()
}
