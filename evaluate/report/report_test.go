package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"passfail/atomicfile"
	"passfail/evaluate"
	"passfail/evaluate/report"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// sample is one of three labels, of which the first is good.
func sample(labels [3]string, n int, seed uint64) *evaluate.Sample {
	s := &evaluate.Sample{Labels: labels[:], Pass: []bool{true, false, false}}
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		var e [3]float64
		sum, truth := 0.0, i%3
		for k := range e {
			if e[k] = math.Exp(r.NormFloat64()); k == truth {
				e[k] *= 9
			}
			sum += e[k]
		}
		s.Pictures = append(s.Pictures, evaluate.Judged{
			Path: fmt.Sprintf("set/%s/%03d.jpg", labels[truth], i), Truth: truth, Scores: []float64{e[0] / sum, e[1] / sum, e[2] / sum},
		})
	}
	return s
}

// whole is a report with all there can be in it.
func whole(t testing.TB, labels [3]string, name string) *report.Report {
	t.Helper()
	s, held := sample(labels, 240, 1), sample(labels, 120, 2)
	held.Pictures[7].Path = name
	held.Pictures[7].Scores = []float64{0.01, 0.02, 0.97}
	choice := must(evaluate.Choose(s, evaluate.Aim{EscapeCost: 5}))(t)
	curve := &evaluate.LearningCurve{Metric: "auc"}
	r := rand.New(rand.NewPCG(3, 1))
	for _, n := range []int{20, 40, 80, 160, 240} {
		var v []float64
		for range 5 {
			v = append(v, 0.98-0.8/math.Sqrt(float64(n))+0.01*r.NormFloat64())
		}
		curve.Points = append(curve.Points, evaluate.NewLearningPoint(n, v))
	}
	thumbnail := must(os.ReadFile("../../demo/parts/001-good.jpg"))(t)
	pictures := func(list []evaluate.Suspect, err error) []report.Picture {
		if err != nil {
			t.Fatal(err)
		}
		return report.NewPictures(list, func(s evaluate.Suspect) ([]byte, []byte, error) {
			if s.Index%3 == 0 {
				return nil, nil, errors.New("gone since")
			}
			return thumbnail, thumbnail, nil
		})
	}
	seed := uint64(7)
	return &report.Report{
		Title: "Flange " + labels[1], Made: time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC), Program: "Passfail v1",
		Model: report.Model{File: name, SHA256: "abc", Bytes: 2700000, Labels: labels[:], Pass: labels[:1], Base: "efficientnet_lite0", Input: "224×224 RGB",
			Views: 2, Head: "logistic and kernel", TrainingSeconds: 12.5, Milliseconds: 7.1, Seed: &seed, More: []report.Fact{{Name: "L2 penalty", Value: "0.01"}}},
		Data:           report.Data{Dir: "set", Hash: "d00d", Parts: 230, Unreadable: []string{name}, Labels: []report.Count{{Label: labels[0], Pass: true, Pictures: 80}, {Label: labels[1], Pictures: 160}}},
		CrossValidated: must(report.NewEvaluation("cross-validation, 5 folds", s, choice.Threshold))(t),
		Test:           must(report.NewEvaluation("pictures that were held out", held, choice.Threshold))(t),
		Threshold:      choice, LearningCurve: curve, Forecast: must(curve.Forecast(1))(t),
		Candidates: []report.Candidate{
			{Name: "mobilenet_v2, logistic", Accuracy: 0.86, AccuracySpread: 0.02, AUC: 0.91, AUCSpread: 0.01, Cost: 1, Milliseconds: 2.3, Why: "cheaper, but worse"},
			{Name: "efficientnet_lite0 " + labels[2], Accuracy: 0.88, AUC: 0.94, Cost: 2.3, Chosen: true, Why: "the best within the time limit"},
			{Name: "three bases", Accuracy: evaluate.Unknown, AUC: evaluate.Unknown, Why: "not tried: no time was left"},
		},
		Novelty:     &report.Novelty{How: "features of stride 16", Guard: *must(evaluate.NewGuard(s, choice.Threshold, 3))(t)},
		Mislabelled: pictures(evaluate.Mislabelled(held, choice.Threshold, 12)),
		Worst:       pictures(evaluate.Worst(held, choice.Threshold, 12)),
		Warnings:    []string{"Few pictures of " + labels[2]}, Seconds: 130,
	}
}

var plain = [3]string{"good", "chip", "scratch"}

