package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"

	"passfail/deploy/rig"
	"passfail/deploy/rig/agent"
	"passfail/deploy/rig/cpio"
)

// dataPartition is the number of the card's partition that is written.
const dataPartition = 4

// cut is a moment at which the power goes, and what the station is doing then.
type cut struct {
	work  string        // "capture", "update", "training", "boot"
	after time.Duration // of the work's beginning; for "boot": of the machine's start
}

// String is such as "training, after 4.2s".
func (c cut) String() string { return fmt.Sprintf("%s, after %v", c.work, c.after) }

// plan draws so many moments: every kind of work is among the first, and so among any four.
func plan(n int, seed uint64) []cut {
	random := rand.New(rand.NewPCG(seed, 0))
	span := map[string]time.Duration{"capture": 8 * time.Second, "update": 15 * time.Second, "training": 20 * time.Second, "boot": 20 * time.Second}
	kinds := []string{"update", "training", "capture", "boot"}
	list := make([]cut, n)
	for i := range list {
		kind := kinds[i%len(kinds)]
		list[i] = cut{kind, time.Duration(random.Int64N(int64(span[kind]))).Round(10 * time.Millisecond)}
	}
	return list
}

// powerLane pulls the power of one card again and again, and looks each time at what it left.
type powerLane struct {
	kit     *kit
	title   string // also its card's name
	cuts    []cut
	number  int    // of the first of its cuts, among all
	trigger bool   // check a trigger, too
	flash   bool   // and an update that must be taken back
	deb     string // the package that is installed
	key     string // of the user who may log in
	update  []byte // a later version of the package
	model   []byte // that the station begins with
	dataSet []cpio.File

	config       rig.Config
	common       []cpio.File // for every boot
	station      *station
	configured   string   // the sum of the configuration's content
	acknowledged []string // pictures that capture said it has saved
}

func (l *powerLane) name() string { return l.title }

func (l *powerLane) steps() []step {
	list := []step{{"boots, and gets a model", bootLimit, l.first}}
	if l.trigger {
		list = append(list, step{"a photo-eye at GPIO24, driven from outside, has pictures taken", 0, l.triggered})
	}
	for i, c := range l.cuts {
		list = append(list,
			step{fmt.Sprintf("cut %d (%v): the card is fsck-clean", l.number+i, c), bootLimit, func(ctx context.Context) error { return l.cut(ctx, i, c) }},
			step{fmt.Sprintf("cut %d: it boots, and nothing is lost", l.number+i), bootLimit, func(ctx context.Context) error { return l.whole(ctx, i+1) }})
	}
	if l.flash {
		list = append(list, step{"make flash HOST= of a bad version: the station takes it back", bootLimit, l.badUpdate})
	}
	return list
}

func (l *powerLane) close() {
	if l.station != nil {
		l.station.Close()
	}
}

// first boots the new card and gives the station a model in a store, and the configuration that names it.
func (l *powerLane) first(ctx context.Context) error {
	var err error
	if l.config, err = l.kit.config(ctx, rig.Virt, l.title); err != nil {
		return fmt.Errorf("%w; %w", err, errOver)
	}
	if l.config.SSH, err = freePort(); err != nil {
		return fmt.Errorf("%w; %w", err, errOver)
	}
	l.common = l.config.Files
	if err := l.boot(ctx, 0, cpio.File{Name: "model.tflite", Data: l.model}); err != nil {
		return err
	}
	_, err = l.station.Run(ctx, `set -e
		echo '# a line of the station'"'"'s owner' >>`+configFile+`
		sed -i -e 's|^source = .*|source = "`+rig.Inside+`/`+pictureFolder+`"|' -e 's|^file = .*|store = "`+dataFolder+`/models"|' `+configFile+`
		`+asPassfail+`passfail models add `+rig.Inside+`/model.tflite --use --config `+configFile+`
		systemctl restart passfail
		sync`)
	if err != nil {
		return fmt.Errorf("%w; %w", err, errOver)
	}
	if l.configured, err = l.station.Run(ctx, "sha256sum <"+configFile); err != nil {
		return fmt.Errorf("%w; %w", err, errOver)
	}
	return nil
}

