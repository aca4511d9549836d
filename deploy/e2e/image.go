package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// user is the one who may log in to the tested station over ssh.
const user = "e2e"

// stationToml is what the image's station is told of itself.
const stationToml = `hostname = "e2e"
timezone = "Etc/UTC"
config = "config.toml"

[user]
name = "` + user + `"
ssh_keys = ["%s"]
`

// makeImage makes the image of a card for the tests, from this checkout: its package must have been made. The key of its user is in dir/key.
func makeImage(ctx context.Context, release, dir string) (string, error) {
	shipped, err := os.ReadFile("config.toml")
	if err != nil {
		return "", err
	}
	text, err := stationConfig(string(shipped))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(text), 0o644); err != nil {
		return "", err
	}
	key := filepath.Join(dir, "key")
	if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "e2e", "-f", key).CombinedOutput(); err != nil {
		return "", fmt.Errorf("ssh-keygen: %w: %s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		return "", err
	}
	station := filepath.Join(dir, "station.toml")
	if err := os.WriteFile(station, fmt.Appendf(nil, stationToml, strings.TrimSpace(string(public))), 0o644); err != nil {
		return "", err
	}
	image := filepath.Join(dir, "card.img")
	script := exec.CommandContext(ctx, "deploy/image/image.sh", release, station, image)
	script.Stdout, script.Stderr = os.Stderr, os.Stderr
	if err := script.Run(); err != nil {
		return "", fmt.Errorf("deploy/image/image.sh: %w", err)
	}
	return image, nil
}
