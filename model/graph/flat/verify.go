package flat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrFormat is wrapped by every error about a buffer that is no valid FlatBuffer.
var ErrFormat = errors.New("damaged or truncated")

const (
	maxUnknown = 20 // a few say enough
	maxDepth   = 64 // tables within tables
)

// Verify checks that generated code can read buf, a FlatBuffer of the schema s:
// that every offset stays within it, and that the tables, strings and numbers
// that come of it are no more than buf has room for, shared as they may be. What
// the schema has no field for is listed in unknown, by its place: reading buf
// and writing it again would lose that.
func Verify(buf []byte, s *Schema) (unknown []string, err error) {
	if len(buf) > math.MaxInt32 {
		return nil, fmt.Errorf("%w: %d bytes, where a FlatBuffer has 2 GB at most", ErrFormat, len(buf))
	}
	v := verifier{buf: buf, budget: 64 + 4*len(buf)}
	at := &place{name: s.root.name}
	pos, err := v.follow(0, at)
	if err != nil {
		return nil, err
	}
	if err := v.table(pos, s.root, at, 0); err != nil {
		return nil, err
	}
	return v.unknown, nil
}

// Identifier returns the four characters that a FlatBuffer file has at offset
// 4, or "" when buf is shorter than that.
func Identifier(buf []byte) string {
	if len(buf) < 8 {
		return ""
	}
	return string(buf[4:8])
}

// place is a path through the tables, put together only when somebody asks.
type place struct {
	parent *place
	name   string // of a field; "" for an element of the parent
	index  int
}

func (p *place) String() string {
	switch {
	case p.parent == nil:
		return p.name
	case p.name == "":
		return fmt.Sprintf("%v[%d]", p.parent, p.index)
	}
	return p.parent.String() + "." + p.name
}

type verifier struct {
	buf     []byte
	unknown []string
	// budget is what may still be read. Offsets may point to the same table
	// many times, so a small file could unfold into a huge structure.
	budget int
}

func (v *verifier) bad(pos int, at *place, format string, args ...any) error {
	return fmt.Errorf("%w: byte %d (%v): %s", ErrFormat, pos, at, fmt.Sprintf(format, args...))
}

func (v *verifier) note(at *place, format string, args ...any) {
	if len(v.unknown) < maxUnknown {
		v.unknown = append(v.unknown, fmt.Sprintf("%v: %s", at, fmt.Sprintf(format, args...)))
	}
}

func (v *verifier) spend(n, pos int, at *place) error {
	if v.budget -= n; v.budget < 0 {
		return v.bad(pos, at, "more tables than the file has room for")
	}
	return nil
}

// within checks that there are n bytes at pos.
func (v *verifier) within(pos, n int, at *place) error {
	if pos < 0 || n < 0 || pos > len(v.buf) || n > len(v.buf)-pos {
		return v.bad(pos, at, "%d bytes wanted, the file ends at %d", n, len(v.buf))
	}
	return nil
}

func (v *verifier) uint32(pos int, at *place) (int, error) {
	if err := v.within(pos, 4, at); err != nil {
		return 0, err
	}
	return int(binary.LittleEndian.Uint32(v.buf[pos:])), nil
}

// follow returns where the offset at pos points to.
func (v *verifier) follow(pos int, at *place) (int, error) {
	offset, err := v.uint32(pos, at)
	if err != nil {
		return 0, err
	}
	if offset == 0 || offset > len(v.buf)-pos {
		return 0, v.bad(pos, at, "offset %d leads out of the file", offset)
	}
	return pos + offset, nil
}

// vector checks the vector at pos and returns its length and where its elements
// begin.
func (v *verifier) vector(pos, size int, at *place) (n, first int, err error) {
	if n, err = v.uint32(pos, at); err != nil {
		return 0, 0, err
	}
	first = pos + 4
	if n > (len(v.buf)-first)/size {
		return 0, 0, v.bad(pos, at, "a vector of %d × %d bytes leads out of the file", n, size)
	}
	return n, first, v.spend(n, pos, at)
}

