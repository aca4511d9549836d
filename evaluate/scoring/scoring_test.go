package scoring_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"passfail/capture"
	"passfail/evaluate/scoring"
	"passfail/model"
	"passfail/model/graph"
	"passfail/train/dataset"
)

const demoModel = "../../demo/model.tflite"

// parts makes a data set of the demo's parts, a folder for each label.
func parts(t testing.TB, most int) string {
	t.Helper()
	dir, count := t.TempDir(), map[string]int{}
	files, err := filepath.Glob("../../demo/parts/*.jpg")
	if err != nil || len(files) == 0 {
		t.Fatal("no parts", err)
	}
	for _, f := range files {
		_, label, _ := strings.Cut(strings.TrimSuffix(filepath.Base(f), ".jpg"), "-")
		if count[label]++; count[label] > most {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, label, filepath.Base(f)), b)
	}
	return dir
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func list(t testing.TB, dir string) *dataset.Set {
	t.Helper()
	s, err := dataset.List(dir, dataset.Options{MinLabels: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The scores are those of the line, whatever the number of classifiers.
func TestScoresAreTheLines(t *testing.T) {
	set := list(t, parts(t, 4))
	c, err := model.Open(demoModel, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, n := range []int{1, 3, 99} {
		done := 0
		r, err := scoring.Run(t.Context(), demoModel, set, scoring.Options{Classifiers: n, Progress: func(n int) { done = n }})
		if err != nil {
			t.Fatal(err)
		}
		if done != len(set.Pictures) || len(r.Sample.Pictures) != len(set.Pictures) || !slices.Equal(r.Sample.Labels, c.Labels()) {
			t.Fatalf("%d classifiers: %d done, %d judged of %d", n, done, len(r.Sample.Pictures), len(set.Pictures))
		}
		for i, p := range r.Sample.Pictures {
			if p.Path != set.Pictures[i].Path || r.Sample.Labels[p.Truth] != filepath.Base(filepath.Dir(p.Path)) || p.Group < 1 {
				t.Errorf("%+v", p)
			}
			f, err := capture.ReadPicture(p.Path, capture.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := c.Classify(&f.Image, f.ROI)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range want {
				if p.Scores[k] != float64(v) {
					t.Errorf("%d classifiers: %s: %v, want %v", n, p.Path, p.Scores, want)
				}
			}
			f.Close()
		}
		if good := slices.Index(c.Labels(), "good"); !r.Sample.Pass[good] || r.Model.Threshold != 0 || r.Model.Bytes == 0 || len(r.Model.SHA256) != 64 {
			t.Errorf("%+v, passes %v", r.Model, r.Sample.Pass)
		}
	}
}

// Copies of a picture are one part.
func TestCopiesAreOnePart(t *testing.T) {
	dir := parts(t, 2)
	b, err := os.ReadFile(filepath.Join(dir, "good/001-good.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "good/copy.jpg"), b)
	r, err := scoring.Run(t.Context(), demoModel, list(t, dir), scoring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	group := map[string]int{}
	for _, p := range r.Sample.Pictures {
		group[filepath.Base(p.Path)] = p.Group
	}
	if group["copy.jpg"] != group["001-good.jpg"] || group["copy.jpg"] == group["002-good.jpg"] {
		t.Errorf("%v", group)
	}
}

func TestUnreadable(t *testing.T) {
	dir := parts(t, 1)
	write(t, filepath.Join(dir, "good/broken.jpg"), []byte("no picture"))
	r, err := scoring.Run(t.Context(), demoModel, list(t, dir), scoring.Options{})
	if err != nil || len(r.Unreadable) != 1 || filepath.Base(r.Unreadable[0].Path) != "broken.jpg" || len(r.Sample.Pictures) != 4 {
		t.Errorf("%v: %+v", err, r)
	}
	only := t.TempDir()
	write(t, filepath.Join(only, "good/broken.jpg"), []byte("no picture"))
	if _, err := scoring.Run(t.Context(), demoModel, list(t, only), scoring.Options{}); err == nil || !strings.Contains(err.Error(), "none of its 1 pictures could be read") {
		t.Error(err)
	}
}

func TestLabels(t *testing.T) {
	dir := parts(t, 1)
	if err := os.Rename(filepath.Join(dir, "chip"), filepath.Join(dir, "broken edge")); err != nil {
		t.Fatal(err)
	}
	set := list(t, dir)
	for name, c := range map[string]struct {
		options scoring.Options
		want    string // an error
	}{
		"unknown":        {scoring.Options{}, `no label named like the folder broken edge; its labels are: chip, good, missing_hole, scratch. Say which of them a folder means: --map broken edge=chip`},
		"mapped":         {scoring.Options{Rename: map[string]string{"broken edge": "chip"}}, ""},
		"mapped wrongly": {scoring.Options{Rename: map[string]string{"broken edge": "edge"}}, `no label "edge"`},
		"no such folder": {scoring.Options{Rename: map[string]string{"broken edge": "chip", "x": "chip"}}, `no folder "x"`},
		"no such pass":   {scoring.Options{Rename: map[string]string{"broken edge": "chip"}, Pass: []string{"fine"}}, `no label "fine"`},
		"all pass":       {scoring.Options{Rename: map[string]string{"broken edge": "chip"}, Pass: []string{"chip", "good", "missing_hole", "scratch"}}, "no part could fail"},
	} {
		r, err := scoring.Run(t.Context(), demoModel, set, c.options)
		if c.want == "" && err == nil {
			if got := r.Sample.Labels[r.Sample.Pictures[0].Truth]; got != "chip" {
				t.Errorf("%s: %s", name, got)
			}
			continue
		}
		if c.want == "" || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A model's own threshold is read, and nonsense in its place is refused.
func TestOwnThreshold(t *testing.T) {
	b, err := os.ReadFile(demoModel)
	if err != nil {
		t.Fatal(err)
	}
	set := list(t, parts(t, 1))
	for entry, want := range map[string]float64{`{"threshold": 0.625, "other": [1]}`: 0.625, `{}`: 0, `{"threshold": 7}`: -1, `{"threshold": "x"}`: -1, `[`: -1} {
		f, err := graph.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		f.SetEntry("PASSFAIL_MODEL", []byte(entry))
		out, err := f.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "model.tflite")
		write(t, path, out)
		r, err := scoring.Run(t.Context(), path, set, scoring.Options{})
		if (err != nil) != (want < 0) {
			t.Errorf("%s: %v", entry, err)
		}
		if err == nil && r.Model.Threshold != want {
			t.Errorf("%s: %v", entry, r.Model.Threshold)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := scoring.Run(ctx, demoModel, list(t, parts(t, 4)), scoring.Options{Classifiers: 2, Progress: func(n int) {
		if n == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := scoring.Run(t.Context(), "none.tflite", list(t, parts(t, 1)), scoring.Options{}); err == nil || !strings.Contains(fmt.Sprint(err), "none.tflite") {
		t.Error(err)
	}
}
