package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"
)

func TestExplain(t *testing.T) {
	model, dir := inRepository("demo/model.tflite"), copyParts(t, "001-good.jpg", "008-chip.jpg")
	c := command(t, "explain", model, dir)
	r := begin(t, c).end(t, nil)
	r.expect(t, 0, "good 0.9", "chip 1.0", "008-chip-explained.png")
	for _, name := range []string{"001-good-explained.png", "008-chip-explained.png"} {
		m := gocv.IMRead(filepath.Join(c.Dir, "explained", name), gocv.IMReadColor)
		if m.Cols() != 640 || m.Rows() <= 480 {
			t.Errorf("%s is %d × %d", name, m.Cols(), m.Rows())
		}
		m.Close()
	}
	out := filepath.Join(t.TempDir(), "new", "folder")
	picture := filepath.Join(dir, "008-chip.jpg")
	passfail(t, "explain", model, "--label", "scratch", "-o", out, picture).expect(t, 0, out)
	first, err := os.ReadFile(filepath.Join(out, "008-chip-explained.png"))
	if err != nil {
		t.Fatal(err)
	}
	passfail(t, "explain", model, "--label", "scratch", "-o", out, picture).expect(t, 0)
	if again, err := os.ReadFile(filepath.Join(out, "008-chip-explained.png")); err != nil || string(again) != string(first) {
		t.Error("the same picture has another explanation", err)
	}
}

// Pictures of the same name do not overwrite each other's explanation.
func TestExplainSameNames(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	copyInto(t, inRepository("demo/parts/001-good.jpg"), filepath.Join(dir, "good/1.jpg"))
	copyInto(t, inRepository("demo/parts/008-chip.jpg"), filepath.Join(dir, "chip/1.jpg"))
	passfail(t, "explain", inRepository("demo/model.tflite"), "-o", out, filepath.Join(dir, "good/1.jpg"), filepath.Join(dir, "chip/1.jpg")).expect(t, 0)
	if files, err := filepath.Glob(filepath.Join(out, "*-explained.png")); err != nil || len(files) != 2 {
		t.Errorf("%q, %v", files, err)
	}
}

// An explanation is no picture of a part, even where it lies beside them.
func TestExplainTwice(t *testing.T) {
	model, dir := inRepository("demo/model.tflite"), parts(t, 2)
	for range 2 {
		r := passfail(t, "explain", model, filepath.Join(dir, "good"), "-o", filepath.Join(dir, "good"))
		r.expect(t, 0)
		if n := strings.Count(r.stdout, "→"); n != 2 {
			t.Errorf("%d pictures are explained: %v", n, r)
		}
	}
	r := passfail(t, "dataset", "check", dir, "--json")
	if n := strings.Count(r.stdout+r.stderr, "explained"); n > 0 {
		t.Errorf("the check sees explanations: %v", r)
	}
	if r := passfail(t, "classify", "--model", model, dir+"/good"); strings.Contains(r.stdout, "explained") {
		t.Errorf("explanations are judged: %v", r)
	}
}

// What can't be read does not keep the others from it.
func TestExplainBroken(t *testing.T) {
	out := t.TempDir()
	passfail(t, "explain", inRepository("demo/model.tflite"), write(t, "broken.jpg", "no picture"), inRepository("demo/parts/001-good.jpg"), "-o", out).expect(t, 1, "broken.jpg")
	if _, err := os.Stat(filepath.Join(out, "001-good-explained.png")); err != nil {
		t.Error(err)
	}
}

func TestExplainErrors(t *testing.T) {
	model, dir := inRepository("demo/model.tflite"), copyParts(t, "001-good.jpg")
	good := filepath.Join(dir, "001-good.jpg")
	broken := write(t, "broken.jpg", "no picture")
	for name, c := range map[string]struct {
		code int
		args []string
		want string
	}{
		"no such label":    {1, []string{model, good, "--label", "dent"}, `no label "dent"; its labels are: chip, good, missing_hole, scratch`},
		"no picture":       {1, []string{model, broken, good}, "broken.jpg"},
		"no arguments":     {2, []string{model}, "MODEL IMAGE… is wanted"},
		"no model":         {1, []string{"none.tflite", good}, "none.tflite"},
		"a file as folder": {1, []string{model, good, "-o", broken}, "broken.jpg"},
	} {
		r := passfail(t, append([]string{"explain"}, c.args...)...)
		r.expect(t, c.code, c.want)
		if strings.Contains(r.stderr, "goroutine ") {
			t.Errorf("%s: %v", name, r)
		}
	}
}
