package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFewOfTakesHalfOfEach(t *testing.T) {
	var cells []cell
	for i := range 300 {
		cells = append(cells, cell{path: string(rune('a' + i)), defect: i%3 == 0})
	}
	few := fewOf(cells, 40, 1)
	defects := 0
	for _, c := range few {
		if c.defect {
			defects++
		}
	}
	if len(few) != 40 || defects != 20 {
		t.Errorf("%d pictures, %d of them defects; want 40 and 20", len(few), defects)
	}
}

func TestMean(t *testing.T) {
	got := mean([]figures{{Accuracy: 0.8, F1: 0.5, AUC: 0.9}, {Accuracy: 0.9, F1: 0.7, AUC: 0.9}})
	if want := "accuracy 0.8500 ± 0.0500, F1 0.6000 ± 0.1000, ROC AUC 0.9000 ± 0.0000"; got != want {
		t.Errorf("%s, want %s", got, want)
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
