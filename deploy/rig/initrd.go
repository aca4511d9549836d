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
// says before it leaves.
const confScript = `mkdir -p /scripts/init-bottom
echo '/rig/guest enter /rig ` + Inside + ` %s' >>/scripts/init-bottom/ORDER
`

// initrd is the card's own with the agent and more files, which are found under Inside, before it.
func initrd(onCard []byte, guest []byte, device string, more []cpio.File) ([]byte, error) {
	files := []cpio.File{
		{Name: "conf/conf.d/rig", Data: fmt.Appendf(nil, confScript, device)},
		{Name: "rig/guest", Data: guest, Executable: true},
	}
	for _, f := range more {
		f.Name = "rig/" + f.Name
		files = append(files, f)
	}
	var b bytes.Buffer
	if err := cpio.Write(&b, files); err != nil {
		return nil, err
	}
	return slices.Concat(b.Bytes(), onCard), nil
}
