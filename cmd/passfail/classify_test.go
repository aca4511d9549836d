package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"passfail/model"
	"passfail/model/graph"
)

var demoLabels = []string{"chip", "good", "missing_hole", "scratch"}

// part is an object that classify --json prints.
type part struct {
	File, Label, Verdict string
	Scores               map[string]float64
}

// parts reads and checks what classify --json printed.
func (r result) parts(t testing.TB) []part {
	t.Helper()
	var list []part
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		t.Fatalf("%v: %v", err, r)
	}
	for _, p := range list {
		if got := slices.Sorted(maps.Keys(p.Scores)); !slices.Equal(got, demoLabels) {
			t.Errorf("%s: scores of %q", p.File, got)
		}
		sum, best := 0.0, p.Label
		for l, s := range p.Scores {
			sum += s
			if s > p.Scores[best] {
				best = l
			}
		}
		if math.Abs(sum-1) > 0.02 || p.Label != best || (p.Scores["good"] >= 0.5) != (p.Verdict == "pass") {
			t.Errorf("%+v", p)
		}
		if p.Verdict != "pass" && p.Verdict != "fail" {
			t.Errorf("verdict %q", p.Verdict)
		}
	}
	return list
}

// lines are "file verdict" of each part, without folders.
func lines(list []part) []string {
	var s []string
	for _, p := range list {
		s = append(s, filepath.Base(p.File)+" "+p.Verdict)
	}
	return s
}

func demoPictures(t testing.TB) []string {
	t.Helper()
	list, err := filepath.Glob(inRepository("demo/parts/*.jpg"))
	if err != nil || len(list) != 40 {
		t.Fatal(list, err)
	}
	return list
}

func TestClassifyJSON(t *testing.T) {
	files := demoPictures(t)
	r := passfail(t, append([]string{"classify", "--json", "--model", inRepository("demo/model.tflite")}, files...)...)
	r.expect(t, 0)
	list := r.parts(t)
	if len(list) != len(files) {
		t.Fatalf("%d parts", len(list))
	}
	for i, p := range list {
		if p.File != files[i] {
			t.Errorf("part %d is %s, want %s", i, p.File, files[i])
		}
		truth := strings.TrimSuffix(p.File[strings.LastIndexByte(p.File, '-')+1:], ".jpg")
		if p.Label != truth {
			t.Logf("%s is taken for %s (%v)", p.File, p.Label, p.Scores)
		}
		if (p.Verdict == "pass") != (truth == "good") {
			t.Errorf("%+v", p)
		}
	}
}

