// Package rig is a Raspberry Pi in QEMU, for tests: it boots the image of an SD card as it is, runs commands inside, shows
// the pins as they are at the chip, and pulls the power.
//
// Two machines boot the same card. [Raspi3B] is a Raspberry Pi 3 with its own GPIO block and SD controller; it is slow.
// [Virt] is QEMU's own machine: two to four times as fast, with inputs that interrupt, and not a Pi.
//
// QEMU plays the Pi's firmware: it is given the kernel, the initrd and the command line that config.txt in the card's boot
// partition names, and Debian's device tree from there. Nothing for the tests is on the card: what they need inside is put
// before the initrd, as a second archive, of which a script makes an agent and other files under /run.
package rig
