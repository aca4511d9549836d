package novelty_test

import (
	"image"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"passfail/demo"
	"passfail/model"
	"passfail/model/base"
	"passfail/model/graph"
	"passfail/train/novelty"
)

// parsed is a base with the map that is described.
func parsed(t testing.TB, name string, size int) (*graph.File, int32, *novelty.Descriptor) {
	t.Helper()
	b, err := base.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := graph.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Resize(size); err != nil {
		t.Fatal(err)
	}
	tap, err := novelty.Tap(f.Model, f.Model.Subgraphs[0].Outputs)
	if err != nil {
		t.Fatal(err)
	}
	d, err := novelty.NewDescriptor(f.Model, tap)
	if err != nil {
		t.Fatal(err)
	}
	return f, tap, d
}

// open runs a network with other outputs.
func open(t testing.TB, f *graph.File, outputs ...int32) *model.Network {
	t.Helper()
	f.Model.Subgraphs[0].Outputs, f.Model.SignatureDefs = outputs, nil
	f.Metadata.SubgraphMetadata[0].OutputTensorMetadata = nil
	b, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	n, err := model.OpenNetwork(b, nil, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// part is a picture of a made-up part.
func part(t testing.TB, class demo.Class, seed uint64) gocv.Mat {
	t.Helper()
	rgba, err := demo.Render(class, seed, 240, 180)
	if err != nil {
		t.Fatal(err)
	}
	img, err := gocv.ImageToMatRGB(rgba)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { img.Close() })
	return img
}

func look(t testing.TB, n *model.Network, img gocv.Mat) {
	t.Helper()
	if err := n.Load(&img, image.Rect(0, 0, img.Cols(), img.Rows())); err != nil {
		t.Fatal(err)
	}
	if err := n.Invoke(); err != nil {
		t.Fatal(err)
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// Of every base, of every size, and of the first of several views.
func TestTheGraphDescribesAsGoDoes(t *testing.T) {
	for _, name := range base.Names() {
		for _, size := range []int{224, 256, 352} { // maps of 14, 16 and 22 positions each way
			for _, views := range [][]graph.View{nil, {{}, {LeftRight: true}}} {
				f, tap, d := parsed(t, name, size)
				if views != nil {
					if err := f.Model.Views(views); err != nil {
						t.Fatal(err)
					}
				}
				description, err := d.Append(f.Model, tap, -1)
				if err != nil {
					t.Fatal(err)
				}
				n := open(t, f, description, tap)
				look(t, n, part(t, demo.Good, 1))
				want := make([]float32, d.Len())
				if err := d.Describe(n.Output(1)[:len(n.Output(1))/max(len(views), 1)], want); err != nil {
					t.Fatal(err)
				}
				for i, v := range n.Output(0) {
					if diff := math.Abs(float64(v - want[i])); diff > 1e-4 {
						t.Fatalf("%s at %d, %d views: number %d of %d is %v in the graph and %v in Go", name, size, len(views), i, d.Len(), v, want[i])
					}
				}
			}
		}
	}
}

// Statistics that a head has anyway are not computed twice.
func TestStatisticsThatAreThere(t *testing.T) {
	f, tap, d := parsed(t, base.Default, 224)
	real := f.Model.Dequantize(tap, "real")
	statistics := f.Model.Concatenate([]int32{f.Model.MeanOverPositions(real, "mean"), f.Model.StdOverPositions(real, "std")}, "statistics")
	operators := len(f.Model.Subgraphs[0].Operators)
	given, err := d.Append(f.Model, tap, statistics)
	if err != nil {
		t.Fatal(err)
	}
	few := len(f.Model.Subgraphs[0].Operators) - operators
	own, err := d.Append(f.Model, tap, -1)
	if err != nil {
		t.Fatal(err)
	}
	if more := len(f.Model.Subgraphs[0].Operators) - operators - few; more <= few {
		t.Errorf("%d operators with statistics, %d without", few, more)
	}
	n := open(t, f, given, own)
	look(t, n, part(t, demo.Good, 1))
	for i, v := range n.Output(0) {
		near(t, "a number", float64(v), float64(n.Output(1)[i]), 1e-5)
	}
	if _, err := d.Append(f.Model, tap, given); err == nil {
		t.Error("statistics of another length were taken")
	}
	if _, err := d.Append(f.Model, f.Model.Subgraphs[0].Inputs[0], -1); err == nil {
		t.Error("a map of another shape was taken")
	}
}

// fitted fits a model to good parts, and returns the file that it can be added to.
func fitted(t testing.TB, purpose novelty.Purpose, parts int) (*novelty.Model, *graph.File, int32, *novelty.Descriptor) {
	t.Helper()
	f, tap, d := parsed(t, base.Default, 224)
	description, err := d.Append(f.Model, tap, -1)
	if err != nil {
		t.Fatal(err)
	}
	n := open(t, f, description)
	fit := novelty.NewFitter(d, 1)
	for i := range parts {
		look(t, n, part(t, demo.Good, uint64(i)))
		if err := fit.Add(n.Output(0), 0, i); err != nil {
			t.Fatal(err)
		}
	}
	m, err := fit.Fit(purpose, 0.05, 1)
	if err != nil {
		t.Fatal(err)
	}
	fresh, tap, _ := parsed(t, base.Default, 224)
	return m, fresh, tap, d
}

// judging is a network whose outputs are scores, novelty, novelty of places and description.
func judging(t testing.TB, m *novelty.Model, f *graph.File, tap int32, d *novelty.Descriptor) *model.Network {
	t.Helper()
	description, err := d.Append(f.Model, tap, -1)
	if err != nil {
		t.Fatal(err)
	}
	n, places, err := m.Append(f.Model, tap, -1)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := m.Scores(f.Model, n)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, f, scores, n, places, description)
}

func TestTheGraphComputesWhatTheModelDoes(t *testing.T) {
	for _, purpose := range []novelty.Purpose{novelty.Judge, novelty.Guard} {
		m, f, tap, d := fitted(t, purpose, 24)
		n := judging(t, m, f, tap, d)
		for seed, class := range demo.Classes() {
			look(t, n, part(t, class, 1000+uint64(seed)))
			want, places, err := m.Novelty(n.Output(3))
			if err != nil {
				t.Fatal(err)
			}
			got := float64(n.Output(1)[0])
			near(t, "novelty of "+string(class), got, want, 1e-3)
			for p, v := range n.Output(2) {
				near(t, "a place's novelty", float64(v), places[p], 1e-2)
			}
			if s := n.Output(0)[0]; (s > 0.5) != (got > 1) {
				t.Errorf("%s has novelty %v but score %v", class, got, s)
			}
		}
	}
}

func TestBadPartsAndOtherPicturesStandOut(t *testing.T) {
	m, f, tap, d := fitted(t, novelty.Judge, 40)
	n := judging(t, m, f, tap, d)
	of := func(img gocv.Mat) float64 {
		look(t, n, img)
		return float64(n.Output(1)[0])
	}
	worse := 0
	const pairs = 12
	for i := range uint64(pairs) {
		good := of(part(t, demo.Good, 500+i))
		if of(part(t, demo.MissingHole, 500+i)) > good {
			worse++
		}
		if good > 1.3 {
			t.Errorf("good part %d has novelty %v", i, good)
		}
	}
	if worse < pairs-1 {
		t.Errorf("%d of %d parts without a hole are less like good ones than the same part with it", worse, pairs)
	}
	gray := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 90, 90, 0), 180, 240, gocv.MatTypeCV8UC3)
	defer gray.Close()
	if v := of(gray); v < 1.2 {
		t.Errorf("an empty picture has novelty %v", v)
	}
	turned := gocv.NewMat()
	defer turned.Close()
	if err := gocv.Rotate(part(t, demo.Good, 7), &turned, gocv.Rotate90Clockwise); err != nil {
		t.Fatal(err)
	}
	if v := of(turned); v < 1.2 {
		t.Errorf("a part turned by 90° has novelty %v", v)
	}
}