// What is classified, and how it is given, makes no difference to how it is judged.
func TestClassifyWays(t *testing.T) {
	names := []string{"001-good.jpg", "004-scratch.jpg", "008-chip.jpg", "010-good.jpg"}
	want := []string{"001-good.jpg pass", "004-scratch.jpg fail", "008-chip.jpg fail", "010-good.jpg pass"}
	var frames []string
	for i, w := range want {
		frames = append(frames, fmt.Sprintf("belt.avi#%d %s", i+1, strings.Fields(w)[1]))
	}
	model := []string{"--model", inRepository("demo/model.tflite")}
	folder, video := copyParts(t, names...), writeVideo(t, names...)
	first := filepath.Join(folder, names[0])
	turned := t.TempDir()
	for _, n := range names {
		m := gocv.IMRead(filepath.Join(folder, n), gocv.IMReadColor)
		err := gocv.Flip(m, &m, -1)
		if err != nil || !gocv.IMWrite(filepath.Join(turned, n+".png"), m) {
			t.Fatal("picture not turned", err)
		}
		m.Close()
	}
	var pngs []string
	for _, w := range want {
		pngs = append(pngs, strings.Replace(w, " ", ".png ", 1))
	}
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"a folder":           {append(model, folder), want},
		"a video":            {append(model, video), frames},
		"all together":       {append(model, first, video, folder), slices.Concat(want[:1], frames, want)},
		"as configured":      {[]string{"--config", demoConfig(t), folder}, want},
		"a vote is not used": {[]string{"--config", demoConfig(t, "vote = 1", "vote = 9"), folder}, want},
		"flipped":            {[]string{"--config", demoConfig(t, `flip = "none"`, `flip = "both"`), turned}, pngs},
		"rotated":            {[]string{"--config", demoConfig(t, `rotate = 0`, `rotate = 180`), turned}, pngs},
	} {
		t.Run(name, func(t *testing.T) {
			r := passfail(t, append([]string{"classify", "--json"}, c.args...)...)
			r.expect(t, 0)
			if got := lines(r.parts(t)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// The flag --pass and the configuration's decision change what passes.
func TestClassifyDecision(t *testing.T) {
	dir := copyParts(t, "001-good.jpg", "004-scratch.jpg", "008-chip.jpg")
	for name, c := range map[string]struct {
		args []string
		want string // verdicts
	}{
		"other labels":             {[]string{"--model", inRepository("demo/model.tflite"), "--pass", "scratch,chip"}, "fail pass pass"},
		"over the configuration's": {[]string{"--config", demoConfig(t), "--pass", "scratch"}, "fail pass fail"},
		"unsure":                   {[]string{"--config", demoConfig(t, "confidence = 0.0", "confidence = 1.0", `below_confidence = "fail"`, `below_confidence = "pass"`, `["good"]`, `["missing_hole"]`)}, ""},
	} {
		r := passfail(t, append(append([]string{"classify", "--json"}, c.args...), dir)...)
		r.expect(t, 0)
		var list []struct {
			Verdict string
			Unsure  bool
			Label   string
			Scores  map[string]float64
		}
		if err := json.Unmarshal([]byte(r.stdout), &list); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range list {
			got = append(got, p.Verdict)
			if c.want == "" && (p.Unsure != (p.Scores[p.Label] < 1) || p.Unsure != (p.Verdict == "pass")) {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if c.want != "" && strings.Join(got, " ") != c.want || len(got) != 3 {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestClassifyTable(t *testing.T) {
	dir := copyParts(t, "001-good.jpg", "004-scratch.jpg")
	for _, c := range []struct {
		top  string
		want int // labels a line
	}{{"1", 1}, {"3", 3}, {"99", 4}} {
		r := passfail(t, "classify", "--top", c.top, "--model", inRepository("demo/model.tflite"), dir)
		r.expect(t, 0)
		table := strings.Split(strings.TrimSpace(r.stdout), "\n")
		if len(table) != 3 || !slices.Equal(strings.Fields(table[0]), []string{"FILE", "VERDICT", "SCORES"}) {
			t.Fatal(r)
		}
		for i, want := range []string{"001-good.jpg pass good", "004-scratch.jpg fail scratch"} {
			f := strings.Fields(table[i+1])
			if len(f) != 2+2*c.want || filepath.Base(f[0])+" "+f[1]+" "+f[2] != want {
				t.Errorf("--top %s: %q, want %q", c.top, table[i+1], want)
			}
		}
	}
}

// What can't be judged doesn't keep the rest from it, and is named.
// A model that can tell says how unlike the training's pictures each one is.
func TestClassifyUnlike(t *testing.T) {
	b, err := os.ReadFile(inRepository("demo/model.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := graph.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	s := f.Model.Subgraphs[0]
	// Made up: twice the score of the first label, which is chip.
	s.Outputs = append(s.Outputs, f.Model.Dense(s.Outputs[0], []float32{2, 0, 0, 0}, []float32{0}, model.NoveltyOutput))
	if b, err = f.Bytes(); err != nil {
		t.Fatal(err)
	}
	guarded := write(t, "guarded.tflite", string(b))
	parts := []string{inRepository("demo/parts/001-good.jpg"), inRepository("demo/parts/008-chip.jpg")}
	r := passfail(t, append([]string{"classify", "--model", guarded}, parts...)...)
	r.expect(t, 0, "NOVELTY", " unlike ")
	r = passfail(t, append([]string{"classify", "--json", "--model", guarded}, parts...)...)
	r.expect(t, 0)
	var list []struct {
		Novelty *float64 `json:"novelty"`
		Unlike  bool     `json:"unlike"`
		Verdict string   `json:"verdict"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Novelty == nil || *list[0].Novelty > 1 || list[0].Unlike || list[0].Verdict != "pass" ||
		list[1].Novelty == nil || *list[1].Novelty < 1 || !list[1].Unlike || list[1].Verdict != "fail" {
		t.Errorf("%s", r.stdout)
	}
}

func TestClassifyBrokenFiles(t *testing.T) {
	dir := copyParts(t, "001-good.jpg", "004-scratch.jpg")
	whole, err := os.ReadFile(filepath.Join(dir, "001-good.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"002-cut.jpg": whole[:len(whole)/2], "003-text.jpg": []byte("not a picture"), "005-empty.png": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	missing, notes := filepath.Join(dir, "missing.jpg"), write(t, "notes.txt", "not a video")
	want := []string{"001-good.jpg pass", "004-scratch.jpg fail"}
	for name, c := range map[string]struct {
		files []string
		want  []string
		named []string
	}{
		"among good ones": {[]string{missing, notes, dir}, want, []string{missing, notes, "002-cut.jpg", "003-text.jpg", "005-empty.png"}},
		"alone":           {[]string{missing}, []string{}, []string{missing}},
		"an empty folder": {[]string{t.TempDir()}, nil, []string{"holds no picture"}},
	} {
		r := passfail(t, append([]string{"classify", "--json", "--model", inRepository("demo/model.tflite")}, c.files...)...)
		r.expect(t, 1, "passfail: ")
		for _, n := range c.named {
			if !strings.Contains(r.stderr, n) {
				t.Errorf("%s: %s isn't named: %s", name, n, r.stderr)
			}
		}
		if c.want == nil {
			continue
		}
		if got := lines(r.parts(t)); !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestClassifyErrors(t *testing.T) {
	picture := demoPictures(t)[0]
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no configuration": {[]string{picture}, "config.toml: no such file"},
		"no model":         {[]string{"--model", "none.tflite", picture}, "none.tflite: no such file"},
		"no such label":    {[]string{"--config", demoConfig(t), "--pass", "fine", picture}, `no label "fine"`},
		"region outside":   {[]string{"--config", demoConfig(t, "#roi = { x = 80", "roi = { x = 300"), picture}, picture},
	} {
		r := passfail(t, append([]string{"classify"}, c.args...)...)
		r.expect(t, 1, c.want)
		if strings.Contains(r.stderr, "goroutine ") {
			t.Errorf("%s: a panic: %v", name, r)
		}
	}
}
