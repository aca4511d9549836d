package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"passfail/capture"
	"passfail/demo"
)

// folders makes a data set of drawn parts: n good ones and as many with a chip.
func folders(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i, class := range []demo.Class{demo.Good, demo.Chip} {
		for k := range n {
			img, err := demo.Render(class, uint64(1000*i+k), 160, 120)
			if err != nil {
				t.Fatal(err)
			}
			m, err := gocv.ImageToMatRGB(img)
			if err != nil {
				t.Fatal(err)
			}
			save(t, m, filepath.Join(dir, string(class), fmt.Sprintf("%d.png", k)))
			m.Close()
		}
	}
	return dir
}

func save(t testing.TB, m gocv.Mat, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if !gocv.IMWrite(path, m) {
		t.Fatal("not written: ", path)
	}
}

// changed writes a changed copy of a picture.
func changed(t testing.TB, from, to string, change func(src gocv.Mat, dst *gocv.Mat) error) {
	t.Helper()
	src, dst := gocv.IMRead(from, gocv.IMReadColor), gocv.NewMat()
	defer src.Close()
	defer dst.Close()
	if err := change(src, &dst); err != nil {
		t.Fatal(err)
	}
	save(t, dst, to)
}

func copied(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func checked(t testing.TB, dir string, o Options) *Report {
	t.Helper()
	s, err := List(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	sights, err := s.Examine(t.Context(), capture.Settings{}, func(n int) { done = n })
	if err != nil || done != len(s.Pictures) {
		t.Fatal(done, err)
	}
	r, err := s.Check(t.Context(), sights)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found are the names of the files of findings of a kind, without folders but
// the label's.
func (r *Report) found(kind Kind) []string {
	var list []string
	for _, f := range r.Findings {
		if f.Kind != kind {
			continue
		}
		for _, file := range f.Files {
			rel, _ := filepath.Rel(r.Dir, file.Path)
			list = append(list, rel)
		}
	}
	return list
}

func TestCheckFindsNothing(t *testing.T) {
	r := checked(t, folders(t, 12), Options{})
	for _, f := range r.Findings {
		if f.Kind != TooFew || f.Grave {
			t.Errorf("%+v", f)
		}
	}
	want := []LabelInfo{{"chip", 12, 12}, {"good", 12, 12}}
	if !r.Usable || !slices.Equal(r.Labels, want) {
		t.Errorf("%+v", r)
	}
}

func TestCheckFinds(t *testing.T) {
	dir := folders(t, 12)
	at := func(name string) string { return filepath.Join(dir, name) }
	copied(t, at("good/1.png"), at("good/again.png"))
	copied(t, at("good/2.png"), at("chip/mistake.png"))
	changed(t, at("good/3.png"), at("good/shot.jpg"), func(src gocv.Mat, dst *gocv.Mat) error {
		s := shot(t, src, rand.New(rand.NewPCG(1, 1)))
		return s.CopyTo(dst)
	})
	changed(t, at("chip/1.png"), at("chip/1.png"), func(src gocv.Mat, dst *gocv.Mat) error {
		return gocv.GaussianBlur(src, dst, image.Point{}, 3, 3, gocv.BorderReplicate)
	})
	changed(t, at("chip/2.png"), at("chip/2.png"), func(src gocv.Mat, dst *gocv.Mat) error {
		return src.ConvertToWithParams(dst, gocv.MatTypeCV8UC3, 2, 80)
	})
	changed(t, at("chip/3.png"), at("chip/3.png"), func(src gocv.Mat, dst *gocv.Mat) error {
		return gocv.Resize(src, dst, image.Pt(200, 150), 0, 0, gocv.InterpolationNearestNeighbor)
	})
	changed(t, at("chip/4.png"), at("chip/4.png"), func(src gocv.Mat, dst *gocv.Mat) error {
		return src.ConvertToWithParams(dst, gocv.MatTypeCV8UC3, 0, 7)
	})
	if err := os.WriteFile(at("good/broken.jpg"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("good/notes.txt"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := checked(t, dir, Options{})
	for kind, want := range map[Kind][]string{
		Unreadable: {"good/broken.jpg"},
		TwoLabels:  {"chip/mistake.png", "good/2.png"},
		Copies:     {"good/1.png", "good/again.png"},
		Burst:      {"good/3.png", "good/shot.jpg"},
		Blurred:    {"chip/1.png"},
		Exposure:   {"chip/2.png"},
		OddSize:    {"chip/3.png"},
		Empty:      {"chip/4.png"},
		LeftOut:    {"good/notes.txt"},
	} {
		if got := r.found(kind); !slices.Equal(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
	if !r.Usable {
		t.Error("not usable")
	}
	for _, f := range r.Findings {
		if f.Text == "" || f.Advice == "" {
			t.Errorf("%+v", f)
		}
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(r); err != nil || !strings.Contains(b.String(), `"kind":"two_labels"`) {
		t.Error(err, b.String())
	}
}

func TestCheckUnusable(t *testing.T) {
	dir := folders(t, 2)
	if err := os.Remove(filepath.Join(dir, "good/1.png")); err != nil {
		t.Fatal(err)
	}
	copied(t, filepath.Join(dir, "good/0.png"), filepath.Join(dir, "good/1.png"))
	r := checked(t, dir, Options{})
	if r.Usable || r.Labels[1] != (LabelInfo{"good", 2, 1}) {
		t.Errorf("%+v", r)
	}
	if i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Grave }); i < 0 || !strings.Contains(r.Findings[i].Text, "good has 2 pictures of 1 part") {
		t.Errorf("%+v", r.Findings)
	}
	for _, name := range []string{"good/0.png", "good/1.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if r := checked(t, dir, Options{}); r.Usable || len(r.found(Unreadable)) != 2 {
		t.Errorf("%+v", r)
	}
}

func TestCheckUneven(t *testing.T) {
	s := &Set{Labels: []string{"chip", "good"}}
	looks := random(50)
	sights := make([]Sight, len(looks))
	for i := range looks {
		looks[i].Contrast, looks[i].Sharpness, looks[i].Brightness = 40, 10, 100
		sights[i].Look, sights[i].Hash = looks[i], [32]byte{byte(i)}
		s.Pictures = append(s.Pictures, Picture{fmt.Sprintf("%d.png", i), min(1, i/3)})
	}
	r, err := s.Check(t.Context(), sights)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Kind == Uneven }); i < 0 || !strings.Contains(r.Findings[i].Text, "good has 47 parts, chip only 3") {
		t.Errorf("%+v", r.Findings)
	}
}
