package model

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"passfail/model/graph"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// demoAltered is the demo's model after a change to its file.
func demoAltered(t testing.TB, change func(*graph.File)) []byte {
	t.Helper()
	f, err := graph.Parse(bytes.Clone(readFile(t, "../demo/model.tflite")))
	if err != nil {
		t.Fatal(err)
	}
	change(f)
	b, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func input(f *graph.File) *graph.Tensor {
	s := f.Model.Subgraphs[0]
	return s.Tensors[s.Inputs[0]]
}

func meta(f *graph.File) *graph.SubgraphMetadata { return f.Metadata.SubgraphMetadata[0] }

// Whatever is wrong with a model is an error that says what and where.
func TestOpenErrors(t *testing.T) {
	whole := readFile(t, "../demo/model.tflite")
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":          {nil, "not a .tflite file"},
		"truncated":      {whole[:len(whole)*2/3], "damaged or truncated"},
		"wrong rank":     {demoAltered(t, func(f *graph.File) { input(f).Shape = []int32{224, 224, 3} }), "shape [224 224 3]"},
		"batch of two":   {demoAltered(t, func(f *graph.File) { input(f).Shape[0] = 2 }), "shape [2 224 224 3]"},
		"four channels":  {demoAltered(t, func(f *graph.File) { input(f).Shape[3] = 4 }), "[1 height width 3]"},
		"wrong type":     {demoAltered(t, func(f *graph.File) { input(f).Type = graph.Int32 }), "type int32"},
		"not quantized":  {demoAltered(t, func(f *graph.File) { input(f).Quantization = nil }), "no quantization"},
		"zero scale":     {demoAltered(t, func(f *graph.File) { input(f).Quantization.Scale[0] = 0 }), "scale 0"},
		"zero point":     {demoAltered(t, func(f *graph.File) { input(f).Quantization.ZeroPoint[0] = 999 }), "zero point 999"},
		"many scales":    {demoAltered(t, func(f *graph.File) { input(f).Quantization.Scale = []float32{1, 2} }), "2 scales"},
		"two inputs":     {demoAltered(t, func(f *graph.File) { s := f.Model.Subgraphs[0]; s.Inputs = append(s.Inputs, s.Inputs[0]) }), "2 inputs"},
		"no metadata":    {demoAltered(t, func(f *graph.File) { f.Metadata, f.Model.Metadata = nil, nil }), "lacks normalization"},
		"no mean":        {demoAltered(t, func(f *graph.File) { meta(f).InputTensorMetadata[0].ProcessUnits = nil }), "lacks normalization"},
		"two means":      {demoAltered(t, func(f *graph.File) { meta(f).InputTensorMetadata[0].Normalization().Mean = []float32{1, 2} }), "2 values of mean"},
		"std of zero":    {demoAltered(t, func(f *graph.File) { meta(f).InputTensorMetadata[0].Normalization().Std = []float32{0} }), "std 0"},
		"no labels":      {demoAltered(t, func(f *graph.File) { meta(f).OutputTensorMetadata[0].AssociatedFiles = nil }), "lacks normalization or labels"},
		"labels missing": {demoAltered(t, func(f *graph.File) { f.Packed = nil }), `"labels.txt", which is not packed`},
		"labels empty":   {demoAltered(t, func(f *graph.File) { f.Packed[0].Data = []byte("\n") }), "is empty"},
		"a label too few": {demoAltered(t, func(f *graph.File) { f.Packed[0].Data = []byte("good\nbad\nugly\n") }),
			"has 4 scores but there are 3 labels"},
		"a label twice":  {demoAltered(t, func(f *graph.File) { f.Packed[0].Data = []byte("a\nb\na\nc\n") }), `"a" occurs twice`},
		"an empty label": {demoAltered(t, func(f *graph.File) { f.Packed[0].Data = []byte("a\n\nb\nc\n") }), "label 2 is empty"},
		"labels of a map": {demoAltered(t, func(f *graph.File) {
			o := meta(f).OutputTensorMetadata
			o[1].AssociatedFiles, o[0].AssociatedFiles = o[0].AssociatedFiles, nil
		}), "scores have shape [1 4]"},
		"no scores": {demoAltered(t, func(f *graph.File) {
			s := f.Model.Subgraphs[0]
			s.Outputs = s.Outputs[1:]
			meta(f).OutputTensorMetadata = nil
		}), "base network"},
		"relu": {demoAltered(t, func(f *graph.File) {
			s := f.Model.Subgraphs[0]
			for _, o := range s.Operators {
				if f.Model.Op(o) == graph.OpSoftmax {
					o.OpcodeIndex, o.BuiltinOptions = uint32(len(f.Model.OperatorCodes)), nil
				}
			}
			f.Model.OperatorCodes = append(f.Model.OperatorCodes, &graph.OperatorCode{DeprecatedBuiltinCode: 19, Version: 1, BuiltinCode: graph.OpRelu})
		}), "straight from RELU"},
		"a result with values": {demoAltered(t, func(f *graph.File) {
			s := f.Model.Subgraphs[0]
			s.Tensors[s.Operators[0].Outputs[0]].Buffer = s.Tensors[s.Operators[0].Inputs[1]].Buffer
		}), "is written to, but has values"},
		"an input with values": {demoAltered(t, func(f *graph.File) {
			input(f).Buffer = f.Model.Subgraphs[0].Tensors[f.Model.Subgraphs[0].Operators[0].Inputs[1]].Buffer
		}), "is written to, but has values"},
		"logits": {demoAltered(t, func(f *graph.File) {
			s := f.Model.Subgraphs[0]
			s.Outputs[0] = s.Operators[len(s.Operators)-1].Inputs[0]
		}), "straight from FULLY_CONNECTED"},
		"shapes at odds": {demoAltered(t, func(f *graph.File) {
			s := f.Model.Subgraphs[0]
			s.Tensors[s.Operators[len(s.Operators)-2].Inputs[1]].Shape = []int32{4, 10}
		}), "TensorFlow Lite"},
	} {
		if _, err := OpenBytes(c.file, Options{Threads: 1}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %q in it", name, err, c.want)
		}
	}
}

