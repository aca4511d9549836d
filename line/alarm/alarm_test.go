package alarm

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func kindsOf(p *Panel) []Kind {
	var list []Kind
	for _, a := range p.List(nil) {
		list = append(list, a.Kind)
	}
	return list
}

func TestPanel(t *testing.T) {
	var p Panel
	changes := 0
	p.Watch(func() { changes++ })
	t0 := time.Unix(0, 0)
	p.Raise(t0, CameraLost, GoOn, false, "unplugged")
	p.Raise(t0.Add(time.Second), CameraLost, GoOn, false, "still")
	p.Event(t0.Add(2*time.Second), Unconfirmed, Stop, "part 3")
	if got := kindsOf(&p); !slices.Equal(got, []Kind{Unconfirmed, CameraLost}) {
		t.Errorf("what stops comes first: %v", got)
	}
	if a := p.List(nil)[1]; a.Count != 2 || a.Text != "still" || !a.Since.Equal(t0) || !a.On || a.Latched {
		t.Errorf("%+v", a)
	}
	if alarm, stop := p.State(); !alarm || !stop {
		t.Error("no alarm, or none that stops")
	}
	p.Clear(CameraLost)
	if got := kindsOf(&p); !slices.Equal(got, []Kind{Unconfirmed}) {
		t.Errorf("what is latched stays: %v", got)
	}
	before := changes
	p.Clear(CameraLost)
	if changes != before {
		t.Error("told of what did not change")
	}
	if n := p.Reset(); n != 1 {
		t.Errorf("%d ended", n)
	}
	if alarm, stop := p.State(); alarm || stop {
		t.Error("still an alarm")
	}
}

// A reset does not end what still is so; that ends by itself then.
func TestResetOfWhatLasts(t *testing.T) {
	var p Panel
	p.Raise(time.Unix(0, 0), PinFault, Stop, true, "short circuit")
	if n := p.Reset(); n != 0 {
		t.Errorf("%d ended", n)
	}
	if _, stop := p.State(); !stop {
		t.Error("a pin that can't be driven no longer stops")
	}
	p.Clear(PinFault)
	if alarm, _ := p.State(); alarm {
		t.Error("its cause is gone and it was reset, and it is still there")
	}
}

// Rejects against counting anew for each part.
func TestRejects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inARow, of := rapid.IntRange(0, 5).Draw(t, "in a row"), rapid.IntRange(2, 10).Draw(t, "of")
		rate := rapid.SampledFrom([]float64{0, 0.1, 0.5, 0.9}).Draw(t, "rate")
		r, err := NewRejects(inARow, rate, of)
		if err != nil {
			t.Fatal(err)
		}
		var parts []bool
		for range rapid.IntRange(0, 60).Draw(t, "parts") {
			bad := rapid.Bool().Draw(t, "bad")
			parts = append(parts, bad)
			kind, text, alarm := r.Part(bad)
			wantRow := inARow > 0 && len(parts) >= inARow && !slices.Contains(parts[len(parts)-inARow:], false)
			n := 0
			for _, b := range parts[max(0, len(parts)-of):] {
				if b {
					n++
				}
			}
			wantRate := bad && rate > 0 && len(parts) >= of && float64(n) > rate*float64(of)
			want := Kind(0)
			switch {
			case wantRow:
				want = RejectsInARow
			case wantRate:
				want = RejectRate
			}
			if alarm != (wantRow || wantRate) || kind != want || alarm && !strings.Contains(text, "rejected") {
				t.Fatalf("after %v: %v %q %v", parts, kind, text, alarm)
			}
			if rapid.IntRange(0, 20).Draw(t, "forget") == 0 {
				r.Forget()
				parts = nil
			}
		}
	})
}

func TestRejectsRefuses(t *testing.T) {
	for _, s := range []struct {
		inARow int
		rate   float64
		of     int
	}{{-1, 0, 2}, {0, 1.5, 2}, {0, -1, 2}, {0, 0.5, 1}} {
		if _, err := NewRejects(s.inARow, s.rate, s.of); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
