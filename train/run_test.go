package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"passfail/demo"
	"passfail/model"
)

// small are options for a training that takes no time.
func small(dir string) Options {
	return Options{Dir: dir, Pass: []string{"good"}, Bases: []string{"mobilenet_v2"}, Sizes: []int{96}, Augment: AugmentNone, Seed: 1}
}

// draw writes n demo pictures of a class into dir/label, other ones for another seed.
func draw(t testing.TB, dir, label string, class demo.Class, n int, seed uint64) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, label), 0o755); err != nil {
		t.Fatal(err)
	}
	all := t.TempDir()
	if err := demo.WriteDataset(t.Context(), all, n, seed, demo.Options{Width: 128, Height: 96}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(all, string(class)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		to := filepath.Join(dir, label, fmt.Sprintf("%d-%s", seed, e.Name()))
		if err := os.Rename(filepath.Join(all, string(class), e.Name()), to); err != nil {
			t.Fatal(err)
		}
	}
}

// drawn is a data set of n good parts and as many with a missing hole.
func drawn(t testing.TB, n int) string {
	dir := t.TempDir()
	draw(t, dir, "good", demo.Good, n, 1)
	draw(t, dir, "hole", "missing_hole", n, 2)
	return dir
}

func run(t testing.TB, o Options) *Result {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// pictureAt is the i-th picture of a label.
func pictureAt(t testing.TB, dir, label string, i int) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, label))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, label, entries[i].Name())
}

