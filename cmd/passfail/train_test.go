package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"passfail/demo"
)

// parts writes a data set of n good and n faulty small demo pictures.
func parts(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	if err := demo.WriteDataset(context.Background(), dir, n, 3, demo.Options{Width: 128, Height: 96}); err != nil {
		t.Fatal(err)
	}
	for _, l := range []string{"scratch", "chip"} {
		if err := os.RemoveAll(filepath.Join(dir, l)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shortTraining is the command line of a training that takes no time.
func shortTraining(args ...string) []string {
	return append([]string{"train", "--base", "mobilenet_v2", "--size", "96", "--augment", "none", "--cache", "none"}, args...)
}

func TestTrainUsage(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args string
		want string
	}{
		{"train", "DIR is missing: passfail train DIR"},
		{"train DIR -o x.tflite --buget 20s", "did you mean --budget?"},
		{"train DIR -o x.tflite --budget 20", "such as 20s"},
		{"train DIR", "-o FILE"},
		{"train DIR -o x --augment much", "--augment much"},
		{"train DIR -o x --budget 0s", "--budget"},
		{"train DIR -o x --max-cost NaN", "--max-cost"},
		{"train DIR -o x --max-escapes 200%", "200%"},
		{"train DIR -o x --max-escapes 1% --cost 2", "one of them"},
		{"train DIR -o x --seed -1", "--seed"},
		{"train DIR -o x.html --report ./x.html", "x.html"},
		{"train DIR -o x.txt", "ends with .tflite"},
		{"train DIR -o x.tflite --max-escapes 0.5", "0.5% or 50%?"},
		{"train DIR -o x.tflite --fail-good 2%", "--good-only"},
		{"train DIR -o x.tflite --good-only --cost 7", "--cost does nothing"},
		{"train DIR -o x.tflite --good-only --max-escapes 1%", "--max-escapes does nothing"},
		{"train DIR -o x.tflite --good-only --fine-tune", "--fine-tune does nothing"},
		{"train DIR -o x.tflite --good-only --augment all", "--augment all does nothing"},
		{"train DIR -o x --use", "--store"},
	} {
		r := passfail(t, strings.Fields(strings.ReplaceAll(c.args, "DIR", dir))...)
		r.expect(t, 2, c.want, "Try 'passfail train --help'")
	}
}

func TestTrain(t *testing.T) {
	dir := parts(t, 8)
	out := t.TempDir()
	file := func(name string) string { return filepath.Join(out, name) }

	r := passfail(t, shortTraining(dir, "-o", file("a.tflite"), "--report", file("a.html"), "--seed", "7", "--comment", "flanges")...)
	r.expect(t, 0, "escape", "mobilenet_v2 at 96", "Written: "+file("a.tflite")+" (", file("a.html"), "file = ")
	// Standard error is no terminal here: lines say how far it is.
	for _, stage := range []string{"looking at the pictures\n", "trying mobilenet_v2 at 96\n", "cross-validating\n", "writing the model\n"} {
		if !strings.Contains(r.stderr, stage) {
			t.Errorf("no %q in what it says: %q", stage, r.stderr)
		}
	}
	html, err := os.ReadFile(file("a.html"))
	if err != nil || !strings.HasPrefix(strings.TrimSpace(strings.ToLower(string(html))), "<!doctype html>") {
		t.Errorf("the report is no page: %.40q %v", html, err)
	}

	// The same seed gives the same bytes; the report as JSON, on standard output and in a file.
	r = passfail(t, shortTraining(dir, "-o", file("b.tflite"), "--report", file("b.json"), "--seed", "7", "--comment", "flanges", "--json")...)
	r.expect(t, 0)
	a, errA := os.ReadFile(file("a.tflite"))
	b, errB := os.ReadFile(file("b.tflite"))
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("the same seed gives models of %d and %d bytes that differ: %v %v", len(a), len(b), errA, errB)
	}
	written, err := os.ReadFile(file("b.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{r.stdout, string(written)} {
		var said struct {
			Model struct {
				File   string   `json:"file"`
				Labels []string `json:"labels"`
			} `json:"model"`
		}
		if err := json.Unmarshal([]byte(text), &said); err != nil || said.Model.File != file("b.tflite") || len(said.Model.Labels) != 2 {
			t.Errorf("%v: %+v", err, said)
		}
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 4 {
		t.Errorf("%d files were written, 4 are wanted: %v", len(entries), err)
	}

	r.expect(t, 0, `"view": "whole frame, rotated by 0°, flip none"`)

	// A station that looks otherwise than the model was taught is told so.
	const warning = "taught on another view (whole frame, rotated by 0°, flip none) than the configuration's"
	own := []string{inRepository("demo/model.tflite"), file("a.tflite"), "loop = true", `pace = "fast"`}
	if r := passfail(t, "check", "-c", demoConfig(t, own...)); r.code != 0 || strings.Contains(r.stdout, "another view") {
		t.Errorf("exit code %d, and it says\n%s", r.code, r.stdout)
	}
	turned := demoConfig(t, append(own, `flip = "none"`, `flip = "both"`)...)
	passfail(t, "check", "-c", turned).expect(t, 0, "warn  model", warning)
	if r := passfail(t, "run", "-c", turned); strings.Count(r.stdout+r.stderr, warning) != 1 {
		t.Errorf("a run says\n%s%s", r.stdout, r.stderr)
	}

	passfail(t, "classify", "--model", file("a.tflite"), dir+"/good").expect(t, 0, "good")
	passfail(t, "evaluate", file("a.tflite"), dir, "--json").expect(t, 0, `"accuracy"`, `"confusion"`, "the very pictures that taught")
	if err := os.Remove(filepath.Join(dir, "good", firstOf(t, filepath.Join(dir, "good")))); err != nil {
		t.Fatal(err)
	}
	if r := passfail(t, "evaluate", file("a.tflite"), dir); strings.Contains(r.stderr, "very pictures") {
		t.Errorf("other pictures count as the training's: %v", r)
	}
}

func firstOf(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatal("nothing in", dir, err)
	}
	return entries[0].Name()
}

func TestTrainPass(t *testing.T) {
	dir := parts(t, 4)
	if err := os.Rename(filepath.Join(dir, "good"), filepath.Join(dir, "fine")); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "x.tflite")
	passfail(t, shortTraining(dir, "-o", out)...).expect(t, 1, "fine, missing_hole", "--pass")
	passfail(t, shortTraining(dir, "-o", out, "--pass", "fin")...).expect(t, 1, `"fin"`, "--pass")
	passfail(t, shortTraining(dir, "-o", out, "--pass", "fine")...).expect(t, 0, "fine")
	// The model knows them from then on.
	passfail(t, "classify", "--model", out, filepath.Join(dir, "fine")).expect(t, 0, "pass")
	passfail(t, "evaluate", out, dir).expect(t, 0, "fine")
	passfail(t, "classify", "--model", out, "--pass", "missing_hole", filepath.Join(dir, "fine")).expect(t, 0, "fail")
}

// Good parts alone teach, and the test's own folder judges, whatever its folders are called.
func TestTrainGoodOnly(t *testing.T) {
	dir, test := parts(t, 12), t.TempDir()
	if err := demo.WriteDataset(t.Context(), test, 3, 5, demo.Options{Width: 128, Height: 96}); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "x.tflite")
	r := passfail(t, shortTraining(dir, "-o", out, "--good-only", "--test", test)...)
	r.expect(t, 0, "chip, missing_hole, scratch counted as unlike_good", "12 pictures of 12 parts", "neither taught nor were judged")

	// The same folders need no --map: what does not pass is unlike.
	passfail(t, "evaluate", out, test).expect(t, 0, "chip, missing_hole, scratch count as unlike_good", "12 pictures of 12 parts")
	passfail(t, "evaluate", out, dir).expect(t, 0, "the very pictures that taught")
}

