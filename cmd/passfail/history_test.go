package main

import (
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"passfail/history"
)

// recorded is the folder of a history of three parts.
func recorded(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "history")
	h, err := history.Open(history.Defaults(dir))
	if err != nil {
		t.Fatal(err)
	}
	img := gocv.IMRead(inRepository("demo/parts/004-scratch.jpg"), gocv.IMReadColor)
	defer img.Close()
	whole := image.Rect(0, 0, img.Cols(), img.Rows())
	h.Record(&history.Row{Time: time.Now(), Number: 1, Product: "cap", Pass: true, Label: "good", Score: 0.98}, nil, image.Rectangle{})
	h.Record(&history.Row{Time: time.Now(), Number: 2, Product: "cap", Label: "scratch", Score: 0.9}, &img, whole)
	h.Record(&history.Row{Time: time.Now(), Number: 3, Product: "cap", Reason: history.Unseen}, nil, image.Rectangle{})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestHistory(t *testing.T) {
	dir := recorded(t)
	passfail(t, "history", "--dir", dir).expect(t, 0, "good", "scratch", "unseen", "0.980", "pictures/")
	passfail(t, "history", "--dir", dir, "--verdict", "pass", "--json").expect(t, 0, `"label":"good"`, `"verdict":"pass"`)
	r := passfail(t, "history", "--dir", dir, "--csv", "--from", "1h")
	r.expect(t, 0, "id,time,")
	if n := strings.Count(r.stdout, "\n"); n != 4 {
		t.Errorf("%d lines", n)
	}
	passfail(t, "history", "--dir", dir, "correct", "2", "chip").expect(t, 0)
	passfail(t, "history", "--dir", dir, "--corrected", "yes").expect(t, 0, "is chip")
	passfail(t, "history", "--dir", dir, "counters").expect(t, 0, "inspected", "missed", "ever")
	passfail(t, "history", "--dir", dir, "counters", "--json").expect(t, 0, `"failed_by_label"`)
	out := filepath.Join(t.TempDir(), "set")
	passfail(t, "history", "--dir", dir, "--export", out, "--by-class").expect(t, 0, "1 picture in")
	if list, _ := os.ReadDir(filepath.Join(out, "chip")); len(list) != 1 {
		t.Errorf("%v", list)
	}
	zip := filepath.Join(t.TempDir(), "set.zip")
	passfail(t, "history", "--dir", dir, "--export", zip).expect(t, 0, "1 picture in")
	passfail(t, "history", "--dir", dir, "--export", zip).expect(t, 1, "already")
}

func TestHistoryErrors(t *testing.T) {
	dir := recorded(t)
	passfail(t, "history", "--dir", filepath.Join(dir, "none")).expect(t, 1, "there is none yet")
	passfail(t, "history", "--dir", dir, "--min-score", "2").expect(t, 2, "--min-score", "0 to 1")
	passfail(t, "history", "--dir", dir, "--from", "soon").expect(t, 2, "--from", "today")
	passfail(t, "history", "--dir", dir, "--by-class").expect(t, 2, "--export")
	passfail(t, "history", "--dir", dir, "correct", "99", "good").expect(t, 1, "no part 99")
	passfail(t, "history", "--dir", dir, "correct", "x", "good").expect(t, 2, "number")
	passfail(t, "history", "--config", demoConfig(t)).expect(t, 1, "--dir")
}
