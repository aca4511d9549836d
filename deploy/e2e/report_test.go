package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		r := &report{begun: time.Now(), out: &out}
		fine := func(context.Context) error { return nil }
		r.steps(t.Context(), "pi", []step{
			{"boots", 0, fine},
			{"fails", 0, func(context.Context) error { return errors.New("a\nb") }},
			{"hangs", time.Second, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
			{"ends all", 0, func(context.Context) error { return fmt.Errorf("gone: %w", errOver) }},
			{"comes too late", 0, fine},
		})
		if r.total() {
			t.Error("failures were taken for a success")
		}
		want := "ok          0 s  pi: boots\nFAILED      0 s  pi: fails: a\n        b\nFAILED      1 s  pi: hangs: context deadline exceeded\n" +
			"FAILED      1 s  pi: ends all: gone: nothing more can be checked here\nFAILED      1 s  pi: comes too late: not checked, since a step before failed\n1 passed, 4 failed\n"
		if out.String() != want {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	})
}

// A run in which nothing was checked is no success.
func TestNothing(t *testing.T) {
	r := &report{begun: time.Now(), out: &strings.Builder{}}
	if r.total() {
		t.Error("nothing was checked, and that was a success")
	}
}
