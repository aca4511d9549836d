package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The agent is no part of the system that it looks at, and outlives what that does to its services.
const agentUnit = `[Unit]
Description=Agent of the test rig
StartLimitIntervalSec=0
[Service]
ExecStart=%s/guest agent %s
Restart=always
RestartSec=200ms
OOMScoreAdjust=-1000
`

// enter runs in the initrd, when the system's root is mounted: it copies the files of a folder to where the system will
// find them, and makes a service of the agent on a device. /run is handed over to the system.
func enter(from, to, device string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	// Programs can't be started from /run itself.
	if err := unix.Mount("rig", to, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("tmpfs at %s: %w", to, err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	const units = "/run/systemd/system"
	wants := filepath.Join(units, "multi-user.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(units+"/rig-agent.service", fmt.Appendf(nil, agentUnit, to, device), 0o644); err != nil {
		return err
	}
	return os.Symlink("../rig-agent.service", wants+"/rig-agent.service")
}
