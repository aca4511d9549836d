package device

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// step is a level that a sensor gives, in time since the test began.
type step struct {
	at    time.Duration
	level gpio.Level
}

func TestInput(t *testing.T) {
	bounce := func(at time.Duration, to gpio.Level) []step {
		return []step{{at, to}, {at + ms, !to}, {at + 2*ms, to}, {at + 3*ms, !to}, {at + 4*ms, to}}
	}
	tests := []struct {
		name     string
		settings InputSettings
		idle     gpio.Level // before the first step
		steps    []step
		want     []time.Duration
	}{
		{"a part", InputSettings{}, gpio.Low, []step{{10 * ms, gpio.High}, {60 * ms, gpio.Low}}, []time.Duration{10 * ms}},
		{"three parts", InputSettings{Debounce: 5 * ms}, gpio.Low,
			[]step{{10 * ms, gpio.High}, {60 * ms, gpio.Low}, {100 * ms, gpio.High}, {160 * ms, gpio.Low}, {200 * ms, gpio.High}},
			[]time.Duration{10 * ms, 100 * ms, 200 * ms}},
		{"a contact that bounces is one part, at its first edge", InputSettings{Debounce: 5 * ms}, gpio.Low,
			append(bounce(10*ms, gpio.High), bounce(80*ms, gpio.Low)...), []time.Duration{10 * ms}},
		{"a spike is none", InputSettings{Debounce: 5 * ms}, gpio.Low, []step{{10 * ms, gpio.High}, {12 * ms, gpio.Low}}, nil},
		{"nor is a gap in a part", InputSettings{Debounce: 5 * ms}, gpio.Low,
			[]step{{10 * ms, gpio.High}, {40 * ms, gpio.Low}, {43 * ms, gpio.High}, {90 * ms, gpio.Low}}, []time.Duration{10 * ms}},
		{"a part after a spike comes when it comes", InputSettings{Debounce: 5 * ms}, gpio.Low,
			[]step{{10 * ms, gpio.High}, {12 * ms, gpio.Low}, {30 * ms, gpio.High}}, []time.Duration{30 * ms}},
		{"active low", InputSettings{ActiveLow: true, Debounce: 5 * ms}, gpio.High,
			[]step{{10 * ms, gpio.Low}, {60 * ms, gpio.High}, {100 * ms, gpio.Low}}, []time.Duration{10 * ms, 100 * ms}},
		{"a part that is there already", InputSettings{Debounce: 5 * ms}, gpio.High,
			[]step{{50 * ms, gpio.Low}, {100 * ms, gpio.High}}, []time.Duration{100 * ms}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				board := OpenSimulated(nil)
				p, _ := board.Pin("GPIO24")
				pin := p.(*SimulatedPin)
				pin.Drive(test.idle)
				began := time.Now()
				s := test.settings
				s.Name, s.Pin = "trigger", "GPIO24"
				in, err := NewInput(board, s)
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				for _, step := range test.steps {
					time.Sleep(time.Until(began.Add(step.at)))
					pin.Drive(step.level)
					synctest.Wait()
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				var got []time.Duration
				for {
					at, err := in.Next(ctx)
					if err != nil {
						break
					}
					got = append(got, at.Sub(began))
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("activations at %v, want %v", got, test.want)
				}
				in.Close()
				if err := board.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Active is what has lasted, not what the pin shows.
func TestInputActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := OpenSimulated(nil)
		p, _ := board.Pin("GPIO24")
		pin := p.(*SimulatedPin)
		pin.Drive(gpio.Low)
		in, err := NewInput(board, InputSettings{Name: "product", Pin: "GPIO24", ActiveLow: true, Debounce: 5 * ms})
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if !in.Active() {
			t.Error("what is there from the start is not active")
		}
		for _, step := range []struct {
			level gpio.Level
			after time.Duration
			want  bool
		}{{gpio.High, 4 * ms, true}, {gpio.Low, 10 * ms, true}, {gpio.High, 6 * ms, false}, {gpio.Low, 4 * ms, false}, {gpio.Low, 2 * ms, true}} {
			pin.Drive(step.level)
			time.Sleep(step.after)
			synctest.Wait()
			if in.Active() != step.want {
				t.Errorf("%v after %v: active %v, want %v", step.after, step.level, in.Active(), step.want)
			}
		}
	})
}

// Who doesn't fetch activations loses the last of them, and it is counted.
func TestInputMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := OpenSimulated(nil)
		p, _ := board.Pin("GPIO24")
		in, err := NewInput(board, InputSettings{Name: "trigger", Pin: "GPIO24"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for range inputQueue + 3 {
			p.(*SimulatedPin).Drive(gpio.High)
			synctest.Wait()
			p.(*SimulatedPin).Drive(gpio.Low)
			synctest.Wait()
		}
		if in.Missed() != 3 {
			t.Errorf("%d missed, want 3", in.Missed())
		}
		in.Close()
		in.Close()
		for range inputQueue {
			if _, err := in.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := in.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("after the last: %v", err)
		}
	})
}

func TestInputErrors(t *testing.T) {
	board := OpenSimulated(nil)
	tests := []struct {
		settings InputSettings
		want     string
	}{
		{InputSettings{Pin: "GPIO24"}, "has no name"},
		{InputSettings{Name: "trigger"}, `such as "GPIO24"`},
		{InputSettings{Name: "trigger", Pin: "GPIO24", Debounce: -ms}, "0 to 1s"},
		{InputSettings{Name: "trigger", Pin: "GPIO24", Debounce: 2 * time.Second}, "0 to 1s"},
		{InputSettings{Name: "trigger", Pin: "GPIO99"}, "no such pin"},
	}
	for _, test := range tests {
		if _, err := NewInput(board, test.settings); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.settings, err, test.want)
		}
	}
	in, err := NewInput(board, InputSettings{Name: "trigger", Pin: "GPIO24"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewOutputs(board, []OutputSettings{{Name: "reject", Pin: "GPIO24"}}, Options{}); err == nil || !strings.Contains(err.Error(), `already used by input "trigger"`) {
		t.Errorf("an output on the input's pin: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := in.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	in.Close()
	if err := board.Close(); err != nil {
		t.Error(err)
	}
}
