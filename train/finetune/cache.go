package finetune

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"passfail/model"
)

// inMemory is the most that activations may take before they go to a file.
const inMemory = 16 << 20 // bytes

// cache holds what the frozen part of the network makes of each picture and
// view: the cut as the file stores it, then the frozen taps' statistics.
type cache struct {
	top    *top
	record int   // bytes
	frozen int   // numbers behind the cut in a record
	views  int   // of a picture; their records follow one another
	total  int   // records
	limit  int64 // bytes, from which on a file is used
	memory []byte
	file   *os.File
}

func newCache(t *top, pictures, views int) *cache {
	c := &cache{top: t, views: views, total: pictures * views, limit: inMemory}
	for _, tap := range t.taps {
		if tap.node < 0 {
			c.frozen += 2 * tap.channels
		}
	}
	c.record = t.nodes[0].size() + 4*c.frozen
	return c
}

func (c *cache) size() int64 { return int64(c.total) * int64(c.record) }

// open makes room, in memory or in dir.
func (c *cache) open(dir string) error {
	if c.size() <= c.limit {
		c.memory = make([]byte, 0, c.size())
		return nil
	}
	f, err := os.CreateTemp(dir, "passfail-activations-*")
	if err != nil {
		return fmt.Errorf("a file for activations: %w", err)
	}
	c.file = f
	// The file has no name any more: whatever happens to this program, nothing is left over.
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("a file for activations: %w", err)
	}
	// A file system that can't promise space shows what it lacks in writing.
	if err := unix.Fallocate(int(f.Fd()), 0, 0, c.size()); err != nil && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return c.noSpace(dir, err)
	}
	return nil
}

func (c *cache) noSpace(dir string, err error) error {
	return fmt.Errorf("%d MB for activations in %s: %w; free some space, name another folder with --cache, or use fewer views (--augment none)", c.size()>>20, dir, err)
}

func (c *cache) close() {
	if c.file != nil {
		c.file.Close()
	}
	c.file, c.memory = nil, nil
}

// fill runs the frozen part on every picture and view.
func (c *cache) fill(ctx context.Context, p *parsed, b []byte, s Source, o Options) error {
	if err := c.open(o.Dir); err != nil {
		return err
	}
	lower, err := p.lower(b)
	if err != nil {
		return fmt.Errorf("the frozen part: %w", err)
	}
	net, err := model.OpenNetwork(lower, nil, model.Options{Threads: o.Threads})
	if err != nil {
		return fmt.Errorf("the frozen part: %w", err)
	}
	defer net.Close()
	out := bufio.NewWriterSize(c.file, 1<<20)
	stats := make([]float32, c.frozen)
	record := make([]byte, 0, c.record)
	done := 0
	for i := range s.Len() {
		for view := range c.views {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := s.Load(i, view, signed(net.InputBytes())); err != nil {
				return fmt.Errorf("picture %d: %w", i, err)
			}
			if err := net.Invoke(); err != nil {
				return fmt.Errorf("the frozen part: %w", err)
			}
			c.poolFrozen(net, stats)
			record = append(record[:0], net.OutputBytes(0)...)
			for _, v := range stats {
				record = binary.LittleEndian.AppendUint32(record, math.Float32bits(v))
			}
			if len(record) != c.record {
				return fmt.Errorf("the frozen part gives %d bytes where %d are right", len(record), c.record)
			}
			if c.file == nil {
				c.memory = append(c.memory, record...)
			} else if _, err := out.Write(record); err != nil {
				return c.noSpace(o.Dir, err)
			}
			done++
			o.Progress(Progress{Stage: "activations", Done: done, Total: c.total})
		}
	}
	if c.file != nil {
		if err := out.Flush(); err != nil {
			return c.noSpace(o.Dir, err)
		}
	}
	return nil
}

// poolFrozen gives the statistics of the taps below the cut.
func (c *cache) poolFrozen(net *model.Network, stats []float32) {
	at, output := 0, 1
	for _, tap := range c.top.taps {
		if tap.node < 0 {
			pool(net.Output(output), tap.channels, stats[at:])
			at += 2 * tap.channels
			output++
		}
	}
}

// load reads a picture's view: the cut as real numbers, and the frozen taps'
// features, each in its place.
func (c *cache) load(picture, view int, values, features []float32, scratch []byte) error {
	at := int64(picture*c.views+view) * int64(c.record)
	record := scratch[:c.record]
	if c.file == nil {
		record = c.memory[at:][:c.record]
	} else if _, err := c.file.ReadAt(record, at); err != nil {
		return fmt.Errorf("reading activations again: %w", err)
	}
	cut := &c.top.nodes[0]
	dequantize(signed(record[:cut.size()]), values, cut.scale, cut.zero)
	record = record[cut.size():]
	for _, tap := range c.top.taps {
		if tap.node >= 0 {
			continue
		}
		for j := range 2 * tap.channels {
			features[tap.at+j] = math.Float32frombits(binary.LittleEndian.Uint32(record[4*j:]))
		}
		record = record[8*tap.channels:]
	}
	return nil
}

func signed(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}
