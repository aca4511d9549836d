package flat

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

type leaf struct {
	Name  string  `flat:"0"`
	Ratio float32 `flat:"1"`
}

type other struct {
	Count int32 `flat:"0"`
}

type choice struct {
	Kind  uint8
	Value any
}

func (*choice) Member(kind uint8) any {
	switch kind {
	case 1:
		return &leaf{}
	case 7:
		return &other{}
	}
	return nil
}

type tree struct {
	Small   int8      `flat:"0"`
	Minus   int64     `flat:"1"`
	Dilated int32     `flat:"2,default=1"`
	On      bool      `flat:"3,default=1"`
	Shape   []int32   `flat:"4"`
	Scale   []float32 `flat:"5"`
	Data    []byte    `flat:"6,align=16"`
	Names   []string  `flat:"7"`
	Leaf    *leaf     `flat:"8"`
	Leaves  []*leaf   `flat:"9"`
	Choice  choice    `flat:"11"`
	Wide    []int64   `flat:"12"`
	Empty   []int32   `flat:"13"`
}

func example() *tree {
	return &tree{
		Small: -3, Minus: -1 << 40, Dilated: 5, Shape: []int32{1, -1, 224},
		Scale: []float32{0.5, -0.25}, Data: []byte{1, 2, 3, 4, 5}, Names: []string{"a", "", "gü"},
		Leaf: &leaf{"x", 1.5}, Leaves: []*leaf{{"y", 0}, {"", -2}},
		Choice: choice{7, &other{42}}, Wide: []int64{-9, 9}, Empty: []int32{},
	}
}

func TestRoundTrip(t *testing.T) {
	for name, in := range map[string]*tree{"full": example(), "empty": {}, "defaults": {Dilated: 1, On: true}} {
		buf, err := Marshal(in, "TEST")
		if err != nil {
			t.Fatal(name, err)
		}
		if Identifier(buf) != "TEST" {
			t.Errorf("%s: identifier %q", name, Identifier(buf))
		}
		var out tree
		unknown, err := Unmarshal(buf, &out)
		if err != nil || unknown != nil {
			t.Fatal(name, err, unknown)
		}
		if !reflect.DeepEqual(in, &out) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, out, *in)
		}
	}
}

func TestForcedAlignment(t *testing.T) {
	buf, err := Marshal(example(), "TEST")
	if err != nil {
		t.Fatal(err)
	}
	var out tree
	if _, err := Unmarshal(buf, &out); err != nil {
		t.Fatal(err)
	}
	if at := strings.Index(string(buf), string(out.Data)); at%16 != 0 {
		t.Errorf("data lies at byte %d, want a multiple of 16", at)
	}
}

func TestUnknownFieldsAreReported(t *testing.T) {
	buf, err := Marshal(example(), "TEST")
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Small int8   `flat:"0"`
		Leaf  *other `flat:"8"`
	}
	unknown, err := Unmarshal(buf, &out)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(unknown, "\n")
	for _, want := range []string{": field 1", ": field 11", ".Leaf: field 1"} {
		if !strings.Contains(got, want) {
			t.Errorf("unknown fields %q lack %q", unknown, want)
		}
	}
}

func TestUnknownUnionMember(t *testing.T) {
	in := example()
	buf, err := Marshal(in, "TEST")
	if err != nil {
		t.Fatal(err)
	}
	type strange struct {
		Choice onlyLeaf `flat:"11"`
	}
	var out strange
	unknown, err := Unmarshal(buf, &out)
	if err != nil {
		t.Fatal(err)
	}
	if out.Choice.Kind != 7 || out.Choice.Value != nil || !strings.Contains(strings.Join(unknown, "\n"), "Choice: kind 7") {
		t.Errorf("got %+v, unknown %q", out, unknown)
	}
	if _, err := Marshal(&out, "TEST"); err == nil {
		t.Error("a union whose table was lost was written again")
	}
}

type onlyLeaf struct {
	Kind  uint8
	Value any
}

func (*onlyLeaf) Member(kind uint8) any {
	if kind == 1 {
		return &leaf{}
	}
	return nil
}

func TestTruncated(t *testing.T) {
	buf, err := Marshal(example(), "TEST")
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(buf) {
		var out tree
		if _, err := Unmarshal(buf[:n:n], &out); err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("%d bytes: %v is no ErrFormat", n, err)
		}
	}
	if _, err := Unmarshal(nil, &tree{}); !errors.Is(err, ErrFormat) {
		t.Error("no error from an empty buffer")
	}
}

// A table that a thousand offsets share must not be read a thousand times a
// thousand times.
func FuzzUnmarshal(f *testing.F) {
	buf, err := Marshal(example(), "TEST")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(buf)
	f.Add([]byte{})
	f.Add([]byte{8, 0, 0, 0, 'T', 'E', 'S', 'T', 4, 0, 0, 0, 4, 0, 4, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var out tree
		if _, err := Unmarshal(b, &out); err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("%v is no ErrFormat", err)
			}
			return
		}
		if out.Choice.Kind != 0 && out.Choice.Value == nil {
			return // known to be lost: Marshal refuses
		}
		again, err := Marshal(&out, "TEST")
		if err != nil {
			t.Fatal(err)
		}
		var back tree
		if _, err := Unmarshal(again, &back); err != nil {
			t.Fatalf("what Marshal wrote can't be read: %v", err)
		}
	})
}
