package rig

import (
	"bytes"
	"fmt"
	"slices"

	"passfail/deploy/rig/cpio"
)

// Inside is where files that were added are found in the booted machine.
const Inside = "/run/rig"

// The initrd of Debian's initramfs-tools reads conf/conf.d before anything else, and does what scripts/init-bottom/ORDER
// says before it leaves. The file system under Inside is one of its own since programs can't be started from /run.
const confScript = `mkdir -p /scripts/init-bottom
echo '/rig/enter' >>/scripts/init-bottom/ORDER
`

const enterScript = `#!/bin/sh
mkdir -p ` + Inside + ` /run/systemd/system/multi-user.target.wants
mount -t tmpfs -o mode=0755 rig ` + Inside + `
cp -R /rig/files/. ` + Inside + `
cp /rig/unit /run/systemd/system/rig-agent.service
ln -s ../rig-agent.service /run/systemd/system/multi-user.target.wants/rig-agent.service
`

// The agent is no part of the system that it looks at, and outlives what that does to its services.
const agentUnit = `[Unit]
Description=Agent of the test rig
StartLimitIntervalSec=0
[Service]
ExecStart=` + Inside + `/guest agent %s
Restart=always
RestartSec=200ms
OOMScoreAdjust=-1000
`

// initrd is the card's own with the agent and more files, which are found under Inside, before it.
func initrd(onCard []byte, guest []byte, device string, more []cpio.File) ([]byte, error) {
	files := []cpio.File{
		{Name: "conf/conf.d/rig", Data: []byte(confScript)},
		{Name: "rig/enter", Data: []byte(enterScript), Executable: true},
		{Name: "rig/unit", Data: fmt.Appendf(nil, agentUnit, device)},
		{Name: "rig/files/guest", Data: guest, Executable: true},
	}
	for _, f := range more {
		f.Name = "rig/files/" + f.Name
		files = append(files, f)
	}
	var b bytes.Buffer
	if err := cpio.Write(&b, files); err != nil {
		return nil, err
	}
	return slices.Concat(b.Bytes(), onCard), nil
}