func TestRun(t *testing.T) {
	dir := drawn(t, 16)
	test := t.TempDir()
	draw(t, test, "good", demo.Good, 4, 11)
	draw(t, test, "hole", "missing_hole", 4, 12)
	o := small(dir)
	o.Cache, o.Test, o.Comment = filepath.Join(t.TempDir(), "cache"), test, "flanges"
	last := Step{}
	o.Progress = func(s Step) {
		if s.Done < 0 || s.Done > s.Total || s.Doing == "" {
			t.Errorf("progress: %+v", s)
		}
		last = s
	}
	r := run(t, o)
	if last.Doing == "" {
		t.Error("nothing was told of the progress")
	}
	if r.Pictures != 32 || r.Examples["good"] != 16 || r.Examples["hole"] != 16 || r.Base != "mobilenet_v2" || len(r.DataSet) != 64 {
		t.Errorf("%d pictures, %v, base %s, data set %s", r.Pictures, r.Examples, r.Base, r.DataSet)
	}
	v, held := r.Report.CrossValidated, r.Report.Test
	if v == nil || held == nil {
		t.Fatal("an evaluation is missing")
	}
	// A missing hole is plain to see: a head that learnt anything finds it.
	if a := v.Figures.AUC; !(a > 0.8 && a <= 1) {
		t.Errorf("cross-validated AUC %v", a)
	}
	if held.Figures.Pictures != 8 {
		t.Errorf("%d test pictures were judged", held.Figures.Pictures)
	}
	c, err := model.OpenBytes(r.Model, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SelfTest(); err != nil {
		t.Error(err)
	}
	if l := c.Labels(); len(l) != 2 || l[0] != "good" || l[1] != "hole" {
		t.Errorf("labels %q", l)
	}
	var b bytes.Buffer
	if err := r.Report.WriteJSON(&b); err != nil || !json.Valid(b.Bytes()) {
		t.Errorf("the report is no JSON: %v", err)
	}

	// The same again, with what the cache has, with a spoilt one, without one and
	// on one processor.
	o.Progress, o.Test = nil, ""
	again := func(how string, o Options) {
		t.Helper()
		if b := run(t, o).Model; !bytes.Equal(b, r.Model) {
			t.Errorf("%s: another model", how)
		}
	}
	again("with the cache", o)
	spoil(t, o.Cache)
	again("with a spoilt cache", o)
	o.Cache = ""
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	again("on one processor", o)
}

// spoil changes a byte within each file of a folder.
func spoil(t *testing.T, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d files in the cache: %v", len(entries), err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 0x40
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A training that is interrupted ends soon, with nothing left behind but a cache
// that is good.
func TestRunCancelled(t *testing.T) {
	dir := drawn(t, 12)
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	o := small(dir)
	var moments []string // by what was being done
	o.Progress = func(s Step) { moments = append(moments, s.Doing) }
	whole := run(t, o)
	idle := runtime.NumGoroutine()
	cache := filepath.Join(t.TempDir(), "cache")
	seen := ""
	for i, doing := range moments {
		if doing == seen && i%7 != 0 {
			continue // the beginning of each step, and some moments within
		}
		seen = doing
		o := small(dir)
		o.Cache = cache
		if i%2 == 0 {
			o.Cache = ""
		}
		ctx, cancel := context.WithCancel(t.Context())
		told := 0
		o.Progress = func(Step) {
			if told++; told > i {
				cancel()
			}
		}
		r, err := Run(ctx, o)
		cancel()
		if !errors.Is(err, context.Canceled) || r != nil {
			// With a cache there is less to tell of, so the moment may never come.
			if o.Cache == "" || err != nil || told > i {
				t.Errorf("cancelled while %s: %v", doing, err)
			}
		}
	}
	// One that has said that it is done may still be on its way out.
	for soon := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > idle; runtime.Gosched() {
		if time.Now().After(soon) {
			t.Fatalf("%d goroutines are left of %d trainings", runtime.NumGoroutine()-idle, len(moments))
		}
	}
	if entries, err := os.ReadDir(scratch); err != nil || len(entries) > 0 {
		t.Errorf("%d files are left: %v", len(entries), err)
	}
	o.Progress, o.Cache = nil, cache
	if !bytes.Equal(run(t, o).Model, whole.Model) {
		t.Error("with the cache of interrupted trainings: another model")
	}
}

// What a data set may be like.
func TestRunDataSets(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(t *testing.T, dir string)
		check func(t *testing.T, r *Result)
	}{
		{"four classes, one of two pictures", func(t *testing.T, dir string) {
			draw(t, dir, "good", demo.Good, 8, 1)
			draw(t, dir, "hole", "missing_hole", 6, 2)
			draw(t, dir, "scratch", "scratch", 6, 3)
			draw(t, dir, "chip", "chip", 2, 4)
		}, func(t *testing.T, r *Result) {
			if c := r.Report.CrossValidated.Figures.Confusion; len(c) != 4 {
				t.Errorf("a confusion matrix of %d rows", len(c))
			}
			if r.Examples["chip"] != 2 {
				t.Errorf("%v", r.Examples)
			}
		}},
		{"two pictures of each", func(t *testing.T, dir string) {
			draw(t, dir, "good", demo.Good, 2, 1)
			draw(t, dir, "hole", "missing_hole", 2, 2)
		}, func(t *testing.T, r *Result) {
			if len(r.Report.Warnings) == 0 {
				t.Error("no warning")
			}
		}},
		{"five times as many good ones", func(t *testing.T, dir string) {
			draw(t, dir, "good", demo.Good, 40, 1)
			draw(t, dir, "hole", "missing_hole", 8, 2)
		}, func(t *testing.T, r *Result) {
			if a := r.Report.CrossValidated.Figures.AUC; !(a > 0.7) {
				t.Errorf("AUC %v", a)
			}
		}},
		{"files that are no pictures", func(t *testing.T, dir string) {
			draw(t, dir, "good", demo.Good, 6, 1)
			draw(t, dir, "hole", "missing_hole", 6, 2)
			if err := os.WriteFile(filepath.Join(dir, "good", "letter.jpg"), []byte("Dear Sir"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("/nowhere", filepath.Join(dir, "hole", "link.png")); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, r *Result) {
			if u := strings.Join(r.Report.Data.Unreadable, "\n"); r.Pictures != 12 || !strings.Contains(u, "letter.jpg") || !strings.Contains(u, "link.png") {
				t.Errorf("%d pictures, left out: %s", r.Pictures, u)
			}
		}},
		{"one picture under both labels", func(t *testing.T, dir string) {
			draw(t, dir, "good", demo.Good, 6, 1)
			draw(t, dir, "hole", "missing_hole", 6, 2)
			copyFile(t, pictureAt(t, dir, "good", 2), filepath.Join(dir, "hole", "again.jpg"))
		}, func(t *testing.T, r *Result) {
			if u := strings.Join(r.Report.Data.Unreadable, "\n"); r.Pictures != 11 || !strings.Contains(u, "again.jpg") || !strings.Contains(u, `"good"`) {
				t.Errorf("%d pictures, left out: %s", r.Pictures, u)
			}
		}},
		{"copies of the parts", func(t *testing.T, dir string) {
			draw(t, dir, "good", demo.Good, 4, 1)
			draw(t, dir, "hole", "missing_hole", 4, 2)
			for _, label := range []string{"good", "hole"} {
				for i := range 4 {
					for k := range 3 {
						copyFile(t, pictureAt(t, dir, label, i), filepath.Join(dir, label, fmt.Sprintf("x%d-%d.jpg", i, k)))
					}
				}
			}
		}, func(t *testing.T, r *Result) {
			if r.Pictures != 32 || r.Report.Data.Parts > 8 {
				t.Errorf("%d pictures of %d parts", r.Pictures, r.Report.Data.Parts)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			c.check(t, run(t, small(dir)))
		})
	}
}

// Pictures of one part are never on both sides of a division.
func TestFoldsKeepParts(t *testing.T) {
	dir := drawn(t, 8)
	for _, label := range []string{"good", "hole"} {
		for i := range 8 {
			copyFile(t, pictureAt(t, dir, label, i), filepath.Join(dir, label, fmt.Sprintf("x%d.jpg", i)))
		}
	}
	s := &session{o: small(dir), materials: map[string]*material{}}
	defer s.close()
	if err := s.o.complete(); err != nil {
		t.Fatal(err)
	}
	if err := s.survey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.fold) != 32 || s.folds < 3 {
		t.Fatalf("%d pictures in %d folds", len(s.fold), s.folds)
	}
	at := map[[32]byte]int{}
	for i, h := range s.pictures.hashes {
		if f, seen := at[h]; seen && f != s.fold[i] {
			t.Errorf("copies of %s are in the folds %d and %d", s.pictures.set.Pictures[i].Path, f, s.fold[i])
		}
		at[h] = s.fold[i]
	}
}

// What can't be trained is refused by name, before anything is taught.
func TestRunRefuses(t *testing.T) {
	dir := drawn(t, 4)
	extra := t.TempDir()
	draw(t, extra, "good", demo.Good, 2, 5)
	draw(t, extra, "chip", "chip", 2, 5)
	leak := t.TempDir()
	draw(t, leak, "good", demo.Good, 2, 6)
	copyFile(t, pictureAt(t, dir, "good", 0), filepath.Join(leak, "good", "leak.jpg"))
	empty := t.TempDir()
	draw(t, empty, "good", demo.Good, 2, 7)
	if err := os.Mkdir(filepath.Join(empty, "hole"), 0o755); err != nil {
		t.Fatal(err)
	}
	same := t.TempDir()
	draw(t, same, "good", demo.Good, 3, 8)
	draw(t, same, "hole", "missing_hole", 1, 8)
	copyFile(t, pictureAt(t, same, "hole", 0), filepath.Join(same, "hole", "x.jpg"))
	notFolder := filepath.Join(dir, "good", "cache")
	if err := os.WriteFile(notFolder, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(o *Options)
		want   []string
	}{
		{"no folder", func(o *Options) { o.Dir = "/nowhere" }, []string{"/nowhere", "no such folder"}},
		{"an empty class", func(o *Options) { o.Dir = empty }, []string{`"hole"`, "no picture"}},
		{"one part only", func(o *Options) { o.Dir = same }, []string{`"hole"`, "same part"}},
		{"no good label", func(o *Options) { o.Pass = []string{"fine"} }, []string{`"fine"`, "--pass"}},
		{"good labels only", func(o *Options) { o.Pass = []string{"good", "hole"} }, []string{"good", "bad"}},
		{"a label of the test only", func(o *Options) { o.Test = extra }, []string{`"chip"`, "good, hole"}},
		{"a test that taught", func(o *Options) { o.Test = leak }, []string{"leak.jpg", "also among"}},
		{"no such test", func(o *Options) { o.Test = "/nowhere" }, []string{"test pictures", "/nowhere"}},
		{"no such base", func(o *Options) { o.Bases = []string{"nothing"} }, []string{"nothing", "mobilenet_v2"}},
		{"no such size", func(o *Options) { o.Sizes = []int{31} }, []string{"31", "multiple of 32"}},
		{"too few parts to fine-tune", func(o *Options) { o.FineTune = true }, []string{`"good" has 4`, "10 parts", "--fine-tune"}},
		{"nothing is cheap enough", func(o *Options) { o.MaxCost = 0.001 }, []string{"0.001"}},
		{"a cache that is no folder", func(o *Options) { o.Cache = notFolder }, []string{"cache", "not a directory", "--cache"}},
	} {
		o := small(dir)
		c.change(&o)
		taught := false
		o.Progress = func(s Step) { taught = taught || strings.HasPrefix(s.Doing, "trying") }
		r, err := Run(t.Context(), o)
		if err == nil || r != nil || taught {
			t.Errorf("%s: error %v, taught: %v", c.name, err, taught)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is missing: %v", c.name, w, err)
			}
		}
	}
}

// A cache with files that can't be written is an error that says so.
func TestRunReadOnlyCache(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	cache := filepath.Join(t.TempDir(), "cache")
	if err := os.Mkdir(cache, 0o555); err != nil {
		t.Fatal(err)
	}
	o := small(drawn(t, 4))
	o.Cache = cache
	if _, err := Run(t.Context(), o); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), cache) {
		t.Error(err)
	}
}
