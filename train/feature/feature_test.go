package feature

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"gocv.io/x/gocv"

	"passfail/capture"
	"passfail/demo"
	"passfail/model"
	"passfail/model/base"
	"passfail/model/graph"
)

func network(t *testing.T, name string, size int) *Network {
	t.Helper()
	b, err := base.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewNetwork(name, b, size, func(m *graph.Model, p Pooled) (int32, error) { return p.Statistics[0], nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// parts writes some pictures of demo parts.
func parts(t *testing.T, n int) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "parts")
	if err := demo.WriteLine(t.Context(), dir, n, 3, demo.Options{Width: 320, Height: 240}); err != nil {
		t.Fatal(err)
	}
	list, err := capture.Pictures(dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTurnMovesPixels(t *testing.T) {
	// Pixels of two bytes: 0 1 2 / 3 4 5 / 6 7 8.
	src := make([]byte, 18)
	for i := range 9 {
		src[2*i], src[2*i+1] = byte(i), byte(100+i)
	}
	for turn, want := range map[Turn][]byte{
		0:                             {0, 1, 2, 3, 4, 5, 6, 7, 8},
		MirrorX:                       {2, 1, 0, 5, 4, 3, 8, 7, 6},
		MirrorY:                       {6, 7, 8, 3, 4, 5, 0, 1, 2},
		MirrorX | MirrorY:             {8, 7, 6, 5, 4, 3, 2, 1, 0},
		Transpose:                     {0, 3, 6, 1, 4, 7, 2, 5, 8},
		Transpose | MirrorX:           {6, 3, 0, 7, 4, 1, 8, 5, 2},
		Transpose | MirrorY:           {2, 5, 8, 1, 4, 7, 0, 3, 6},
		Transpose | MirrorX | MirrorY: {8, 5, 2, 7, 4, 1, 6, 3, 0},
	} {
		dst := make([]byte, 18)
		turn.apply(dst, src, 3, 2)
		for i, w := range want {
			if dst[2*i] != w || dst[2*i+1] != 100+w {
				t.Errorf("%v: %v, want %v", turn, dst, want)
				break
			}
		}
	}
}

// The turns that teach are those that the finished model makes in its graph.
func TestTurnsAreThoseOfTheGraph(t *testing.T) {
	n := network(t, "mobilenet_v2", 96)
	f, err := n.Base()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Model.Views(Views(Turns())); err != nil {
		t.Fatal(err)
	}
	p, err := Pool(f.Model)
	if err != nil {
		t.Fatal(err)
	}
	SetOutputs(f, p.Features)
	b, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	net, err := model.OpenNetwork(b, nil, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	x, err := n.Open(model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	picture, err := capture.ReadPicture(parts(t, 1)[0], capture.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if err := errors.Join(net.Load(&picture.Image, picture.ROI), x.Load(&picture.Image, picture.ROI)); err != nil {
		t.Fatal(err)
	}
	if err := net.Invoke(); err != nil {
		t.Fatal(err)
	}
	all := net.Output(0)
	for i, turn := range Turns() {
		got, err := x.Features(turn)
		if err != nil {
			t.Fatal(err)
		}
		want := all[i*n.Count : (i+1)*n.Count]
		for j := range got {
			if math.Abs(float64(got[j]-want[j])) > 1e-4*(1+math.Abs(float64(want[j]))) {
				t.Fatalf("%v: feature %d is %v, in the graph %v", turn, j, got[j], want[j])
			}
		}
		if i > 0 && slices.Equal(want, all[:n.Count]) {
			t.Errorf("%v: the same features as of the picture as it is", turn)
		}
	}
}

func TestFeaturesAreDeviations(t *testing.T) {
	n := network(t, "mobilenet_v2", 96)
	base, err := n.Base()
	if err != nil {
		t.Fatal(err)
	}
	b, err := base.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	maps, err := model.OpenNetwork(b, nil, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	x, err := n.Open(model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	picture, err := capture.ReadPicture(parts(t, 1)[0], capture.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if err := errors.Join(maps.Load(&picture.Image, picture.ROI), maps.Invoke(), x.Load(&picture.Image, picture.ROI)); err != nil {
		t.Fatal(err)
	}
	got, err := x.Features(0)
	if err != nil {
		t.Fatal(err)
	}
	statistics := x.Extra()
	at := 0
	for o := range maps.Outputs() {
		v, shape := maps.Output(o), maps.OutputShape(o)
		c, positions := shape[3], shape[1]*shape[2]
		for k := range c {
			mean, square := 0.0, 0.0
			for i := range positions {
				u := float64(v[i*c+k])
				mean += u / float64(positions)
				square += u * u / float64(positions)
			}
			deviation := math.Sqrt(max(square-mean*mean, 0) + 1e-6)
			if math.Abs(float64(got[at+k])-deviation) > 1e-3*(1+deviation) {
				t.Fatalf("map %d channel %d: feature %v, want %v", o, k, got[at+k], deviation)
			}
			if o == 0 && (math.Abs(float64(statistics[k])-mean) > 1e-4*(1+mean) || math.Abs(float64(statistics[c+k])-deviation) > 1e-3*(1+deviation)) {
				t.Fatalf("map %d channel %d: statistics %v and %v, want %v and %v", o, k, statistics[k], statistics[c+k], mean, deviation)
			}
		}
		at += c
	}
	if at != n.Count {
		t.Errorf("%d features, the maps have %d channels", n.Count, at)
	}
}

func TestCost(t *testing.T) {
	small, large := network(t, "mobilenet_v2", 224), network(t, "mobilenet_v2", 256)
	// Of MobileNetV2's published 300 million, 1.3 are the classifier's.
	if c := small.MultiplyAdds(); c < 295e6 || c > 302e6 {
		t.Errorf("MobileNetV2 costs %d", c)
	}
	if r := float64(large.MultiplyAdds()) / float64(small.MultiplyAdds()); math.Abs(r-256*256./(224*224)) > 0.01 {
		t.Errorf("at 256 it costs %.3f times as much", r)
	}
}

func TestCollect(t *testing.T) {
	n := network(t, "mobilenet_v2", 96)
	paths := parts(t, 3)
	broken := filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(broken, []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	var list []Picture
	var opened atomic.Int32
	for i, path := range append(paths, broken) {
		list = append(list, Picture{Hash: sha256.Sum256([]byte{byte(i)}), Open: func() (*capture.Frame, error) {
			opened.Add(1)
			return capture.ReadPicture(path, capture.Settings{})
		}})
	}
	file := filepath.Join(t.TempDir(), "shelf")
	variants := []Variant{{}, {Turn: 3}, {Jitter: 1}}
	collect := func() []error {
		t.Helper()
		shelf, err := OpenShelf(file, 4*n.Count)
		if err != nil {
			t.Fatal(err)
		}
		defer shelf.Close()
		extras, err := OpenShelf(file+".extra", 4*n.ExtraCount)
		if err != nil {
			t.Fatal(err)
		}
		defer extras.Close()
		errs, err := n.Collect(t.Context(), shelf, extras, "", list, variants, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range paths {
			for _, v := range variants {
				if !shelf.Has(n.Key(list[i].Hash, "", v)) {
					t.Errorf("picture %d, %v: no features", i, v)
				}
			}
			if !extras.Has(n.Key(list[i].Hash, "", Variant{})) {
				t.Errorf("picture %d: nothing extra", i)
			}
		}
		return errs
	}
	one := list
	list = list[:3]
	if errs := collect(); errors.Join(errs...) != nil {
		t.Fatal(errs)
	}
	if n := opened.Load(); n != 3 {
		t.Errorf("%d pictures were opened, want 3", n)
	}
	list = one
	errs := collect()
	if n := opened.Load(); n != 4 {
		t.Errorf("%d pictures were opened, want only the new one", n-3)
	}
	if errs[3] == nil || errors.Join(errs[:3]...) != nil {
		t.Errorf("errors %v, want one of the broken picture", errs)
	}
}

// Large pictures are decoded one after the other, small ones side by side.
func TestLargePicturesAreAloneInMemory(t *testing.T) {
	for _, c := range []struct {
		pixels int64
		alone  bool
	}{{mostPixels, true}, {mostPixels * 2, true}, {0, true}, {1000, runtime.NumCPU() == 1}} {
		var now, most, shown atomic.Int32
		var list []Picture
		path := parts(t, 1)[0]
		meet := make(chan struct{}, 2)
		for range 8 {
			list = append(list, Picture{
				Pixels: c.pixels,
				Open:   func() (*capture.Frame, error) { return capture.ReadPicture(path, capture.Settings{}) },
				Seen: func(*capture.Frame) error {
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					if shown.Add(1) <= 2 && !c.alone { // the first two wait for each other
						meet <- struct{}{}
						for len(meet) < 2 {
							runtime.Gosched()
						}
					}
					now.Add(-1)
					return nil
				},
			})
		}
		errs, err := Show(t.Context(), list, nil)
		if err = errors.Join(append(errs, err)...); err != nil {
			t.Fatal(err)
		}
		if shown.Load() != 8 || (most.Load() == 1) != c.alone {
			t.Errorf("%d pixels: %d pictures were shown, at most %d at a time", c.pixels, shown.Load(), most.Load())
		}
	}
}

func TestCollectStops(t *testing.T) {
	n := network(t, "mobilenet_v2", 96)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	shelf, err := OpenShelf("", 4*n.Count)
	if err != nil {
		t.Fatal(err)
	}
	defer shelf.Close()
	list := []Picture{{Open: func() (*capture.Frame, error) { return nil, errors.New("not asked for") }}}
	if _, err := n.Collect(ctx, shelf, nil, "", list, []Variant{{}}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestJitter(t *testing.T) {
	img := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(40, 90, 140, 0), 60, 80, gocv.MatTypeCV8UC3)
	defer img.Close()
	out := gocv.NewMat()
	defer out.Close()
	seen := map[string]bool{}
	for n := 1; n <= 4; n++ {
		j := newJitter([32]byte{1}, n)
		if j != newJitter([32]byte{1}, n) {
			t.Error("the same jitter differs")
		}
		if math.Abs(j.gain-1) > mostContrast || math.Abs(j.offset) > mostBrightness || math.Abs(j.tilt) > mostTilt || math.Abs(j.dx) > mostShift {
			t.Errorf("%+v is beyond its bounds", j)
		}
		if err := j.apply(&img, image.Rect(10, 10, 50, 40), &out); err != nil {
			t.Fatal(err)
		}
		if out.Cols() != 40 || out.Rows() != 30 {
			t.Errorf("%d×%d pixels", out.Cols(), out.Rows())
		}
		seen[string(out.ToBytes()[:3])] = true
	}
	if len(seen) < 2 {
		t.Error("all jitters give the same picture")
	}
}

func TestShelf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "shelf")
	key := func(i byte) Key { return Key(sha256.Sum256([]byte{i})) }
	record := func(i byte) []byte { return bytes.Repeat([]byte{i}, 100) }
	s, err := OpenShelf(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range byte(3) {
		if err := s.Put(key(i), record(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put(key(9), []byte("short")); err == nil {
		t.Error("a record of another size: no error")
	}
	// Another process gets a shelf of its own.
	other, err := OpenShelf(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	if other.Has(key(0)) {
		t.Error("two have the same shelf open")
	}
	if err := errors.Join(other.Put(key(5), record(5)), other.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Wherever a power cut ends the file, and whatever byte it spoils, what is
	// given is what was put.
	for _, damage := range []func() []byte{
		func() []byte { return whole[:len(whole)-1] },
		func() []byte { return whole[:140] },
		func() []byte { return nil },
		func() []byte { return whole[:7] },
		func() []byte { b := bytes.Clone(whole); b[150] ^= 1; return b },
		func() []byte { return append(bytes.Clone(whole), make([]byte, 50)...) },
	} {
		if err := os.WriteFile(path, damage(), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := OpenShelf(path, 100)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 100)
		for i := range byte(3) {
			ok, err := s.Get(key(i), got)
			if err != nil {
				t.Fatal(err)
			}
			if ok && !bytes.Equal(got, record(i)) {
				t.Errorf("record %d is another one", i)
			}
			if err := s.Put(key(i), record(i)); err != nil {
				t.Fatal(err)
			}
			if ok, err := s.Get(key(i), got); !ok || err != nil || !bytes.Equal(got, record(i)) {
				t.Errorf("record %d was not put: %v", i, err)
			}
		}
		s.Close()
	}
}
