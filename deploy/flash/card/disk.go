package card

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// columns of lsblk, which Disk's fields are.
const columns = "NAME,PATH,MAJ:MIN,TYPE,SIZE,RO,RM,HOTPLUG,TRAN,VENDOR,MODEL,SERIAL,FSTYPE,LABEL,MOUNTPOINTS"

// Disk is a block device as lsblk describes it: a disk, or what lies on one.
// What lsblk does not know is empty.
type Disk struct {
	Name       string `json:"name"`
	Path       string `json:"path"`
	Number     string `json:"maj:min"`
	Type       string `json:"type"` // disk, part, loop, lvm, crypt, raid1, rom, …
	Size       int64  `json:"size"` // bytes
	ReadOnly   bool   `json:"ro"`
	Removable  bool   `json:"rm"`
	Hotplug    bool   `json:"hotplug"`
	Transport  string `json:"tran"` // usb, mmc, sata, nvme, …
	Vendor     string `json:"vendor"`
	Model      string `json:"model"`
	Serial     string `json:"serial"`
	FileSystem string `json:"fstype"`
	Label      string `json:"label"`
	// Where it is mounted; [SWAP] for swap. lsblk has a null in it where it is not.
	Mountpoints []string `json:"mountpoints"`
	Children    []Disk   `json:"children"`
}

// Parse reads what lsblk prints with --json and the columns that List asks for.
func Parse(r io.Reader) ([]Disk, error) {
	var all struct {
		Disks []Disk `json:"blockdevices"`
	}
	if err := json.NewDecoder(r).Decode(&all); err != nil {
		return nil, fmt.Errorf("lsblk's output is not understood (util-linux 2.37 or later is needed): %w", err)
	}
	for _, d := range all.Disks {
		if d.Name == "" || d.Path == "" || d.Type == "" {
			return nil, errors.New("lsblk's output lacks a device's name, path or type")
		}
	}
	return all.Disks, nil
}

// List asks lsblk for this machine's disks.
func List(ctx context.Context) ([]Disk, error) {
	out, err := exec.CommandContext(ctx, "lsblk", "--json", "--bytes", "--output", columns).Output()
	if err != nil {
		return nil, fmt.Errorf("lsblk: %w", err)
	}
	return Parse(strings.NewReader(string(out)))
}

// Find gives the disk with this path. A partition is none.
func Find(disks []Disk, path string) (Disk, error) {
	for _, d := range disks {
		if d.Path == path {
			if d.Type == "part" {
				return Disk{}, fmt.Errorf("%s is a partition; the whole disk is needed", path)
			}
			return d, nil
		}
		for p := range d.within() {
			if p.Path == path {
				return Disk{}, fmt.Errorf("%s is not a disk, but lies on one (%s); give the disk: DEVICE=%s", path, p.Type, d.Path)
			}
		}
	}
	return Disk{}, fmt.Errorf("%s: there is no such disk; 'make flash' lists those that can be written", path)
}

// within yields the disk and all that lies on it.
func (d Disk) within() func(yield func(Disk) bool) {
	return func(yield func(Disk) bool) { d.walk(yield) }
}

