package card

import (
	"fmt"
	"strings"
)

// Boot is what config.txt tells the Pi's firmware to boot: names of files in the boot partition.
type Boot struct {
	Kernel  string
	Initrd  string
	Cmdline string
}

// ParseConfig reads config.txt. Sections other than [all] and those for a Pi 3 are passed over, as a Pi 3 does.
func ParseConfig(text string) (Boot, error) {
	b := Boot{Cmdline: "cmdline.txt"}
	ours := true
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if section, is := strings.CutPrefix(line, "["); is {
			section = strings.TrimSuffix(section, "]")
			ours = section == "all" || section == "pi3" || section == "pi3b"
			continue
		}
		if !ours || strings.HasPrefix(line, "#") {
			continue
		}
		// "initramfs FILE followkernel" is the one line without an equals sign.
		if words := strings.Fields(line); len(words) >= 2 && words[0] == "initramfs" {
			b.Initrd = words[1]
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "kernel":
			b.Kernel = value
		case "cmdline":
			b.Cmdline = value
		}
	}
	if b.Kernel == "" || b.Initrd == "" {
		return Boot{}, fmt.Errorf("config.txt has no line \"kernel=FILE\" or none \"initramfs FILE\" for a Pi 3")
	}
	return b, nil
}
