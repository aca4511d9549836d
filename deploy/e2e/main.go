// E2e boots a card's image as a Raspberry Pi 3 in QEMU, and checks from outside that the station on it does what it must:
// its verdicts, its pins, its watchdog, its disk, and that pulling its power harms nothing. 'make e2e' runs it; docs/e2e.md
// says what is checked.
package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"passfail/deploy/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

type options struct {
	release, image, key, deb, dir string
	short                         bool
	seed                          uint64
	cuts                          int
	only, shell                   string
}

func parseOptions(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("e2e", flag.ExitOnError)
	f.StringVar(&o.release, "release", "bookworm", "the `release` of Debian of the image")
	f.StringVar(&o.image, "image", "", "the card's image, a `file`; one is made if none is named")
	f.StringVar(&o.key, "key", "", "the ssh key of the user "+user+" of -image, a `file`")
	f.BoolVar(&o.short, "short", false, "fewer pictures and one power cut; no hanging process, no full disk, no bad update")
	f.Uint64Var(&o.seed, "seed", 0, "draws the moments of the power cuts; 0: another one each time")
	f.IntVar(&o.cuts, "cuts", 10, "how many power cuts")
	f.StringVar(&o.only, "only", "", "check only the `lane` pi or power")
	f.StringVar(&o.shell, "boot", "", "boot the `machine` raspi3b or virt, run the commands that are typed, and check nothing")
	f.StringVar(&o.dir, "dir", "", "an empty `folder` for cards and what else is made; it is kept")
	f.Parse(args)
	if o.only != "" && o.only != "pi" && o.only != "power" {
		return o, fmt.Errorf("-only %s: there are pi and power", o.only)
	}
	if o.short {
		o.cuts = 1
	}
	if o.seed == 0 {
		var b [8]byte
		rand.Read(b[:])
		o.seed = binary.LittleEndian.Uint64(b[:]) >> 1
	}
	return o, nil
}

func run(ctx context.Context) (bool, error) {
	o, err := parseOptions(os.Args[1:])
	if err != nil {
		return false, err
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "e2e"); err != nil {
			return false, err
		}
		defer os.RemoveAll(o.dir)
	}
	if o.deb, err = packageOf(o.release); err != nil {
		return false, err
	}
	r := &report{begun: time.Now(), out: os.Stdout}
	if o.image == "" {
		o.key = filepath.Join(o.dir, "key")
		if o.image, err = makeImage(ctx, o.release, o.dir); err != nil {
			return false, err
		}
		r.note("the image is made")
	}
	k, err := newKit(ctx, o.release, o.image, o.dir)
	if err != nil {
		return false, err
	}
	if o.shell != "" {
		return true, shell(ctx, k, rig.Machine(o.shell), os.Stdin, os.Stdout)
	}
	lists, err := lanes(ctx, k, o)
	if err != nil {
		return false, err
	}
	if o.only != "pi" {
		r.note("power cuts: -seed %d", o.seed)
	}
	var machines sync.WaitGroup
	for _, list := range lists {
		machines.Go(func() {
			for _, l := range list {
				r.steps(ctx, l.name(), l.steps())
				l.close()
			}
		})
	}
	machines.Wait()
	return r.total(), nil
}

// packageOf is the package that was made of this checkout.
func packageOf(release string) (string, error) {
	pattern := "dist/" + release + "-arm64/passfail_*_arm64.deb"
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%d files are %s; 'make deb RELEASE=%s' makes one", len(found), pattern, release)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}
