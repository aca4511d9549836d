package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"passfail/line/belt"
	"passfail/line/simulate"
)

// viewRate is how often a second a line that is watched is drawn.
const viewRate = 20

// What parts look like: a letter for whom red and green are alike.
const (
	good    = "\x1b[32mG\x1b[0m"
	bad     = "\x1b[31mB\x1b[0m"
	unknown = "\x1b[33mL\x1b[0m"
)

// watch shows a simulated line, speed times as fast as it is, until it ends or a
// person has seen enough (Ctrl-C).
func watch(ctx context.Context, out *os.File, r *simulate.Result, speed float64) error {
	const hideCursor, showCursor = "\x1b[?25l", "\x1b[?25h"
	fmt.Fprint(out, hideCursor)
	defer fmt.Fprint(out, showCursor)
	tick := time.NewTicker(time.Second / viewRate)
	defer tick.Stop()
	start := time.Now()
	lines := 0
	for {
		now := time.Duration(float64(time.Since(start)) * speed)
		width, _, err := term.GetSize(int(out.Fd()))
		if err != nil {
			return fmt.Errorf("terminal: %w", err)
		}
		picture := drawLine(r, now, width)
		if lines > 0 {
			fmt.Fprintf(out, "\x1b[%dA", lines)
		}
		lines = len(picture)
		for _, l := range picture {
			fmt.Fprintf(out, "\r%s\x1b[K\n", l)
		}
		if now > r.Took {
			return nil
		}
		select {
		case <-ctx.Done():
			fmt.Fprintln(out, "stopped watching; the whole run gives:")
			return nil
		case <-tick.C:
		}
	}
}

// drawLine draws a simulated line at a moment: what stands over the belt, the
// belt, what was pushed off, and counters.
func drawLine(r *simulate.Result, now time.Duration, width int) []string {
	width = max(width-1, 40)
	b := r.Options.Belt
	// The belt reaches a tenth beyond photo-eye and gate.
	place := func(p belt.Position) int {
		return int(float64(p)/float64(b.Gate)*float64(width)/1.3 + float64(width)/13)
	}
	over, on, off := cells(width), cells(width), cells(width)
	for i := range on {
		on[i] = "─"
	}
	put := func(row []string, at int, what string) {
		if at >= 0 && at < len(row) {
			row[at] = what
		}
	}
	gate := "║"
	for _, p := range r.Pushes {
		if now >= p.From && now < p.To {
			gate = "\x1b[1;33m▼\x1b[0m"
		}
	}
	put(over, place(0), "E")
	put(over, place(b.Delay), "C")
	put(over, place(b.Gate), gate)
	pushed, failed, late := 0, 0, 0
	for _, p := range r.Parts {
		way := r.Options.Motion.Way(now) - r.Options.Motion.Way(p.Edge)
		if p.Pushed && now >= p.Gate {
			switch p.Outcome {
			case belt.Failed:
				failed++
			case belt.Late, belt.Unseen:
				late++
			}
		}
		if p.Pushed && now >= p.Gate {
			pushed++
			if now < p.Gate+500*time.Millisecond {
				put(off, place(b.Gate), mark(p, now))
			}
			continue
		}
		put(on, place(way), mark(p, now))
	}
	picture := []string{
		fmt.Sprintf("%8.1f s, %v parts a minute", now.Seconds(), r.Options.PerMinute),
		strings.Join(over, ""), strings.Join(on, ""), strings.Join(off, ""),
		fmt.Sprintf("pushed %d, of them bad %d, late or unseen %d", pushed, failed, late),
	}
	// A line that the terminal breaks would push the picture up.
	if width >= 70 {
		picture = append(picture, "E photo-eye, C camera, ║ gate;  ? undecided, "+good+" good, "+bad+" bad, "+unknown+" late or unseen")
	}
	return picture
}

func cells(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = " "
	}
	return list
}

// mark is a part as the station knows it at a moment: a letter, and a colour.
func mark(p simulate.Part, now time.Duration) string {
	switch {
	case p.Decided > 0 && now >= p.Decided && (p.Outcome == belt.Late || p.Outcome == belt.Unseen):
		return unknown
	case p.Verdict == 0 || now < p.Verdict:
		return "?"
	case p.Pass:
		return good
	}
	return bad
}
