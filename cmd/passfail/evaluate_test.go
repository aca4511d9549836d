package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// labelledParts makes a data set of the demo's pictures, up to most of each label.
func labelledParts(t testing.TB, most int) string {
	t.Helper()
	dir, count := t.TempDir(), map[string]int{}
	for _, path := range demoPictures(t) {
		_, label, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".jpg"), "-")
		if count[label]++; count[label] <= most {
			copyInto(t, path, filepath.Join(dir, label, filepath.Base(path)))
		}
	}
	return dir
}

func copyInto(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// evaluation is what scripts read of evaluate --json.
type evaluation struct {
	Accuracy, F1, AUC, Threshold *float64
	Pictures                     int
	Labels                       []string
	Confusion                    [][]int
	Escapes, Overkill            struct {
		Count, Of int
		Rate      float64
		Low, High float64
	}
	Intervals map[string]struct{ Low, High float64 }
	Choice    struct {
		Basis string
		Shown bool
	}
	Wrong, Mislabelled []struct{ File, Label, Judged, Verdict string }
	Unreadable         []string
}

func (r result) evaluation(t testing.TB) evaluation {
	t.Helper()
	var e evaluation
	if err := json.Unmarshal([]byte(r.stdout), &e); err != nil {
		t.Fatalf("%v: %v", err, r)
	}
	if e.Accuracy == nil || e.F1 == nil || e.Threshold == nil || e.Confusion == nil || e.Wrong == nil || e.Mislabelled == nil || e.Unreadable == nil {
		t.Fatalf("a key is missing: %s", r.stdout)
	}
	total := 0
	for _, row := range e.Confusion {
		for _, n := range row {
			total += n
		}
	}
	if total != e.Pictures || len(e.Confusion) != len(e.Labels) {
		t.Errorf("the confusion matrix %v has %d of %d pictures", e.Confusion, total, e.Pictures)
	}
	return e
}

func TestEvaluate(t *testing.T) {
	model, dir := inRepository("demo/model.tflite"), labelledParts(t, 5)
	// A scratched part lies in the wrong folder.
	copyInto(t, inRepository("demo/parts/004-scratch.jpg"), filepath.Join(dir, "good/wrong.jpg"))
	r := passfail(t, "evaluate", model, dir, "--json")
	r.expect(t, 0)
	e := r.evaluation(t)
	if e.Overkill.Count != 1 || e.Escapes.Count != 0 || *e.Threshold != 0.5 || e.Choice.Basis != "given" {
		t.Errorf("%+v", e)
	}
	if math.Abs(*e.Accuracy-float64(e.Pictures-1)/float64(e.Pictures)) > 1e-9 || *e.AUC == 1 || *e.AUC < 0.7 {
		t.Errorf("accuracy %v, AUC %v of %d pictures", *e.Accuracy, *e.AUC, e.Pictures)
	}
	if i := e.Intervals["accuracy"]; !(i.Low < *e.Accuracy && *e.Accuracy < i.High) || e.Escapes.High < 0.1 {
		t.Errorf("%+v, escapes %+v", e.Intervals, e.Escapes)
	}
	for _, list := range []int{len(e.Wrong), len(e.Mislabelled)} {
		if list != 1 {
			t.Errorf("%+v, %+v", e.Wrong, e.Mislabelled)
		}
	}
	if w := e.Wrong[0]; filepath.Base(w.File) != "wrong.jpg" || w.Label != "good" || w.Judged != "scratch" || w.Verdict != "fail" {
		t.Errorf("%+v", w)
	}
	passfail(t, "evaluate", model, dir).expect(t, 0, "Bad parts that would escape: none of the", "ROC AUC", "Most likely mislabelled", "wrong.jpg", "TRUE LABEL")
}

// Two classes of a model from elsewhere: the one that does not pass is positive.
func TestEvaluateForeign(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "sigmoid.tflite")
	copyInto(t, inRepository("model/testdata/sigmoid.tflite"), model)
	sidecar := "mean = [127.5]\nstd = [127.5]\nlabels = [\"a\", \"b\"]\n"
	if err := os.WriteFile(model+".toml", []byte(sidecar), 0o644); err != nil {
		t.Fatal(err)
	}
	set := filepath.Join(dir, "set")
	for i, path := range demoPictures(t)[:9] {
		copyInto(t, path, filepath.Join(set, []string{"a", "b", "b"}[i%3], filepath.Base(path)))
	}
	passfail(t, "evaluate", model, set).expect(t, 1, "say which of them mean a good part: a, b")
	for pass, bad := range map[string]int{"a": 1, "b": 0} {
		r := passfail(t, "evaluate", model, set, "--json", "--pass", pass)
		r.expect(t, 0)
		e := r.evaluation(t)
		row := e.Confusion[bad]
		hits, misses, false_ := row[bad], row[1-bad], e.Confusion[1-bad][bad]
		if e.Escapes.Count != misses || e.Overkill.Count != false_ || e.Escapes.Of != row[0]+row[1] {
			t.Errorf("--pass %s: %+v", pass, e)
		}
		if want := 2 * float64(hits) / float64(2*hits+misses+false_); math.Abs(*e.F1-want) > 1e-9 {
			t.Errorf("--pass %s: F1 %v, want %v of %v", pass, *e.F1, want, e.Confusion)
		}
		if want := float64(e.Confusion[0][0]+e.Confusion[1][1]) / 9; math.Abs(*e.Accuracy-want) > 1e-9 {
			t.Errorf("--pass %s: accuracy %v, want %v", pass, *e.Accuracy, want)
		}
	}
}

