package line

import (
	"fmt"
	"image"
	"testing"
	"time"

	"passfail/capture"
	"passfail/device"
)

// benchLine is a line with real pins' settings, without a camera.
func benchLine(t testing.TB) *Line {
	b := newBench(t, wiring{
		mode: device.Pulse, width: 100 * time.Millisecond, delay: 500 * time.Millisecond, rejectWidth: 80 * time.Millisecond,
		heartbeatHalf: 500 * time.Millisecond,
	})
	c := openClassifiers(t, 1)
	return &Line{Model: Model{Classifiers: c, Judge: newJudge(t, c[0])}, Pins: b.Pins}
}

// held are frames of good and bad parts, decoded; more than the caches hold.
func held(t testing.TB) []*capture.Frame {
	var list []*capture.Frame
	for _, n := range []string{
		"001-good.jpg", "002-good.jpg", "003-good.jpg", "004-scratch.jpg", "005-good.jpg", "006-good.jpg", "007-good.jpg", "008-chip.jpg",
		"009-missing_hole.jpg", "010-good.jpg", "011-missing_hole.jpg", "012-good.jpg", "013-good.jpg", "014-scratch.jpg", "015-good.jpg", "016-good.jpg",
	} {
		list = append(list, picture(t, n))
	}
	return list
}

// BenchmarkInspect is from the decoded frame to the pins.
func BenchmarkInspect(b *testing.B) {
	for _, c := range []struct {
		name string
		roi  image.Rectangle // empty: the frame's
	}{
		{"whole=640x480", image.Rectangle{}},
		{"region=480x480", image.Rect(80, 0, 560, 480)},
		{"region=100x100", image.Rect(270, 190, 370, 290)},
	} {
		b.Run(c.name, func(b *testing.B) {
			l, frames := benchLine(b), held(b)
			if !c.roi.Empty() {
				for _, f := range frames {
					f.ROI = c.roi
				}
			}
			inspect := func(i int) {
				f := frames[i%len(frames)]
				f.Taken = time.Now()
				if _, err := l.Inspect(f); err != nil {
					b.Fatal(err)
				}
			}
			inspect(0) // makes the tables for the region's size
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				inspect(i)
			}
		})
	}
}

// BenchmarkOverInvoke compares the way from the decoded frame to the pins with
// the bare network, in turn on the same frames.
func BenchmarkOverInvoke(b *testing.B) {
	l, frames := benchLine(b), held(b)
	var path, bare time.Duration
	inspect := func(f *capture.Frame) {
		f.Taken = time.Now()
		if _, err := l.Inspect(f); err != nil {
			b.Fatal(err)
		}
		path += time.Since(f.Taken)
	}
	invoke := func() {
		start := time.Now()
		if err := l.Model.Classifiers[0].Invoke(); err != nil {
			b.Fatal(err)
		}
		bare += time.Since(start)
	}
	inspect(frames[0])
	path = 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if f := frames[i%len(frames)]; i%2 == 0 {
			inspect(f)
			invoke()
		} else {
			invoke()
			inspect(f)
		}
	}
	b.ReportMetric(float64(path)/float64(bare), "x-invoke")
}

// BenchmarkRun plays the demo's folder through a whole line: decoding, judging, pins.
func BenchmarkRun(b *testing.B) {
	for _, n := range lanes {
		b.Run(fmt.Sprintf("classifiers=%d", n), func(b *testing.B) {
			pins := newBench(b, wiring{mode: device.Level, delay: 10 * time.Second, rejectWidth: time.Second})
			c := openClassifiers(b, n)
			frames := uint64(0)
			for b.Loop() {
				l := &Line{Camera: openFolder(b, demoParts), Model: Model{Classifiers: c, Judge: newJudge(b, c[0])}, Pins: pins.Pins}
				if err := l.Run(b.Context()); err != nil {
					b.Fatal(err)
				}
				frames += l.Camera.Stats().Judged
			}
			b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}
