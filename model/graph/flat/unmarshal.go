package flat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
)

// ErrFormat is wrapped by every error about a buffer that is no valid FlatBuffer.
var ErrFormat = errors.New("damaged or truncated")

// Unmarshal reads the root table of buf into the struct that root points to.
// Vectors of bytes are not copied: they alias buf. What the structs have no
// field for is listed in unknown, by path; the rest of the table is read all
// the same.
func Unmarshal(buf []byte, root any) (unknown []string, err error) {
	v := reflect.ValueOf(root)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("flat: Unmarshal into %T: a pointer to a struct is needed", root)
	}
	r := reader{buf: buf, budget: 64 + 4*len(buf)}
	pos, err := r.follow(0)
	if err != nil {
		return nil, err
	}
	if err := r.table(pos, v.Elem(), v.Elem().Type().Name()); err != nil {
		return nil, err
	}
	return r.unknown, nil
}

// Identifier returns the four characters that a FlatBuffer file has at offset
// 4, or "" when buf is shorter than that.
func Identifier(buf []byte) string {
	if len(buf) < 8 {
		return ""
	}
	return string(buf[4:8])
}

// maxUnknown bounds the list of unknown parts: a few say enough.
const maxUnknown = 20

type reader struct {
	buf     []byte
	unknown []string
	// budget is what may still be read. Offsets may point to the same table
	// many times, so a small file could unfold into a huge structure.
	budget int
}

func (r *reader) bad(pos int, format string, args ...any) error {
	return fmt.Errorf("%w: byte %d: %s", ErrFormat, pos, fmt.Sprintf(format, args...))
}

func (r *reader) spend(n, pos int) error {
	if r.budget -= n; r.budget < 0 {
		return r.bad(pos, "more tables than the file has room for")
	}
	return nil
}

// bytes returns n bytes at pos.
func (r *reader) bytes(pos, n int) ([]byte, error) {
	if pos < 0 || n < 0 || pos > len(r.buf) || n > len(r.buf)-pos {
		return nil, r.bad(pos, "%d bytes wanted, the file ends at %d", n, len(r.buf))
	}
	return r.buf[pos : pos+n], nil
}

func (r *reader) uint32(pos int) (int, error) {
	b, err := r.bytes(pos, 4)
	if err != nil {
		return 0, err
	}
	return int(binary.LittleEndian.Uint32(b)), nil
}

// follow returns where the offset at pos points to.
func (r *reader) follow(pos int) (int, error) {
	offset, err := r.uint32(pos)
	if err != nil {
		return 0, err
	}
	if offset == 0 || offset > len(r.buf)-pos {
		return 0, r.bad(pos, "offset %d leads out of the file", offset)
	}
	return pos + offset, nil
}

// vectorAt returns the length of the vector at pos and where its elements begin.
func (r *reader) vectorAt(pos, size int) (n, first int, err error) {
	if n, err = r.uint32(pos); err != nil {
		return 0, 0, err
	}
	first = pos + 4
	if n > (len(r.buf)-first)/size {
		return 0, 0, r.bad(pos, "a vector of %d × %d bytes leads out of the file", n, size)
	}
	return n, first, nil
}

func (r *reader) string(pos int) (string, error) {
	n, first, err := r.vectorAt(pos, 1)
	if err != nil {
		return "", err
	}
	if err := r.spend(n, pos); err != nil {
		return "", err
	}
	return string(r.buf[first : first+n]), nil
}

// table reads the table at pos into v, a struct.
func (r *reader) table(pos int, v reflect.Value, path string) error {
	if err := r.spend(4, pos); err != nil {
		return err
	}
	back, err := r.uint32(pos)
	if err != nil {
		return err
	}
	at := pos - int(int32(uint32(back)))
	head, err := r.bytes(at, 4)
	if err != nil {
		return err
	}
	size, length := int(binary.LittleEndian.Uint16(head)), int(binary.LittleEndian.Uint16(head[2:]))
	if size < 4 || size%2 != 0 {
		return r.bad(at, "a list of fields %d bytes long", size)
	}
	fields, err := r.bytes(at, size)
	if err != nil {
		return err
	}
	if err := r.spend((size-4)/2, pos); err != nil {
		return err
	}
	if _, err := r.bytes(pos, length); err != nil {
		return err
	}
	// where returns a field's position, 0 when the table does not have it.
	where := func(id int) int {
		if 4+2*id+2 > size {
			return 0
		}
		if o := int(binary.LittleEndian.Uint16(fields[4+2*id:])); o != 0 {
			return pos + o
		}
		return 0
	}
	l := layoutOf(v.Type())
	known := 0
	for i := range l.slots {
		s := &l.slots[i]
		f := v.Type().Field(s.field)
		known++
		if s.kind == variant {
			known++
			err = r.union(where(s.id-1), where(s.id), v.Field(s.field), path+"."+f.Name)
		} else if p := where(s.id); p != 0 {
			err = r.field(p, s, v.Field(s.field), path+"."+f.Name)
		} else if s.zero != 0 {
			setInteger(v.Field(s.field), s.zero)
		}
		if err != nil {
			return err
		}
	}
	r.noteUnknown(l, (size-4)/2, where, path)
	return nil
}

