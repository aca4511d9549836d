package store

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestVersions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	s := openStore(t, dir)
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	if _, err := s.Active(); !errors.Is(err, ErrNoneActive) || !strings.Contains(err.Error(), "passfail models add") {
		t.Error(err)
	}
	accuracy := 0.97
	m := Meta{
		Created: day, Comment: "two lamps", Base: "mobilenet_v2", Parent: "x",
		DataSet: &DataSet{Path: "/parts", Hash: "abc", Pictures: 100, Labels: map[string]int{"good": 60, "scratch": 40}},
		Figures: &Figures{How: "cross-validation", Accuracy: &accuracy},
	}
	first, err := s.Add([]byte("first"), m, map[string][]byte{ReportHTML: []byte("<p>"), SidecarFile: []byte("mean = [0]")})
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != "20261124-231502-a7937b" || first.SHA256() != hash([]byte("first")) || !strings.HasPrefix(first.SHA256(), "a7937b") {
		t.Errorf("%+v", first)
	}
	again := add(t, s, "first", 0)
	if again.ID != first.ID+"-2" {
		t.Errorf("the same model in the same second is %s", again.ID)
	}
	later := add(t, s, "later", 5)

	// Another process finds what was kept.
	s = openStore(t, dir)
	list, err := s.List()
	if err != nil || len(list) != 3 || list[0].ID != later.ID || list[1].ID != again.ID || list[2].ID != first.ID {
		t.Fatalf("%v, %v", list, err)
	}
	got := list[2]
	if got.Damaged != nil || got.Comment != m.Comment || got.DataSet.Labels["scratch"] != 40 || *got.Figures.Accuracy != accuracy || !got.Created.Equal(day) {
		t.Errorf("%+v", got)
	}
	for name, want := range map[string]string{ModelFile: "first", ReportHTML: "<p>", SidecarFile: "mean = [0]"} {
		if b, err := os.ReadFile(got.Path(name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if _, err := s.Active(); !errors.Is(err, ErrNoneActive) {
		t.Errorf("what nobody activated is active: %v", err)
	}
}

func TestAddRefuses(t *testing.T) {
	s := openStore(t, t.TempDir())
	_, err := s.Add(nil, Meta{}, nil)
	wantError(t, err, "the model is empty")
	for _, name := range []string{"", ".x", "../x", "a/b", ModelFile, metaFile} {
		_, err := s.Add([]byte("m"), Meta{}, map[string][]byte{name: nil})
		wantError(t, err, fmt.Sprintf("%q", name))
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Open(file)
	wantError(t, err, file, "a folder is needed")
}

func TestFind(t *testing.T) {
	s := openStore(t, t.TempDir())
	a, b := add(t, s, "a", 0), add(t, s, "b", 1)
	for id, want := range map[string]string{
		a.ID: a.ID, "20261124-231502": a.ID, "20261124-2316": b.ID, b.ID[len(idTime)+1:]: b.ID, b.ID[len(idTime)+1:][:3]: b.ID,
	} {
		if v, err := s.Find(id); err != nil || v.ID != want {
			t.Errorf("%s is %s, %v", id, v.ID, err)
		}
	}
	_, err := s.Find("2026")
	wantError(t, err, a.ID, b.ID, "write more of it")
	for _, id := range []string{"", "2027", "..", "active", a.ID + "/"} {
		if _, err := s.Find(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestUseAndRollback(t *testing.T) {
	s := openStore(t, t.TempDir())
	a, b, c := add(t, s, "a", 0), add(t, s, "b", 1), add(t, s, "c", 2)
	_, err := s.Rollback()
	wantError(t, err, "no model is active")
	use(t, s, a.ID)
	_, err = s.Rollback()
	wantError(t, err, "no model was active before "+a.ID)
	for _, v := range []Version{b, b, c, a} {
		use(t, s, v.ID)
		if got := active(t, s); got != v.ID {
			t.Errorf("%s is active, want %s", got, v.ID)
		}
	}
	// Each rollback goes one further back: a, c, b, a.
	for _, want := range []string{c.ID, b.ID, a.ID} {
		if v, err := s.Rollback(); err != nil || v.ID != want || active(t, s) != want {
			t.Errorf("back at %s, want %s: %v", v.ID, want, err)
		}
	}
	_, err = s.Rollback()
	wantError(t, err, "no model was active before")
	history, err := s.History()
	if err != nil || len(history) != 7 || !history[6].Rollback || history[6].ID != a.ID || history[0].Time.IsZero() {
		t.Errorf("%v, %v", history, err)
	}
	use(t, s, b.ID) // after rollbacks it goes on as before
	if v, err := s.Rollback(); err != nil || v.ID != a.ID {
		t.Errorf("%v, %v", v.ID, err)
	}
}

func TestRemove(t *testing.T) {
	s := openStore(t, t.TempDir())
	a, b, c := add(t, s, "a", 0), add(t, s, "b", 1), add(t, s, "c", 2)
	for _, v := range []Version{a, b, c} {
		use(t, s, v.ID)
	}
	_, err := s.Remove(c.ID)
	wantError(t, err, c.ID+" is active", "passfail models use")
	if v, err := s.Remove("20261124-2316"); err != nil || v.ID != b.ID {
		t.Errorf("%v, %v", v.ID, err)
	}
	if _, err := os.Stat(b.Dir); err == nil {
		t.Error("it is still there")
	}
	if v, err := s.Rollback(); err != nil || v.ID != a.ID {
		t.Errorf("back at %s, not over the removed one: %v", v.ID, err)
	}
	if _, err := s.Remove(b.ID); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// A damaged model does not judge: the one before it does, and it is said why.
func TestDamaged(t *testing.T) {
	for name, harm := range map[string]func(testing.TB, Version){
		"a bit of the model":   func(t testing.TB, v Version) { damage(t, v.Model()) },
		"a bit of the sidecar": func(t testing.TB, v Version) { damage(t, v.Path(SidecarFile)) },
		"no sidecar": func(t testing.TB, v Version) {
			if err := os.Remove(v.Path(SidecarFile)); err != nil {
				t.Fatal(err)
			}
		},
		"empty meta": func(t testing.TB, v Version) {
			if err := os.Truncate(v.Path(metaFile), 0); err != nil {
				t.Fatal(err)
			}
		},
		"gone": func(t testing.TB, v Version) {
			if err := os.RemoveAll(v.Dir); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, t.TempDir())
			a := add(t, s, "a", 0)
			b, err := s.Add([]byte("b"), Meta{Created: day.Add(time.Minute)}, map[string][]byte{SidecarFile: []byte("mean = [0]")})
			if err != nil {
				t.Fatal(err)
			}
			add(t, s, "never activated", 2)
			use(t, s, a.ID)
			use(t, s, b.ID)
			harm(t, b)
			got, err := s.Active()
			if err != nil || got.ID != a.ID || got.Chosen != b.ID {
				t.Fatalf("%+v, %v", got, err)
			}
			wantError(t, got.Fault, b.ID)
			if id, err := s.Chosen(); err != nil || id != b.ID {
				t.Errorf("what the user chose is %s, %v", id, err)
			}
			if _, err := s.Use(b.ID); err == nil {
				t.Error("it can be activated again")
			}
			if v, err := s.Rollback(); err != nil || v.ID != a.ID || active(t, s) != a.ID {
				t.Errorf("%v, %v", v.ID, err)
			}
			damage(t, a.Model())
			if _, err := s.Active(); !errors.Is(err, ErrNoneActive) || !strings.Contains(err.Error(), "model.tflite is damaged") {
				t.Error(err)
			}
		})
	}
}

// A torn report does not stop a line.
func TestDamagedReport(t *testing.T) {
	s := openStore(t, t.TempDir())
	v := add(t, s, "a", 0)
	use(t, s, v.ID)
	damage(t, v.Path(ReportHTML))
	if got := active(t, s); got != v.ID {
		t.Error(got)
	}
}

// Of a damaged record the lines that are whole count.
func TestDamagedHistory(t *testing.T) {
	s := openStore(t, t.TempDir())
	a, b := add(t, s, "a", 0), add(t, s, "b", 1)
	use(t, s, a.ID)
	use(t, s, b.ID)
	path := filepath.Join(s.Dir(), activeFile)
	b1, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b1[:len(b1)-3], 0o644); err != nil {
		t.Fatal(err)
	}
	if got := active(t, s); got != a.ID {
		t.Errorf("%s is active", got)
	}
	_, err = s.History()
	wantError(t, err, path, "1 of its lines", "passfail models use")
	use(t, s, a.ID)
	if h, err := s.History(); err != nil || len(h) != 2 {
		t.Errorf("%v, %v", h, err)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	s := openStore(t, t.TempDir())
	a, b := add(t, s, "a", 0), add(t, s, "b", 1)
	var text strings.Builder
	for i := range 2 * keptHistory {
		fmt.Fprintln(&text, Activation{Time: day, ID: []string{a.ID, b.ID}[i%2]})
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), activeFile), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	use(t, s, a.ID)
	if h, err := s.History(); err != nil || len(h) != keptHistory {
		t.Errorf("%d lines, %v", len(h), err)
	}
	if v, err := s.Rollback(); err != nil || v.ID != b.ID {
		t.Errorf("%v, %v", v.ID, err)
	}
}

// A store that may only be read, as a station's user may, is read.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	v := add(t, s, "a", 0)
	use(t, s, v.ID)
	if err := os.Remove(filepath.Join(dir, lockFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	if got := active(t, openStore(t, dir)); got != v.ID {
		t.Error(got)
	}
}

const writerEnv = "PASSFAIL_TEST_STORE"

// Several processes and goroutines write at a time: nothing is lost or half-made.
func TestWritersAtATime(t *testing.T) {
	const each = 10
	work := func(t testing.TB, s *Store, who int) {
		for i := range each {
			v, err := s.Add(fmt.Appendf(nil, "model %d of %d", i, who), Meta{}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Use(v.ID); err != nil {
				t.Error(err)
			}
			if _, err := s.Active(); err != nil {
				t.Error(err)
			}
		}
	}
	if dir := os.Getenv(writerEnv); dir != "" {
		work(t, openStore(t, dir), os.Getpid())
		return
	}
	dir := filepath.Join(t.TempDir(), "models")
	s := openStore(t, dir)
	var others sync.WaitGroup
	for range 2 {
		others.Go(func() {
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWritersAtATime$")
			c.Env = append(os.Environ(), writerEnv+"="+dir)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	for who := range 2 {
		others.Go(func() { work(t, s, who) })
	}
	others.Wait()
	list, err := s.List()
	if err != nil || len(list) != 4*each {
		t.Errorf("%d versions, want %d: %v", len(list), 4*each, err)
	}
	for _, v := range list {
		if err := v.Check(); err != nil {
			t.Error(err)
		}
	}
	if h, err := s.History(); err != nil || len(h) != 4*each {
		t.Errorf("%d activations, want %d: %v", len(h), 4*each, err)
	}
}

const userEnv = "PASSFAIL_TEST_STORE_USER"

// A process that does nothing but activate models is killed over and over.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(userEnv); dir != "" {
		s := openStore(t, dir)
		list, err := s.List()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("begin")
		for i := 0; ; i++ {
			use(t, s, list[i%len(list)].ID)
		}
	}
	dir := t.TempDir()
	s := openStore(t, dir)
	use(t, s, add(t, s, "a", 0).ID)
	add(t, s, "b", 1)
	r := rand.New(rand.NewPCG(4, 4))
	for range 25 {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		c.Env = append(os.Environ(), userEnv+"="+dir)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "begin\n" {
			t.Fatalf("%q, %v", line, err)
		}
		time.AfterFunc(time.Duration(r.IntN(10_000))*time.Microsecond, func() { _ = c.Process.Kill() })
		_ = c.Wait() // it was killed
		active(t, openStore(t, dir))
		if left := leftovers(t, dir); len(left) > 0 {
			t.Errorf("not swept: %q", left)
		}
	}
	h, err := s.History()
	if err != nil || len(h) < 25 {
		t.Errorf("%d activations, %v", len(h), err)
	}
	t.Logf("%d activations", len(h))
}

func FuzzHistory(f *testing.F) {
	f.Add("2026-11-24T23:15:02Z use 20261124-231502-a1b2c3\n2026-11-24T23:15:09Z rollback 20261124-231502-a1b2c4-2\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, damaged := parseHistory(text)
		var again strings.Builder
		for _, a := range list {
			fmt.Fprintln(&again, a)
		}
		back, n := parseHistory(again.String())
		if n != 0 || len(back) != len(list) || len(list)+damaged > strings.Count(text, "\n")+1 {
			t.Errorf("%d lines and %d damaged ones, then %d and %d", len(list), damaged, len(back), n)
		}
		ids := stack(list)
		if (len(ids) == 0) != (len(list) == 0) || len(ids) > 0 && ids[len(ids)-1] != list[len(list)-1].ID {
			t.Errorf("%v leads to %v", list, ids)
		}
	})
}

func FuzzMeta(f *testing.F) {
	f.Add([]byte(`{"id":"20261124-231502-a1b2c3","files":{"model.tflite":"00","report.json":"11"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMeta(b)
		if err != nil {
			return
		}
		for _, name := range slices.Sorted(keys(m.Files)) {
			if filepath.Base(name) != name {
				t.Errorf("a file %q would be read", name)
			}
		}
	})
}
