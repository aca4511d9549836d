package device

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"slices"

	"periph.io/x/conn/v3/driver"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/host/v3"
)

// OpenGPIO opens the pins of this machine. periph's drivers are loaded once in a
// process; what each of them said is logged every time.
func OpenGPIO(log *slog.Logger) (*Board, error) {
	state, err := host.Init()
	if err != nil {
		return nil, fmt.Errorf("loading periph's drivers: %w", err)
	}
	logDrivers(log, state)
	if len(gpioreg.All()) == 0 {
		return nil, whyNoPins("/dev/gpiochip*")
	}
	if os.Geteuid() == 0 {
		log.Warn("running as root: periph may then map the wrong registers (on a Pi 5), or use sysfs, which is slower; run as a user of the group gpio")
	}
	b := newBoard(gpioreg.ByName, registeredNames)
	b.log = log
	b.exact = true
	b.mapped = slices.ContainsFunc(state.Loaded, func(d driver.Impl) bool {
		return d.String() == "bcm283x-gpio"
	})
	return b, nil
}

func registeredNames() []string {
	var names []string
	for _, p := range gpioreg.All() {
		names = append(names, p.Name())
	}
	return names
}

// logDrivers logs a failure as a warning and the rest, which is much, for debugging.
// Failures are common and often harmless: a Pi 3 runs well without bcm283x-gpio.
func logDrivers(log *slog.Logger, state *driverreg.State) {
	for _, d := range state.Loaded {
		log.Debug("periph driver loaded", "driver", d.String())
	}
	for _, f := range state.Skipped {
		log.Debug("periph driver skipped", "driver", f.D.String(), "reason", f.Err)
	}
	for _, f := range state.Failed {
		log.Warn("periph driver failed", "driver", f.D.String(), "error", f.Err)
	}
}

// whyNoPins finds out why periph found no pin. chips is a pattern for the
// character devices of GPIO chips.
func whyNoPins(chips string) error {
	found, _ := filepath.Glob(chips)
	if len(found) == 0 {
		return fmt.Errorf("no GPIO pins: this machine has no %s; is it a Raspberry Pi? elsewhere use the simulated board", chips)
	}
	for _, chip := range found {
		f, err := os.Open(chip)
		if errors.Is(err, fs.ErrPermission) {
			who := "USER"
			if u, err := user.Current(); err == nil {
				who = u.Username
			}
			return fmt.Errorf("no GPIO pins: user %s may not open %s; add the user to the group gpio (sudo usermod -aG gpio %s) and log in again", who, chip, who)
		}
		if err != nil {
			return fmt.Errorf("no GPIO pins: %w", err)
		}
		f.Close()
	}
	return fmt.Errorf("no GPIO pins: no line of %v has a name; does the device tree fit this board?", found)
}
