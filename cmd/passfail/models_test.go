package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"passfail/model/graph"
	"passfail/model/store"
)

// relabelled writes the demo's model with other names for its labels, old and new in turn.
func relabelled(t testing.TB, name string, labels ...string) string {
	t.Helper()
	b, err := os.ReadFile(inRepository("demo/model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := graph.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range f.Packed {
		f.Packed[i].Data = []byte(strings.NewReplacer(labels...).Replace(string(p.Data)))
	}
	if b, err = f.Bytes(); err != nil {
		t.Fatal(err)
	}
	return write(t, name, string(b))
}

// twisted passes chipped parts and fails good ones.
func twisted(t testing.TB) string {
	return relabelled(t, "twisted.tflite", "chip", "good", "good", "chip")
}

// id is that of the first model that some output of passfail models names.
func id(t testing.TB, r result) string {
	t.Helper()
	m := regexp.MustCompile(`\d{8}-\d{6}-[0-9a-f]{6}(-\d+)?`).FindString(r.stdout)
	if m == "" || r.code != 0 {
		t.Fatalf("no model is named: %v", r)
	}
	return m
}

// pairStore is a store with the demo's model, which is active, and the twisted one.
func pairStore(t testing.TB) (dir, demo, other string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "models")
	demo = id(t, passfail(t, "models", "add", "--store", dir, inRepository("demo/model.tflite"), "--comment", "the demo's", "--use"))
	other = id(t, passfail(t, "models", "add", "--store", dir, twisted(t), "--comment", "twisted"))
	return dir, demo, other
}

// storeConfig is the demo's configuration with a store.
func storeConfig(t testing.TB, dir string, changes ...string) string {
	t.Helper()
	return demoConfig(t, append([]string{fmt.Sprintf("file = %q", inRepository("demo/model.tflite")), fmt.Sprintf("store = %q", dir)}, changes...)...)
}

func TestModels(t *testing.T) {
	dir, demo, other := pairStore(t)
	models := func(args ...string) result {
		return passfail(t, append([]string{"models", "--store", dir}, args...)...)
	}
	r := models()
	r.expect(t, 0, "ID", "ACCURACY", "mobilenet_v2", "the demo's", "twisted")
	for l := range strings.Lines(r.stdout) {
		if strings.HasPrefix(l, "*") != strings.Contains(l, demo) {
			t.Errorf("the star is elsewhere: %v", r)
		}
	}
	var list []listed
	if r := models("--json"); json.Unmarshal([]byte(r.stdout), &list) != nil || len(list) != 2 {
		t.Fatalf("%v", r)
	}
	for _, l := range list {
		if l.Active != (l.ID == demo) || l.Base != "mobilenet_v2" || l.DataSet == nil || l.DataSet.Pictures < 100 || l.DataSet.Labels["good"] == 0 {
			t.Errorf("%+v", l)
		}
	}

	hash := strings.Split(other, "-")[2]
	models("use", hash).expect(t, 0, other+" is active", demo)
	if got := id(t, models("show", "active")); got != other {
		t.Errorf("%s is active, not %s", got, other)
	}
	models("show", demo).expect(t, 0, "the demo's", "activated", "model.tflite", "sha256", "missing_hole")
	models("rm", hash).expect(t, 1, other+" is active", "passfail models use")
	models("rm", "active").expect(t, 1, other+" is active", "passfail models use")
	models("rollback").expect(t, 0, demo+" is active again")
	models("rollback").expect(t, 1, "no model was active before "+demo)

	out := filepath.Join(t.TempDir(), "out.tflite")
	models("export", "active", "-o", out).expect(t, 0, out)
	want, err := os.ReadFile(inRepository("demo/model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes exported of %d: %v", len(got), len(want), err)
	}
	models("rm", other, "20010101").expect(t, 1, other+" is removed", "20010101")
	if r := models(); strings.Contains(r.stdout, other) {
		t.Errorf("it is still there: %v", r)
	}
}

