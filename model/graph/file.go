package graph

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	metadataEntry  = "TFLITE_METADATA"
	schemaVersion  = 3
	maxLabelFile   = 1 << 20 // bytes; a label file is a few lines
	maxPackedFiles = 64
	zipBytes       = 256 // of the headers of a packed file, at most
)

// File is a .tflite file: graph, metadata and packed files.
type File struct {
	Model    *Model
	Metadata *ModelMetadata // nil when the file has none
	Packed   []Packed       // files named by the metadata, packed behind the model

	// Unknown lists what the file holds that the schemas have no place for.
	// A file with such parts can't be written again.
	Unknown []string
}

// Packed is a file packed with a model.
type Packed struct {
	Name string
	Data []byte
}

// Parse reads a .tflite file. Buffers of the result alias b. Errors say what
// is damaged and at which byte.
func Parse(b []byte) (*File, error) {
	m, unknown, err := decodeModel(b)
	if err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	f := &File{Model: m, Unknown: unknown}
	if data := f.Entry(metadataEntry); data != nil {
		// Unknown metadata (audio, text) does not matter to a picture's model,
		// but is lost in rewriting.
		if f.Metadata, unknown, err = decodeMetadata(data); err != nil {
			return nil, err
		}
		f.Unknown = append(f.Unknown, unknown...)
	}
	f.Packed, err = unpack(b)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// unpack reads the zip archive at the end of a file, if there is one.
func unpack(b []byte) ([]Packed, error) {
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if errors.Is(err, zip.ErrFormat) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the files packed with the model: %w", err)
	}
	if len(archive.File) > maxPackedFiles {
		return nil, fmt.Errorf("%d files are packed with the model; at most %d are read", len(archive.File), maxPackedFiles)
	}
	var packed []Packed
	for _, z := range archive.File {
		if z.UncompressedSize64 > maxLabelFile {
			return nil, fmt.Errorf("packed file %q has %d bytes; at most %d are read", z.Name, z.UncompressedSize64, maxLabelFile)
		}
		r, err := z.Open()
		if err != nil {
			return nil, fmt.Errorf("packed file %q: %w", z.Name, err)
		}
		data, err := io.ReadAll(io.LimitReader(r, maxLabelFile))
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("packed file %q: %w", z.Name, err)
		}
		packed = append(packed, Packed{z.Name, data})
	}
	return packed, nil
}

// Entry returns the data of the metadata entry with that name, nil if there is none.
func (f *File) Entry(name string) []byte {
	for _, e := range f.Model.Metadata {
		if e.Name == name && int(e.Buffer) < len(f.Model.Buffers) {
			return f.Model.Buffers[e.Buffer].Data
		}
	}
	return nil
}

// SetEntry adds the metadata entry, or replaces its data.
func (f *File) SetEntry(name string, data []byte) {
	m := f.Model
	for _, e := range m.Metadata {
		if e.Name == name && int(e.Buffer) < len(m.Buffers) {
			m.Buffers[e.Buffer] = &Buffer{Data: data}
			return
		}
	}
	m.Metadata = append(m.Metadata, &Entry{Name: name, Buffer: uint32(len(m.Buffers))})
	m.Buffers = append(m.Buffers, &Buffer{Data: data})
}

// File returns the packed file with that name.
func (f *File) File(name string) ([]byte, bool) {
	for _, p := range f.Packed {
		if p.Name == name {
			return p.Data, true
		}
	}
	return nil, false
}

// Bytes writes the file. It fails when the file has parts that would be lost, or
// when the network was extended by what can't work.
func (f *File) Bytes() ([]byte, error) {
	if len(f.Unknown) > 0 {
		return nil, fmt.Errorf("the file can't be rewritten without loss: unknown %s", strings.Join(f.Unknown, ", "))
	}
	if err := f.Model.err; err != nil {
		return nil, err
	}
	if f.Metadata != nil {
		f.SetEntry(metadataEntry, encodeMetadata(f.Metadata))
	}
	b := encodeModel(f.Model)
	if len(f.Packed) == 0 {
		return b, nil
	}
	size := len(b)
	for _, p := range f.Packed {
		size += len(p.Data) + 2*len(p.Name) + zipBytes
	}
	var out bytes.Buffer
	out.Grow(size)
	out.Write(b)
	w := zip.NewWriter(&out)
	w.SetOffset(int64(len(b)))
	for _, p := range f.Packed {
		// Readers of TFLite Metadata take the bytes as they lie in the file.
		e, err := w.CreateHeader(&zip.FileHeader{Name: p.Name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := e.Write(p.Data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Op returns what an operator is.
func (m *Model) Op(o *Operator) Op {
	return opOf(m.OperatorCodes[o.OpcodeIndex])
}

func opOf(c *OperatorCode) Op { return max(c.BuiltinCode, Op(c.DeprecatedBuiltinCode)) }

// Operators returns how often each operator occurs, as "CONV_2D ×36", the most frequent first.
func (m *Model) Operators() []string {
	count := map[Op]int{}
	for _, o := range m.Subgraphs[0].Operators {
		count[m.Op(o)]++
	}
	var ops []Op
	for op := range count {
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(a, b Op) int { return cmp.Or(count[b]-count[a], int(a-b)) })
	list := make([]string, len(ops))
	for i, op := range ops {
		list[i] = fmt.Sprintf("%v ×%d", op, count[op])
	}
	return list
}
