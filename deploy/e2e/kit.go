package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"passfail/deploy/rig"
	"passfail/deploy/rig/card"
	"passfail/deploy/rig/cpio"
)

// cardSize is that of the emulated cards: a power of two, as QEMU wants an SD card's.
const cardSize = 8 << 30

// kit is what machines are started with.
type kit struct {
	image string // of a card
	dir   string // for what the run makes
	guest []byte
	files []cpio.File // for every machine
}

// stationConfig is the configuration of the tested station, made of the one that is shipped. An emulated Pi takes
// a second to judge, and its clock stumbles: so reject waits longer, and pulses are long enough not to be missed.
func stationConfig(shipped string) (string, error) {
	return edit(shipped,
		`source = "demo/parts"`, `source = "`+cameraDevice+`"`,
		`file = "demo/model.tflite"`, `file = "/usr/share/passfail/demo/model.tflite"`,
		`timeout = "2s"`, `timeout = "30s"`,
		`frozen_after = "5s"`, `frozen_after = "10m"`,
		`reopen_max = "10s"`, `reopen_max = "1s"`,
		`board = "simulated"`, `board = "gpio"`,
		`width = "100ms"`, `width = "2s"`,
		`width = "100ms"`, `width = "2s"`,
		`delay = "500ms"`, `delay = "3s"`,
		`width = "80ms"`, `width = "2s"`,
	)
}

// folderConfig is one that has the pictures of the rig for a camera, for those who do not share the service's.
func folderConfig(shipped string) (string, error) {
	return edit(shipped,
		`source = "demo/parts"`, `source = "`+rig.Inside+`/`+pictureFolder+`"`,
		`board = "simulated"`, `board = "gpio"`)
}

// edit replaces texts by others, each of which must be there.
func edit(text string, changes ...string) (string, error) {
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			return "", fmt.Errorf("config.toml no longer says: %s", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text, nil
}

// newKit builds what runs inside the machines, for the kernel of the image.
func newKit(ctx context.Context, release, image, dir string) (*kit, error) {
	k := &kit{image: image, dir: dir}
	guest := filepath.Join(dir, "guest")
	build := exec.CommandContext(ctx, "deploy/env.sh", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", guest, "./deploy/rig/guest")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64") // no cgo in it
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("deploy/rig/guest: %w: %s", err, out)
	}
	var err error
	if k.guest, err = os.ReadFile(guest); err != nil {
		return nil, err
	}
	probe, err := k.card(ctx, "probe")
	if err != nil {
		return nil, err
	}
	text, err := probe.BootFile(ctx, "config.txt")
	if err != nil {
		return nil, err
	}
	boot, err := card.ParseConfig(string(text))
	if err != nil {
		return nil, err
	}
	version := regexp.MustCompile(`\d.*`).FindString(boot.Kernel)
	script := exec.CommandContext(ctx, "deploy/v4l2loopback.sh", release, version)
	script.Stderr = os.Stderr
	module, err := script.Output()
	if err != nil {
		return nil, fmt.Errorf("deploy/v4l2loopback.sh %s %s: %w", release, version, err)
	}
	if err := k.add("v4l2loopback.ko", strings.TrimSpace(string(module))); err != nil {
		return nil, err
	}
	shipped, err := os.ReadFile("config.toml")
	if err != nil {
		return nil, err
	}
	folder, err := folderConfig(string(shipped))
	if err != nil {
		return nil, err
	}
	k.files = append(k.files, cpio.File{Name: "capture.toml", Data: []byte(folder)})
	pictures, err := filepath.Glob("demo/parts/*.jpg")
	if err != nil || len(pictures) == 0 {
		return nil, fmt.Errorf("demo/parts holds no pictures: %v", err)
	}
	for _, p := range pictures {
		if err := k.add(pictureFolder+"/"+filepath.Base(p), p); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *kit) add(name, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	k.files = append(k.files, cpio.File{Name: name, Data: b})
	return nil
}

// card is a new card with the image.
func (k *kit) card(ctx context.Context, name string) (*card.Card, error) {
	return card.New(ctx, k.image, filepath.Join(k.dir, name+".qcow2"), cardSize)
}

// config is that of a machine with a new card.
func (k *kit) config(ctx context.Context, machine rig.Machine, name string) (rig.Config, error) {
	c, err := k.card(ctx, name)
	return rig.Config{Machine: machine, Card: c, Guest: k.guest, Files: k.files}, err
}