func (r *reader) noteUnknown(l *layout, ids int, where func(int) int, path string) {
	for id := range ids {
		if where(id) == 0 {
			continue
		}
		known := false
		for _, s := range l.slots {
			known = known || s.id == id || s.kind == variant && s.id-1 == id
		}
		if !known && len(r.unknown) < maxUnknown {
			r.unknown = append(r.unknown, fmt.Sprintf("%s: field %d", path, id))
		}
	}
}

func (r *reader) field(pos int, s *slot, v reflect.Value, path string) error {
	if s.kind == scalar {
		b, err := r.bytes(pos, int(v.Type().Size()))
		if err != nil {
			return err
		}
		setScalar(v, b)
		return nil
	}
	at, err := r.follow(pos)
	if err != nil {
		return err
	}
	switch s.kind {
	case text:
		t, err := r.string(at)
		v.SetString(t)
		return err
	case vector:
		return r.numbers(at, v)
	case table:
		v.Set(reflect.New(v.Type().Elem()))
		return r.table(at, v.Elem(), path)
	}
	// texts and tables are both vectors of offsets.
	n, first, err := r.vectorAt(at, 4)
	if err != nil {
		return err
	}
	if err := r.spend(n, at); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		at, err := r.follow(first + 4*i)
		if err != nil {
			return err
		}
		e := v.Index(i)
		if s.kind == texts {
			t, err := r.string(at)
			if err != nil {
				return err
			}
			e.SetString(t)
			continue
		}
		e.Set(reflect.New(e.Type().Elem()))
		if err := r.table(at, e.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) numbers(pos int, v reflect.Value) error {
	size := int(v.Type().Elem().Size())
	n, first, err := r.vectorAt(pos, size)
	if err != nil {
		return err
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(r.buf[first : first+n : first+n])
		return nil
	}
	if err := r.spend(n, pos); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		setScalar(v.Index(i), r.buf[first+i*size:first+(i+1)*size])
	}
	return nil
}

func (r *reader) union(kindAt, valueAt int, v reflect.Value, path string) error {
	if kindAt == 0 {
		return nil
	}
	b, err := r.bytes(kindAt, 1)
	if err != nil {
		return err
	}
	v.FieldByName("Kind").SetUint(uint64(b[0]))
	if b[0] == 0 || valueAt == 0 {
		return nil
	}
	member := v.Addr().Interface().(Union).Member(b[0])
	if member == nil {
		r.unknown = append(r.unknown, fmt.Sprintf("%s: kind %d", path, b[0]))
		return nil
	}
	v.FieldByName("Value").Set(reflect.ValueOf(member))
	at, err := r.follow(valueAt)
	if err != nil {
		return err
	}
	return r.table(at, reflect.ValueOf(member).Elem(), path)
}

func setScalar(v reflect.Value, b []byte) {
	var u uint64
	for i := len(b) - 1; i >= 0; i-- {
		u = u<<8 | uint64(b[i])
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(u != 0)
	case reflect.Float32:
		v.SetFloat(float64(math.Float32frombits(uint32(u))))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(u))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(u)
	default:
		shift := 64 - 8*len(b)
		v.SetInt(int64(u<<shift) >> shift)
	}
}

func setInteger(v reflect.Value, n int64) {
	switch {
	case v.Kind() == reflect.Bool:
		v.SetBool(n != 0)
	case v.CanInt():
		v.SetInt(n)
	case v.CanUint():
		v.SetUint(uint64(n))
	default:
		v.SetFloat(float64(n))
	}
}
