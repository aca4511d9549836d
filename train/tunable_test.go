package train

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"passfail/model"
	"passfail/train/feature"
)

// A data set with a picture that can't be read is tuned by the others, and the
// report says what came of it.
func TestRunFineTunes(t *testing.T) {
	dir := drawn(t, leastTuned)
	if err := os.WriteFile(filepath.Join(dir, "hole", "broken.jpg"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := small(dir)
	o.FineTune, o.Cache = true, filepath.Join(t.TempDir(), "cache")
	r := run(t, o)
	said := strings.Join(r.Report.Warnings, "\n")
	for _, w := range []string{"Fine-tuning", "1 file was left out", "broken.jpg"} {
		if !strings.Contains(said, w) {
			t.Errorf("%q is not among the warnings: %s", w, said)
		}
	}
	c, err := model.OpenBytes(r.Model, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SelfTest(); err != nil {
		t.Error(err)
	}
	onlyShelves(t, o.Cache)
}

// Whenever a fine-tuning is interrupted, it ends soon and leaves nothing but the cache.
func TestRunFineTuningCancelled(t *testing.T) {
	dir := drawn(t, leastTuned)
	cache := filepath.Join(t.TempDir(), "cache")
	for _, stage := range []string{"activations", "head", "pass 2", "check"} {
		ctx, cancel := context.WithCancel(t.Context())
		o := small(dir)
		o.FineTune, o.Cache = true, cache
		reached, after := false, 0
		o.Progress = func(s Step) {
			if reached {
				after++
			}
			if strings.HasPrefix(s.Doing, "fine-tuning") && strings.Contains(s.Doing, stage) {
				reached = true
				cancel()
			}
		}
		r, err := Run(ctx, o)
		cancel()
		if !reached || r != nil || err == nil {
			t.Errorf("%s: reached: %v, error %v", stage, reached, err)
		}
		if after > 4 {
			t.Errorf("%s: %d steps were made after it was cancelled", stage, after)
		}
		onlyShelves(t, cache)
	}
}

// onlyShelves is an error where a folder of the cache holds anything but shelves.
func onlyShelves(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), feature.ShelfSuffix) {
			t.Errorf("%s is left in the cache", e.Name())
		}
	}
}
