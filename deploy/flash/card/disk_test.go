package card

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machine gives the disks that lsblk lists on it: pc, with all that can hang on
// one; pi, which runs from its card; virtual, a virtual machine with one disk.
func machine(t *testing.T, name string) []Disk {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	disks, err := Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	return disks
}

func TestRefusal(t *testing.T) {
	const image = 5_000_000_000
	tests := []struct {
		machine, path, root string
		want                string // part of what is said; empty: it may be written
	}{
		{"pc", "/dev/sdb", "", ""},
		{"pc", "/dev/mmcblk0", "", ""}, // a built-in reader, whose lsblk says nothing of it
		{"pc", "/dev/loop1", "", ""},
		{"pc", "/dev/loop0", "", "/dev/loop0 is mounted at /snap/core22/1380"},
		{"pc", "/dev/nvme0n1", "", "this machine's system (/dev/nvme0n1p1 is /boot/efi)"},
		{"pc", "/dev/sda", "", "built in (ATA WDC WD20EZRZ-00Z5HB0 sata 2000 GB)"},
		{"pc", "/dev/sdb1", "", "lies on one (part); give the disk: DEVICE=/dev/sdb"},
		{"pc", "/dev/mapper/vg-root", "", "DEVICE=/dev/nvme0n1"},
		{"pc", "/dev/sdc", "", "no card in the reader"},
		{"pc", "/dev/sdd", "", "/dev/sdd1 is mounted at /media/anna/PHOTOS"},
		{"pc", "/dev/sde", "", "read-only"},
		{"pc", "/dev/sdf", "", "holds 4.0 GB, and the image has 5.0 GB"},
		{"pc", "/dev/sdg", "", "/dev/mapper/old-data (a volume of LVM) lies on it"},
		{"pc", "/dev/sdh", "", "linux_raid_member"},
		{"pc", "/dev/sdi", "", "/dev/sdi1 is [SWAP]"},
		{"pc", "/dev/sr0", "", "a CD drive"},
		{"pc", "/dev/zram0", "", "[SWAP]"},
		{"pc", "/dev/sdz", "", "there is no such disk"},
		{"pc", "/dev/sdb", "8:18", "/dev/sdb2 holds /"}, // where lsblk shows no mounts
		{"pi", "/dev/mmcblk0", "", "/dev/mmcblk0p1 is /boot/firmware"},
		{"pi", "/dev/mmcblk0", "0:25", "/dev/mmcblk0p1 is /boot/firmware"}, // an overlay is no device
		{"pi", "/dev/sda", "", ""},
		{"virtual", "/dev/vda", "", "/dev/vda is /"},
		{"virtual", "/dev/zram0", "", "built in"},
	}
	for _, test := range tests {
		d, err := Find(machine(t, test.machine), test.path)
		if err == nil {
			err = d.Refusal(image, test.root)
		}
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s %s: %v", test.machine, test.path, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s %s: %v, expected: …%s…", test.machine, test.path, err, test.want)
		}
	}
}

func TestOffered(t *testing.T) {
	for name, want := range map[string]string{
		"pc":      "/dev/sdb /dev/sdd /dev/sde /dev/sdf /dev/sdg /dev/sdh /dev/sdi /dev/mmcblk0",
		"pi":      "/dev/sda /dev/mmcblk0",
		"virtual": "",
	} {
		var got []string
		for _, d := range machine(t, name) {
			if d.Offered() {
				got = append(got, d.Path)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s offers %s, expected %s", name, s, want)
		}
	}
}

func TestContents(t *testing.T) {
	d, err := Find(machine(t, "pc"), "/dev/sdb")
	if err != nil {
		t.Fatal(err)
	}
	want := "/dev/sdb1  268 MB  vfat  \"bootfs\"\n/dev/sdb2  32 GB  ext4  \"rootfs\""
	if got := strings.Join(d.Contents(), "\n"); got != want {
		t.Errorf("%s\nexpected:\n%s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"pc", "pi", "virtual"} {
		b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(`{"blockdevices":[{"name":"sdb","path":"/dev/sdb","type":"disk","size":"12"}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		disks, err := Parse(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, d := range disks {
			if d.Refusal(1, "") != nil {
				continue
			}
			for p := range d.within() {
				if strings.Join(p.Mountpoints, "") != "" {
					t.Errorf("%s may be written, and %s is mounted", d.Path, p.Path)
				}
			}
		}
	})
}
