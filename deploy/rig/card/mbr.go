// Package card reads and checks an image of an SD card from outside: its partitions, the files that the Pi's firmware would
// boot, and what a file system check says of it after a power cut.
package card

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	sector        = 512
	tableOffset   = 446
	entrySize     = 16
	mbrSignature  = 0xaa55
	typeExtended  = 0x05
	typeExtended2 = 0x0f
)

// Partition is a primary partition; one with Size 0 is none.
type Partition struct {
	Type   byte
	Offset int64 // bytes from the card's beginning
	Size   int64 // bytes
}

// ReadPartitions reads the partition table of a card of so many bytes. Partitions beyond its end, or over one another, are
// errors.
func ReadPartitions(r io.ReaderAt, size int64) ([4]Partition, error) {
	var b [sector]byte
	var list [4]Partition
	if _, err := r.ReadAt(b[:], 0); err != nil {
		return list, fmt.Errorf("partition table: %w", err)
	}
	if got := binary.LittleEndian.Uint16(b[510:]); got != mbrSignature {
		return list, fmt.Errorf("partition table: it ends with %#04x, not with %#04x; this is no image of a card", got, mbrSignature)
	}
	for i := range list {
		e := b[tableOffset+i*entrySize:][:entrySize]
		p := Partition{
			Type:   e[4],
			Offset: int64(binary.LittleEndian.Uint32(e[8:])) * sector,
			Size:   int64(binary.LittleEndian.Uint32(e[12:])) * sector,
		}
		if p.Type == 0 || p.Size == 0 {
			continue
		}
		if p.Type == typeExtended || p.Type == typeExtended2 {
			return list, fmt.Errorf("partition %d is an extended one; a card has primary ones only", i+1)
		}
		if p.Offset < sector || p.Offset+p.Size > size {
			return list, fmt.Errorf("partition %d is at %d to %d of a card of %d bytes", i+1, p.Offset, p.Offset+p.Size, size)
		}
		for j, q := range list[:i] {
			if q.Size > 0 && p.Offset < q.Offset+q.Size && q.Offset < p.Offset+p.Size {
				return list, fmt.Errorf("partitions %d and %d lie over one another", j+1, i+1)
			}
		}
		list[i] = p
	}
	return list, nil
}
