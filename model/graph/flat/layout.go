package flat

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// Union is implemented by pointers to struct types of the form
//
//	struct { Kind uint8; Value any }
//
// Member returns a pointer to a new zero table for a kind, or nil when the
// kind is not known.
type Union interface {
	Member(kind uint8) any
}

var unionType = reflect.TypeFor[Union]()

// slot is one field of a struct and its place in the table.
type slot struct {
	field int // in the struct
	id    int // in the table
	kind  kind
	zero  int64 // the default of an integer field
	align int   // of a vector's first element, 0: as its elements need
}

type kind int

const (
	scalar  kind = iota
	text         // string
	vector       // slice of numbers
	texts        // slice of strings
	table        // pointer to struct
	tables       // slice of pointers to structs
	variant      // union
)

type layout struct {
	slots []slot // by id
	ids   int    // one more than the highest id
}

// layouts caches what layoutOf found; struct types do not change.
var layouts sync.Map // reflect.Type → *layout

func layoutOf(t reflect.Type) *layout {
	if l, ok := layouts.Load(t); ok {
		return l.(*layout)
	}
	l := &layout{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("flat")
		if !ok {
			continue
		}
		parts := strings.Split(tag, ",")
		s := slot{field: i, id: number(t, f, parts[0]), kind: kindOf(t, f)}
		for _, p := range parts[1:] {
			name, value, _ := strings.Cut(p, "=")
			switch name {
			case "default":
				s.zero = int64(number(t, f, value))
			case "align":
				s.align = number(t, f, value)
			default:
				panic(fmt.Sprintf("flat: %v.%s: unknown option %q", t, f.Name, p))
			}
		}
		l.slots = append(l.slots, s)
		l.ids = max(l.ids, s.id+1)
	}
	actual, _ := layouts.LoadOrStore(t, l)
	return actual.(*layout)
}

// number and kindOf panic: a bad tag is a mistake in the program, not in a file.
func number(t reflect.Type, f reflect.StructField, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(fmt.Sprintf("flat: %v.%s: %v", t, f.Name, err))
	}
	return n
}

func kindOf(t reflect.Type, f reflect.StructField) kind {
	switch f.Type.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Uint8, reflect.Int16, reflect.Uint16,
		reflect.Int32, reflect.Uint32, reflect.Int64, reflect.Uint64, reflect.Float32, reflect.Float64:
		return scalar
	case reflect.String:
		return text
	case reflect.Pointer:
		return table
	case reflect.Struct:
		if reflect.PointerTo(f.Type).Implements(unionType) {
			return variant
		}
	case reflect.Slice:
		switch f.Type.Elem().Kind() {
		case reflect.String:
			return texts
		case reflect.Pointer:
			return tables
		case reflect.Struct, reflect.Slice, reflect.Map, reflect.Interface:
		default:
			return vector
		}
	}
	panic(fmt.Sprintf("flat: %v.%s: a %v can't be a field of a table", t, f.Name, f.Type))
}
