package line

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"passfail/capture"
	"passfail/model"
	"passfail/model/graph"
)

// pair is the demo's model, or a small network that scores at random but fast,
// and the same with two of its labels exchanged: that one passes what the first
// fails, and the other way round.
func pair(t testing.TB, small bool) (straight, twisted []byte) {
	t.Helper()
	read := func(path string) *graph.File {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := graph.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := read(demoModel)
	if small {
		s := read("../model/testdata/float.tflite")
		s.Metadata, s.Packed = f.Metadata, f.Packed
		f = s
	}
	write := func() []byte {
		b, err := f.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	straight = write()
	for i, p := range f.Packed {
		f.Packed[i].Data = []byte(strings.NewReplacer("chip", "good", "good", "chip").Replace(string(p.Data)))
	}
	if twisted = write(); bytes.Equal(straight, twisted) {
		t.Fatal("nothing was exchanged")
	}
	return straight, twisted
}

// openModel opens a model n times.
func openModel(t testing.TB, name string, b []byte, n int) Model {
	t.Helper()
	m := Model{Name: name}
	for range n {
		c, err := model.OpenBytes(b, model.Options{Threads: 1})
		if err != nil {
			m.Close()
			t.Fatal(err)
		}
		m.Classifiers = append(m.Classifiers, c)
	}
	m.Judge = newJudge(t, m.Classifiers[0])
	return m
}

// openPair opens both of a pair.
func openPair(t testing.TB, small bool, n int) (a, b Model) {
	t.Helper()
	straight, twisted := pair(t, small)
	a, b = openModel(t, "a", straight, n), openModel(t, "b", twisted, n)
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	return a, b
}

// smallPictures makes a folder of the demo's pictures as they are quick to decode.
func smallPictures(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		f := picture(t, n)
		small := gocv.NewMat()
		if err := gocv.Resize(f.Image, &small, f.ROI.Size().Div(2), 0, 0, gocv.InterpolationArea); err != nil {
			t.Fatal(err)
		}
		if !gocv.IMWrite(filepath.Join(dir, n+".bmp"), small) {
			t.Fatal("picture not written")
		}
		small.Close()
	}
	return dir
}

// judged is what a model says of each picture of a folder.
func judged(t testing.TB, m Model, dir string) map[string]Judgement {
	t.Helper()
	list, err := capture.Pictures(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Judgement{}
	for _, p := range list {
		f, err := capture.ReadPicture(p, capture.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		scores, err := m.Classifiers[0].Classify(&f.Image, f.ROI)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(p)] = m.Judge.Judge(scores)
		f.Close()
	}
	return all
}

// openLoop plays a folder of pictures over and over, as fast as the line goes.
func openLoop(t testing.TB, dir string) *capture.Camera {
	t.Helper()
	s := capture.Defaults()
	s.Source, s.Pace, s.Loop = "folder:"+dir, capture.Fast, true
	c, err := capture.Open(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Two models change places all the time: each frame is judged once, in order,
// by one of them, with its own labels.
func TestSwap(t *testing.T) {
	const frames = 5000
	dir := smallPictures(t, "001-good.jpg", "002-good.jpg", "004-scratch.jpg", "005-good.jpg", "008-chip.jpg", "009-missing_hole.jpg", "017-chip.jpg")
	forLanes(t, func(t *testing.T, n int) {
		a, b := openPair(t, true, n)
		want := map[string]map[string]Judgement{"a": judged(t, a, dir), "b": judged(t, b, dir)}
		for name, j := range want["a"] {
			if j.Verdict == want["b"][name].Verdict {
				t.Fatalf("both models say %v of %s", j.Verdict, name)
			}
		}
		events := make(chan Event, 4)
		l := &Line{Camera: openLoop(t, dir), Model: a, Events: events, Lossless: true}
		ctx, stop := context.WithCancel(limited(t))
		defer stop()
		swaps := make(chan int, 1)
		ended := running(t, ctx, l)
		go func() {
			count, next := 0, b
			for ; ; count++ {
				old, err := l.Swap(ctx, next)
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					break
				}
				if old.Name == next.Name || len(old.Classifiers) != n {
					t.Errorf("%s came for %s", old.Name, next.Name)
				}
				next = old
			}
			swaps <- count
		}()
		by := map[string]int{}
		for i := range frames {
			e := wait(t, events, "an event")
			r := e.Result
			if e.Err != nil || r.Seq != uint64(i+1) {
				t.Fatalf("frame %d of %d: %v", r.Seq, i+1, e.Err)
			}
			if r.Judgement != want[r.Model][r.Name] {
				t.Fatalf("frame %d, %s by %q: %+v, want %+v", r.Seq, r.Name, r.Model, r.Judgement, want[r.Model][r.Name])
			}
			by[r.Model]++
		}
		stop()
		if err := wait(t, ended, "the end of Run"); err != nil {
			t.Error(err)
		}
		count := wait(t, swaps, "the end of swapping")
		if by["a"] < frames/20 || by["b"] < frames/20 || count < frames/20 {
			t.Errorf("%d swaps; judged by %v", count, by)
		}
		t.Logf("%d swaps; judged by %v", count, by)
	})
}

// While no frame comes nothing is swapped, and the new model stays its owner's.
func TestSwapWithoutFrames(t *testing.T) {
	a, b := openPair(t, false, 1)
	l := &Line{Model: a}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Swap(ctx, b); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "no frame came") {
		t.Error(err)
	}
	if r, err := l.Inspect(picture(t, "001-good.jpg")); err != nil || r.Model != "a" || r.Verdict != Pass {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := l.Swap(t.Context(), Model{}); err == nil {
		t.Error("nothing was swapped in")
	}
}

// swapDuring inspects a frame until a swap is through.
func swapDuring(t testing.TB, l *Line, m Model, f *capture.Frame) (old Model, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		old, err = l.Swap(limited(t), m)
	}()
	for {
		select {
		case <-done:
			return old, err
		default:
			if _, err := l.Inspect(f); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestSwapForgetsVotes(t *testing.T) {
	a, b := openPair(t, false, 1)
	for _, m := range []*Model{&a, &b} {
		var err error
		if m.Judge, err = NewJudge(Rule{Threshold: 0.5, Vote: 99}, m.Classifiers[0].Labels()); err != nil {
			t.Fatal(err)
		}
	}
	good := picture(t, "001-good.jpg")
	l := &Line{Model: a}
	for range 9 { // pass
		if _, err := l.Inspect(good); err != nil {
			t.Fatal(err)
		}
	}
	if old, err := swapDuring(t, l, b, good); err != nil || old.Name != "a" {
		t.Fatalf("%v, %v", old.Name, err)
	}
	if r, err := l.Inspect(good); err != nil || r.Model != "b" || r.Verdict != Fail {
		t.Errorf("%+v, %v", r, err)
	}
}

// A model that was opened another number of times is not taken.
func TestSwapWrongNumber(t *testing.T) {
	a, _ := openPair(t, false, 1)
	_, two := openPair(t, false, 2)
	l := &Line{Model: a}
	good := picture(t, "001-good.jpg")
	_, err := swapDuring(t, l, two, good)
	if err == nil || !strings.Contains(err.Error(), "2 classifiers") {
		t.Error(err)
	}
	if r, err := l.Inspect(good); err != nil || r.Model != "a" {
		t.Errorf("%+v, %v", r, err)
	}
}
