package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// step is one thing that the command line asks for: to wait, or to give an input a level.
type step struct {
	wait    time.Duration
	forever bool
	pin     int
	high    bool
}

// parsePin reads a name such as GPIO17.
func parsePin(name string) (int, error) {
	number, is := strings.CutPrefix(name, "GPIO")
	n, err := strconv.ParseUint(number, 10, 8)
	if !is || err != nil {
		return 0, fmt.Errorf("%q is no pin; one is named as GPIO17 is", name)
	}
	return int(n), nil
}

// parsePins reads names with commas between them; none from "".
func parsePins(names string) ([]int, error) {
	if names == "" {
		return nil, nil
	}
	var pins []int
	for name := range strings.SplitSeq(names, ",") {
		pin, err := parsePin(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		pins = append(pins, pin)
	}
	return pins, nil
}

func parseSteps(args []string) ([]step, error) {
	var steps []step
	for _, arg := range args {
		name, level, set := strings.Cut(arg, "=")
		if !set {
			d, err := time.ParseDuration(arg)
			if err != nil || d <= 0 {
				return nil, fmt.Errorf("step %q: a pin and its level (GPIO24=1, GPIO24=0) or a time (50ms) was expected", arg)
			}
			steps = append(steps, step{wait: d})
			continue
		}
		pin, err := parsePin(name)
		if err != nil {
			return nil, fmt.Errorf("step %q: %w", arg, err)
		}
		if level != "0" && level != "1" {
			return nil, fmt.Errorf("step %q: the level is %q; it must be 0 or 1", arg, level)
		}
		steps = append(steps, step{pin: pin, high: level == "1"})
	}
	return steps, nil
}
