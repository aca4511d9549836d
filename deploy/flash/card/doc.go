// Package card decides whether a disk may be overwritten with the image of a
// station's SD card, and does it: writes the image, and reads it back past the
// page cache.
//
// What disks there are is asked of lsblk, whose output [Parse] reads; so each
// decision can be tested on what some machine once said. The kernel has the last
// word: [Open] wants the disk for itself, and is refused one that is in use.
package card