func TestOpenPaths(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.tflite"): "no such file",
		dir:                               "not a file",
	} {
		if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", path, err, want)
		}
	}
}

func TestBaseIsNoClassifier(t *testing.T) {
	if _, err := Open("base/mobilenet_v2.tflite", Options{Threads: 1}); err == nil || !strings.Contains(err.Error(), "base network") {
		t.Errorf("error %v", err)
	}
}

func TestNumberedLabels(t *testing.T) {
	for _, c := range [][2]string{{"0 good|1 not good", "good|not good"}, {"0 good|bad", "0 good|bad"}, {"good|bad", "good|bad"}} {
		if got := strings.Join(withoutNumbers(strings.Split(c[0], "|")), "|"); got != c[1] {
			t.Errorf("%q became %q", c[0], got)
		}
	}
}

// A model that says nothing of itself is refused with the way out, and opens
// when its sidecar says what is missing.
func TestSidecar(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.tflite")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("m.tflite", string(readFile(t, "testdata/uint8.tflite")))
	write("labels.txt", "good\nbad\r\nugly\nodd\n")
	_, err := Open(path, Options{})
	if err == nil || !strings.Contains(err.Error(), path+".toml") || !strings.Contains(err.Error(), "mean = [127.5") {
		t.Errorf("no sidecar: %v", err)
	}
	for text, want := range map[string]string{
		"mean = [0.0]\nstd = [255.0]\nlabels_file = \"labels.txt\"":                                    "",
		"mean = [0, 0, 0]\nstd = [255, 255, 255]\ncolor = \"bgr\"\nlabels = [\"a\",\"b\",\"c\",\"d\"]": "",
		"mean = [0.0]\nstd = [255.0]":                                        "does not say",
		"mean = [0.0]\nlabels_file = \"labels.txt\"":                         "go together",
		"mean = [0.0]\nstd = [255.0]\nlabels = [\"a\"]":                      "two at least",
		"mean = [0.0]\nstd = [255.0]\nlabels = [\"a\", \"b\"]":               "4 scores but there are 2 labels",
		"mean = [0.0]\nstd = [255.0]\nlabels_file = \"none.txt\"":            "none.txt",
		"mean = [0.0]\nstd = [255.0]\ncolor = \"gray\"\nlabels = [\"a\"]":    "the model takes rgb",
		"mean = [0.0]\nstd = [255.0]\ncolour = \"rgb\"":                      "unknown key \"colour\"",
		"mean = [0.0]\nstd = [255.0]\ncolor = \"cmyk\"":                      "rgb, bgr or gray",
		"mean = [0.0]\nstd = [255.0]\nscores = \"percent\"":                  "logits",
		"mean = [0.0]\nstd = [255.0]\nlabels = [\"a\"]\nlabels_file = \"x\"": "one is enough",
		"mean = [0.0\n": "m.tflite.toml",
	} {
		write("m.tflite.toml", text)
		c, err := Open(path, Options{})
		if err == nil {
			c.Close()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q:\n got %v\nwant %q in it", text, err, want)
		}
	}
	// What the model says itself can't be contradicted.
	write("m.tflite", string(readFile(t, "../demo/model.tflite")))
	for text, want := range map[string]string{
		"mean = [0.0]\nstd = [255.0]": "take mean and std out",
		"labels = [\"a\"]":            "take labels out",
		"color = \"bgr\"":             "the model takes rgb",
	} {
		write("m.tflite.toml", text)
		if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

func TestTop(t *testing.T) {
	c := &Classifier{labels: []string{"a", "b", "c", "d"}}
	scores := []float32{0.1, 0.4, 0.2, 0.3}
	for k, want := range map[int]string{1: "b", 2: "bd", 4: "bdca", 9: "bdca"} {
		got := ""
		for _, p := range c.Top(scores, k, nil) {
			got += p.Label
		}
		if got != want {
			t.Errorf("top %d: %s, want %s", k, got, want)
		}
	}
}

func TestClassifyAllocatesNothing(t *testing.T) {
	c, err := Open("../demo/model.tflite", Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	img := noise(t, 640, 480)
	roi := image.Rect(0, 0, 640, 480)
	top := make([]Prediction, 0, 3)
	allocs := testing.AllocsPerRun(20, func() {
		scores, err := c.Classify(&img, roi)
		if err != nil {
			t.Fatal(err)
		}
		top = c.Top(scores, 3, top)
	})
	if allocs != 0 {
		t.Errorf("%v allocations a frame", allocs)
	}
}

// Opening and closing, also where opening fails, must leave no memory behind.
func TestNothingLeaks(t *testing.T) {
	good := readFile(t, "../demo/model.tflite")
	bad := demoAltered(t, func(f *graph.File) { f.Packed[0].Data = []byte("a\n") })
	once := func() {
		c, err := OpenBytes(good, Options{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		c.Close() // does nothing
		if _, err := OpenBytes(bad, Options{Threads: 2}); err == nil {
			t.Fatal("no error")
		}
	}
	for range 10 {
		once()
	}
	before := resident(t)
	const rounds = 60
	for range rounds {
		once()
	}
	// One leaked interpreter or model is 3 MB at least.
	if grown := resident(t) - before; grown > rounds*1<<20 {
		t.Errorf("memory grew by %d KB in %d rounds", grown>>10, rounds)
	}
}

func resident(t *testing.T) int {
	t.Helper()
	var size, pages int
	if _, err := fmt.Sscan(string(readFile(t, "/proc/self/statm")), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func BenchmarkClassify(b *testing.B) {
	c, err := Open("../demo/model.tflite", Options{Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	img := gocv.IMRead("../demo/parts/001-good.jpg", gocv.IMReadColor)
	defer img.Close()
	roi := image.Rect(0, 0, 640, 480)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Classify(&img, roi); err != nil {
			b.Fatal(err)
		}
	}
}
