package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"passfail/model/graph"
)

// withSelfTest is a model with reference pictures of the demo's parts.
func withSelfTest(t testing.TB, b []byte) []byte {
	t.Helper()
	r, err := NewReferences(b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, n := range []string{"001-good.jpg", "002-good.jpg", "003-good.jpg", "004-scratch.jpg", "008-chip.jpg", "009-missing_hole.jpg", "014-scratch.jpg", "017-chip.jpg"} {
		m := gocv.IMRead(filepath.Join("../demo/parts", n), gocv.IMReadColor)
		if err := r.Offer(&m, image.Rect(80, 0, 560, 480)); err != nil {
			t.Fatal(err)
		}
		m.Close()
	}
	if b, err = r.Bytes(); err != nil {
		t.Fatal(err)
	}
	return b
}

func selfTestOf(t testing.TB, b []byte) error {
	t.Helper()
	c, err := OpenBytes(b, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.SelfTest()
}

func TestSelfTest(t *testing.T) {
	demo := readFile(t, "../demo/model.tflite")
	if err := selfTestOf(t, demo); err != nil {
		t.Errorf("a model without reference pictures: %v", err)
	}
	b := withSelfTest(t, demo)
	if err := selfTestOf(t, b); err != nil {
		t.Error(err)
	}
	f, err := graph.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	var test selfTest
	if err := json.Unmarshal(f.Entry(SelfTestEntry), &test); err != nil {
		t.Fatal(err)
	}
	labels := map[int]int{}
	for _, r := range test.Pictures {
		best, _ := leader(r.Scores)
		labels[best]++
	}
	if len(test.Pictures) != maxReferences || len(labels) != 4 {
		t.Errorf("%d pictures of labels %v", len(test.Pictures), labels)
	}
	t.Logf("%d bytes more than %d", len(b)-len(demo), len(demo))
	again, err := NewReferences(b)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	m := gocv.IMRead("../demo/parts/001-good.jpg", gocv.IMReadColor)
	defer m.Close()
	if err := again.Offer(&m, image.Rect(0, 0, 640, 480)); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Bytes(); err == nil {
		t.Error("a second self-test was added")
	}
}

// described is one of testdata's small networks with the metadata that it lacks.
func described(t testing.TB, name string) []byte {
	t.Helper()
	demo, err := graph.Parse(readFile(t, "../demo/model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := graph.Parse(readFile(t, "testdata/"+name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	f.Metadata, f.Packed = demo.Metadata, demo.Packed
	n := meta(f).InputTensorMetadata[0].Normalization()
	n.Mean, n.Std = []float32{127.5}, []float32{127.5}
	b, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every kind of network can carry a self-test: 8 bit, float, gray.
func TestSelfTestOfEveryKind(t *testing.T) {
	for _, name := range []string{"float", "int8", "uint8", "uint8-odd", "gray"} {
		b := described(t, name)
		with := withSelfTest(t, b)
		if bytes.Equal(with, b) {
			t.Errorf("%s: no picture was clear", name)
		}
		if err := selfTestOf(t, with); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A model whose scores are not those that it had is refused, with the reason.
func TestSelfTestFails(t *testing.T) {
	whole := withSelfTest(t, readFile(t, "../demo/model.tflite"))
	entry := func(f *graph.File, change func(*selfTest)) {
		var s selfTest
		if err := json.Unmarshal(f.Entry(SelfTestEntry), &s); err != nil {
			t.Fatal(err)
		}
		change(&s)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		f.SetEntry(SelfTestEntry, b)
	}
	for name, c := range map[string]struct {
		change func(*graph.File)
		want   string
	}{
		"another head": {func(f *graph.File) {
			m := f.Model
			for _, o := range m.Subgraphs[0].Operators {
				if m.Op(o) == graph.OpFullyConnected {
					data := bytes.Clone(m.Buffers[m.Subgraphs[0].Tensors[o.Inputs[1]].Buffer].Data)
					for i := 3; i < len(data); i += 4 {
						data[i] ^= 0x80 // the sign of each weight
					}
					m.Buffers[m.Subgraphs[0].Tensors[o.Inputs[1]].Buffer] = &graph.Buffer{Data: data}
				}
			}
		}, "where the model was made"},
		"another normalization": {func(f *graph.File) {
			n := meta(f).InputTensorMetadata[0].Normalization()
			n.Mean, n.Std = []float32{0}, []float32{255}
		}, "where the model was made"},
		"exchanged labels": {func(f *graph.File) {
			f.Packed[0].Data = []byte(strings.NewReplacer("chip", "good", "good", "chip").Replace(string(f.Packed[0].Data)))
		}, "was \"chip\" where it was made"},
		"a score off": {func(f *graph.File) {
			entry(f, func(s *selfTest) { s.Pictures[1].Scores, s.Pictures[1].Label = []float32{0.4, 0.5, 0.05, 0.05}, "good" })
		}, "reference picture 2 of 6"},
		"no number":       {func(f *graph.File) { f.SetEntry(SelfTestEntry, []byte(`{"tolerance": 0.05, "log_odds": 2}`)) }, "0 pictures"},
		"no JSON":         {func(f *graph.File) { f.SetEntry(SelfTestEntry, []byte(`{`)) }, "damaged"},
		"no tolerance":    {func(f *graph.File) { entry(f, func(s *selfTest) { s.Tolerance = 0 }) }, "a tolerance of 0 "},
		"scores missing":  {func(f *graph.File) { entry(f, func(s *selfTest) { s.Pictures[0].Scores = s.Pictures[0].Scores[:3] }) }, "3 scores for 4 labels"},
		"picture missing": {func(f *graph.File) { f.Packed = f.Packed[:len(f.Packed)-1] }, "selftest-6.png"},
		"picture damaged": {func(f *graph.File) { p := &f.Packed[len(f.Packed)-1]; p.Data = p.Data[:len(p.Data)/2] }, "reference picture 6"},
		"another picture": {func(f *graph.File) {
			for i := range f.Packed {
				if strings.HasPrefix(f.Packed[i].Name, "selftest") {
					f.Packed[i].Data = onePixel(t)
				}
			}
		}, "1×1 pixels where the network takes 224×224"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := graph.Parse(bytes.Clone(whole))
			if err != nil {
				t.Fatal(err)
			}
			c.change(f)
			b, err := f.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(b, whole) {
				t.Fatal("nothing was changed")
			}
			if err := selfTestOf(t, b); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func onePixel(t testing.TB) []byte {
	t.Helper()
	m := gocv.NewMatWithSize(1, 1, gocv.MatTypeCV8UC3)
	defer m.Close()
	b, err := gocv.IMEncode(gocv.PNGFileExt, m)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	return bytes.Clone(b.GetBytes())
}

func TestLeader(t *testing.T) {
	for _, c := range []struct {
		scores []float32
		best   int
		lead   float32
	}{{[]float32{0.25, 0.75}, 1, 0.5}, {[]float32{0.5, 0.25, 0.25}, 0, 0.25}, {[]float32{0.25, 0.25, 0.5}, 2, 0.25}, {[]float32{0.125, 0.75, 0.125}, 1, 0.625}} {
		if best, lead := leader(c.scores); best != c.best || lead != c.lead {
			t.Error(fmt.Sprint(c.scores), best, lead)
		}
	}
}

// Whatever a self-test's entry and pictures are, they are an error or a result.
func FuzzSelfTest(f *testing.F) {
	whole := withSelfTest(f, described(f, "float"))
	file, err := graph.Parse(whole)
	if err != nil {
		f.Fatal(err)
	}
	picture, _ := file.File("selftest-1.png")
	f.Add(bytes.Clone(file.Entry(SelfTestEntry)), bytes.Clone(picture))
	f.Add([]byte(`{"tolerance":0.1,"log_odds":1,"pictures":[{"file":"selftest-1.png","label":"scratch","scores":[0,0,0,2]}]}`), onePixel(f))
	c, err := OpenBytes(whole, Options{Threads: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.Close)
	f.Fuzz(func(t *testing.T, entry, png []byte) {
		packed := &graph.File{Packed: []graph.Packed{{Name: "selftest-1.png", Data: png}}}
		test, err := parseSelfTest(entry, packed, c.labels)
		if err != nil {
			return
		}
		for _, r := range test.Pictures {
			_ = c.compare(r, test) // either way
		}
	})
}
