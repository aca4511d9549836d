package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"periph.io/x/conn/v3/gpio"

	"passfail/config"
	"passfail/device"
)

// Each output goes to its own rest, whatever the one before it does.
func TestRest(t *testing.T) {
	cfg, err := config.Load(demoConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Outputs.Fail.Active = "low"
	board := device.OpenSimulated(nil)
	pin := func(name string) *device.SimulatedPin {
		p, err := board.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		return p.(*device.SimulatedPin)
	}
	for _, name := range []string{"GPIO22", "GPIO23"} { // as a dead station left them
		if err := pin(name).Out(gpio.High); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("short circuit")
	pin("GPIO17").FailOut(broken)
	var out strings.Builder
	if err := rest(&out, board, outputSettings(cfg)); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	for name, want := range map[string]gpio.Level{"GPIO27": gpio.High, "GPIO22": gpio.Low, "GPIO23": gpio.Low} {
		if l, _ := pin(name).Level(); l != want || !pin(name).IsOutput() {
			t.Errorf("%s: %v, output: %v", name, l, pin(name).IsOutput())
		}
	}
	want := "fail: GPIO27 is at rest, High (driver simulated)\nreject: GPIO22 is at rest, Low (driver simulated)\nheartbeat: GPIO23 is at rest, Low (driver simulated)\n"
	if out.String() != want {
		t.Errorf("printed %q", out.String())
	}
	if err := board.Close(); err != nil {
		t.Error("a pin was kept:", err)
	}
}

func TestPinsRest(t *testing.T) {
	passfail(t, "pins", "rest", "--config", demoConfig(t)).expect(t, 0, "pass: GPIO17 is at rest, Low", "heartbeat: GPIO23 is at rest, Low")
	passfail(t, "pins", "rest", "--config", "none.toml").expect(t, 1, "none.toml: no such file")
}

// The manual page holds every command, and groff, where it is there, has nothing to say against it.
func TestMan(t *testing.T) {
	r := passfail(t, "man")
	r.expect(t, 0, ".TH PASSFAIL 1", ".SH NAME", `\fB\-c\fR, \fB\-\-config`, "drive the pins")
	for _, c := range newRoot().Commands() {
		if c.Runnable() && !c.Hidden && !strings.Contains(r.stdout, ".SS passfail "+c.Name()) {
			t.Errorf("%s is missing", c.Name())
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff here")
	}
	g := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z", "-Kutf8", "-rHY=0")
	g.Stdin = strings.NewReader(r.stdout)
	if text, err := g.CombinedOutput(); err != nil || len(text) > 0 {
		t.Errorf("groff: %v\n%s", err, text)
	}
}
