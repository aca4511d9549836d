package model

import (
	"image"
	"math"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"passfail/capture"
	"passfail/model/graph"
)

// guarded is the demo's model with a made-up novelty, twice the score of its
// label chip, and a map: the mean over channels of its own first map.
func guarded(t testing.TB, name, mapName string) []byte {
	t.Helper()
	return demoAltered(t, func(f *graph.File) {
		m := f.Model
		s := m.Subgraphs[0]
		scores, tap := s.Outputs[0], s.Outputs[1]
		twice := make([]float32, m.Shape(scores)[1])
		twice[0] = 2 // labels are in alphabetical order
		s.Outputs = append(s.Outputs, m.Dense(scores, twice, []float32{0}, name), m.Mean(m.Dequantize(tap, "real"), mapName, 3))
		for _, n := range []string{name, mapName} {
			meta(f).OutputTensorMetadata = append(meta(f).OutputTensorMetadata, &graph.TensorMetadata{Name: n})
		}
	})
}

func TestNovelty(t *testing.T) {
	c, err := OpenBytes(guarded(t, NoveltyOutput, NoveltyMapOutput), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !c.HasNovelty() {
		t.Fatal("the model has no novelty")
	}
	for _, name := range []string{"001-good.jpg", "008-chip.jpg"} {
		f, err := capture.ReadPicture("../demo/parts/"+name, capture.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		scores, err := c.Classify(&f.Image, f.ROI)
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := c.Novelty(); !ok || math.Abs(float64(v-2*scores[0])) > 1e-5 {
			t.Errorf("%s: novelty %v, %v; scores %v", name, v, ok, scores)
		}
		values, rows, columns := c.NoveltyMap()
		if rows != 7 || columns != 7 || len(values) != 49 {
			t.Fatalf("a map of %d values, %d×%d", len(values), rows, columns)
		}
		channels := c.net.OutputShape(1)[3]
		sum := float32(0)
		for _, v := range c.net.Output(1)[48*channels:] {
			sum += v
		}
		if want := sum / float32(channels); math.Abs(float64(values[48]-want)) > 1e-4 {
			t.Errorf("%s: the last position is %v, want %v", name, values[48], want)
		}
	}
}

func TestModelsWithoutNovelty(t *testing.T) {
	for name, b := range map[string][]byte{
		"the demo's":                            readFile(t, "../demo/model.tflite"),
		"outputs of other names":                guarded(t, "surprise", "surprises"),
		"names of another's with another shape": guarded(t, NoveltyMapOutput, NoveltyOutput),
	} {
		c, err := OpenBytes(b, Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, ok := c.Novelty()
		if values, _, _ := c.NoveltyMap(); ok || c.HasNovelty() || values != nil {
			t.Errorf("%s: there is a novelty", name)
		}
	}
}

func TestNoveltyMustBeANumber(t *testing.T) {
	b := demoAltered(t, func(f *graph.File) {
		m := f.Model
		s := m.Subgraphs[0]
		scores := s.Outputs[0]
		n := m.Shape(scores)[1]
		negative := m.Dense(scores, make([]float32, n), []float32{-1}, "negative")
		s.Outputs = append(s.Outputs, m.Sqrt(negative, NoveltyOutput))
		meta(f).OutputTensorMetadata = append(meta(f).OutputTensorMetadata, &graph.TensorMetadata{Name: NoveltyOutput})
	})
	if _, err := OpenBytes(b, Options{Threads: 1}); err == nil || !strings.Contains(err.Error(), `output "novelty" is NaN`) {
		t.Errorf("error %v", err)
	}
}

func TestNoveltyAllocatesNothing(t *testing.T) {
	c, err := OpenBytes(guarded(t, NoveltyOutput, NoveltyMapOutput), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	img := gocv.NewMatWithSize(300, 300, gocv.MatTypeCV8UC3)
	defer img.Close()
	n := testing.AllocsPerRun(5, func() {
		if _, err := c.Classify(&img, image.Rect(0, 0, 300, 300)); err != nil {
			t.Fatal(err)
		}
		c.Novelty()
		c.NoveltyMap()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
