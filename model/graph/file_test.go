package graph

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"passfail/model/graph/internal/tflite"
)

func bases(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../base/*.tflite")
	if err != nil || len(files) < 2 {
		t.Fatalf("base networks: %q, %v", files, err)
	}
	return files
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBasesAreKnownWhole(t *testing.T) {
	for _, name := range bases(t) {
		f, err := Parse(read(t, name))
		if err != nil {
			t.Fatal(name, err)
		}
		if len(f.Unknown) != 0 {
			t.Errorf("%s: unknown: %q", name, f.Unknown)
		}
		if f.Metadata == nil || len(f.Metadata.SubgraphMetadata) != 1 || len(f.Metadata.SubgraphMetadata[0].OutputTensorMetadata) < 2 {
			t.Errorf("%s: metadata %+v", name, f.Metadata)
		}
		t.Log(filepath.Base(name), f.Model.Operators())
	}
}

func TestRewritingLosesNothing(t *testing.T) {
	others, err := filepath.Glob("../testdata/*.tflite")
	if err != nil || len(others) < 5 {
		t.Fatalf("networks for tests: %q, %v", others, err)
	}
	for _, name := range append(append(bases(t), "../../demo/model.tflite"), others...) {
		f, err := Parse(read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		f.Packed = []Packed{{"labels.txt", []byte("good\nscratch\n")}}
		f.SetEntry("PASSFAIL_TEST", []byte("x"))
		b, err := f.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(f.Model, again.Model) || !reflect.DeepEqual(f.Metadata, again.Metadata) {
			t.Errorf("%s: not the same after writing and reading", name)
		}
		if got, ok := again.File("labels.txt"); !ok || string(got) != "good\nscratch\n" {
			t.Errorf("%s: labels.txt: %q", name, got)
		}
		if string(again.Entry("PASSFAIL_TEST")) != "x" {
			t.Errorf("%s: the added entry is lost", name)
		}
		for i, buffer := range again.Model.Buffers {
			if len(buffer.Data) > 0 && (uintptr(unsafe.Pointer(&buffer.Data[0]))-uintptr(unsafe.Pointer(&b[0])))%bufferAlignment != 0 {
				t.Errorf("%s: the values of buffer %d do not lie at a multiple of %d bytes", name, i, bufferAlignment)
			}
		}
	}
}

// Every field of the table Model, of which encodeModel has a list of its own.
func TestEncodeWritesTheWholeModel(t *testing.T) {
	m := &Model{}
	m.Version, m.Description, m.MetadataBuffer = schemaVersion, "whole", []int32{1, -2}
	m.OperatorCodes = []*OperatorCode{{DeprecatedBuiltinCode: 127, CustomCode: "custom", Version: 2, BuiltinCode: 150}}
	m.Subgraphs = []*Subgraph{{Name: "main", DebugMetadataIndex: -1}}
	m.Buffers = []*Buffer{{}, {Data: []byte{1, 2, 3}}, {Offset: 5, Size: 6}}
	m.Metadata = []*Entry{{Name: "entry", Buffer: 1}}
	m.SignatureDefs = []*Signature{{SignatureKey: "serve", SubgraphIndex: 1}}
	v := reflect.ValueOf(m.ModelT)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not set here", v.Type().Field(i).Name)
		}
	}
	got, unknown, err := decodeModel(encodeModel(m))
	if err != nil || len(unknown) > 0 {
		t.Fatal(err, unknown)
	}
	if !reflect.DeepEqual(m, got) {
		t.Errorf("got %+v, want %+v", got, m)
	}
}

func TestUnknownOptionsAreReported(t *testing.T) {
	f, err := Parse(read(t, bases(t)[0]))
	if err != nil {
		t.Fatal(err)
	}
	// A kind of options that the schema does not have, in place of the first operator's.
	b := encodeModel(f.Model)
	kind, ok := byte(0), false
	root := tflite.GetRootAsModel(b, 0)
	var s tflite.SubGraph
	var o tflite.Operator
	if root.Subgraphs(&s, 0) && s.Operators(&o, 0) {
		kind = byte(o.BuiltinOptionsType())
		ok = o.MutateBuiltinOptionsType(126)
	}
	if !ok || kind == 0 {
		t.Fatalf("options of kind %d could not be changed", kind)
	}
	if f, err = Parse(b); err != nil {
		t.Fatal(err)
	}
	want := "Model.subgraphs[0].operators[0].builtin_options: kind 126"
	if _, err := f.Bytes(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestParseErrors(t *testing.T) {
	whole := read(t, bases(t)[0])
	altered := func(change func(*File)) []byte {
		f, err := Parse(bytes.Clone(whole))
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
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":     {nil, "not a .tflite file"},
		"picture":   {[]byte("\xff\xd8\xff\xe0 JFIF and more"), "not a .tflite file"},
		"truncated": {whole[:len(whole)/2], "damaged or truncated"},
		"version":   {altered(func(f *File) { f.Model.Version = 9 }), "schema version 9"},
		"no graph":  {altered(func(f *File) { f.Model.Subgraphs = nil }), "no subgraph"},
		"buffer":    {altered(func(f *File) { f.Model.Subgraphs[0].Tensors[3].Buffer = 1 << 20 }), "buffer 1048576 of"},
		"tensor":    {altered(func(f *File) { f.Model.Subgraphs[0].Operators[1].Inputs[0] = 70000 }), "tensor 70000 of"},
		"output":    {altered(func(f *File) { f.Model.Subgraphs[0].Outputs[0] = -1 }), "tensor -1 of"},
		"opcode":    {altered(func(f *File) { f.Model.Subgraphs[0].Operators[0].OpcodeIndex = 99 }), "kind 99 of"},
		"huge":      {altered(func(f *File) { f.Model.Subgraphs[0].Tensors[0].Shape = []int32{1, 1 << 20, 1 << 20, 3} }), "more than 512 MB"},
		"negative":  {altered(func(f *File) { f.Model.Subgraphs[0].Tensors[0].Shape = []int32{1, -4, 4, 3} }), "has shape"},
	} {
		if _, err := Parse(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestUnknownPartsForbidRewriting(t *testing.T) {
	f, err := Parse(read(t, bases(t)[0]))
	if err != nil {
		t.Fatal(err)
	}
	f.Unknown = []string{"Model.Subgraphs[0]: field 77"}
	if _, err := f.Bytes(); err == nil || !strings.Contains(err.Error(), "field 77") {
		t.Errorf("error %v", err)
	}
}

func BenchmarkParse(b *testing.B) {
	file := read(b, bases(b)[0])
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(file); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBytes(b *testing.B) {
	f, err := Parse(read(b, bases(b)[0]))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Bytes(); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	// A whole base is too large to mutate with profit: two operators and four
	// tensors have all the structure there is.
	file, err := Parse(read(f, bases(f)[0]))
	if err != nil {
		f.Fatal(err)
	}
	s := file.Model.Subgraphs[0]
	s.Operators, s.Tensors, s.Outputs = s.Operators[:2], s.Tensors[:4], []int32{1}
	for _, o := range s.Operators {
		o.Inputs, o.Outputs = []int32{0, 2, 3}, []int32{1}
	}
	for _, t := range s.Tensors {
		t.Buffer = 1
	}
	file.Model.Buffers = []*Buffer{{}, {Data: []byte{1, 2, 3}}}
	file.Model.Metadata, file.Model.SignatureDefs, file.Model.MetadataBuffer = nil, nil, nil
	file.Packed = []Packed{{"labels.txt", []byte("good\nbad\n")}}
	small, err := file.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Add(everyRule(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(b)
		if err != nil || len(file.Unknown) > 0 {
			return
		}
		written(t, file)
		// What changes a whole network takes any that can be read.
		if file.Resize(64) == nil {
			written(t, file)
		}
		if file.Model.Views([]View{{}, Turned}) == nil {
			written(t, file)
		}
	})
}

// written checks that what Bytes writes can be read.
func written(t *testing.T, f *File) {
	t.Helper()
	b, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(b); err != nil {
		t.Fatalf("what Bytes wrote can't be read: %v", err)
	}
}

// everyRule is a small network of operators of most kinds.
func everyRule(t testing.TB) []byte {
	t.Helper()
	m := &Model{}
	m.Version = schemaVersion
	m.Buffers = []*Buffer{{}}
	m.Subgraphs = []*Subgraph{{DebugMetadataIndex: -1}}
	x := m.AddTensor("x", Float32, 1, 32, 32, 1)
	m.Subgraphs[0].Inputs = []int32{x}
	x = m.Relu(m.Pointwise(m.Transpose(x, "turned", 0, 2, 1, 3), []float32{1, 2}, []float32{3, 4}, "map"), "relu")
	x = m.Slice(x, 3, 0, 1, "part")
	y := m.Dense(m.Reshape(m.StdOverPositions(x, "std"), "row", -1, 1), []float32{1}, nil, "dense")
	z := m.MeanOfLargest(m.Concatenate([]int32{y, y}, "both"), 1, "largest")
	m.Subgraphs[0].Outputs = []int32{m.MeanOverBatch(z, "mean")}
	b, err := (&File{Model: m}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	file, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Resize(64); err != nil {
		t.Fatal(err)
	}
	if err := file.Model.Views([]View{{}, Turned}); err != nil {
		t.Fatal(err)
	}
	return b
}

// A file is written into memory of its size, hardly more: trainings have several
// at a time.
func TestBytesTakeTheirRoom(t *testing.T) {
	for _, name := range bases(t) {
		f, err := Parse(read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		want := room(f.Model)
		out, err := f.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if len(out) > want || want > len(out)+len(out)/20 {
			t.Errorf("%s: room for %d bytes, and %d are written", name, want, len(out))
		}
	}
}