// What can't be written is known before anything is taught, and what was there stays.
func TestTrainOutputs(t *testing.T) {
	dir := parts(t, 4)
	const yesterdays = "\x1c\x00\x00\x00TFL3 yesterday's"
	old := write(t, "old.tflite", yesterdays)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{dir, "-o", "/nowhere/x.tflite"}, []string{"/nowhere/x.tflite", "there is no folder /nowhere"}},
		{[]string{dir, "-o", dir}, []string{dir, "it is a folder"}},
		{[]string{dir, "-o", "/proc/x.tflite"}, []string{"/proc/x.tflite can't be written"}},
		{[]string{dir, "-o", old, "--report", dir}, []string{dir, "it is a folder"}},
		{[]string{dir, "-o", filepath.Join(old, "x.tflite")}, []string{"there is no folder " + old}},
		{[]string{"/nowhere", "-o", old}, []string{"/nowhere: no such folder"}},
		{[]string{dir + "/good", "-o", old}, []string{"lie in the folder itself"}},
		{[]string{dir, "-o", old, "--test", dir}, []string{"also among the training's"}},
		{[]string{dir, "-o", old, "--test", dir + "/nosuch"}, []string{"--test", "nosuch: no such folder"}},
		{[]string{dir, "-o", write(t, "notes.tflite", "no model at all")}, []string{"is no model: it would be lost"}},
		{[]string{dir, "-o", old, "-c", "nope.toml"}, []string{"nope.toml: no such file"}},
		{[]string{dir, "-o", old, "--cost", "-1"}, []string{"-1"}},
	} {
		r := passfail(t, shortTraining(c.args...)...)
		r.expect(t, 1, c.want...)
		if r.stdout != "" {
			t.Errorf("%q prints a report: %v", c.args, r)
		}
		if b, err := os.ReadFile(old); err != nil || string(b) != yesterdays {
			t.Fatalf("%q: the model that was there holds %.20q: %v", c.args, b, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(old)); err != nil || len(entries) != 1 {
		t.Errorf("%d files are left: %v", len(entries), err)
	}
}

// A signal ends a training, and the model that was there stays.
func TestTrainInterrupted(t *testing.T) {
	dir := parts(t, 8)
	// The configuration is a pipe: who can open it to write knows that the program
	// is at work, and holds it up.
	pipe := filepath.Join(t.TempDir(), "config.toml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	const yesterdays = "\x1c\x00\x00\x00TFL3 yesterday's"
	old := write(t, "old.tflite", yesterdays)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		c := command(t, shortTraining(dir, "-o", old, "-c", pipe)...)
		p := begin(t, c)
		config, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits for the program to read
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(inRepository("config.toml"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(config, "%s", b)
		if err := p.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		config.Close() // only now the program goes on
		r := p.end(t, nil)
		r.expect(t, 1, "interrupted; nothing was written")
		if b, err := os.ReadFile(old); err != nil || string(b) != yesterdays {
			t.Errorf("the model that was there holds %.20q: %v", b, err)
		}
		if entries, err := os.ReadDir(filepath.Dir(old)); err != nil || len(entries) != 1 {
			t.Errorf("%d files are left: %v", len(entries), err)
		}
	}
}
