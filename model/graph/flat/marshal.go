package flat

import (
	"fmt"
	"math"
	"reflect"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Marshal writes the struct that root points to as a FlatBuffer with a file
// identifier of four characters. A nil slice, an empty string and a nil pointer
// are left out; an empty slice that is not nil is written as an empty vector.
func Marshal(root any, identifier string) ([]byte, error) {
	v := reflect.ValueOf(root)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("flat: Marshal of %T: a pointer to a struct is needed", root)
	}
	if len(identifier) != 4 {
		return nil, fmt.Errorf("flat: file identifier %q: four characters are needed", identifier)
	}
	w := writer{flatbuffers.NewBuilder(1 << 16)}
	at, err := w.table(v.Elem())
	if err != nil {
		return nil, err
	}
	w.b.FinishWithFileIdentifier(at, []byte(identifier))
	return w.b.FinishedBytes(), nil
}

type writer struct{ b *flatbuffers.Builder }

// table writes what the struct v refers to, then the table itself: a builder
// works from the leaves up.
func (w *writer) table(v reflect.Value) (flatbuffers.UOffsetT, error) {
	l := layoutOf(v.Type())
	offsets := make([]flatbuffers.UOffsetT, len(l.slots))
	for i := range l.slots {
		s := &l.slots[i]
		at, err := w.referred(s, v.Field(s.field))
		if err != nil {
			return 0, fmt.Errorf("%s.%s: %w", v.Type().Name(), v.Type().Field(s.field).Name, err)
		}
		offsets[i] = at
	}
	w.b.StartObject(l.ids)
	for i := range l.slots {
		s := &l.slots[i]
		f := v.Field(s.field)
		switch s.kind {
		case scalar:
			w.scalar(s, f)
		case variant:
			w.b.PrependByteSlot(s.id-1, byte(f.FieldByName("Kind").Uint()), 0)
			w.b.PrependUOffsetTSlot(s.id, offsets[i], 0)
		default:
			w.b.PrependUOffsetTSlot(s.id, offsets[i], 0)
		}
	}
	return w.b.EndObject(), nil
}

// referred writes what a field points to and returns where, 0 for nothing.
func (w *writer) referred(s *slot, v reflect.Value) (flatbuffers.UOffsetT, error) {
	switch s.kind {
	case text:
		if v.Len() == 0 {
			return 0, nil
		}
		return w.b.CreateString(v.String()), nil
	case table:
		if v.IsNil() {
			return 0, nil
		}
		return w.table(v.Elem())
	case variant:
		value := v.FieldByName("Value")
		kind := uint8(v.FieldByName("Kind").Uint())
		if value.IsNil() {
			if kind != 0 {
				return 0, fmt.Errorf("flat: union of kind %d without a table", kind)
			}
			return 0, nil
		}
		if want := v.Addr().Interface().(Union).Member(kind); reflect.TypeOf(want) != value.Elem().Type() {
			return 0, fmt.Errorf("flat: union of kind %d holds a %v", kind, value.Elem().Type())
		}
		return w.table(value.Elem().Elem())
	case vector:
		if v.IsNil() {
			return 0, nil
		}
		return w.numbers(v, s.align), nil
	case texts, tables:
		return w.offsets(s, v)
	}
	return 0, nil
}

func (w *writer) offsets(s *slot, v reflect.Value) (flatbuffers.UOffsetT, error) {
	if v.IsNil() {
		return 0, nil
	}
	list := make([]flatbuffers.UOffsetT, v.Len())
	for i := range list {
		e := v.Index(i)
		if s.kind == texts {
			list[i] = w.b.CreateString(e.String())
			continue
		}
		if e.IsNil() {
			return 0, fmt.Errorf("flat: element %d is nil", i)
		}
		at, err := w.table(e.Elem())
		if err != nil {
			return 0, fmt.Errorf("[%d]: %w", i, err)
		}
		list[i] = at
	}
	w.b.StartVector(4, len(list), 4)
	for i := len(list) - 1; i >= 0; i-- {
		w.b.PrependUOffsetT(list[i])
	}
	return w.b.EndVector(len(list)), nil
}

func (w *writer) numbers(v reflect.Value, align int) flatbuffers.UOffsetT {
	size := int(v.Type().Elem().Size())
	w.b.StartVector(size, v.Len(), max(align, size))
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b := v.Bytes()
		for i := len(b) - 1; i >= 0; i-- {
			w.b.PlaceByte(b[i]) // StartVector made the room
		}
		return w.b.EndVector(len(b))
	}
	for i := v.Len() - 1; i >= 0; i-- {
		w.number(v.Index(i))
	}
	return w.b.EndVector(v.Len())
}

func (w *writer) number(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		w.b.PrependBool(v.Bool())
	case reflect.Float32:
		w.b.PrependFloat32(float32(v.Float()))
	case reflect.Float64:
		w.b.PrependFloat64(v.Float())
	default:
		switch n := integer(v); v.Type().Size() {
		case 1:
			w.b.PrependByte(byte(n))
		case 2:
			w.b.PrependUint16(uint16(n))
		case 4:
			w.b.PrependUint32(uint32(n))
		default:
			w.b.PrependUint64(uint64(n))
		}
	}
}

func integer(v reflect.Value) int64 {
	if v.CanInt() {
		return v.Int()
	}
	return int64(v.Uint())
}

func (w *writer) scalar(s *slot, v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		w.b.PrependBoolSlot(s.id, v.Bool(), s.zero != 0)
	case reflect.Float32:
		// -0 is not the default 0.
		if f := float32(v.Float()); math.Float32bits(f) != 0 {
			w.b.PrependFloat32(f)
			w.b.Slot(s.id)
		}
	case reflect.Float64:
		if f := v.Float(); math.Float64bits(f) != 0 {
			w.b.PrependFloat64(f)
			w.b.Slot(s.id)
		}
	default:
		switch n := integer(v); v.Type().Size() {
		case 1:
			w.b.PrependByteSlot(s.id, byte(n), byte(s.zero))
		case 2:
			w.b.PrependUint16Slot(s.id, uint16(n), uint16(s.zero))
		case 4:
			w.b.PrependUint32Slot(s.id, uint32(n), uint32(s.zero))
		default:
			w.b.PrependUint64Slot(s.id, uint64(n), uint64(s.zero))
		}
	}
}
