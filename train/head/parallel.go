package head

import (
	"runtime"
	"sync"
)

// parallel calls work for 0 to n−1, as many at a time as there are processors.
func parallel(n int, work func(i int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}
