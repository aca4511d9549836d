package model

import (
	"encoding/json"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gocv.io/x/gocv"
)

// golden is testdata/golden.json: what Python's LiteRT says of the same
// pictures, prepared with OpenCV and NumPy by testdata/make.py.
type golden struct {
	Pictures []string `json:"pictures"`
	Regions  [][4]int `json:"regions"` // x, y, width, height
	Models   map[string]struct {
		File   string      `json:"file"`
		Mean   []float32   `json:"mean"`
		Std    []float32   `json:"std"`
		Step   float64     `json:"step"`
		Scores [][]float64 `json:"scores"` // of each picture's regions
	} `json:"models"`
}

func readGolden(t testing.TB) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Pictures) == 0 || len(g.Models) < 5 {
		t.Fatalf("golden.json has %d pictures and %d models", len(g.Pictures), len(g.Models))
	}
	return g
}

// openTest opens a small model of testdata, which has no metadata, by a sidecar.
func openTest(t testing.TB, name string, mean, std []float32) *Classifier {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	side := &Sidecar{Mean: mean, Std: std, Labels: []string{"a", "b", "c", "d"}, path: name + ".tflite.toml"}
	switch name {
	case "sigmoid":
		side.Labels = []string{"a", "b"}
	case "logits":
		side.Scores = "logits"
	}
	c, err := newClassifier(b, side, Options{Threads: 1})
	if err != nil {
		t.Fatal(name, err)
	}
	t.Cleanup(c.Close)
	return c
}

// The same picture through our path and through Python's gives the same top
// label, and scores within one step of an 8-bit score.
func TestScoresArePythons(t *testing.T) {
	g := readGolden(t)
	for name, m := range g.Models {
		t.Run(name, func(t *testing.T) {
			var c *Classifier
			if name == "demo" {
				var err error
				if c, err = Open(filepath.Join("testdata", m.File), Options{Threads: 1}); err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			} else {
				c = openTest(t, name, m.Mean, m.Std)
			}
			worst, tops := 0.0, map[int]bool{}
			for i, picture := range g.Pictures {
				img := gocv.IMRead(filepath.Join("..", "demo", "parts", picture), gocv.IMReadColor)
				defer img.Close()
				for j, r := range g.Regions {
					got, err := c.Classify(&img, image.Rect(r[0], r[1], r[0]+r[2], r[1]+r[3]))
					if err != nil {
						t.Fatal(err)
					}
					want := expected(name, m.Scores[i*len(g.Regions)+j])
					top := slices.Index(want, slices.Max(want))
					tops[top] = true
					for k := range want {
						d := math.Abs(float64(got[k]) - want[k])
						worst = max(worst, d)
						if d > m.Step+1e-6 {
							t.Errorf("%s %v: score %d is %v, Python's %v", picture, r, k, got[k], want[k])
						}
					}
					// Where two labels are within a step of each other either may come first.
					if best := slices.Index(got, slices.Max(got)); best != top && want[top]-want[best] > m.Step {
						t.Errorf("%s %v: label %d is first, Python's is %d", picture, r, best, top)
					}
				}
			}
			t.Logf("largest difference %.6f, step %.6f, %d labels come first somewhere", worst, m.Step, len(tops))
		})
	}
}

// expected is what the scores should be, given the network's raw outputs.
func expected(name string, raw []float64) []float64 {
	switch name {
	case "sigmoid":
		return []float64{1 - raw[0], raw[0]}
	case "logits":
		sum, out := 0.0, make([]float64, len(raw))
		for i, v := range raw {
			out[i] = math.Exp(v)
			sum += out[i]
		}
		for i := range out {
			out[i] /= sum
		}
		return out
	}
	return raw
}

func TestThreadsDoNotMatter(t *testing.T) {
	g := readGolden(t)
	img := gocv.IMRead(filepath.Join("..", "demo", "parts", g.Pictures[0]), gocv.IMReadColor)
	defer img.Close()
	var first string
	for threads := range 4 {
		c, err := Open("../demo/model.tflite", Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		scores, err := c.Classify(&img, image.Rect(0, 0, 640, 480))
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%.4f", scores)
		if first == "" {
			first = text
		}
		if text != first {
			t.Errorf("%d threads: %s, with the default %s", threads, text, first)
		}
		c.Close()
	}
}
