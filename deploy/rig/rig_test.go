package rig

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"passfail/deploy/rig/cpio"
)

// What is added stands before the card's own initrd, which is as it was, at a place where the kernel looks for it.
func TestInitrd(t *testing.T) {
	onCard := []byte{0x1f, 0x8b, 1, 2, 3}
	b, err := initrd(onCard, []byte("program"), "/dev/ttyAMA0", []cpio.File{{Name: "parts/a.jpg", Data: []byte("picture")}})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(b, onCard) || (len(b)-len(onCard))%4 != 0 {
		t.Errorf("the card's initrd is not at its end, at a multiple of 4: %d bytes", len(b))
	}
	for _, want := range []string{"conf/conf.d/rig", "rig/guest", "rig/parts/a.jpg", "picture", "enter /rig /run/rig /dev/ttyAMA0'"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("there is no %q in it", want)
		}
	}
}

// The script is one that a shell understands.
func TestScript(t *testing.T) {
	cmd := exec.Command("sh", "-n")
	cmd.Stdin = strings.NewReader(confScript)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, confScript)
	}
}

func TestArguments(t *testing.T) {
	if _, err := Machine("pi5").arguments("/d", "/c", ""); err == nil || !strings.Contains(err.Error(), "raspi3b") {
		t.Errorf("an unknown machine: %v", err)
	}
	for _, m := range []Machine{Raspi3B, Virt} {
		without, err := m.arguments("/d", "/c", "")
		if err != nil || !slices.Contains(without, "none") {
			t.Errorf("%s without network: %v, %v", m, without, err)
		}
		with, err := m.arguments("/d", "/c", "127.0.0.1:2222")
		if err != nil || !slices.Contains(with, "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22") {
			t.Errorf("%s with ssh: %v, %v", m, with, err)
		}
	}
}

// The device tree of virt names the lines of its GPIO block as a Pi's.
func TestVirtDeviceTree(t *testing.T) {
	for _, name := range []string{qemu, "fdtput", "fdtget"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not there; 'deploy/setup.sh e2e' installs it", name)
		}
	}
	path := filepath.Join(t.TempDir(), "dtb")
	if err := Virt.deviceTree(t.Context(), nil, path); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("fdtget", path, "/pl061@9030000", "gpio-line-names").Output()
	if want := "GPIO17 GPIO23 GPIO24 LINE3 GPIO25 GPIO26 GPIO27 GPIO22"; err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("line names %q, %v; want %q", out, err, want)
	}
	if err := Raspi3B.deviceTree(t.Context(), []byte("no device tree"), path); err == nil {
		t.Error("what is no device tree was taken for one")
	}
	if b, err := os.ReadFile(path); err != nil || len(b) == 0 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
