package train

import (
	"context"
	"runtime"
	"sync"
)

// parallel calls work for 0 to n−1, as many at a time as there are processors,
// until ctx ends.
func parallel(ctx context.Context, n int, work func(i int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.NumCPU()) {
		group.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	group.Wait()
}
