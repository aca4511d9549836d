package cpio

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
)

// unpack reads an archive by the format's own description: name to mode and content.
func unpack(t *testing.T, b []byte) (names []string, modes map[string]uint64, data map[string]string) {
	t.Helper()
	modes, data = map[string]uint64{}, map[string]string{}
	field := func(i int) uint64 {
		v, err := strconv.ParseUint(string(b[6+8*i:14+8*i]), 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	up := func(n uint64) uint64 { return (n + 3) &^ 3 }
	for {
		if string(b[:6]) != "070701" {
			t.Fatalf("no header: %q", b[:6])
		}
		mode, size, length := field(1), field(6), field(11)
		name := string(b[110 : 110+length-1])
		b = b[up(110+length):]
		if name == "TRAILER!!!" {
			if len(b) != 0 {
				t.Fatalf("%d bytes after the trailer", len(b))
			}
			return names, modes, data
		}
		names = append(names, name)
		modes[name], data[name] = mode, string(b[:size])
		b = b[up(size):]
	}
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	err := Write(&b, []File{{Name: "/rig/pictures/a.jpg", Data: []byte("abcde")}, {Name: "rig/agent", Data: []byte("x"), Executable: true}, {Name: "empty"}})
	if err != nil {
		t.Fatal(err)
	}
	if b.Len()%4 != 0 {
		t.Errorf("length %d is no multiple of 4", b.Len())
	}
	names, modes, data := unpack(t, b.Bytes())
	if got := strings.Join(names, " "); got != "rig rig/pictures rig/pictures/a.jpg rig/agent empty" {
		t.Errorf("entries: %s", got)
	}
	if modes["rig"] != 0o040755 || modes["rig/agent"] != 0o100755 || modes["empty"] != 0o100644 {
		t.Errorf("modes %v", modes)
	}
	if data["rig/pictures/a.jpg"] != "abcde" || data["rig/agent"] != "x" || data["empty"] != "" {
		t.Errorf("contents %q", data)
	}
}

func TestWrongNames(t *testing.T) {
	for _, name := range []string{"", "/", "..", "../x", "a/../../x", "a\x00b"} {
		if err := Write(&bytes.Buffer{}, []File{{Name: name}}); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}
