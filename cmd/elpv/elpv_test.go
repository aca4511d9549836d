package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMeasure(t *testing.T) {
	cells := []cell{{defect: true}, {defect: true}, {}, {}, {}}
	got := measure(cells, []float64{0.9, 0.4, 0.6, 0.1, 0.4})
	// Pairs: 0.9 beats 3; 0.4 beats 0.1, ties 0.4, loses to 0.6: 4.5 of 6.
	if math.Abs(got.auc-4.5/6) > 1e-12 || math.Abs(got.accuracy-3.0/5) > 1e-12 || math.Abs(got.f1-0.5) > 1e-12 {
		t.Errorf("got %+v", got)
	}
}

func TestSplitIsAQuarterOfEachStratum(t *testing.T) {
	var cells []cell
	for i := range 1000 {
		cells = append(cells, cell{path: string(rune('a' + i)), kind: []string{"mono", "poly"}[i%2], defect: i%5 == 0})
	}
	training, test := split(cells, 1)
	if len(test) != 250 || len(training) != 750 {
		t.Fatalf("%d and %d", len(training), len(test))
	}
	defects := 0
	seen := map[string]bool{}
	for _, c := range test {
		if c.defect {
			defects++
		}
		seen[c.path] = true
	}
	if defects < 49 || defects > 51 {
		t.Errorf("%d defects in the test set, want 50", defects)
	}
	for _, c := range training {
		if seen[c.path] {
			t.Fatalf("%q is in both", c.path)
		}
	}
}

func TestReadCells(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "labels.csv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("images/cell0001.png   1.0   mono\nimages/cell0002.png   0.3333333333333333   poly\n")
	cells, err := readCells(dir)
	if err != nil || len(cells) != 2 || !cells[0].defect || cells[1].defect || cells[1].kind != "poly" {
		t.Errorf("%+v, %v", cells, err)
	}
	write("images/cell0001.png 1.0\n")
	if _, err := readCells(dir); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("error %v", err)
	}
}
