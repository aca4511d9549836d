package device

import (
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
)

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, OutputSettings{Name: "heartbeat", Pin: "GPIO27"})
		h := NewHeartbeat(b.output(t, "heartbeat"), 100*ms)
		for range 12 { // a loop of 33 ms, so 0 to 363 ms
			if err := h.Beat(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(33 * ms)
		}
		b.expect(t,
			edge{0, "GPIO27", gpio.High},
			edge{132 * ms, "GPIO27", gpio.Low},
			edge{231 * ms, "GPIO27", gpio.High},
			edge{330 * ms, "GPIO27", gpio.Low})

		time.Sleep(10 * time.Second) // the loop hangs, the output is still
		b.expect(t)
		for range 3 { // nothing to catch up with
			if err := h.Beat(); err != nil {
				t.Fatal(err)
			}
		}
		b.expect(t, edge{10*time.Second + 396*ms, "GPIO27", gpio.High})

		if err := b.Safe(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := h.Beat(); err == nil {
			t.Error("beat in the safe state")
		}
	})
}
