package flat_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"passfail/model/graph/flat"
	"passfail/model/graph/internal/metadata"
)

func schema(t testing.TB) *flat.Schema {
	t.Helper()
	s, err := metadata.Schema()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// example has a field of each kind: text, vectors of numbers, of texts and of
// tables, a table, unions, scalars.
func example() []byte {
	pixels := &metadata.ImagePropertiesT{
		ColorSpace: metadata.ColorSpaceTypeRGB, DefaultSize: &metadata.ImageSizeT{Width: 224, Height: 224},
	}
	input := &metadata.TensorMetadataT{
		Name: "picture", DimensionNames: []string{"batch", "", "höhe"},
		Content: &metadata.ContentT{ContentProperties: &metadata.ContentPropertiesT{
			Type: metadata.ContentPropertiesImageProperties, Value: pixels,
		}},
		ProcessUnits: []*metadata.ProcessUnitT{{Options: &metadata.ProcessUnitOptionsT{
			Type:  metadata.ProcessUnitOptionsNormalizationOptions,
			Value: &metadata.NormalizationOptionsT{Mean: []float32{127.5}, Std: []float32{127.5}},
		}}},
	}
	m := &metadata.ModelMetadataT{
		Name:             "example",
		SubgraphMetadata: []*metadata.SubGraphMetadataT{{InputTensorMetadata: []*metadata.TensorMetadataT{input, input}}},
	}
	b := flatbuffers.NewBuilder(0)
	metadata.FinishModelMetadataBuffer(b, m.Pack(b))
	return b.FinishedBytes()
}

func TestSound(t *testing.T) {
	b := example()
	if unknown, err := flat.Verify(b, schema(t)); err != nil || unknown != nil {
		t.Errorf("unknown %q, error %v", unknown, err)
	}
	if id := flat.Identifier(b); id != "M001" {
		t.Errorf("identifier %q", id)
	}
}

// Whatever is cut off: an error, or a file that can be read.
func TestTruncated(t *testing.T) {
	b, s := example(), schema(t)
	for n := range len(b) {
		_, err := flat.Verify(b[:n:n], s)
		if err == nil {
			metadata.GetRootAsModelMetadata(b[:n:n], 0).UnPack()
		} else if !errors.Is(err, flat.ErrFormat) {
			t.Fatalf("%d bytes: %v is no ErrFormat", n, err)
		}
	}
}

// buffer is a FlatBuffer written by hand.
func buffer(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch v := p.(type) {
		case int:
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		case []uint16:
			for _, u := range v {
				b = binary.LittleEndian.AppendUint16(b, u)
			}
		case string:
			b = append(b, v...)
		}
	}
	return b
}

