package explain_test

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"passfail/demo"
	"passfail/model"
	"passfail/model/explain"
)

func open(t testing.TB, path string) *model.Classifier {
	t.Helper()
	c, err := model.Open(path, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// foreign is a model of another tool with the sidecar that it needs.
func foreign(t testing.TB, name, sidecar string) string {
	t.Helper()
	b, err := os.ReadFile("../testdata/" + name + ".tflite")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name+".tflite")
	for file, data := range map[string][]byte{path: b, path + ".toml": []byte(sidecar)} {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func render(t testing.TB, class demo.Class, seed uint64, w, h int) gocv.Mat {
	t.Helper()
	img, err := demo.Render(class, seed, w, h)
	if err != nil {
		t.Fatal(err)
	}
	m, err := gocv.ImageToMatRGB(img)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func whole(m gocv.Mat) image.Rectangle { return image.Rect(0, 0, m.Cols(), m.Rows()) }

// Where the map is highest, the fault is: known to the pixel, as it was drawn.
func TestPointsAtTheFault(t *testing.T) {
	const seeds = uint64(3)
	c := open(t, "../../demo/model.tflite")
	hits, judged := 0, 0
	for seed := range seeds {
		for _, class := range []demo.Class{demo.Scratch, demo.Chip, demo.MissingHole} {
			img := render(t, class, 9000+seed, 640, 480)
			m, err := explain.Occlusion(t.Context(), c, &img, whole(img), -1, explain.Fine)
			if err != nil {
				t.Fatal(err)
			}
			if m.Label != string(class) {
				t.Logf("%s, seed %d, is taken for %s: nothing to point at", class, seed, m.Label)
				continue
			}
			judged++
			peak := slices.Index(m.Values, slices.Max(m.Values))
			x, y := 640*(2*(peak%m.Side)+1)/(2*m.Side), 480*(2*(peak/m.Side)+1)/(2*m.Side)
			bounds, err := demo.FaultBounds(class, 9000+seed, 640, 480)
			if err != nil {
				t.Fatal(err)
			}
			// A patch reaches this far around its middle.
			if image.Pt(x, y).In(bounds.Inset(-55)) {
				hits++
			} else {
				t.Logf("%s, seed %d: %d, %d is not at the fault, %v", class, seed, x, y, bounds)
			}
		}
	}
	t.Logf("%d of %d maps point at the fault", hits, judged)
	if judged < 5 || hits < judged*2/3 {
		t.Errorf("%d of %d maps point at the fault", hits, judged)
	}
}

// A map is in range, the same every time, and works on regions, small pictures
// and the models of other tools.
func TestMaps(t *testing.T) {
	for _, c := range []struct {
		model  string
		w, h   int
		roi    image.Rectangle
		label  int
		detail explain.Detail
	}{
		{"../../demo/model.tflite", 640, 480, image.Rect(80, 0, 560, 480), 1, explain.Fine},
		{"../../demo/model.tflite", 64, 64, image.Rect(0, 0, 64, 64), -1, explain.Quick},
		{foreign(t, "gray", "mean = [127.5]\nstd = [127.5]\ncolor = \"gray\"\nlabels = [\"ok\", \"bad\", \"worse\", \"worst\"]\n"), 200, 100, image.Rect(0, 0, 200, 100), 0, explain.Fine},
		{foreign(t, "sigmoid", "mean = [127.5]\nstd = [127.5]\nlabels = [\"ok\", \"bad\"]\n"), 200, 100, image.Rect(5, 5, 9, 9), -1, explain.Quick},
	} {
		k := open(t, c.model)
		img := render(t, demo.Chip, 3, c.w, c.h)
		before := img.Clone()
		defer before.Close()
		var maps []*explain.Map
		for range 2 {
			m, err := explain.Occlusion(t.Context(), k, &img, c.roi, c.label, c.detail)
			if err != nil {
				t.Fatalf("%s: %v", c.model, err)
			}
			maps = append(maps, m)
		}
		if !slices.Equal(maps[0].Values, maps[1].Values) || len(maps[0].Values) != int(c.detail*c.detail) {
			t.Errorf("%s: %d values, not the same twice", c.model, len(maps[0].Values))
		}
		for _, v := range maps[0].Values {
			if !(v >= -1 && v <= 1) {
				t.Errorf("%s: value %v", c.model, v)
			}
		}
		if c.label >= 0 && maps[0].Label != k.Labels()[c.label] {
			t.Errorf("%s: label %s", c.model, maps[0].Label)
		}
		overlay, err := maps[0].Overlay(&img, c.roi)
		if err != nil {
			t.Fatal(err)
		}
		if overlay.Cols() < 480 && overlay.Rows() < 480 || overlay.Type() != gocv.MatTypeCV8UC3 {
			t.Errorf("%s: overlay of %d × %d", c.model, overlay.Cols(), overlay.Rows())
		}
		overlay.Close()
		heat, err := maps[0].Heat(&img, c.roi)
		if err != nil || heat.Cols() != c.roi.Dx() || heat.Rows() != c.roi.Dy() {
			t.Errorf("%s: heat of %d × %d, %v", c.model, heat.Cols(), heat.Rows(), err)
		}
		heat.Close()
		if gocv.Norm(img, gocv.NormL2) != gocv.Norm(before, gocv.NormL2) {
			t.Errorf("%s: the picture was changed", c.model)
		}
	}
}

// Colours say what the numbers do.
func TestOverlayColours(t *testing.T) {
	img := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 90, 90, 0), 500, 500, gocv.MatTypeCV8UC3)
	defer img.Close()
	m := &explain.Map{Label: "Späne\n", Score: 0.9, Side: 10, Values: make([]float32, 100)}
	m.Values[2*m.Side+2], m.Values[7*m.Side+7] = 1, -1
	heat, err := m.Heat(&img, whole(img))
	if err != nil {
		t.Fatal(err)
	}
	defer heat.Close()
	at := func(x, y int) (b, g, r uint8) {
		v := heat.GetVecbAt(y, x)
		return v[0], v[1], v[2]
	}
	if b, _, r := at(125, 125); r < b+60 {
		t.Errorf("for: blue %d, red %d", b, r)
	}
	if b, _, r := at(375, 375); b < r+60 {
		t.Errorf("against: blue %d, red %d", b, r)
	}
	if b, g, r := at(375, 125); b != 90 || g != 90 || r != 90 {
		t.Errorf("neither: %d %d %d", b, g, r)
	}
}

func TestErrors(t *testing.T) {
	c := open(t, "../../demo/model.tflite")
	img := render(t, demo.Good, 1, 128, 128)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"no such label":  second(explain.Occlusion(t.Context(), c, &img, whole(img), 4, explain.Fine)),
		"outside":        second(explain.Occlusion(t.Context(), c, &img, image.Rect(100, 100, 200, 200), 0, explain.Fine)),
		"nothing":        second(explain.Occlusion(t.Context(), c, &img, image.Rectangle{}, 0, explain.Fine)),
		"no such detail": second(explain.Occlusion(t.Context(), c, &img, whole(img), 0, 7)),
		"a torn map":     second((&explain.Map{Values: make([]float32, 3)}).Heat(&img, whole(img))),
	} {
		if err == nil {
			t.Error(name)
		} else {
			t.Log(err)
		}
	}
	if err := second(explain.Occlusion(ended, c, &img, whole(img), 0, explain.Fine)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func BenchmarkOcclusion(b *testing.B) {
	c := open(b, "../../demo/model.tflite")
	img := render(b, demo.Scratch, 1, 640, 480)
	for b.Loop() {
		if _, err := explain.Occlusion(context.Background(), c, &img, whole(img), -1, explain.Fine); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(126, "runs/op")
}
