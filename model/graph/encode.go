package graph

import (
	"fmt"
	"reflect"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"

	"passfail/model/graph/flat"
	"passfail/model/graph/internal/metadata"
	"passfail/model/graph/internal/tflite"
)

// bufferAlignment is the schema's for tensors' values, in bytes: TensorFlow Lite
// uses them where they lie.
const bufferAlignment = 16

// decodeModel reads a FlatBuffer with identifier TFL3. Tensors' values alias b.
func decodeModel(b []byte) (m *Model, unknown []string, err error) {
	if id := flat.Identifier(b); id != tflite.ModelIdentifier {
		return nil, nil, fmt.Errorf("not a .tflite file: it has %q where %q should be", id, tflite.ModelIdentifier)
	}
	schema, err := tflite.Schema()
	if err != nil {
		return nil, nil, err
	}
	if unknown, err = flat.Verify(b, schema); err != nil {
		return nil, nil, err
	}
	m = &Model{}
	tflite.GetRootAsModel(b, 0).UnPackTo(&m.ModelT)
	dropEmpty(reflect.ValueOf(&m.ModelT))
	for _, buffer := range m.Buffers {
		buffer.Data = slices.Clip(buffer.Data) // appending must not run into what follows
	}
	return m, unknown, nil
}

// decodeMetadata reads a FlatBuffer with identifier M001.
func decodeMetadata(b []byte) (m *ModelMetadata, unknown []string, err error) {
	if id := flat.Identifier(b); id != metadata.ModelMetadataIdentifier {
		return nil, nil, fmt.Errorf("TFLite Metadata: it has %q where %q should be", id, metadata.ModelMetadataIdentifier)
	}
	schema, err := metadata.Schema()
	if err != nil {
		return nil, nil, err
	}
	if unknown, err = flat.Verify(b, schema); err != nil {
		return nil, nil, fmt.Errorf("TFLite Metadata: %w", err)
	}
	m = metadata.GetRootAsModelMetadata(b, 0).UnPack()
	dropEmpty(reflect.ValueOf(m))
	return m, unknown, nil
}

// dropEmpty sets empty slices to nil, in all that v points to. Generated code
// makes an empty slice of a vector that is not there, and would write it.
func dropEmpty(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			dropEmpty(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			dropEmpty(v.Field(i))
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
		} else if v.Type().Elem().Kind() == reflect.Pointer {
			for i := range v.Len() {
				dropEmpty(v.Index(i))
			}
		}
	}
}

func encodeMetadata(m *ModelMetadata) []byte {
	b := flatbuffers.NewBuilder(1 << 12)
	metadata.FinishModelMetadataBuffer(b, m.Pack(b))
	return b.FinishedBytes()
}

// encodeModel does by hand what ModelT.Pack would do, since that does not align
// the buffers.
func encodeModel(m *Model) []byte {
	b := flatbuffers.NewBuilder(room(m))
	codes := packAll(b, m.OperatorCodes)
	subgraphs := packAll(b, m.Subgraphs)
	description := flatbuffers.UOffsetT(0)
	if m.Description != "" {
		description = b.CreateString(m.Description)
	}
	buffers := make([]flatbuffers.UOffsetT, len(m.Buffers))
	for i, buffer := range m.Buffers {
		buffers[i] = packBuffer(b, buffer)
	}
	list := b.CreateVectorOfTables(buffers)
	metadataBuffer := packInts(b, m.MetadataBuffer)
	entries := packAll(b, m.Metadata)
	signatures := packAll(b, m.SignatureDefs)

	tflite.ModelStart(b)
	tflite.ModelAddVersion(b, m.Version)
	tflite.ModelAddOperatorCodes(b, codes)
	tflite.ModelAddSubgraphs(b, subgraphs)
	tflite.ModelAddDescription(b, description)
	tflite.ModelAddBuffers(b, list)
	tflite.ModelAddMetadataBuffer(b, metadataBuffer)
	tflite.ModelAddMetadata(b, entries)
	tflite.ModelAddSignatureDefs(b, signatures)
	tflite.FinishModelBuffer(b, tflite.ModelEnd(b))
	return b.FinishedBytes()
}

// room is about how many bytes the FlatBuffer takes, rather more than fewer: a
// builder that is too small doubles itself, and the double is kept with the file.
func room(m *Model) int {
	const table = 200 // bytes of a small one, with its name
	size := 1 << 14
	for _, buffer := range m.Buffers {
		size += len(buffer.Data) + 4*bufferAlignment
	}
	for _, s := range m.Subgraphs {
		size += table * (len(s.Tensors) + len(s.Operators))
		for _, t := range s.Tensors {
			if q := t.Quantization; q != nil {
				size += 4*(len(q.Scale)+len(q.Min)+len(q.Max)) + 8*len(q.ZeroPoint)
			}
		}
	}
	return size
}

func packBuffer(b *flatbuffers.Builder, buffer *Buffer) flatbuffers.UOffsetT {
	data := flatbuffers.UOffsetT(0)
	if len(buffer.Data) > 0 {
		b.Prep(bufferAlignment, len(buffer.Data)) // the builder writes backwards
		data = b.CreateByteVector(buffer.Data)
	}
	tflite.BufferStart(b)
	tflite.BufferAddData(b, data)
	tflite.BufferAddOffset(b, buffer.Offset)
	tflite.BufferAddSize(b, buffer.Size)
	return tflite.BufferEnd(b)
}

// packAll writes tables and the vector of them, nothing for none.
func packAll[T interface {
	Pack(*flatbuffers.Builder) flatbuffers.UOffsetT
}](b *flatbuffers.Builder, list []T) flatbuffers.UOffsetT {
	if len(list) == 0 {
		return 0
	}
	offsets := make([]flatbuffers.UOffsetT, len(list))
	for i, t := range list {
		offsets[i] = t.Pack(b)
	}
	return b.CreateVectorOfTables(offsets)
}

func packInts(b *flatbuffers.Builder, list []int32) flatbuffers.UOffsetT {
	if len(list) == 0 {
		return 0
	}
	tflite.ModelStartMetadataBufferVector(b, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		b.PrependInt32(list[i])
	}
	return b.EndVector(len(list))
}
