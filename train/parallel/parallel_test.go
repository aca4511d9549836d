package parallel

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
)

func TestFor(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		times := make([]atomic.Int32, n)
		For(n, func(i int) { times[i].Add(1) })
		for i := range times {
			if c := times[i].Load(); c != 1 {
				t.Errorf("of %d, part %d was done %d times", n, i, c)
			}
		}
	}
}

func TestUntilEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var begun, ended atomic.Int32
	err := Until(ctx, 1000, func(int) {
		if begun.Add(1) == 10 {
			cancel()
		}
		ended.Add(1)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	// Each processor may have begun one more.
	if n := int(begun.Load()); n < 10 || n > 10+runtime.GOMAXPROCS(0) || ended.Load() != begun.Load() {
		t.Errorf("%d parts begun, %d ended", n, ended.Load())
	}
}