func page(t testing.TB, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// check reads a page as a strict reader would and returns the attributes that
// could fetch or run something, and the texts.
func check(t testing.TB, html string) (texts string) {
	t.Helper()
	ids, links := map[string]bool{}, []string{}
	d := xml.NewDecoder(strings.NewReader(strings.Replace(html, "<!doctype html>", "", 1)))
	d.Entity = xml.HTMLEntity
	var b strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			for _, l := range links {
				if !ids[l] {
					t.Errorf("a link leads to #%s, which is not there", l)
				}
			}
			return b.String()
		}
		if err != nil {
			t.Fatalf("the page is no well-formed one: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "script", "link", "iframe", "object", "embed", "base", "form":
				t.Errorf("the page has an element %s", e.Name.Local)
			}
			alt := false
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("the page has an attribute %s", a.Name.Local)
				}
				if a.Name.Local == "id" {
					if ids[a.Value] {
						t.Errorf("the id %s is there twice", a.Value)
					}
					ids[a.Value] = true
				}
				if place, within := strings.CutPrefix(a.Value, "#"); a.Name.Local == "href" && within {
					links = append(links, place)
				} else if n := a.Name.Local; n == "src" || n == "href" || n == "srcset" || n == "action" {
					if !strings.HasPrefix(a.Value, "data:image/") {
						t.Errorf("%s=%.40q needs something else", n, a.Value)
					}
				}
				alt = alt || a.Name.Local == "alt" && a.Value != ""
			}
			if e.Name.Local == "img" && !alt {
				t.Error("a picture has no alternative text")
			}
		case xml.CharData:
			b.Write(e)
		}
	}
}