// triggered gives edges to an input until capture, which waits for them, has taken two pictures.
func (l *powerLane) triggered(ctx context.Context) error {
	const pin = 24
	capture, err := l.station.Start(captureCommand("triggered", 2, "--on-trigger", fmt.Sprint("GPIO", pin)) + " 2>&1")
	if err != nil {
		return err
	}
	for mark := 0; ; {
		for _, high := range []bool{true, false} {
			if err := l.station.Pins.Set(ctx, pin, high); err != nil {
				return err
			}
			// Longer than it debounces. Whether it waits already, nothing outside tells: so again, until it does.
			edgeCtx, cancel := context.WithTimeout(ctx, time.Second/2)
			_, after, err := capture.Expect(edgeCtx, mark, `^/`)
			cancel()
			if err == nil {
				mark = after
			}
		}
		if lines, ended := capture.Since(0); ended {
			if status, err := capture.Wait(ctx); err != nil || status != 0 {
				return fmt.Errorf("capture: status %d, %v: %s", status, err, strings.Join(lines, "\n"))
			}
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// boot starts the machine with what the next cut's work takes, and no more: all of it is unpacked at each boot.
func (l *powerLane) boot(ctx context.Context, next int, files ...cpio.File) error {
	if next < len(l.cuts) {
		switch l.cuts[next].work {
		case "update":
			files = append(files, cpio.File{Name: "update.deb", Data: l.update})
		case "training":
			files = append(files, l.dataSet...)
		}
	}
	l.config.Files = slices.Concat(l.common, files)
	var err error
	l.station, err = boot(ctx, l.config)
	return err
}

// cut has the station work, pulls the power and checks the card.
func (l *powerLane) cut(ctx context.Context, i int, c cut) error {
	if c.work == "boot" {
		l.station.Cut()
		l.station.Close()
		pi, err := rig.Start(ctx, l.config)
		if err != nil {
			return err
		}
		l.station = &station{Pi: pi}
	}
	capture, err := l.work(ctx, c.work, i)
	if err != nil {
		return err
	}
	select { // this is the moment, and there is no event to wait for
	case <-time.After(c.after):
	case <-ctx.Done():
		return ctx.Err()
	}
	l.station.Cut()
	if capture != nil {
		if _, err := capture.Wait(ctx); !errors.Is(err, agent.ErrGone) {
			return fmt.Errorf("capture ended before the power was cut: %v", err)
		}
		lines, _ := capture.Since(0)
		for _, line := range lines {
			if strings.HasPrefix(line, dataFolder) {
				l.acknowledged = append(l.acknowledged, line)
			}
		}
	}
	l.station.Close()
	return l.config.Card.Check(ctx, dataPartition)
}

// work begins what the power's cut is to come into. Pictures are captured during all of it but a boot.
func (l *powerLane) work(ctx context.Context, kind string, i int) (capture *agent.Command, err error) {
	if kind == "boot" {
		return nil, nil
	}
	capture, err = l.station.Start("while :; do " + captureCommand(fmt.Sprint("cut", i+1), 0, "--every", "100ms") + " 2>/dev/null; done")
	if err != nil {
		return nil, err
	}
	switch kind {
	case "update":
		var install *agent.Command
		if install, err = l.station.Start(installCommand); err == nil {
			_, _, err = install.Expect(ctx, 0, "^begun$")
		}
	case "training":
		var train *agent.Command
		if train, err = l.station.Start(asPassfail + "passfail train " + rig.Inside + "/set --base mobilenet_v2 --size 224 --augment none --budget 1s --cache none --use --config " + configFile); err == nil {
			_, _, err = train.Expect(ctx, 0, "^looking at the pictures")
		}
	}
	return capture, err
}

// installCommand installs the later version of the package as 'make flash HOST=' has the station do it, and says when dpkg
// begins to: what comes before changes nothing.
const installCommand = `/usr/lib/passfail/update.sh install ` + rig.Inside + `/update.deb & job=$!
while kill -0 $job 2>/dev/null; do
	if grep -qs '^phase=installing' /var/lib/passfail-update/running; then echo begun; wait $job; exit; fi
	sleep 0.1
done
wait $job`

// whole boots the card, for the cut that comes next, and checks that the station is whole.
func (l *powerLane) whole(ctx context.Context, next int) error {
	if err := l.boot(ctx, next); err != nil {
		return err
	}
	s := l.station
	var errs []error
	check := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	check("the system", s.expect(ctx, `! [ -e /run/card/degraded ] || cat /run/card/degraded; findmnt -n -o FSTYPE /`, "overlay"))
	check("the configuration", s.expect(ctx, "sha256sum <"+configFile, l.configured))
	check("the pictures", l.pictures(ctx))
	check("the service", s.running(ctx, 0))
	_, _, err := s.said(ctx, 0, "msg=inspected verdict=")
	check("the service", err)
	check("the models", l.models(ctx))
	return errors.Join(errs...)
}

// pictures looks whether each that was acknowledged is there, with its last bytes, which are the same in every PNG.
func (l *powerLane) pictures(ctx context.Context) error {
	if len(l.acknowledged) == 0 {
		return nil
	}
	const end = " 00 00 00 00 49 45 4e 44 ae 42 60 82" // an IEND chunk
	// One process for all: the machine is slow to start them.
	out, err := l.station.Run(ctx, "tail -q -c 12 "+strings.Join(l.acknowledged, " ")+" | od -An -v -w12 -tx1; exit ${PIPESTATUS[0]}")
	if err != nil {
		return fmt.Errorf("of %d that were acknowledged some are lost: %w", len(l.acknowledged), err)
	}
	lines := strings.Split(out, "\n")
	for i, path := range l.acknowledged {
		if i >= len(lines) || lines[i] != end {
			return fmt.Errorf("of %d that were acknowledged %s or one before it is damaged", len(l.acknowledged), path)
		}
	}
	return nil
}

// models looks whether one model is active, and none is damaged.
func (l *powerLane) models(ctx context.Context) error {
	return l.station.expect(ctx, asPassfail+`passfail models --json --config `+configFile+` | grep -cE '"active": true|"damaged"'`, "1")
}

// trainingSet are pictures of demo/parts in folders of their labels, as files for the machine.
func trainingSet(parts []cpio.File) []cpio.File {
	var list []cpio.File
	for _, f := range parts {
		name, is := strings.CutPrefix(f.Name, pictureFolder+"/")
		if !is {
			continue
		}
		label := "bad"
		if verdict(name) == "pass" {
			label = "good"
		}
		list = append(list, cpio.File{Name: path.Join("set", label, name), Data: f.Data})
	}
	return list
}