func TestDamaged(t *testing.T) {
	// The root table is at byte 16, its list of fields at 8.
	table := func(fields []uint16, rest ...any) []byte {
		return buffer(append([]any{16, "M001", fields, 8}, rest...)...)
	}
	for name, c := range map[string]struct {
		buf  []byte
		want string
	}{
		"nothing":              {nil, "byte 0 (ModelMetadata): 4 bytes wanted, the file ends at 0"},
		"root outside":         {buffer(4000, "M001"), "byte 0 (ModelMetadata): offset 4000 leads out"},
		"root nowhere":         {buffer(0, "M001"), "offset 0 leads out"},
		"list of fields":       {buffer(8, "M001", 1<<30), "4 bytes wanted"},
		"list before the file": {buffer(8, "M001", 100), "byte -92"},
		"odd list":             {table([]uint16{5, 4, 0, 0}), "byte 8 (ModelMetadata): a list of fields 5 bytes long"},
		"short list":           {table([]uint16{2, 4, 0, 0}), "a list of fields 2 bytes long"},
		"list outside":         {table([]uint16{4000, 4, 0, 0}), "byte 8 (ModelMetadata): 4000 bytes wanted"},
		"table outside":        {table([]uint16{6, 4000, 0, 0}), "byte 16 (ModelMetadata): 4000 bytes wanted"},
		"field outside":        {table([]uint16{6, 8, 400, 0}, 0), "byte 416 (ModelMetadata.name): 4 bytes wanted"},
		"text outside":         {table([]uint16{6, 8, 4, 0}, 4000), "byte 20 (ModelMetadata.name): offset 4000"},
		"text too long":        {table([]uint16{6, 8, 4, 0}, 4, 900), "byte 24 (ModelMetadata.name): a vector of 900 × 1 bytes"},
	} {
		_, err := flat.Verify(c.buf, schema(t))
		if !errors.Is(err, flat.ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// withUnit is metadata with the process unit at that offset, and a field 8.
func withUnit(b *flatbuffers.Builder, unit flatbuffers.UOffsetT) []byte {
	units := b.CreateVectorOfTables([]flatbuffers.UOffsetT{unit})
	b.StartObject(5)
	b.PrependUOffsetTSlot(4, units, 0)
	inputs := b.CreateVectorOfTables([]flatbuffers.UOffsetT{b.EndObject()})
	b.StartObject(3)
	b.PrependUOffsetTSlot(2, inputs, 0)
	subgraphs := b.CreateVectorOfTables([]flatbuffers.UOffsetT{b.EndObject()})
	b.StartObject(9)
	b.PrependUOffsetTSlot(3, subgraphs, 0)
	b.PrependInt32Slot(8, 1, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte("M001"))
	return b.FinishedBytes()
}

// A union of a kind that the schema lacks, or of none, whose offset leads out:
// generated code follows it.
func TestDamagedUnknownUnion(t *testing.T) {
	for _, kind := range []byte{0, 6} {
		b := flatbuffers.NewBuilder(0)
		b.StartObject(2)
		b.PrependByteSlot(0, kind, 0)
		b.PrependUint32Slot(1, 1<<30, 0)
		_, err := flat.Verify(withUnit(b, b.EndObject()), schema(t))
		if !errors.Is(err, flat.ErrFormat) || !strings.Contains(err.Error(), "process_units[0].options): offset 1073741824 leads out") {
			t.Errorf("kind %d: error %v", kind, err)
		}
	}
}

func TestUnknownIsReported(t *testing.T) {
	b := flatbuffers.NewBuilder(0)
	b.StartObject(0)
	regex := b.EndObject()
	b.StartObject(2)
	b.PrependByteSlot(0, 6, 0) // which the schema lacks
	b.PrependUOffsetTSlot(1, regex, 0)
	unknown, err := flat.Verify(withUnit(b, b.EndObject()), schema(t))
	if err != nil {
		t.Fatal(err)
	}
	want := "ModelMetadata.subgraph_metadata[0].input_tensor_metadata[0].process_units[0].options: kind 6\nModelMetadata: field 8"
	if got := strings.Join(unknown, "\n"); got != want {
		t.Errorf("unknown:\n%s\nwant\n%s", got, want)
	}
}

// A table that a thousand offsets share must not be read a thousand times a
// thousand times.
func TestSharedTables(t *testing.T) {
	b := flatbuffers.NewBuilder(0)
	same := func(n int, at flatbuffers.UOffsetT) flatbuffers.UOffsetT {
		offsets := make([]flatbuffers.UOffsetT, n)
		for i := range offsets {
			offsets[i] = at
		}
		return b.CreateVectorOfTables(offsets)
	}
	b.StartObject(0)
	inputs := same(1000, b.EndObject())
	b.StartObject(3)
	b.PrependUOffsetTSlot(2, inputs, 0)
	subgraphs := same(1000, b.EndObject())
	b.StartObject(4)
	b.PrependUOffsetTSlot(3, subgraphs, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte("M001"))
	_, err := flat.Verify(b.FinishedBytes(), schema(t))
	if !errors.Is(err, flat.ErrFormat) || !strings.Contains(err.Error(), "more tables than the file has room for") {
		t.Errorf("error %v", err)
	}
}

// What Verify lets pass, generated code reads and writes.
func FuzzVerify(f *testing.F) {
	f.Add(example())
	f.Add([]byte{})
	f.Add([]byte{8, 0, 0, 0, 'M', '0', '0', '1', 4, 0, 0, 0, 4, 0, 4, 0})
	s := schema(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := flat.Verify(b, s); err != nil {
			if !errors.Is(err, flat.ErrFormat) {
				t.Fatalf("%v is no ErrFormat", err)
			}
			return
		}
		m := metadata.GetRootAsModelMetadata(b, 0).UnPack()
		w := flatbuffers.NewBuilder(0)
		metadata.FinishModelMetadataBuffer(w, m.Pack(w))
		if unknown, err := flat.Verify(w.FinishedBytes(), s); err != nil || len(unknown) > 0 {
			t.Fatalf("what generated code wrote: unknown %q, error %v", unknown, err)
		}
	})
}
