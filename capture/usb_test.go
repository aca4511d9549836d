package capture

import (
	"os"
	"testing"
	"time"
)

func TestDriverTime(t *testing.T) {
	now := time.Now()
	up := 5 * 24 * time.Hour // CLOCK_MONOTONIC
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	for _, test := range []struct {
		name  string
		stamp float64
		want  time.Time
	}{
		{"35 ms ago", ms(up - 35*time.Millisecond), now.Add(-35 * time.Millisecond)},
		{"unset", 0, now},
		{"from the future", ms(up + time.Millisecond), now},
		{"too old to be true", ms(up - 3*time.Second), now},
		{"wall clock", ms(time.Duration(now.UnixNano())), now},
	} {
		got := driverTime(test.stamp, up, now, 2*time.Second)
		if d := got.Sub(test.want); d > time.Microsecond || d < -time.Microsecond {
			t.Errorf("%s: off by %v", test.name, d)
		}
	}
}

func TestOpenCVVersions(t *testing.T) {
	for version, want := range map[string]bool{"4.6.0": false, "4.7.0": true, "4.10.0": true, "5.0.0": true, "3.9": false, "4": false, "x.y": false} {
		if atLeast(version, 4, 7) != want {
			t.Error(version)
		}
	}
}

// TestConnectedCamera runs against a real camera, or the kernel's vivid: PASSFAIL_TEST_CAMERA=/dev/video0.
func TestConnectedCamera(t *testing.T) {
	path := os.Getenv("PASSFAIL_TEST_CAMERA")
	if path == "" {
		t.Skip("PASSFAIL_TEST_CAMERA names no camera")
	}
	c := open(t, Settings{Source: path, Timeout: 5 * time.Second})
	var last time.Time
	for range 30 {
		f := next(t, c)
		age := time.Since(f.Taken)
		if age < 0 || age > time.Second || !f.Taken.After(last) {
			t.Errorf("frame %d: %dx%d, taken %v ago, %v after the last one", f.Seq, f.Image.Cols(), f.Image.Rows(), age, f.Taken.Sub(last))
		}
		last = f.Taken
	}
	t.Logf("%+v", c.Stats())
}