// slots is a table's list of where its fields are.
type slots struct {
	pos  int    // of the table
	list []byte // an offset from pos for each id, 16 bits
}

func (s slots) len() int { return len(s.list) / 2 }

// at returns a field's position, 0 when the table does not have it.
func (s slots) at(id int) int {
	if id >= s.len() {
		return 0
	}
	if o := int(binary.LittleEndian.Uint16(s.list[2*id:])); o != 0 {
		return s.pos + o
	}
	return 0
}

func (v *verifier) slots(pos int, at *place) (slots, error) {
	back, err := v.uint32(pos, at)
	if err != nil {
		return slots{}, err
	}
	head := pos - int(int32(uint32(back)))
	if err := v.within(head, 4, at); err != nil {
		return slots{}, err
	}
	size, length := int(binary.LittleEndian.Uint16(v.buf[head:])), int(binary.LittleEndian.Uint16(v.buf[head+2:]))
	if size < 4 || size%2 != 0 {
		return slots{}, v.bad(head, at, "a list of fields %d bytes long", size)
	}
	if err := v.within(head, size, at); err != nil {
		return slots{}, err
	}
	if err := v.within(pos, length, at); err != nil {
		return slots{}, err
	}
	return slots{pos, v.buf[head+4 : head+size]}, v.spend(4+(size-4)/2, pos, at)
}

func (v *verifier) table(pos int, t *table, at *place, depth int) error {
	if depth > maxDepth {
		return v.bad(pos, at, "tables within tables, more than %d deep", maxDepth)
	}
	s, err := v.slots(pos, at)
	if err != nil {
		return err
	}
	for id := range t.fields {
		f := &t.fields[id]
		p := s.at(id)
		if f.kind == union {
			err = v.union(s.at(id-1), p, f, at, depth)
		} else if p != 0 {
			err = v.field(p, id, f, at, depth)
		}
		if err != nil {
			return err
		}
	}
	for id := len(t.fields); id < s.len(); id++ {
		if s.at(id) != 0 {
			v.note(at, "field %d", id)
		}
	}
	return nil
}

func (v *verifier) field(pos, id int, f *field, in *place, depth int) error {
	switch f.kind {
	case unknown:
		v.note(in, "field %d", id)
		return nil
	case scalar, selector:
		return v.within(pos, f.size, in)
	}
	at := &place{parent: in, name: f.name}
	pos, err := v.follow(pos, at)
	if err != nil {
		return err
	}
	switch f.kind {
	case text:
		_, _, err = v.vector(pos, 1, at)
		return err
	case numbers:
		_, _, err = v.vector(pos, f.size, at)
		return err
	case nested:
		return v.table(pos, f.table, at, depth+1)
	}
	// texts and tables are both vectors of offsets.
	n, first, err := v.vector(pos, 4, at)
	if err != nil {
		return err
	}
	for i := range n {
		at := &place{parent: at, index: i}
		pos, err := v.follow(first+4*i, at)
		if err != nil {
			return err
		}
		if f.kind == texts {
			_, _, err = v.vector(pos, 1, at)
		} else {
			err = v.table(pos, f.table, at, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) union(selectorAt, pos int, f *field, in *place, depth int) error {
	at := &place{parent: in, name: f.name}
	selected := byte(0)
	if selectorAt != 0 {
		if err := v.within(selectorAt, 1, at); err != nil {
			return err
		}
		selected = v.buf[selectorAt]
	}
	if selected == 0 && pos == 0 {
		return nil
	}
	t, ok := f.members[selected]
	if pos == 0 {
		v.note(at, "kind %d without a table", selected)
		return nil
	}
	// Generated code follows the offset before it looks at the kind.
	pos, err := v.follow(pos, at)
	if err != nil {
		return err
	}
	if !ok {
		v.note(at, "kind %d", selected)
		return nil
	}
	return v.table(pos, t, at, depth+1)
}
