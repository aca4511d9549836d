package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// lane is one machine with a card of its own, and what is checked with it, in order.
type lane interface {
	name() string
	steps() []step
	close()
}

// lanes are the machines of a run. The lists go on side by side, those of one list one after the other: two at a time, for two
// processors.
func lanes(ctx context.Context, k *kit, o options) ([][]lane, error) {
	var pi, first, second []lane
	if o.only != "power" {
		l, err := newPiLane(k, o.short)
		if err != nil {
			return nil, err
		}
		pi = append(pi, l)
	}
	if o.only != "pi" {
		power, err := newPowerLane(ctx, k, o)
		if err != nil {
			return nil, err
		}
		// The second one has the bad update beside, and usually begins when the Pi is through.
		a, b := *power, *power
		a.cuts, b.cuts = share(power.cuts, len(pi) > 0)
		a.trigger, b.flash = true, true
		b.number += len(a.cuts)
		if o.short {
			first = append(first, &a)
		} else {
			a.title, b.title = "power-a", "power-b"
			first, second = append(first, &a), append(second, &b)
		}
	}
	return [][]lane{first, slices.Concat(pi, second)}, nil
}

// share divides cuts between two machines, the second of which has a bad update to take back, and may begin late.
func share(cuts []cut, late bool) (a, b []cut) {
	n := len(cuts) / 3
	if late {
		n = len(cuts) / 5
	}
	return cuts[:len(cuts)-n], cuts[len(cuts)-n:]
}

func newPiLane(k *kit, short bool) (*piLane, error) {
	paths, err := filepath.Glob("demo/parts/*.jpg")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	slices.Sort(names)
	count := 20
	if short {
		count = 9 // with a scratch, a chip and a missing hole
	}
	return &piLane{kit: k, short: short, pictures: names[:min(count, len(names))]}, nil
}

// newPowerLane is one with all the cuts.
func newPowerLane(ctx context.Context, k *kit, o options) (*powerLane, error) {
	update := filepath.Join(o.dir, "update.deb")
	if out, err := exec.CommandContext(ctx, "deploy/e2e/later.sh", o.deb, update).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("deploy/e2e/later.sh: %w: %s", err, out)
	}
	deb, err := os.ReadFile(update)
	if err != nil {
		return nil, err
	}
	model, err := os.ReadFile("demo/model.tflite")
	if err != nil {
		return nil, err
	}
	return &powerLane{kit: k, title: "power", number: 1, deb: o.deb, key: o.key, cuts: plan(o.cuts, o.seed), update: deb, model: model, dataSet: trainingSet(k.files)}, nil
}
