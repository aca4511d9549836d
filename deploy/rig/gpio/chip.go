package gpio

import (
	"context"
	"fmt"
	"strings"

	"passfail/deploy/rig/qmp"
)

// chip is a GPIO block, and what its registers mean.
type chip struct {
	path       string // in QEMU's object model
	base       uint64 // physical address of its registers
	lines      []int  // GPIO number of each line, or -1
	interrupts bool   // QEMU lets its inputs be driven, with interrupts; else a level alone is written into a register
}

// VirtLines are the numbers of the Pi's pins that the lines of virt's PL061 stand for; -1 where a line is none of them.
// Line 3 is the machine's power key.
func VirtLines() []int { return []int{17, 23, 24, -1, 25, 26, 27, 22} }

const (
	bcm2837Base = 0x3f200000 // BCM2835 ARM Peripherals, chapter 6, at the BCM2837's addresses
	bcm2837Pins = 54
	gpfsel0     = 0x00 // ten pins a register, three bits each: 0 is an input, 1 an output
	gpset0      = 0x1c
	gpclr0      = 0x28
	gplev0      = 0x34

	pl061Base = 0x09030000 // QEMU's virt
	gpioData  = 0x3fc      // all eight lines: the address masks them
	gpioDir   = 0x400      // one bit a line: 1 is an output
)

func bcm2837(path string) chip {
	c := chip{path: path, base: bcm2837Base, lines: make([]int, bcm2837Pins)}
	for i := range c.lines {
		c.lines[i] = i
	}
	return c
}

func pl061(path string) chip {
	return chip{path: path, base: pl061Base, lines: VirtLines(), interrupts: true}
}

// find asks QEMU which machine it is and where its GPIO block is.
func find(ctx context.Context, monitor *qmp.Client) (chip, error) {
	machine, err := monitor.Type(ctx, "/machine")
	if err != nil {
		return chip{}, err
	}
	switch {
	case machine == "raspi3b-machine":
		return bcm2837("/machine/soc/peripherals/gpio"), nil
	case strings.HasPrefix(machine, "virt-"):
		paths, err := monitor.Children(ctx, "/machine/unattached", "pl061")
		if err != nil {
			return chip{}, err
		}
		if len(paths) != 1 {
			return chip{}, fmt.Errorf("this %s has %d PL061s; one was expected", machine, len(paths))
		}
		return pl061(paths[0]), nil
	}
	return chip{}, fmt.Errorf("QEMU emulates a %s; its pins are not known here, those of raspi3b and virt are", machine)
}

func (c chip) pin(line int) (pin int, there bool) {
	if line >= len(c.lines) || c.lines[line] < 0 {
		return 0, false
	}
	return c.lines[line], true
}

func (c chip) line(pin int) (int, error) {
	var there []string
	for line, p := range c.lines {
		if p == pin && pin >= 0 {
			return line, nil
		}
		if p >= 0 {
			there = append(there, fmt.Sprint("GPIO", p))
		}
	}
	return 0, fmt.Errorf("this machine has no GPIO%d; it has %s", pin, strings.Join(there, ", "))
}

// level is the address of the register with a line's level, which is its bit line%32.
func (c chip) level(line int) uint64 {
	if c.interrupts {
		return c.base + gpioData
	}
	return c.base + gplev0 + uint64(line/32)*4
}

// direction is where it is said whether a line is an output: that is so if the masked bits of the register are 1.
func (c chip) direction(line int) (address uint64, shift int, mask uint32) {
	if c.interrupts {
		return c.base + gpioDir, line, 1
	}
	return c.base + gpfsel0 + uint64(line/10)*4, line % 10 * 3, 7
}

// write is the address of the register that sets or clears the lines whose bits are written into it.
func (c chip) write(line int, high bool) uint64 {
	if high {
		return c.base + gpset0 + uint64(line/32)*4
	}
	return c.base + gpclr0 + uint64(line/32)*4
}