func TestPage(t *testing.T) {
	r := whole(t, plain, "set/good/019.jpg")
	html := page(t, r)
	texts := check(t, html)
	for _, want := range []string{
		"Flange chip", "24 November 2026", "Passfail v1", "Bad parts that would escape", "Good parts that would be failed", "Few pictures of scratch",
		"pictures that were held out", "The cross-validation beside it", "efficientnet_lite0 scratch", "chosen", "not tried: no time was left", "0.860 ± 0.020",
		"ROC curve", "Learning curve", "Calibration", "Pass scores of each label", "Twice the pictures (480)", "The guard against unknown parts stops", "Most likely mislabelled", "Judged most wrongly",
		"good/019.jpg", "d00d", "L2 penalty", "2.2 minutes", "an escape is as bad as 5 good parts failed", "1 file was left out",
	} {
		if !strings.Contains(texts, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Count(html, `<img src="data:image/jpeg;base64,`) < 4 || !strings.Contains(html, "no picture") {
		t.Error("thumbnails are missing")
	}
	for _, bad := range []string{"NaN", "ZgotmplZ", "<no value>", "Inf", "http:", "https:"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page says %s", bad)
		}
	}
	if again := page(t, r); again != html {
		t.Error("the same report makes another page")
	}
	if dir := os.Getenv("PASSFAIL_REPORT_DIR"); dir != "" { // to look at it
		if err := atomicfile.Write(filepath.Join(dir, "whole.html"), r.WriteHTML); err != nil {
			t.Fatal(err)
		}
	}
}

// Names of files and labels are text, whatever they look like.
func TestHostileNames(t *testing.T) {
	labels := [3]string{`good"><script>alert(1)</script>`, `</text></svg><img src=x onerror=alert(2)>`, `javascript:alert(3) {{.}} </style>`}
	name := `"><img src=http://example.org/x.png onload=alert(4)>'` + "\n\x07.jpg"
	r := whole(t, labels, name)
	r.Model.SHA256 = ""
	html := strings.ReplaceAll(page(t, r), "\x07", "?") // no reader takes this character
	texts := check(t, html)
	for _, want := range []string{labels[0], labels[2], "onload=alert(4)"} {
		if !strings.Contains(texts, want) {
			t.Errorf("%q is not shown as it is", want)
		}
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x07") {
		t.Error("a control character reaches the terminal")
	}
	// What is no picture is not shown as one.
	r.Worst[0].Thumbnail = []byte("<svg onload=alert(5)>")
	if check(t, strings.ReplaceAll(page(t, r), "\x07", "?")); strings.Contains(page(t, r), "alert(5)") {
		t.Error("something that is no picture was embedded")
	}
}

func TestJSON(t *testing.T) {
	r := whole(t, plain, "set/good/019.jpg")
	var first, second bytes.Buffer
	if err := r.WriteJSON(&first); err != nil {
		t.Fatal(err)
	}
	var back report.Report
	d := json.NewDecoder(bytes.NewReader(first.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if err := back.WriteJSON(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("what was read is not what was written")
	}
	if first.Len() > 200_000 {
		t.Errorf("%d bytes", first.Len())
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(first.Bytes(), &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"title", "model", "data", "cross_validated", "test", "threshold", "candidates", "learning_curve", "forecast", "novelty", "mislabelled", "worst", "warnings", "seconds"} {
		if keys[k] == nil {
			t.Errorf("key %q is missing", k)
		}
	}
	// A page can be made from what was read, without the thumbnails.
	check(t, page(t, &back))
}

func TestText(t *testing.T) {
	r := whole(t, plain, "set/good/019.jpg")
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	at := -1
	for _, want := range []string{"Note: Few pictures", "Bad parts that would escape", "Good parts that would be failed", "A part passes when", "Twice the pictures",
		"PICTURES THAT WERE HELD OUT", "CROSS-VALIDATION", "TRIED", "→", "Most likely mislabelled", "Judged most wrongly"} {
		i := strings.Index(text, want)
		if i < at {
			t.Errorf("%q is missing, or too early:\n%s", want, text)
		}
		at = max(at, i)
	}
	if strings.Contains(text, "NaN") {
		t.Error(text)
	}
	if err := r.WriteText(broken{}); err == nil {
		t.Error("a full disk is not reported")
	}
	if err := r.WriteHTML(broken{}); err == nil {
		t.Error("a full disk is not reported")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// Whatever a sample is like, text and page can be made and have no gaps.
func TestAnySample(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(rt, "labels")
		s := &evaluate.Sample{}
		for i := range n {
			s.Labels = append(s.Labels, fmt.Sprint("label", i))
			s.Pass = append(s.Pass, i == 0)
		}
		score := rapid.SampledFrom([]float64{0, 1e-9, 0.2, 0.5, 0.999, 1})
		for range rapid.IntRange(1, 12).Draw(rt, "pictures") {
			s.Pictures = append(s.Pictures, evaluate.Judged{Path: "a/b.jpg", Truth: rapid.IntRange(0, n-1).Draw(rt, "truth"),
				Scores: rapid.SliceOfN(score, n, n).Draw(rt, "scores"), Group: rapid.IntRange(0, 2).Draw(rt, "group")})
		}
		choice, err := evaluate.Choose(s, evaluate.Aim{MaxEscapes: rapid.SampledFrom([]float64{0, 0.1}).Draw(rt, "limit")})
		if err != nil {
			rt.Fatal(err)
		}
		e, err := report.NewEvaluation("anything", s, choice.Threshold)
		if err != nil {
			rt.Fatal(err)
		}
		r := &report.Report{Title: "any", CrossValidated: e, Threshold: choice}
		for name, write := range map[string]func(io.Writer) error{"text": r.WriteText, "page": r.WriteHTML, "JSON": r.WriteJSON} {
			var b strings.Builder
			if err := write(&b); err != nil {
				rt.Fatal(err)
			}
			if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") || strings.Contains(b.String(), "ZgotmplZ") {
				rt.Fatalf("%s with a gap: %s", name, b.String())
			}
		}
	})
}

// Of bad parts alone, as after a training on good ones, nothing is shown that
// compares both.
func TestOneSide(t *testing.T) {
	s := sample(plain, 30, 4)
	s.Pictures = slices.DeleteFunc(s.Pictures, func(p evaluate.Judged) bool { return p.Truth == 0 })
	r := &report.Report{Title: "bad parts", Test: must(report.NewEvaluation("pictures of other labels", s, 0.5))(t)}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"page": page(t, r), "text": b.String()} {
		text, _, _ = strings.Cut(text, "What the words mean")
		for _, bad := range []string{"Brier", "Calibration", "ROC AUC", "Precision", "unknown", "anything"} {
			if strings.Contains(text, bad) {
				t.Errorf("the %s says %q", name, bad)
			}
		}
		if !strings.Contains(text, "Escapes") {
			t.Errorf("the %s says no escapes", name)
		}
	}
}

func TestNothing(t *testing.T) {
	r := &report.Report{Title: "nothing yet"}
	for _, write := range []func(io.Writer) error{r.WriteText, r.WriteHTML, r.WriteJSON} {
		if err := write(io.Discard); err != nil {
			t.Error(err)
		}
	}
	check(t, page(t, r))
}
