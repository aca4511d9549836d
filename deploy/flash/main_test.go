package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"passfail/deploy/flash/card"
)

func pc(t *testing.T) []card.Disk {
	t.Helper()
	f, err := os.Open("card/testdata/pc.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	disks, err := card.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	return disks
}

func TestAsk(t *testing.T) {
	d, err := card.Find(pc(t), "/dev/sdb")
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]bool{
		"sdb\n": true, " sdb \n": true, "/dev/sdb\n": true, "sdb": true,
		"": false, "\n": false, "y\n": false, "yes\n": false, "sda\n": false, "sdb1\n": false,
	} {
		var out bytes.Buffer
		err := ask(context.Background(), strings.NewReader(typed), &out, d, "station.img", 5e9)
		if (err == nil) != want {
			t.Errorf("%q typed: %v", typed, err)
		}
		for _, s := range []string{"/dev/sdb (Generic- SD/MMC usb 32 GB)", "station.img (5.0 GB)", "/dev/sdb2  32 GB  ext4  \"rootfs\""} {
			if !strings.Contains(out.String(), s) {
				t.Errorf("%s is not shown in:\n%s", s, out.String())
			}
		}
	}
}

func TestList(t *testing.T) {
	var out bytes.Buffer
	list(&out, pc(t), "")
	for _, s := range []string{
		"/dev/sdb  Generic- SD/MMC usb 32 GB\n    holds /dev/sdb1  268 MB  vfat  \"bootfs\"\n    holds /dev/sdb2  32 GB  ext4  \"rootfs\"\n    can be written: make flash DEVICE=/dev/sdb\n",
		"/dev/sdd1 is mounted at /media/anna/PHOTOS",
	} {
		if !strings.Contains(out.String(), s) {
			t.Errorf("%s\nis not in:\n%s", s, out.String())
		}
	}
	for _, s := range []string{"nvme", "/dev/sda ", "/dev/sdc", "loop", "sr0"} {
		if strings.Contains(out.String(), s) {
			t.Errorf("%s is listed:\n%s", s, out.String())
		}
	}

	out.Reset()
	list(&out, nil, "")
	if !strings.Contains(out.String(), "There is no card") {
		t.Errorf("without a disk: %s", out.String())
	}
}
