package v4l2

import "testing"

func TestSelfWilled(t *testing.T) {
	exposure := Control{Name: "auto_exposure", Type: Menu, Menu: []MenuItem{{0, "Auto Mode"}, {1, "Manual Mode"}, {3, "Aperture Priority Mode"}}}
	for _, c := range []struct {
		control Control
		value   int64
		want    bool
	}{
		{exposure, 1, false},
		{exposure, 0, true},
		{exposure, 3, true},
		{Control{Name: "white_balance_automatic", Type: Boolean}, 1, true},
		{Control{Name: "white_balance_automatic", Type: Boolean}, 0, false},
		{Control{Name: "exposure_auto_priority", Type: Boolean}, 1, false},
		{Control{Name: "auto_exposure_bias", Type: Menu}, 1, false},
		{Control{Name: "gain", Type: Integer}, 5, false},
	} {
		if got := c.control.selfWilled(c.value); got != c.want {
			t.Errorf("%s = %d: %v", c.control.Name, c.value, got)
		}
	}
}