// made is a fitter with descriptions of noise, of so many groups.
func made(t *testing.T, d *novelty.Descriptor, pictures, groups int) *novelty.Fitter {
	t.Helper()
	fit := novelty.NewFitter(d, 3)
	random := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, d.Len())
	for i := range pictures {
		for j := range x {
			x[j] = float32(random.NormFloat64())
		}
		if err := fit.Add(x, 0, 100+i%groups); err != nil {
			t.Fatal(err)
		}
	}
	return fit
}

func TestFitIsTheSameEachTime(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	_, _, d := parsed(t, base.Default, 224)
	probe := make([]float32, d.Len())
	var first float64
	for i := range 2 {
		runtime.GOMAXPROCS(1 + 2*i)
		m, err := made(t, d, 25, 25).Fit(novelty.Guard, 0.01, 5)
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := m.Novelty(probe)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = v
		} else if v != first {
			t.Errorf("novelty %v, and %v the second time", first, v)
		}
	}
}

func TestFitErrors(t *testing.T) {
	_, _, d := parsed(t, base.Default, 224)
	for _, c := range []struct {
		name             string
		pictures, groups int
		share            float64
		want             string
	}{
		{"none", 0, 1, 0.01, "0; 10 at least"},
		{"few", 9, 9, 0.01, "too few pictures: 9"},
		{"one part", 12, 1, 0.01, "same part"},
		{"share 0", 12, 12, 0, "share of 0"},
		{"share NaN", 12, 12, math.NaN(), "share of NaN"},
		{"share 1", 12, 12, 1, "share of 1"},
	} {
		_, err := made(t, d, c.pictures, c.groups).Fit(novelty.Judge, c.share, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	x := make([]float32, d.Len())
	x[3] = float32(math.NaN())
	if err := novelty.NewFitter(d, 1).Add(x, 0, 0); err == nil {
		t.Error("a description with NaN was taken")
	}
	if err := novelty.NewFitter(d, 1).Add(x[1:], 0, 0); err == nil {
		t.Error("a description that is too short was taken")
	}
}

// All pictures alike, as of a camera that hangs: no division by nothing.
func TestPicturesWithoutAnyDifference(t *testing.T) {
	_, _, d := parsed(t, base.Default, 224)
	fit := novelty.NewFitter(d, 1)
	x := make([]float32, d.Len())
	for i := range 12 {
		if err := fit.Add(x, 0, i); err != nil {
			t.Fatal(err)
		}
	}
	m, err := fit.Fit(novelty.Judge, 0.01, 1)
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := m.Novelty(x)
	if err != nil || !(v >= 0 && v <= 1) {
		t.Errorf("the picture itself has novelty %v, %v", v, err)
	}
	x[0]++
	if v, _, err := m.Novelty(x); err != nil || !(v > 1) || math.IsInf(v, 0) {
		t.Errorf("another picture has novelty %v, %v", v, err)
	}
}

func TestSize(t *testing.T) {
	f, tap, d := parsed(t, base.Default, 256)
	m, err := made(t, d, 120, 120).Fit(novelty.Guard, 0.01, 1)
	if err != nil {
		t.Fatal(err)
	}
	before, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Append(f.Model, tap, -1); err != nil {
		t.Fatal(err)
	}
	after, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(after) - len(before); n > 1<<20 {
		t.Errorf("the model grows by %d bytes", n)
	}
}

// BenchmarkInvoke shows what novelty costs beside the base.
func BenchmarkInvoke(b *testing.B) {
	m, f, tap, _ := fitted(b, novelty.Guard, 40)
	img := part(b, demo.Good, 3)
	plain, _, _ := parsed(b, base.Default, 224)
	alone := open(b, plain, tap)
	f2, _, _ := parsed(b, base.Default, 224)
	real := f2.Model.Dequantize(tap, "real")
	statistics := f2.Model.Concatenate([]int32{f2.Model.MeanOverPositions(real, "mean"), f2.Model.StdOverPositions(real, "std")}, "statistics")
	pooled := open(b, f2, statistics)
	n, places, err := m.Append(f.Model, tap, -1)
	if err != nil {
		b.Fatal(err)
	}
	with := open(b, f, n, places)
	for _, c := range []struct {
		name string
		net  *model.Network
	}{{"base", alone}, {"base and statistics", pooled}, {"base, statistics and novelty", with}} {
		look(b, c.net, img)
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if err := c.net.Invoke(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
