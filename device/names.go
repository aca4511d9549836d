package device

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// noSuchPin says what pins there are, and which one may have been meant.
func noSuchPin(name string, names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("pin %q: no such pin; this board has none", name)
	}
	meant := ""
	for _, n := range names {
		if strings.EqualFold(n, strings.TrimSpace(name)) || digits(name) != "" && n == "GPIO"+digits(name) {
			meant = fmt.Sprintf(" (did you mean %s?)", n)
			break
		}
	}
	return fmt.Errorf("pin %q: no such pin%s; this board has %s", name, meant, ranges(names))
}

// digits is the number at the end of a name, without leading zeros.
func digits(name string) string {
	stem := strings.TrimRight(strings.TrimSpace(name), "0123456789")
	d := strings.TrimSpace(name)[len(stem):]
	for len(d) > 1 && d[0] == '0' {
		d = d[1:]
	}
	return d
}

// ranges lists names, runs of numbers as "GPIO0–GPIO27". A Pi's kernel knows
// many more lines than its header has (SD card, Ethernet, LEDs): after the
// GPIOs only their number is told.
func ranges(names []string) string {
	var numbers []int
	others := 0
	for _, n := range names {
		number, err := strconv.Atoi(strings.TrimPrefix(n, "GPIO"))
		if err != nil || !strings.HasPrefix(n, "GPIO") {
			others++
			continue
		}
		numbers = append(numbers, number)
	}
	if len(numbers) == 0 {
		return strings.Join(names, ", ")
	}
	slices.Sort(numbers)
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := fmt.Sprintf("GPIO%d", numbers[i])
		if j > i {
			part += fmt.Sprintf("–GPIO%d", numbers[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	if others > 0 {
		parts = append(parts, fmt.Sprintf("%d others", others))
	}
	return strings.Join(parts, ", ")
}
