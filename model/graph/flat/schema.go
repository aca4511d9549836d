package flat

import (
	"fmt"

	"passfail/model/graph/internal/reflection"
)

// Schema says what a FlatBuffer of one kind may hold. It never changes, so any
// number of goroutines can use it.
type Schema struct{ root *table }

type table struct {
	name   string
	fields []field // by id
}

type field struct {
	name    string
	kind    kind
	size    int             // of a scalar or of a vector's element, bytes
	table   *table          // of kinds nested and tables
	members map[byte]*table // of kind union: the table for each value of the field before it
}

type kind int

const (
	unknown  kind = iota // an id without a field, or with a deprecated one
	scalar               // held in the table itself
	text                 // string
	numbers              // vector of scalars
	texts                // vector of strings
	nested               // table
	tables               // vector of tables
	selector             // a union's type; checked with the union, whose id is the next
	union
)

// Load reads a schema's reflection data: what flatc --binary --schema wrote,
// which is believed.
func Load(bfbs []byte) (*Schema, error) {
	s := reflection.GetRootAsSchema(bfbs, 0)
	all := make([]table, s.ObjectsLength())
	var o reflection.Object
	for i := range all {
		s.Objects(&o, i)
		if o.IsStruct() {
			return nil, fmt.Errorf("flat: schema: %s is a struct; only tables are known", o.Name())
		}
		all[i].name = base(string(o.Name()))
		all[i].fields = make([]field, o.FieldsLength())
		var f reflection.Field
		for j := range o.FieldsLength() {
			o.Fields(&f, j)
			if f.Deprecated() {
				continue
			}
			known, err := fieldOf(s, &f, all)
			if err != nil {
				return nil, fmt.Errorf("flat: schema: %s.%s: %w", o.Name(), f.Name(), err)
			}
			all[i].fields[f.Id()] = known
		}
	}
	root := base(string(s.RootTable(nil).Name()))
	for i := range all {
		if all[i].name == root {
			return &Schema{&all[i]}, nil
		}
	}
	return nil, fmt.Errorf("flat: schema: no root table")
}

// base is a name without its namespace.
func base(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			return name[i+1:]
		}
	}
	return name
}

func fieldOf(s *reflection.Schema, f *reflection.Field, all []table) (field, error) {
	t := f.Type(nil)
	known := field{name: string(f.Name())}
	size, isScalar := sizes[t.BaseType()]
	switch {
	case t.BaseType() == reflection.BaseTypeUType:
		known.kind, known.size = selector, 1
	case isScalar:
		known.kind, known.size = scalar, size
	case t.BaseType() == reflection.BaseTypeString:
		known.kind = text
	case t.BaseType() == reflection.BaseTypeObj:
		known.kind, known.table = nested, &all[t.Index()]
	case t.BaseType() == reflection.BaseTypeUnion:
		known.kind, known.members = union, membersOf(s, int(t.Index()), all)
	case t.BaseType() == reflection.BaseTypeVector && t.Element() == reflection.BaseTypeObj:
		known.kind, known.table = tables, &all[t.Index()]
	case t.BaseType() == reflection.BaseTypeVector && t.Element() == reflection.BaseTypeString:
		known.kind = texts
	case t.BaseType() == reflection.BaseTypeVector:
		known.kind = numbers
		if known.size, isScalar = sizes[t.Element()]; !isScalar {
			return field{}, fmt.Errorf("a vector of %v is not known", t.Element())
		}
	default:
		return field{}, fmt.Errorf("type %v is not known", t.BaseType())
	}
	return known, nil
}

func membersOf(s *reflection.Schema, index int, all []table) map[byte]*table {
	members := map[byte]*table{}
	var e reflection.Enum
	s.Enums(&e, index)
	var v reflection.EnumVal
	for i := range e.ValuesLength() {
		e.Values(&v, i)
		if t := v.UnionType(nil); t != nil && t.BaseType() == reflection.BaseTypeObj {
			members[byte(v.Value())] = &all[t.Index()]
		}
	}
	return members
}

var sizes = map[reflection.BaseType]int{
	reflection.BaseTypeBool: 1, reflection.BaseTypeByte: 1, reflection.BaseTypeUByte: 1,
	reflection.BaseTypeShort: 2, reflection.BaseTypeUShort: 2,
	reflection.BaseTypeInt: 4, reflection.BaseTypeUInt: 4, reflection.BaseTypeFloat: 4,
	reflection.BaseTypeLong: 8, reflection.BaseTypeULong: 8, reflection.BaseTypeDouble: 8,
}
