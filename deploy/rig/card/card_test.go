package card

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// table is a partition table with these entries: type, first sector, sectors.
func table(entries ...[3]uint32) []byte {
	b := make([]byte, sector)
	for i, e := range entries {
		at := b[tableOffset+i*entrySize:]
		at[4] = byte(e[0])
		binary.LittleEndian.PutUint32(at[8:], e[1])
		binary.LittleEndian.PutUint32(at[12:], e[2])
	}
	binary.LittleEndian.PutUint16(b[510:], mbrSignature)
	return b
}

func TestReadPartitions(t *testing.T) {
	const size = 1 << 20 // 2048 sectors
	list, err := ReadPartitions(bytes.NewReader(table([3]uint32{0x0c, 64, 100}, [3]uint32{0x83, 200, 300}, [3]uint32{}, [3]uint32{0x83, 500, 1548})), size)
	want := [4]Partition{{0x0c, 64 * 512, 100 * 512}, {0x83, 200 * 512, 300 * 512}, {}, {0x83, 500 * 512, 1548 * 512}}
	if err != nil || list != want {
		t.Errorf("got %v, %v; want %v", list, err, want)
	}
	tests := []struct {
		table []byte
		want  string
	}{
		{make([]byte, 512), "no image of a card"},
		{make([]byte, 100), "EOF"},
		{table([3]uint32{0x83, 2000, 100}), "partition 1 is at"},
		{table([3]uint32{0x83, 0, 100}), "partition 1 is at"},
		{table([3]uint32{0x83, 64, 100}, [3]uint32{0x83, 163, 10}), "partitions 1 and 2 lie over one another"},
		{table([3]uint32{0x0f, 64, 100}), "extended"},
		{table([3]uint32{0x83, 1<<32 - 1, 1<<32 - 1}), "partition 1 is at"},
	}
	for _, tt := range tests {
		if _, err := ReadPartitions(bytes.NewReader(tt.table), size); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q in it", err, tt.want)
		}
	}
}

func FuzzReadPartitions(f *testing.F) {
	f.Add(table([3]uint32{0x0c, 64, 100}, [3]uint32{0x83, 200, 300}))
	f.Fuzz(func(t *testing.T, b []byte) {
		const size = 1 << 30
		list, err := ReadPartitions(bytes.NewReader(b), size)
		if err != nil {
			return
		}
		for i, p := range list {
			if p.Size < 0 || p.Size > 0 && (p.Offset < sector || p.Offset+p.Size > size) {
				t.Fatalf("partition %d: %+v", i+1, p)
			}
		}
	})
}

func TestParseConfig(t *testing.T) {
	got, err := ParseConfig("# made by a tool\narm_64bit=1\n[pi4]\nkernel=kernel8-pi4\n[all]\nkernel = vmlinuz-6.1\r\n initramfs initrd.img-6.1 followkernel\n[pi02]\ncmdline=other.txt\n")
	if err != nil || got != (Boot{"vmlinuz-6.1", "initrd.img-6.1", "cmdline.txt"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, text := range []string{"", "kernel=a\n", "initramfs b\n", "#kernel=a\ninitramfs b\n"} {
		if _, err := ParseConfig(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