func TestModelsSourceDate(t *testing.T) {
	stores := []string{filepath.Join(t.TempDir(), "models"), filepath.Join(t.TempDir(), "models")}
	t.Setenv("SOURCE_DATE_EPOCH", "1764072000")
	for _, dir := range stores {
		v := id(t, passfail(t, "models", "add", "--store", dir, inRepository("demo/model.tflite"), "--use"))
		if !strings.HasPrefix(v, "20251125-120000-") {
			t.Errorf("the model's version is %s", v)
		}
	}
	active := func(dir string) string {
		b, err := os.ReadFile(filepath.Join(dir, "active"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if a, b := active(stores[0]), active(stores[1]); a != b || !strings.HasPrefix(a, "2025-11-25T12:00:00Z ") {
		t.Errorf("activated: %q, and %q", a, b)
	}
	for _, wrong := range []string{"today", "-1", "1.5"} {
		t.Setenv("SOURCE_DATE_EPOCH", wrong)
		passfail(t, "models", "--store", stores[0]).expect(t, 1, "SOURCE_DATE_EPOCH", wrong, "seconds since 1970")
	}
}

func TestModelsErrors(t *testing.T) {
	dir, demo, _ := pairStore(t)
	passfail(t, "models").expect(t, 1, "config.toml: no such file", "--store DIR")
	passfail(t, "models", "--config", demoConfig(t)).expect(t, 1, "model.file", `store = "models"`)
	passfail(t, "models", "--store", filepath.Join(dir, "none")).expect(t, 0, "No models in", "passfail models add")
	passfail(t, "models", "--store", inRepository("README.md")).expect(t, 1, "a folder is needed")
	models := func(args ...string) result {
		return passfail(t, append([]string{"models", "--config", storeConfig(t, dir)}, args...)...)
	}
	models("use", "2").expect(t, 1, "write more of it")
	models("use", "x").expect(t, 1, `no such model: "x"`, "passfail models")
	models("export", demo).expect(t, 2, "-o FILE")
	models("add", inRepository("README.md")).expect(t, 1, "not a .tflite file")
	models("add", inRepository("model/base/mobilenet_v2.tflite")).expect(t, 1, "base network")
	models("diff", demo, demo).expect(t, 2, "name a folder")
	models("diff", demo, demo, "/none").expect(t, 1, "/none")

	// A model that the decision can't work with is kept, and not activated.
	strange := id(t, models("add", relabelled(t, "strange.tflite", "good", "fine")))
	models("use", strange).expect(t, 1, `no label "good"`, "fine")
	passfail(t, "models", "--store", dir, "use", strange).expect(t, 0)
	models("use", demo).expect(t, 0, demo+" is active")
	models("rollback").expect(t, 1, `no label "good"`, "passfail models use ID")
	if got := id(t, models("show", "active")); got != demo {
		t.Errorf("%s is active", got)
	}
}

// A model with a sidecar keeps it.
func TestModelsSidecar(t *testing.T) {
	b, err := os.ReadFile(inRepository("model/testdata/int8.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "bare.tflite", string(b))
	for name, text := range map[string]string{"bare.tflite.toml": "mean = [127.5]\nstd = [127.5]\nlabels_file = \"names.txt\"\n", "names.txt": "good\nb\nc\nd\n"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "models")
	v := id(t, passfail(t, "models", "--store", dir, "add", path, "--use"))
	out := filepath.Join(t.TempDir(), "out.tflite")
	passfail(t, "models", "--store", dir, "export", v, "-o", out).expect(t, 0, out+".toml", "names.txt")
	passfail(t, "classify", "--model", out, inRepository("demo/parts/001-good.jpg")).expect(t, 0, "good")
	passfail(t, "classify", "--config", storeConfig(t, dir), inRepository("demo/parts/001-good.jpg")).expect(t, 0, "good")
	passfail(t, "check", "--config", storeConfig(t, dir)).expect(t, 0, "of good, b, c, d")
}

func TestModelsDiff(t *testing.T) {
	dir, demo, other := pairStore(t)
	set := t.TempDir()
	for label, names := range map[string][]string{"good": {"001-good.jpg", "002-good.jpg", "003-good.jpg", "005-good.jpg", "006-good.jpg", "007-good.jpg"}, "scratch": {"004-scratch.jpg"}, "chip": {"008-chip.jpg"}} {
		if err := os.Rename(copyParts(t, names...), filepath.Join(set, label)); err != nil {
			t.Fatal(err)
		}
	}
	diff := func(args ...string) result {
		return passfail(t, append([]string{"models", "--config", storeConfig(t, dir), "diff"}, args...)...)
	}
	diff(demo, other, set).expect(t, 0, "008-chip.jpg", "fail chip", "pass good", "(wrong)", "8 pictures: 7 with another verdict", "right: A 8 (100.0 %), B 1 (12.5 %); only A 7, only B 0; McNemar's test p = 0.016",
		"A judges better")
	var got diffReport
	if r := diff(other, demo, set, "--json"); json.Unmarshal([]byte(r.stdout), &got) != nil {
		t.Fatal(r)
	}
	if got.A != other || got.Pictures != 8 || got.OtherVerdict != 7 || got.Right == nil || got.Right.B != 8 || got.Right.OnlyB != 7 || len(got.Differences) != 7 || *got.Differences[0].A.Right {
		t.Errorf("%+v", got)
	}
	diff(demo, demo, set).expect(t, 0, "8 pictures: 0 with another verdict", "Neither judges better")
	flat := copyParts(t, "001-good.jpg", "004-scratch.jpg", "008-chip.jpg")
	r := diff(demo, other, flat)
	r.expect(t, 0, "3 pictures: 2 with another verdict")
	if strings.Contains(r.stdout, "McNemar") {
		t.Errorf("right or wrong can't be known here: %v", r)
	}
	if err := os.WriteFile(filepath.Join(flat, "torn.jpg"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	diff(demo, other, flat).expect(t, 1, "3 pictures: 2 with another verdict", "torn.jpg")
}

var frameLine = regexp.MustCompile(`msg=inspected verdict=(\w+) .*frame=(\d+) file=(\S+)`)

// inOrder checks that each frame was judged once, in order, and returns how many
// there were. Where none may be left out, as one that is late may be at a camera's
// pace, none was.
func inOrder(t testing.TB, log string, all bool) int {
	t.Helper()
	n, last := 0, 0
	for _, m := range frameLine.FindAllStringSubmatch(log, -1) {
		n++
		seq, err := strconv.Atoi(m[2])
		if err != nil || seq <= last || all && seq != last+1 {
			t.Fatalf("frame %s after %d: %v", m[2], last, err)
		}
		last = seq
	}
	return n
}

// A station that runs takes what is activated from outside, within two seconds and without
// missing a frame; what can't judge it refuses.
func TestSwapWhileRunning(t *testing.T) {
	for name, changes := range map[string][]string{
		"a camera's pace":    {`"700ms"`, `"50ms"`},
		"as fast as it goes": {"loop = true", "loop = true\npace = \"fast\""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, demo, other := pairStore(t)
			broken := id(t, passfail(t, "models", "add", "--store", dir, relabelled(t, "broken.tflite", "good", "gut")))
			s, err := store.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			p := begin(t, command(t, "run", "--config", storeConfig(t, dir, changes...)))
			p.await(t, "msg=ready version=v1.2.3-test model="+demo, "verdict=pass label=good")
			swapped := func(to string) {
				t.Helper()
				start := time.Now()
				p.await(t, `msg="model swapped" model=`+to)
				if took := time.Since(start); took > 2*time.Second && !raceDetector() {
					t.Errorf("swapped %v after it was activated", took)
				} else {
					t.Logf("swapped after %v", took)
				}
			}
			passfail(t, "models", "use", other, "--store", dir).expect(t, 0, other+" is active")
			swapped(other)
			p.await(t, "verdict=fail label=chip", "verdict=pass label=good")

			if _, err := s.Use(broken); err != nil { // the command would not
				t.Fatal(err)
			}
			p.await(t, `msg="model refused" model=`+broken+" judging="+other+` err="decision.pass: the model has no label`)
			p.await(t, "msg=inspected") // it goes on
			if err := p.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			p.await(t, `msg="model refused" model=`+broken)
			passfail(t, "models", "--store", dir, "rollback").expect(t, 0, other)
			passfail(t, "models", "--store", dir, "rollback").expect(t, 0, demo)
			swapped(demo)
			p.await(t, "verdict=pass label=good")
			r := p.end(t, syscall.SIGTERM)
			r.expect(t, 0, "msg=stopped", "unlogged=0")
			if n := inOrder(t, r.stdout, strings.Contains(name, "fast")); n < 20 {
				t.Errorf("%d frames", n)
			}
			if n := strings.Count(r.stdout, "model refused"); n != 2 {
				t.Errorf("refused %d times: %v", n, r)
			}
		})
	}
}

// Without a store a service takes its file anew at SIGHUP.
func TestSwapFile(t *testing.T) {
	b, err := os.ReadFile(inRepository("demo/model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "model.tflite", string(b))
	p := begin(t, command(t, "run", "--config", demoConfig(t, inRepository("demo/model.tflite"), path, `"700ms"`, `"50ms"`)))
	p.await(t, "verdict=pass label=good")
	if err := os.Rename(twisted(t), path); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.await(t, `msg="model swapped"`)
	p.await(t, "verdict=fail label=chip")
	if err := os.WriteFile(path, []byte("TFL3"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.await(t, `msg="model refused"`)
	r := p.end(t, syscall.SIGTERM)
	r.expect(t, 0, "msg=stopped", "unlogged=0")
	inOrder(t, r.stdout, false)
}

// At the start, a model that can't judge gives way to the one before it.
func TestStartWithDamagedModel(t *testing.T) {
	dir, demo, other := pairStore(t)
	passfail(t, "models", "use", other, "--store", dir).expect(t, 0)
	path := filepath.Join(dir, other, "model.tflite")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 4
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	once := storeConfig(t, dir, `loop = true`, "loop = false\npace = \"fast\"")
	r := passfail(t, "run", "--config", once)
	r.expect(t, 0, "level=ERROR msg=\"model refused\" model="+other, "damaged", "msg=\"an earlier model judges\" model="+demo+" chosen="+other, "msg=stopped inspected=40 ")
	passfail(t, "check", "--config", once).expect(t, 0, "warn  model", "damaged", "ok    model")
	passfail(t, "classify", "--config", once, inRepository("demo/parts/001-good.jpg")).expect(t, 0, "good", "judging with", "damaged")
	passfail(t, "models", "--store", dir).expect(t, 0, "damaged", demo+", which was active before, is used")
	passfail(t, "models", "--store", dir, "use", other).expect(t, 1, "damaged")

	if err := os.RemoveAll(filepath.Join(dir, demo)); err != nil {
		t.Fatal(err)
	}
	passfail(t, "run", "--config", once).expect(t, 1, "none of the models that were ever active can judge", other)
	passfail(t, "run", "--config", storeConfig(t, t.TempDir())).expect(t, 1, "no model is active", "passfail models add FILE")
}

// However often models use is killed, one of the two models is active. The kills
// close in on the moment at which it changes.
func TestKilledInUse(t *testing.T) {
	dir, demo, other := pairStore(t)
	start := time.Now()
	passfail(t, "models", "use", other, "--store", dir).expect(t, 0)
	delay := time.Since(start)
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	active, through := other, 0
	for range 24 {
		next := map[string]string{demo: other, other: demo}[active]
		c := command(t, "models", "use", next, "--store", dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(delay, func() { _ = c.Process.Kill() })
		_ = c.Wait() // killed or not
		kill.Stop()
		a, err := s.Active()
		if err != nil || a.Fault != nil || a.ID != demo && a.ID != other {
			t.Fatalf("%+v, %v", a, err)
		}
		if list, err := s.List(); err != nil || len(list) != 2 {
			t.Fatalf("%v, %v", list, err)
		}
		if a.ID == next {
			through++
			delay -= delay / 10
		} else {
			delay += delay / 10
		}
		active = a.ID
	}
	if through == 0 || through == 24 {
		t.Errorf("%d of 24 were through before they were killed", through)
	}
	t.Logf("%d of 24 were through before they were killed", through)
	passfail(t, "models", "use", demo, "--store", dir).expect(t, 0, demo+" is active")
}
