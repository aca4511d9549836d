package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"passfail/config"
	"passfail/deploy/rig/cpio"
)

// The same seed gives the same moments, and a few of them have every kind of work.
func TestPlan(t *testing.T) {
	list := plan(10, 7)
	if !reflect.DeepEqual(list, plan(10, 7)) || reflect.DeepEqual(list, plan(10, 8)) {
		t.Error("the moments are not the seed's")
	}
	kinds := map[string]bool{}
	for _, c := range list[:4] {
		kinds[c.work] = true
	}
	for _, work := range []string{"update", "training", "capture", "boot"} {
		if !kinds[work] {
			t.Errorf("no cut during %s among %v", work, list[:4])
		}
	}
}

// Two machines have all cuts between them, in order, and the second one fewer of them.
func TestShare(t *testing.T) {
	for n := range 12 {
		for _, late := range []bool{false, true} {
			list := plan(n, 7)
			a, b := share(list, late)
			if !slices.Equal(slices.Concat(a, b), list) || len(b) > len(a) {
				t.Errorf("%d cuts, late %v: %d and %d", n, late, len(a), len(b))
			}
		}
	}
}

// The configurations that the tested stations get are ones that passfail takes, and say what they are made for.
func TestConfigurations(t *testing.T) {
	shipped, err := os.ReadFile("../../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := stationConfig(string(shipped))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Camera.Source != cameraDevice || c.Outputs.Board != "gpio" || c.Model.File == "" {
		t.Errorf("got camera %q, board %q, file %q", c.Camera.Source, c.Outputs.Board, c.Model.File)
	}
	if _, err := folderConfig(string(shipped)); err != nil {
		t.Error(err)
	}
	if _, err := stationConfig("nonsense"); err == nil {
		t.Error("a configuration without the lines to change was taken")
	}
}

func TestTrainingSet(t *testing.T) {
	got := trainingSet([]cpio.File{{Name: "guest"}, {Name: "parts/001-good.jpg"}, {Name: "parts/004-scratch.jpg"}})
	want := []cpio.File{{Name: "set/good/001-good.jpg"}, {Name: "set/bad/004-scratch.jpg"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
