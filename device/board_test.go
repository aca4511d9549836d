package device

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/host/v3/bcm283x"
	"periph.io/x/host/v3/gpioioctl"
	"periph.io/x/host/v3/sysfs"
)

func TestNoSuchPin(t *testing.T) {
	header := OpenSimulated(nil).Names()
	pi := append(header[2:len(header):len(header)], "ID_SDA", "ID_SCL", "STATUS_LED", "GPIO40")
	for _, tt := range []struct {
		name  string
		names []string
		want  string
	}{
		{"GPIO99", header, `pin "GPIO99": no such pin; this board has GPIO0–GPIO27`},
		{"gpio17", header, `pin "gpio17": no such pin (did you mean GPIO17?); this board has GPIO0–GPIO27`},
		{"BCM 04", header, `pin "BCM 04": no such pin (did you mean GPIO4?); this board has GPIO0–GPIO27`},
		{"", header, `pin "": no such pin; this board has GPIO0–GPIO27`},
		{"GPIO0", pi, `pin "GPIO0": no such pin; this board has GPIO2–GPIO27, GPIO40, 3 others`},
		{"GPIO0", []string{"P0", "P1"}, `pin "GPIO0": no such pin; this board has P0, P1`},
		{"GPIO0", nil, `pin "GPIO0": no such pin; this board has none`},
	} {
		if err := noSuchPin(tt.name, tt.names); err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

func TestDriver(t *testing.T) {
	b := OpenPins()
	mapped := OpenPins()
	mapped.mapped = true
	for _, tt := range []struct {
		board *Board
		pin   gpio.PinIO
		want  string
	}{
		{b, &gpioioctl.GPIOLine{}, "gpioioctl"},
		{b, &bcm283x.Pin{}, "gpioioctl"},
		{mapped, &bcm283x.Pin{}, "bcm283x"},
		{b, &sysfs.Pin{}, "sysfs"},
		{b, &SimulatedPin{}, "simulated"},
		{b, &gpiotest.LogPinIO{PinIO: &sysfs.Pin{}}, "sysfs"},
		{b, &gpiotest.Pin{}, "gpiotest"},
		{b, nil, "none"},
	} {
		if got := tt.board.Driver(tt.pin); got != tt.want {
			t.Errorf("%T: %q, want %q", tt.pin, got, tt.want)
		}
	}
}

// An alias and its pin are one.
func TestAliasIsClaimed(t *testing.T) {
	p := &gpiotest.Pin{N: "GPIO17"}
	b := OpenPins(p)
	find := b.find
	b.find = func(name string) gpio.PinIO {
		if name == "17" {
			return &gpiotest.LogPinIO{PinIO: p}
		}
		return find(name)
	}
	_, err := NewOutputs(b, []OutputSettings{{Name: "a", Pin: "GPIO17"}, {Name: "b", Pin: "17"}}, Options{})
	if err == nil || !strings.HasPrefix(err.Error(), `output "b": pin "17": already used by output "a"`) {
		t.Errorf("error %v", err)
	}
}

func TestClosedBoard(t *testing.T) {
	b := OpenSimulated(nil)
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Pin("GPIO17"); err == nil {
		t.Error("a closed board gave a pin")
	}
}

func TestWhyNoPins(t *testing.T) {
	dir := t.TempDir()
	chips := filepath.Join(dir, "gpiochip*")
	if err := whyNoPins(chips); !strings.Contains(err.Error(), "is it a Raspberry Pi?") {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "gpiochip0"), nil, 0); err != nil {
		t.Fatal(err)
	}
	want := "usermod -aG gpio"
	if os.Geteuid() == 0 {
		want = "device tree" // root may open it all the same
	}
	if err := whyNoPins(chips); !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
}

// On a machine with pins this opens them, elsewhere it says why not.
func TestOpenGPIO(t *testing.T) {
	b, err := OpenGPIO(slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Logf("no board here: %v", err)
		return
	}
	if len(b.Names()) == 0 {
		t.Error("a board without pins")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestRestWarning(t *testing.T) {
	for _, tt := range []struct {
		pin       string
		activeLow bool
		want      string
	}{
		{"GPIO17", false, ""},
		{"GPIO5", false, "pulls this pin high"},
		{"GPIO17", true, "active-low"},
	} {
		p, err := OpenSimulated(nil).Pin(tt.pin)
		if err != nil {
			t.Fatal(err)
		}
		s := OutputSettings{Name: "x", Pin: tt.pin, ActiveLow: tt.activeLow}
		if w := s.restWarning(bootPull(p)); !strings.Contains(w, tt.want) || (w == "") != (tt.want == "") {
			t.Errorf("%+v: %q", tt, w)
		}
	}
}

func TestParseMode(t *testing.T) {
	for _, m := range []Mode{Level, Pulse} {
		if got, err := ParseMode(m.String()); err != nil || got != m {
			t.Errorf("%v: %v, %v", m, got, err)
		}
	}
	if _, err := ParseMode("Pulse"); err == nil {
		t.Error("took \"Pulse\"")
	}
}
