// Pins watches and drives the pins of a Raspberry Pi that QEMU emulates, from outside. It connects to a running QEMU, which
// was started with
//
//	-accel tcg -qmp unix:QMP,server=on,wait=off -qtest unix:QTEST,server=on,wait=off -qtest-log none
//
// and prints each edge of an output: the seconds since it connected, the pin, its level.
//
//	pins -qmp QMP -qtest QTEST                     every edge, until interrupted or until QEMU ends
//	pins … -for 10s -only GPIO17,GPIO22 -pulses    for ten seconds, of two pins; and then how long each pulse was
//	pins … GPIO24=1 50ms GPIO24=0 2s               drives an input: high, 50 ms later low, and looks on for 2 s
//	pins … -levels                                 the level of each pin now, and whether it is an output
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"passfail/deploy/rig/gpio"
	"passfail/deploy/rig/qmp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pins:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("pins", flag.ExitOnError)
	qmpPath := flags.String("qmp", "", "the `socket` of QEMU's -qmp")
	qtestPath := flags.String("qtest", "", "the `socket` of QEMU's -qtest; one program at a time can use it")
	last := flags.Duration("for", 0, "look on for so long; 0: until interrupted, or until the steps are done")
	only := flags.String("only", "", "`pins` to look at, such as GPIO17,GPIO22; all if none is named")
	pulses := flags.Bool("pulses", false, "at the end, print how long each pulse was")
	levels := flags.Bool("levels", false, "print levels and directions, and end")
	flags.Parse(args)
	if *qmpPath == "" || *qtestPath == "" {
		return errors.New("-qmp and -qtest are needed: the sockets of a running QEMU")
	}
	selected, err := parsePins(*only)
	if err != nil {
		return err
	}
	steps, err := parseSteps(flags.Args())
	if err != nil {
		return err
	}
	if *last > 0 || len(steps) == 0 && !*levels {
		steps = append(steps, step{wait: *last, forever: *last == 0})
	}

	monitor, err := openMonitor(ctx, *qmpPath)
	if err != nil {
		return err
	}
	defer monitor.Close()
	conn, err := net.Dial("unix", *qtestPath)
	if err != nil {
		return err
	}
	p, err := gpio.Open(ctx, monitor, conn)
	if err != nil {
		return err
	}
	defer p.Close()
	if *levels {
		return printLevels(ctx, p, selected, out)
	}
	return watch(ctx, p, selected, steps, *pulses, out)
}

func openMonitor(ctx context.Context, path string) (*qmp.Client, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // QEMU greets one program at a time
	defer cancel()
	return qmp.NewClient(ctx, conn)
}

func printLevels(ctx context.Context, p *gpio.Pins, pins []int, out io.Writer) error {
	if len(pins) == 0 {
		pins = p.Numbers()
	}
	levels, err := p.Levels(ctx, pins...)
	if err != nil {
		return err
	}
	driven, err := p.Driven(ctx, pins...)
	if err != nil {
		return err
	}
	for i, pin := range pins {
		level, direction := "low", "input"
		if levels[i] {
			level = "high"
		}
		if driven[i] {
			direction = "output"
		}
		fmt.Fprintf(out, "GPIO%d %s %s\n", pin, level, direction)
	}
	return nil
}

// watch does the steps and prints edges until they are done, ctx ends or QEMU does.
func watch(ctx context.Context, p *gpio.Pins, pins []int, steps []step, pulses bool, out io.Writer) error {
	start, printed := time.Now(), 0
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		edges, changed := p.Since(0, pins...)
		for _, e := range edges[printed:] {
			fmt.Fprintf(out, "%.6f %v\n", e.Time.Sub(start).Seconds(), e)
		}
		printed = len(edges)
		if err := p.Err(); err != nil {
			return err
		}
		select {
		case <-changed:
			continue
		case <-p.Done():
			continue
		case <-ctx.Done():
			steps = nil
		case <-next.C:
		}
		if len(steps) == 0 {
			break
		}
		s := steps[0]
		steps = steps[1:]
		switch {
		case s.forever:
		case s.wait > 0:
			next.Reset(s.wait)
		default:
			if err := p.Set(ctx, s.pin, s.high); err != nil {
				return err
			}
			next.Reset(0)
		}
	}
	if pulses {
		edges, _ := p.Since(0, pins...)
		printPulses(gpio.Pulses(edges), start, out)
	}
	return nil
}

func printPulses(list []gpio.Pulse, start time.Time, out io.Writer) {
	for _, pulse := range list {
		length := "not over"
		if !pulse.To.IsZero() {
			length = fmt.Sprintf("%.3f ms", pulse.To.Sub(pulse.From).Seconds()*1000)
		}
		fmt.Fprintf(out, "pulse GPIO%d at %.6f: %s\n", pulse.Pin, pulse.From.Sub(start).Seconds(), length)
	}
}
