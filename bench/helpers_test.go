package bench

import (
	"testing"
	"time"

	"gocv.io/x/gocv"

	"passfail/device"
)

// testOutputs are outputs like those of Run.
func testOutputs(t testing.TB) *device.Outputs {
	t.Helper()
	board := device.OpenSimulated(nil)
	outputs, err := device.NewOutputs(board, []device.OutputSettings{
		{Name: "pass", Pin: "GPIO17"}, {Name: "fail", Pin: "GPIO27"},
		{Name: "reject", Pin: "GPIO22", Mode: device.Pulse, Width: time.Second}, {Name: "heartbeat", Pin: "GPIO23"},
	}, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := outputs.Close(); err != nil {
			t.Error(err)
		}
		if err := board.Close(); err != nil {
			t.Error(err)
		}
	})
	return outputs
}

// writeWide writes a picture that is decoded and is too wide to be judged.
func writeWide(t testing.TB, path string) {
	t.Helper()
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 90, 90, 0), 4, 20000, gocv.MatTypeCV8UC3)
	defer m.Close()
	if !gocv.IMWrite(path, m) {
		t.Fatal("picture not written")
	}
}
