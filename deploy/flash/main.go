// Command flash writes the image of a station's SD card to a card. 'make flash
// DEVICE=' runs it; it is not needed on a station.
//
//	flash list                      the disks that can be written, and what is wrong with others
//	flash check DISK                may it be written?
//	flash [-yes] write IMAGE DISK   asks, writes, reads back; as root
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"passfail/deploy/flash/card"
)

func main() {
	yes := flag.Bool("yes", false, "don't ask before writing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *yes, flag.Args()); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "passfail:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, yes bool, args []string) error {
	disks, err := card.List(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 1 && args[0] == "list":
		list(os.Stdout, disks, rootNumber())
		return nil
	case len(args) == 2 && args[0] == "check":
		_, err := find(disks, args[1], 0)
		return err
	case len(args) == 3 && args[0] == "write":
		return write(ctx, disks, args[1], args[2], yes)
	}
	return errors.New("usage: flash list | flash check DISK | flash [-yes] write IMAGE DISK")
}

// rootNumber is the number of the device that / lies on.
func rootNumber() string {
	var st unix.Stat_t
	if err := unix.Stat("/", &st); err != nil {
		return ""
	}
	return fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
}

// list shows who has named no disk what there is.
func list(w io.Writer, disks []card.Disk, root string) {
	n := 0
	for _, d := range disks {
		if !d.Offered() {
			continue
		}
		n++
		verdict := "can be written: make flash DEVICE=" + d.Path
		if err := d.Refusal(0, root); err != nil {
			verdict = err.Error()
		}
		_, _ = fmt.Fprintf(w, "%s  %s\n", d.Path, d.Describe())
		for _, c := range d.Contents() {
			_, _ = fmt.Fprintf(w, "    holds %s\n", c)
		}
		_, _ = fmt.Fprintf(w, "    %s\n", verdict)
	}
	if n == 0 {
		_, _ = fmt.Fprintln(w, "There is no card and no USB disk. Put the card into its reader, wait some seconds, and try again.")
	}
}

// find gives the disk that may be overwritten with so many bytes. path may be a
// link, as in /dev/disk/by-id.
func find(disks []card.Disk, path string, size int64) (card.Disk, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return card.Disk{}, fmt.Errorf("%s: there is no such disk; 'make flash' lists those that can be written", path)
	}
	d, err := card.Find(disks, resolved)
	if err != nil {
		return card.Disk{}, err
	}
	return d, d.Refusal(size, rootNumber())
}

func write(ctx context.Context, disks []card.Disk, image, path string, yes bool) (err error) {
	f, err := os.Open(image)
	if err != nil {
		return fmt.Errorf("the image: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("the image: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return fmt.Errorf("%s is no image: a file with something in it is expected", image)
	}
	d, err := find(disks, path, info.Size())
	if err != nil {
		return err
	}
	if !yes {
		if err := ask(ctx, os.Stdin, os.Stderr, d, image, info.Size()); err != nil {
			return err
		}
	}

	device, err := card.Open(d.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	if err := device.Write(ctx, f, info.Size(), newMeter("writing", info.Size()).show); err != nil {
		return unfinished(d, err)
	}
	if err := device.Verify(ctx, f, info.Size(), newMeter("reading back", info.Size()).show); err != nil {
		return unfinished(d, err)
	}
	fmt.Fprintf(os.Stderr, "passfail: %s is written, and reads back as it should\n", d.Path)
	return nil
}

func unfinished(d card.Disk, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped: %s is incomplete, a Pi does not start with it; flash it again", d.Path)
	}
	return err
}

// ask wants the disk's name typed: a mere y is typed too quickly.
func ask(ctx context.Context, in io.Reader, out io.Writer, d card.Disk, image string, size int64) error {
	_, _ = fmt.Fprintf(out, "\n%s (%s) is overwritten with %s (%s).\n", d.Path, d.Describe(), image, card.Bytes(size))
	if contents := d.Contents(); len(contents) > 0 {
		_, _ = fmt.Fprintf(out, "All that is on it is lost:\n    %s\n", strings.Join(contents, "\n    "))
	}
	_, _ = fmt.Fprintf(out, "Type %s to go on, anything else to leave it: ", d.Name)
	answer := make(chan string, 1) // room for one, so that a reader whom nobody awaits can end
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n') // an end without a line is an answer, too: no
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		return errors.New("nothing was written")
	case typed := <-answer:
		if typed != d.Name && typed != d.Path {
			return errors.New("nothing was written (YES=1 writes without asking)")
		}
		return nil
	}
}

// meter shows how far it is: a line that changes on a terminal, one from time to
// time in anything else.
type meter struct {
	doing    string
	total    int64
	begun    time.Time
	told     time.Time
	terminal bool
}

func newMeter(doing string, total int64) *meter {
	return &meter{doing: doing, total: total, begun: time.Now(), terminal: term.IsTerminal(int(os.Stderr.Fd()))}
}

// show is a card.Progress.
func (m *meter) show(done int64) {
	now := time.Now()
	pause := 10 * time.Second
	if m.terminal {
		pause = 200 * time.Millisecond
	}
	if done < m.total && now.Sub(m.told) < pause {
		return
	}
	m.told = now
	text := fmt.Sprintf("%s: %s of %s", m.doing, card.Bytes(done), card.Bytes(m.total))
	if s := now.Sub(m.begun).Seconds(); s > 1 && done > 0 {
		rate := float64(done) / s
		text += fmt.Sprintf(", %.0f MB/s", rate/1e6)
		if done < m.total {
			text += fmt.Sprintf(", %s left", (time.Duration(float64(m.total-done)/rate) * time.Second).Round(time.Second))
		}
	}
	switch {
	case !m.terminal:
		fmt.Fprintln(os.Stderr, text)
	case done < m.total:
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", text)
	default:
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s\n", text)
	}
}
