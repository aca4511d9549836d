package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// report prints what was checked and counts. It may be used from any goroutine.
type report struct {
	begun time.Time

	mu             sync.Mutex
	out            io.Writer
	passed, failed int
}

func (r *report) check(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := fmt.Sprintf("%5.0f s", time.Since(r.begun).Seconds())
	if err == nil {
		r.passed++
		fmt.Fprintf(r.out, "ok      %s  %s\n", at, what)
		return
	}
	r.failed++
	fmt.Fprintf(r.out, "FAILED  %s  %s: %s\n", at, what, strings.ReplaceAll(err.Error(), "\n", "\n        "))
}

func (r *report) note(format string, values ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "        %5.0f s  %s\n", time.Since(r.begun).Seconds(), fmt.Sprintf(format, values...))
}

// total prints the line that scripts read, and tells whether all passed.
func (r *report) total() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "%d passed, %d failed\n", r.passed, r.failed)
	return r.failed == 0 && r.passed > 0
}

// step is one check, or more that hang together.
type step struct {
	what  string
	limit time.Duration // stepLimit if 0
	do    func(context.Context) error
}

const stepLimit = 2 * time.Minute

// errOver is wrapped by the error of a step after which the following ones make no sense.
var errOver = errors.New("nothing more can be checked here")

// steps does them in order. When one is over all, the rest have failed too, so that their number says so.
func (r *report) steps(ctx context.Context, name string, list []step) {
	var over error
	for _, s := range list {
		err := over
		if over == nil {
			limit := s.limit
			if limit == 0 {
				limit = stepLimit
			}
			stepCtx, cancel := context.WithTimeout(ctx, limit)
			err = s.do(stepCtx)
			cancel()
			if errors.Is(err, errOver) {
				over = errors.New("not checked, since a step before failed")
			}
		}
		r.check(name+": "+s.what, err)
	}
}