func (d Disk) walk(yield func(Disk) bool) bool {
	if !yield(d) {
		return false
	}
	for _, c := range d.Children {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// system are the places that make the disk the machine's own.
var system = map[string]bool{
	"/": true, "/boot": true, "/boot/efi": true, "/boot/firmware": true, "/usr": true, "/var": true, "/home": true, "[SWAP]": true,
}

// Refusal says why the disk must not be overwritten with an image of so many
// bytes, and what can be done about it; nil where it may be. root is the number
// (MAJ:MIN) of the device that / lies on, empty where that is no block device:
// in a container, lsblk doesn't tell.
//
// Only what can be taken out may be overwritten, since nobody means the disk that
// is built in; and loop devices, which are somebody's own file.
func (d Disk) Refusal(size int64, root string) error {
	if d.Type != "disk" && d.Type != "loop" {
		return fmt.Errorf("%s is no disk: it is %s", d.Path, kind(d.Type))
	}
	for p := range d.within() {
		for _, at := range p.Mountpoints {
			if system[at] {
				return fmt.Errorf("%s is in use by this machine's system (%s is %s): it is never written", d.Path, p.Path, at)
			}
		}
		if root != "" && p.Number == root {
			return fmt.Errorf("%s is in use by this machine's system (%s holds /): it is never written", d.Path, p.Path)
		}
	}
	if !d.portable() {
		return fmt.Errorf("%s is built in (%s): only a card or a USB disk, which can be taken out, is written", d.Path, d.Describe())
	}
	for p := range d.within() {
		for _, at := range p.Mountpoints {
			if at != "" {
				return fmt.Errorf("%s is mounted at %s: look whether that is what you mean, then unmount it: sudo umount %s", p.Path, at, p.Path)
			}
		}
		if p.Path != d.Path && p.Type != "part" {
			return fmt.Errorf("%s is in use: %s (%s) lies on it", d.Path, p.Path, kind(p.Type))
		}
	}
	for p := range d.within() {
		if strings.HasSuffix(p.FileSystem, "_member") {
			return fmt.Errorf("%s is part of a set of disks (%s): if it is not needed any more, sudo wipefs --all %s", p.Path, p.FileSystem, p.Path)
		}
	}
	switch {
	case d.Size == 0:
		return fmt.Errorf("%s is empty: there is no card in the reader", d.Path)
	case d.ReadOnly:
		return fmt.Errorf("%s is read-only: slide the card's lock the other way, or try another reader", d.Path)
	case d.Size < size:
		return fmt.Errorf("%s holds %s, and the image has %s: take a larger card", d.Path, Bytes(d.Size), Bytes(size))
	}
	return nil
}

// portable reports whether it can be taken out of the machine.
func (d Disk) portable() bool {
	return d.Removable || d.Hotplug || d.Transport == "usb" || d.Transport == "mmc" || d.Type == "loop" || strings.HasPrefix(d.Name, "mmcblk")
}

// Offered reports whether the disk is one to show to who has named none: it can
// be taken out, and holds something.
func (d Disk) Offered() bool { return d.portable() && d.Type == "disk" && d.Size > 0 }

func kind(typ string) string {
	switch {
	case typ == "part":
		return "a partition"
	case typ == "rom":
		return "a CD drive"
	case typ == "lvm":
		return "a volume of LVM"
	case typ == "crypt":
		return "an opened encrypted volume"
	case strings.HasPrefix(typ, "raid"):
		return "a RAID"
	}
	return "of type " + typ
}

// Describe says in a few words what it is: maker, model and size.
func (d Disk) Describe() string {
	words := make([]string, 0, 4)
	for _, w := range []string{d.Vendor, d.Model} {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	if d.Transport != "" {
		words = append(words, d.Transport)
	}
	return strings.Join(append(words, Bytes(d.Size)), " ")
}

// Contents lists, a line each, what would be overwritten.
func (d Disk) Contents() []string {
	var lines []string
	for p := range d.within() {
		if p.Path == d.Path && (len(p.Children) > 0 || p.FileSystem == "") {
			continue
		}
		line := p.Path + "  " + Bytes(p.Size)
		if p.FileSystem != "" {
			line += "  " + p.FileSystem
		}
		if p.Label != "" {
			line += fmt.Sprintf("  %q", p.Label)
		}
		lines = append(lines, line)
	}
	return lines
}

// Bytes writes a size as makers of cards do: 32 GB.
func Bytes(n int64) string {
	const k = 1000
	switch {
	case n >= 10*k*k*k:
		return fmt.Sprintf("%.0f GB", float64(n)/(k*k*k))
	case n >= k*k*k:
		return fmt.Sprintf("%.1f GB", float64(n)/(k*k*k))
	case n >= k*k:
		return fmt.Sprintf("%.0f MB", float64(n)/(k*k))
	}
	return fmt.Sprintf("%d bytes", n)
}