func TestEvaluateThreshold(t *testing.T) {
	model, dir := inRepository("demo/model.tflite"), labelledParts(t, 5)
	for name, c := range map[string]struct {
		args      []string
		basis     string
		low, high float64
	}{
		"given":         {[]string{"--threshold", "0.9"}, "given", 0.9, 0.9},
		"configured":    {[]string{"--config", demoConfig(t, "#threshold = 0.5", "threshold = 0.75")}, "given", 0.75, 0.75},
		"over that":     {[]string{"--config", demoConfig(t), "--threshold", "25%"}, "given", 0.25, 0.25},
		"by a limit":    {[]string{"--max-escapes", "0.5%"}, "limit", 0.05, 0.999},
		"by cost":       {[]string{"--cost", "20", "--bad-share", "2%"}, "cost", 0.05, 0.999},
		"by the limit.": {[]string{"--max-escapes", "50%"}, "limit", 0.001, 0.999},
	} {
		r := passfail(t, append([]string{"evaluate", model, dir, "--json"}, c.args...)...)
		r.expect(t, 0)
		e := r.evaluation(t)
		if e.Choice.Basis != c.basis || *e.Threshold < c.low || *e.Threshold > c.high {
			t.Errorf("%s: threshold %v, %+v", name, *e.Threshold, e.Choice)
		}
	}
	passfail(t, "evaluate", model, dir, "--max-escapes", "0.5%").expect(t, 0, "is not known", "598 bad parts", "chosen by these very pictures")
}

func TestEvaluateReport(t *testing.T) {
	model, dir := inRepository("demo/model.tflite"), labelledParts(t, 5)
	copyInto(t, inRepository("demo/parts/004-scratch.jpg"), filepath.Join(dir, "good/wrong & <b>.jpg"))
	page := filepath.Join(t.TempDir(), "page.html")
	passfail(t, "evaluate", model, dir, "--report", page).expect(t, 0, "ROC AUC")
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	html := string(b)
	for _, want := range []string{"<!doctype html>", "good/wrong &amp; &lt;b&gt;.jpg", "Confusion matrix", "ROC curve"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is missing", want)
		}
	}
	// One picture with an overlay: what may be mislabelled is not shown again as judged wrongly.
	if n := strings.Count(html, "data:image/jpeg;base64,"); n != 2 {
		t.Errorf("%d pictures on the page", n)
	}
	passfail(t, "evaluate", model, dir, "--report", filepath.Join(page, "x.html")).expect(t, 1, "x.html")
}

func TestEvaluateBroken(t *testing.T) {
	model, dir := inRepository("demo/model.tflite"), labelledParts(t, 2)
	if err := os.WriteFile(filepath.Join(dir, "good/text.jpg"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := passfail(t, "evaluate", model, dir, "--json")
	r.expect(t, 0, "passfail: left out: ")
	if e := r.evaluation(t); len(e.Unreadable) != 1 || filepath.Base(e.Unreadable[0]) != "text.jpg" {
		t.Errorf("%q", e.Unreadable)
	}
	nothing, other := t.TempDir(), t.TempDir()
	copyInto(t, filepath.Join(dir, "good/text.jpg"), filepath.Join(nothing, "good/text.jpg"))
	copyInto(t, filepath.Join(dir, "good/text.jpg"), filepath.Join(other, "fine/text.jpg"))
	for name, c := range map[string]struct {
		code int
		args []string
		want string
	}{
		"nothing readable":    {1, []string{model, nothing}, "none of its 1 pictures could be read"},
		"no data set":         {1, []string{model, "nowhere"}, "no such folder"},
		"no model":            {1, []string{"none.tflite", dir}, "none.tflite"},
		"no such label":       {1, []string{model, other}, "its labels are: chip, good, missing_hole, scratch"},
		"no such pass":        {1, []string{model, dir, "--pass", "fine"}, `no label "fine"`},
		"threshold":           {2, []string{model, dir, "--threshold", "1.5"}, "up to 1 is possible"},
		"two ways":            {2, []string{model, dir, "--threshold", "0.5", "--cost", "3"}, "give one of them"},
		"limit without %":     {2, []string{model, dir, "--max-escapes", "0.5"}, "0.5% or 50%?"},
		"limit":               {2, []string{model, dir, "--max-escapes", "all"}, "0.5%"},
		"limit of all":        {2, []string{model, dir, "--max-escapes", "100%"}, "below 1"},
		"share without cost":  {2, []string{model, dir, "--bad-share", "1%"}, "--cost"},
		"a single argument":   {2, []string{model}, "MODEL DIR is wanted"},
		"a folder as a model": {1, []string{dir, dir}, "not a file"},
	} {
		t.Run(name, func(t *testing.T) {
			r := passfail(t, append([]string{"evaluate"}, c.args...)...)
			r.expect(t, c.code, c.want)
			if r.stdout != "" || strings.Contains(r.stderr, "goroutine ") {
				t.Error(r)
			}
		})
	}
}
