package finetune

import (
	"context"
	"errors"
	"image"
	"os"
	"slices"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"passfail/demo"
	"passfail/model"
	"passfail/model/base"
	"passfail/model/graph"
)

// parts is a source of generated pictures.
type parts struct {
	inputs  [][]int8
	labels  []int
	held    []bool
	classes int
	side    int
	loaded  func() // called by Load where set
}

func (s *parts) Len() int        { return len(s.labels) }
func (s *parts) Classes() int    { return s.classes }
func (s *parts) Label(i int) int { return s.labels[i] }

func (s *parts) Role(i int) Role {
	if s.held[i] {
		return HoldsOut
	}
	return Trains
}

// Load mirrors the picture in odd views.
func (s *parts) Load(i, view int, in []int8) error {
	if s.loaded != nil {
		s.loaded()
	}
	copy(in, s.inputs[i])
	if view%2 == 1 {
		for y := range s.side {
			row := in[3*y*s.side : 3*(y+1)*s.side]
			for x := range s.side / 2 {
				for c := range 3 {
					row[3*x+c], row[3*(s.side-1-x)+c] = row[3*(s.side-1-x)+c], row[3*x+c]
				}
			}
		}
	}
	return nil
}

// network returns a base's file.
func network(t testing.TB, name string) []byte {
	t.Helper()
	b, err := base.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// generated makes per pictures of each of some classes; every fourth is held out.
func generated(t testing.TB, b []byte, per int, classes ...demo.Class) *parts {
	t.Helper()
	net, err := model.OpenNetwork(b, nil, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	s := &parts{classes: len(classes), side: net.Input().Width}
	for label, class := range classes {
		for i := range per {
			picture, err := demo.Render(class, uint64(1000*label+i), 320, 240)
			if err != nil {
				t.Fatal(err)
			}
			m, err := gocv.ImageToMatRGB(picture)
			if err != nil {
				t.Fatal(err)
			}
			err = net.Load(&m, image.Rect(40, 0, 280, 240))
			m.Close()
			if err != nil {
				t.Fatal(err)
			}
			s.inputs = append(s.inputs, slices.Clone(signed(net.InputBytes())))
			s.labels = append(s.labels, label)
			s.held = append(s.held, i%4 == 3)
		}
	}
	return s
}

func TestCuts(t *testing.T) {
	lite, mobile := network(t, "efficientnet_lite0"), network(t, "mobilenet_v2")
	for _, test := range []struct {
		base            []byte
		cut             string
		h, channels     int
		layers, trained int
		frozenTaps      int
		err             string
	}{
		{lite, "", 14, 112, 12, 10, 0, ""},
		{mobile, "", 14, 96, 15, 13, 0, ""},
		{mobile, "stride16", 14, 576, 14, 12, 1, ""},
		{lite, "stride32", 0, 0, 0, 0, 0, "cuts are possible at"},
		{lite, "nowhere", 0, 0, 0, 0, 0, "no such tensor"},
	} {
		p, err := parse(test.base, test.cut)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("cut at %q: error %v; %q is wanted", test.cut, err, test.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		trained, frozen := 0, 0
		for _, l := range p.top.layers {
			if l.kind != addition {
				trained++
			}
		}
		for _, tap := range p.top.taps {
			if tap.node < 0 {
				frozen++
			}
		}
		cut := p.top.nodes[0]
		if cut.h != test.h || cut.c != test.channels || trained != test.trained || len(p.top.layers) != test.layers || frozen != test.frozenTaps {
			t.Errorf("cut at %q is %q, %d×%d channels, with %d layers, %d trained, %d frozen taps", test.cut, cut.name, cut.h, cut.c, len(p.top.layers), trained, frozen)
		}
	}
}

// TestRoundedIsWhatServes quantizes untouched tops again, by pictures' ranges,
// and holds the 8-bit network's maps to what the rounded float network foretells.
func TestRoundedIsWhatServes(t *testing.T) {
	for _, test := range []struct {
		name, cut string
	}{{"efficientnet_lite0", ""}, {"mobilenet_v2", ""}, {"mobilenet_v2", "stride16"}} {
		t.Run(test.name+" "+test.cut, func(t *testing.T) {
			b := network(t, test.name)
			s := generated(t, b, 4, demo.Good, demo.Scratch)
			o, err := Options{Cut: test.cut}.ready()
			if err != nil {
				t.Fatal(err)
			}
			p, err := parse(b, o.Cut)
			if err != nil {
				t.Fatal(err)
			}
			c := newCache(p.top, s.Len(), 1)
			defer c.close()
			if err := c.fill(t.Context(), p, b, s, o); err != nil {
				t.Fatal(err)
			}
			tr := newTrainer(o, s, p.top, c, nil)
			tr.p = newParameters(p.values, &head{})
			if err := tr.calibrate(t.Context(), tr.views(tr.pictures(Trains), 100), p.values); err != nil {
				t.Fatal(err)
			}
			tr.p.round(p.top, p.values)
			written, err := p.write(p.top.quantize(p.values), Tuned{Cut: "here"})
			if err != nil {
				t.Fatal(err)
			}
			net, err := model.OpenNetwork(written, nil, model.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer net.Close()
			old, err := model.OpenNetwork(b, nil, model.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer old.Close()
			w := tr.workers[0]
			for i := range s.Len() {
				for _, n := range []*model.Network{net, old} {
					if err := s.Load(i, 0, signed(n.InputBytes())); err != nil {
						t.Fatal(err)
					}
					if err := n.Invoke(); err != nil {
						t.Fatal(err)
					}
				}
				if err := tr.load(w, item{picture: i, share: 1}, 0); err != nil {
					t.Fatal(err)
				}
				tr.top.forward(w.workspace, tr.p.rounded, 1, true)
				for k, tap := range tr.top.taps {
					if tap.node < 0 {
						if !slices.Equal(net.Output(k), old.Output(k)) {
							t.Errorf("picture %d: frozen tap %s changed", i, tap.name)
						}
						continue
					}
					got := net.Output(k)
					if c := cosine(got, w.values[tap.node][:len(got)]); c < 0.999 {
						t.Errorf("picture %d: the 8-bit map %s has cosine %.5f to what was foretold", i, tap.name, c)
					}
					if c := cosine(got, old.Output(k)); c < 0.97 {
						t.Errorf("picture %d: map %s has cosine %.4f to that of the base it was made from", i, tap.name, c)
					}
				}
			}
		})
	}
}

// TestTrainingLearnsAndIsRepeatable trains from a head that knows nothing, since
// one that was fitted foretells so few pictures perfectly.
func TestTrainingLearnsAndIsRepeatable(t *testing.T) {
	b := network(t, "efficientnet_lite0")
	s := generated(t, b, 8, demo.Good, demo.Scratch, demo.Chip)
	run := func(threads int) (*Result, []float64) {
		o, err := Options{Views: 2, Threads: threads, Batch: 9, Seed: 3, Rate: 1e-3, Mixup: 0.3, Average: 0.5}.ready()
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(b, o.Cut)
		if err != nil {
			t.Fatal(err)
		}
		c := newCache(p.top, s.Len(), o.Views)
		defer c.close()
		if err := c.fill(t.Context(), p, b, s, o); err != nil {
			t.Fatal(err)
		}
		tr := newTrainer(o, s, p.top, c, nil)
		if err := tr.start(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		from, to := tr.p.head.weights.from, tr.p.head.bias.to
		for _, x := range [][]float32{tr.p.values, tr.p.start, tr.p.average} {
			clear(x[from:to])
		}
		fill(tr.p.head.weights.of(tr.p.unit), 3)
		var losses []float64
		for number := 1; number <= 4; number++ {
			loss, err := tr.epoch(t.Context(), number, 4)
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, loss)
		}
		if err := tr.calibrate(t.Context(), tr.views(tr.pictures(Trains), 20), tr.p.average); err != nil {
			t.Fatal(err)
		}
		r := &Result{Base: b, Tuned: Tuned{Epochs: 4, Cut: "b10"}}
		if err := tr.finish(t.Context(), p, r); err != nil {
			t.Fatal(err)
		}
		return r, losses
	}
	one, losses := run(1)
	two, _ := run(2)
	if !slices.Equal(one.Base, two.Base) || !slices.Equal(one.Head.Weights, two.Head.Weights) {
		t.Error("two threads give another result than one")
	}
	if !(losses[3] < 0.9*losses[0]) {
		t.Errorf("the training loss did not fall: %v", losses)
	}
	for _, f := range one.Taps {
		if f.Rounded < 0.999 || f.Float < 0.95 {
			t.Errorf("tap %s: cosine of 8 bit to what was trained is %.5f, to float %.4f", f.Name, f.Rounded, f.Float)
		}
	}
	d, err := model.Describe("tuned.tflite", one.Base)
	if err != nil {
		t.Fatal(err)
	}
	if entry := string(d.File.Entry(base.Entry)); !strings.Contains(entry, `"tuned":{"cut":"b10"`) || !strings.Contains(entry, `"licence"`) {
		t.Errorf("the base says of itself %s", entry)
	}
}

// TestTuneKeepsWhatNothingBetters trains at a rate that ruins the network.
func TestTuneKeepsWhatNothingBetters(t *testing.T) {
	b := network(t, "efficientnet_lite0")
	s := generated(t, b, 8, demo.Good, demo.MissingHole)
	for i := range s.inputs {
		if s.held[i] { // a mirrored picture of those trained with: the fitted head knows it
			if err := s.Load(i-1, 1, s.inputs[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := tune(t.Context(), b, s, Options{Epochs: 5, Rate: 1, Patience: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Tuned.Epochs != 0 || !slices.Equal(r.Base, b) {
		t.Errorf("epoch %d was chosen of %+v", r.Tuned.Epochs, r.Epochs)
	}
	if len(r.Epochs) != 3 {
		t.Errorf("%d epochs were trained; patience is 2", len(r.Epochs)-1)
	}
	if !(r.QuantizedLoss < 0.1) || r.QuantizedAccuracy != 1 {
		t.Errorf("the head has a loss of %v and an accuracy of %v on the base as it was", r.QuantizedLoss, r.QuantizedAccuracy)
	}
}

// TestTuneAll trains with all pictures, as a trial says, and the trial left no traces.
func TestTuneAll(t *testing.T) {
	b := network(t, "efficientnet_lite0")
	s := generated(t, b, 6, demo.Good, demo.Chip)
	tuner := func() *Tuner {
		u, err := NewTuner(t.Context(), b, s, Options{Views: 2, Epochs: 3})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(u.Close)
		return u
	}
	u := tuner()
	trial, err := u.Tune(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := trial.Tuned; n.Pictures != 10 || n.HeldOut != 2 {
		t.Errorf("%d pictures trained, %d were held out; want 10 and 2", n.Pictures, n.HeldOut)
	}
	trial.Tuned.Epochs = 2
	r, err := u.TuneAll(t.Context(), trial)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Epochs) != 2 || r.Tuned.Epochs != 2 {
		t.Errorf("%d epochs were trained and %d are said; the trial found 2", len(r.Epochs), r.Tuned.Epochs)
	}
	if r.Tuned.Pictures != 12 || r.Tuned.HeldOut != 0 {
		t.Errorf("%d pictures trained, %d were held out; want all 12 and none", r.Tuned.Pictures, r.Tuned.HeldOut)
	}
	if slices.Equal(r.Base, b) {
		t.Error("the base is as it was")
	}
	for _, f := range r.Taps {
		if f.Rounded < 0.999 {
			t.Errorf("tap %s: cosine of 8 bit to what was trained is %.5f", f.Name, f.Rounded)
		}
	}
	alone, err := tuner().TuneAll(t.Context(), trial)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(alone.Base, r.Base) {
		t.Error("a trial before it changes what all pictures train")
	}
	if _, err := u.TuneAll(t.Context(), &Result{}); err == nil || !strings.Contains(err.Error(), "gained nothing") {
		t.Errorf("after a trial that gained nothing: %v", err)
	}
}

// tune is a Tuner's whole life.
func tune(ctx context.Context, b []byte, s Source, o Options) (*Result, error) {
	u, err := NewTuner(ctx, b, s, o)
	if err != nil {
		return nil, err
	}
	defer u.Close()
	return u.Tune(ctx)
}

func TestActivationsInAFile(t *testing.T) {
	b := network(t, "efficientnet_lite0")
	s := generated(t, b, 4, demo.Good, demo.Scratch)
	o, err := Options{Views: 2, Dir: t.TempDir()}.ready()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parse(b, "")
	if err != nil {
		t.Fatal(err)
	}
	kept, filed := newCache(p.top, s.Len(), 2), newCache(p.top, s.Len(), 2)
	filed.limit = 0
	for _, c := range []*cache{kept, filed} {
		defer c.close()
		if err := c.fill(t.Context(), p, b, s, o); err != nil {
			t.Fatal(err)
		}
	}
	size, all := p.top.nodes[0].size(), p.top.features()
	for i := range s.Len() {
		x, y, f := make([]float32, size), make([]float32, size), make([]float32, all)
		for view := range 2 {
			for c, values := range map[*cache][]float32{kept: x, filed: y} {
				if err := c.load(i, view, values, f, make([]byte, c.record)); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(x, y) || slices.Max(x) == 0 {
				t.Fatalf("picture %d, view %d: the file gives other activations", i, view)
			}
		}
	}
}

// Where there is no room for a file of activations, that is known before the first
// one is computed, and nothing is left.
func TestActivationsWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	c := &cache{record: 1 << 40, total: 1 << 20} // more than a file can have
	err := c.open(dir)
	c.close()
	for _, w := range []string{"MB for activations", dir, "--cache"} {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error %v, want one with %q", err, w)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
}

// A larger input may not take more memory: fewer pictures go through the network at
// a time.
func TestLargeInputsTakeNoMoreMemory(t *testing.T) {
	for _, name := range []string{"efficientnet_lite0", "mobilenet_v2"} {
		for _, size := range []int{224, 384, 512} {
			f, err := graph.Parse(network(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Resize(size); err != nil {
				t.Fatal(err)
			}
			b, err := f.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			p, err := parse(b, "")
			if err != nil {
				t.Fatal(err)
			}
			s := &parts{classes: 2, labels: []int{0, 1}, held: []bool{false, false}}
			tr := newTrainer(Options{Threads: 2}, s, p.top, newCache(p.top, s.Len(), 1), nil)
			numbers := 0
			for _, values := range tr.workers[0].values {
				numbers += len(values)
			}
			if numbers > atOnce || numbers < atOnce/3 || size == 224 && tr.micro != micro {
				t.Errorf("%s at %d: %d pictures at a time, whose maps have %d numbers", name, size, tr.micro, numbers)
			}
		}
	}
}

func TestTuneErrors(t *testing.T) {
	b := network(t, "efficientnet_lite0")
	s := generated(t, b, 4, demo.Good, demo.Scratch)
	alone := &parts{inputs: s.inputs, labels: s.labels, held: make([]bool, s.Len()), classes: 2, side: s.side}
	for _, test := range []struct {
		name   string
		base   []byte
		source Source
		o      Options
		want   string
	}{
		{"no network", []byte("nothing"), s, Options{}, "base network"},
		{"nothing held out", b, alone, Options{}, "0 held out"},
		{"rate", b, s, Options{Rate: -1}, "Rate is -1"},
		{"views", b, s, Options{Views: -1}, "Views is -1"},
		{"cut", b, s, Options{Cut: "9999"}, "no such tensor"},
	} {
		if _, err := tune(t.Context(), test.base, test.source, test.o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; %q is wanted", test.name, err, test.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.loaded = cancel
	if _, err := tune(ctx, b, s, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a training that was cancelled ended with %v", err)
	}
	s.loaded = nil
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	stop := func(p Progress) {
		if p.Stage == "training" {
			cancel()
		}
	}
	if _, err := tune(ctx, b, s, Options{Progress: stop}); !errors.Is(err, context.Canceled) {
		t.Errorf("a training that was cancelled in an epoch ended with %v", err)
	}
}
