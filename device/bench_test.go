package device

import (
	"errors"
	"testing"
	"time"
)

func benchOutput(b *testing.B, exact bool) *Output {
	board := OpenSimulated(func(Change) {})
	board.exact = exact
	outputs, err := NewOutputs(board, []OutputSettings{reject}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := outputs.Close(); err != nil {
			b.Error(err)
		}
	})
	b.ReportAllocs()
	return outputs.list[0]
}

func BenchmarkSet(b *testing.B) {
	o := benchOutput(b, true)
	active := false
	for b.Loop() {
		active = !active
		if err := o.Set(active); err != nil {
			b.Fatal(err)
		}
	}
}

// Each pulse is merged into one that waits; the scheduler sleeps.
func BenchmarkPulseAt(b *testing.B) {
	o := benchOutput(b, true)
	at := time.Now().Add(30 * time.Minute)
	for b.Loop() {
		if err := o.PulseAt(at, 50*ms); err != nil {
			b.Fatal(err)
		}
	}
}

// Each pulse begins now, so the scheduler is woken to look; both goroutines are counted.
func BenchmarkPulseNow(b *testing.B) {
	for _, bb := range []struct {
		name  string
		exact bool
	}{{"kernel", true}, {"timer", false}} {
		b.Run(bb.name, func(b *testing.B) {
			o := benchOutput(b, bb.exact)
			for b.Loop() {
				if err := o.PulseAt(time.Now(), maxWidth); err != nil && !errors.Is(err, ErrCut) {
					b.Fatal(err)
				}
			}
		})
	}
}
