package card

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A file in the place of a disk; real ones are for device-test.sh.
func openDevice(t *testing.T, size int64) *Device {
	t.Helper()
	// Not in the test's temporary folder, which may be in memory, where there is no direct I/O in older kernels.
	f, err := os.CreateTemp(".", "device-*.test")
	if err != nil {
		t.Fatal(err)
	}
	path := f.Name()
	t.Cleanup(func() { _ = os.Remove(path) })
	old := bytes.Repeat([]byte{0xA5}, int(size))
	if _, err := f.Write(old); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	direct, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECT, 0)
	if err != nil {
		t.Skipf("no direct I/O here: %v", err)
	}
	_ = direct.Close()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// picture is an image with something at both ends, zeros between, and an end that
// lies within a block.
func picture() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 2*chunk+chunk/2+700)
	for i := range b {
		if i < chunk/2 || i > 2*chunk {
			b[i] = byte(r.Uint32())
		}
	}
	return b
}

func TestWriteAndVerify(t *testing.T) {
	ctx := context.Background()
	image := picture()
	d := openDevice(t, 3*chunk)
	var told int64
	if err := d.Write(ctx, bytes.NewReader(image), int64(len(image)), func(n int64) { told = n }); err != nil {
		t.Fatal(err)
	}
	if told != int64(len(image)) {
		t.Errorf("told of %d bytes of %d", told, len(image))
	}
	if err := d.Verify(ctx, bytes.NewReader(image), int64(len(image)), nil); err != nil {
		t.Error(err)
	}
	got, err := os.ReadFile(d.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[:len(image)], image) || got[len(image)] != 0xA5 {
		t.Error("other bytes than the image's were written, or more")
	}

	for _, at := range []int{0, chunk + 5, len(image) - 1} {
		if _, err := d.file.WriteAt([]byte{image[at] ^ 1}, int64(at)); err != nil {
			t.Fatal(err)
		}
		err := d.Verify(ctx, bytes.NewReader(image), int64(len(image)), nil)
		if err == nil || !strings.Contains(err.Error(), "at byte "+strconv.Itoa(at)+":") {
			t.Errorf("byte %d is wrong, and Verify says: %v", at, err)
		}
		if _, err := d.file.WriteAt(image[at:at+1], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	image := picture()
	d := openDevice(t, chunk)
	if err := d.Write(context.Background(), bytes.NewReader(image), int64(len(image)), nil); err == nil || !strings.Contains(err.Error(), "holds 4 MB") {
		t.Errorf("an image that is too large: %v", err)
	}
	d = openDevice(t, 3*chunk)
	if err := d.Write(context.Background(), bytes.NewReader(image[:chunk]), int64(len(image)), nil); err == nil || !strings.Contains(err.Error(), "image cannot be read") {
		t.Errorf("an image that ends too early: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := d.Write(ctx, bytes.NewReader(image), int64(len(image)), func(int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

func TestOpenWithoutDevice(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// The kernel's own word, whatever lsblk says. Takes root, for a loop device.
func TestOpenInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	if err := os.WriteFile(path, make([]byte, chunk), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--show", path).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device: %v: %s", err, out)
	}
	loop := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", loop).Run() })

	first, err := Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	if first.size != chunk {
		t.Errorf("%d bytes, expected %d", first.size, chunk)
	}
	if second, err := Open(loop); err == nil {
		_ = second.Close()
		t.Error("opened twice")
	} else if !strings.Contains(err.Error(), "is in use, says the kernel") {
		t.Errorf("opened twice: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	again, err := Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}
