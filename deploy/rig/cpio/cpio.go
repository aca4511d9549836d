// Package cpio writes archives of the kind that Linux unpacks as an initial ramdisk ("newc"). The kernel takes several, one
// after the other; so files can be added to an initrd without unpacking it.
package cpio

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// File is a regular file of an archive.
type File struct {
	Name       string // with / between folders; the folders need not be named beside
	Data       []byte
	Executable bool
}

const (
	folder  = 0o040755
	regular = 0o100644
	program = 0o100755
)

// Write writes an archive of the files and of the folders that they are in, owned by root. Its length is a multiple of four
// bytes, after which the kernel looks for another.
func Write(w io.Writer, files []File) error {
	a := archive{w: w}
	known := map[string]bool{".": true}
	for _, f := range files {
		name := path.Clean(strings.TrimPrefix(f.Name, "/"))
		if name == "." || name == ".." || strings.HasPrefix(name, "../") || strings.ContainsRune(name, 0) {
			return fmt.Errorf("cpio: %q is no name of a file", f.Name)
		}
		var missing []string
		for dir := path.Dir(name); !known[dir]; dir = path.Dir(dir) {
			known[dir] = true
			missing = append(missing, dir)
		}
		for _, dir := range slices.Backward(missing) {
			a.entry(dir, folder, nil)
		}
		mode := regular
		if f.Executable {
			mode = program
		}
		a.entry(name, mode, f.Data)
	}
	a.entry("TRAILER!!!", 0, nil)
	return a.err
}

type archive struct {
	w      io.Writer
	number int // of the last entry, as an inode
	err    error
}

func (a *archive) entry(name string, mode int, data []byte) {
	a.number++
	links := 1
	if mode == folder {
		links = 2
	}
	// Magic, inode, mode, owner, group, links, time, size, device twice, special device twice, length of the name, checksum.
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.padded([]byte(header + name + "\x00"))
	a.padded(data)
}

func (a *archive) padded(b []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(b)
	}
	if rest := -len(b) & 3; a.err == nil && rest > 0 {
		_, a.err = a.w.Write(make([]byte, rest))
	}
}
