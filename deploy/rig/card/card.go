package card

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Card is an SD card that QEMU uses: a qcow2 file over an image, which stays as it is. In it QEMU keeps what the machine
// has written; of that, what was not flushed may be lost when QEMU is killed, in any order, as in a real card.
type Card struct {
	Path       string // of the qcow2 file
	image      string
	partitions [4]Partition
}

// New puts an image, of any size, into a new card of size bytes at path. QEMU wants a power of two of an SD card. The files
// beside path stay small as long as little is written.
func New(ctx context.Context, image, path string, size int64) (*Card, error) {
	f, err := os.Open(image)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > size {
		return nil, fmt.Errorf("%s has %d bytes; a card of %d bytes can't hold it", image, info.Size(), size)
	}
	c := &Card{Path: path}
	if c.partitions, err = ReadPartitions(f, info.Size()); err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	if c.image, err = filepath.Abs(image); err != nil {
		return nil, err
	}
	_, err = tool(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", c.image, path, fmt.Sprint(size))
	return c, err
}

// Copy is the same card once more, at another path; no QEMU may be using it.
func (c *Card) Copy(path string) (*Card, error) {
	b, err := os.ReadFile(c.Path)
	if err != nil {
		return nil, err
	}
	d := *c
	d.Path = path
	return &d, os.WriteFile(path, b, 0o644)
}

// BootFile reads a file of the image's first partition, a FAT.
func (c *Card) BootFile(ctx context.Context, name string) ([]byte, error) {
	return tool(ctx, "mtype", "-i", fmt.Sprintf("%s@@%d", c.image, c.partitions[0].Offset), "::"+name)
}

// Check looks at the ext4 file system of a partition, 1 to 4, as the card is now, on a copy beside it: whether all that a
// power cut left is mended by its journal, and nothing is wrong then. The partition may have been grown. No QEMU may be using the card.
func (c *Card) Check(ctx context.Context, number int) error {
	partition, err := c.current(ctx, number)
	if err != nil {
		return err
	}
	copied := c.Path + ".check"
	defer os.Remove(copied)
	source := fmt.Sprintf("driver=raw,offset=%d,size=%d,file.driver=qcow2,file.file.driver=file,file.file.filename=%s",
		partition.Offset, partition.Size, c.Path)
	if _, err := tool(ctx, "qemu-img", "convert", "--image-opts", "-O", "raw", source, copied); err != nil {
		return err
	}
	// Status 1: errors were corrected; so it says of a journal that it played back.
	if _, err := tool(ctx, "e2fsck", "-p", copied); err != nil && exitStatus(err) != 1 {
		return fmt.Errorf("partition %d is not mended by its journal: %w", number, err)
	}
	if _, err := tool(ctx, "e2fsck", "-f", "-n", copied); err != nil {
		return fmt.Errorf("partition %d is not clean after its journal was played back: %w", number, err)
	}
	return nil
}

// current reads the partition table as the machine left it.
func (c *Card) current(ctx context.Context, number int) (Partition, error) {
	info, err := tool(ctx, "qemu-img", "info", "--output=json", c.Path)
	if err != nil {
		return Partition{}, err
	}
	var size struct {
		Bytes int64 `json:"virtual-size"`
	}
	if err := json.Unmarshal(info, &size); err != nil {
		return Partition{}, fmt.Errorf("qemu-img info %s: %w", c.Path, err)
	}
	table := c.Path + ".table"
	defer os.Remove(table)
	if _, err := tool(ctx, "qemu-img", "dd", "-f", "qcow2", "-O", "raw", "bs=512", "count=1", "if="+c.Path, "of="+table); err != nil {
		return Partition{}, err
	}
	b, err := os.ReadFile(table)
	if err != nil {
		return Partition{}, err
	}
	list, err := ReadPartitions(bytes.NewReader(b), size.Bytes)
	if err == nil && list[number-1].Size == 0 {
		err = fmt.Errorf("there is no partition %d", number)
	}
	if err != nil {
		return Partition{}, fmt.Errorf("%s: %w", c.Path, err)
	}
	return list[number-1], nil
}

func exitStatus(err error) int {
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return e.ExitCode()
	}
	return -1
}

// tool runs a program and returns what it printed on its standard output; an error quotes all that it said.
func tool(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	// Debian has some of these where only root looks.
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if path, err := exec.LookPath(name); err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			return nil, fmt.Errorf("%s is missing; 'deploy/setup.sh e2e' installs it", name)
		}
		cmd.Path, cmd.Err = path, nil
	} else {
		cmd.Path = path
	}
	var out, all bytes.Buffer
	cmd.Stdout = &out
	cmd.Stderr = &all
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(all.String()+out.String()))
	}
	return out.Bytes(), nil
}
