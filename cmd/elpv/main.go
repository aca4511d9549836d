// Command elpv measures Passfail on real inspection pictures: ELPV, 2,624
// electroluminescence pictures of solar cells. For each of some splits it lets
// the built program train on three quarters of them, or on fewer, and judge the
// others: "passfail train", "passfail evaluate" and "passfail run".
//
// The data set's licence (CC BY-NC-SA 4.0) forbids shipping it or a model that
// was trained on it: both stay outside the repository.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	good   = "good"
	defect = "defect"
)

func main() {
	m := measurement{}
	flag.StringVar(&m.data, "data", "", "the folder with labels.csv and images/ (make elpv fetches it)")
	flag.StringVar(&m.out, "out", "", "where to keep models and folders (default: a folder that goes away)")
	flag.StringVar(&m.program, "passfail", "bin/passfail", "the program to measure")
	seeds := flag.String("seeds", "1,2,3,4,5", "of the splits")
	flag.IntVar(&m.few, "few", 0, "train on so many pictures only, half of them good")
	flag.BoolVar(&m.run, "run", false, `compare with "passfail run" too`)
	options := flag.String("train", "", `more options of "passfail train", set apart by blanks`)
	flag.Parse()
	m.options = strings.Fields(*options)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := m.all(ctx, *seeds); err != nil {
		fmt.Fprintln(os.Stderr, "elpv:", err)
		os.Exit(1)
	}
}

// measurement is what is asked for.
type measurement struct {
	data, out, program string
	few                int
	run                bool
	options            []string
}

// all measures each split and prints the mean.
func (m *measurement) all(ctx context.Context, seeds string) (err error) {
	if m.out == "" {
		if m.out, err = os.MkdirTemp("", "passfail-elpv-"); err != nil {
			return err
		}
		defer os.RemoveAll(m.out)
	}
	cells, err := readCells(m.data)
	if err != nil {
		return err
	}
	var list []figures
	for s := range strings.SplitSeq(seeds, ",") {
		seed, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
		if err != nil {
			return fmt.Errorf("-seeds %s: %w", seeds, err)
		}
		f, err := m.one(ctx, cells, seed)
		if err != nil {
			return err
		}
		fmt.Printf("split %d: %s, trained in %.1f s with %d MB at most\n", seed, f, f.seconds, f.megabytes)
		list = append(list, f)
	}
	fmt.Printf("mean of %d splits: %s\n", len(list), mean(list))
	return nil
}

// one measures one split.
func (m *measurement) one(ctx context.Context, cells []cell, seed uint64) (figures, error) {
	training, test := split(cells, seed)
	if m.few > 0 {
		training = fewOf(training, m.few, seed)
	}
	dir := filepath.Join(m.out, fmt.Sprintf("split-%d", seed))
	taught, judged := filepath.Join(dir, "train"), filepath.Join(dir, "test")
	if err := folders(taught, training); err != nil {
		return figures{}, err
	}
	if err := folders(judged, test); err != nil {
		return figures{}, err
	}
	model := filepath.Join(dir, "model.tflite")
	// The first training is what is measured, not one that finds what an earlier one computed.
	cache := filepath.Join(dir, "cache")
	if err := os.RemoveAll(cache); err != nil {
		return figures{}, err
	}
	defer os.RemoveAll(cache)
	start := time.Now()
	arguments := append([]string{"train", taught, "-o", model, "--cache", cache, "--seed", strconv.FormatUint(seed, 10),
		"--comment", "ELPV solar cells; not to be shipped (CC BY-NC-SA 4.0).", "--report", filepath.Join(dir, "report.html")}, m.options...)
	cmd := exec.CommandContext(ctx, m.program, arguments...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return figures{}, fmt.Errorf("%s train: %w", m.program, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "report.txt"), text, 0o644); err != nil {
		return figures{}, err
	}
	took, memory := time.Since(start), peakMegabytes(cmd)
	answer, err := exec.CommandContext(ctx, m.program, "evaluate", model, judged, "--json", "--pass", good).Output()
	if err != nil {
		return figures{}, fmt.Errorf("%s evaluate: %w", m.program, err)
	}
	f := figures{seconds: took.Seconds(), megabytes: memory}
	if err := json.Unmarshal(answer, &f); err != nil {
		return figures{}, fmt.Errorf("%s evaluate: %w", m.program, err)
	}
	if m.run {
		return f, m.compareRun(ctx, model, dir, test)
	}
	return f, nil
}

// folders links the cells into a folder for each label.
func folders(dir string, cells []cell) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for _, c := range cells {
		label := good
		if c.defect {
			label = defect
		}
		to := filepath.Join(dir, label)
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		path, err := filepath.Abs(c.path)
		if err != nil {
			return err
		}
		if err := os.Symlink(path, filepath.Join(to, filepath.Base(path))); err != nil {
			return err
		}
	}
	return nil
}

// mean of figures, with their standard deviation over the splits.
func mean(list []figures) string {
	n := float64(len(list))
	of := func(get func(figures) float64) string {
		sum, squares := 0.0, 0.0
		for _, f := range list {
			sum += get(f)
		}
		for _, f := range list {
			d := get(f) - sum/n
			squares += d * d
		}
		return fmt.Sprintf("%.4f ± %.4f", sum/n, math.Sqrt(squares/n))
	}
	return fmt.Sprintf("accuracy %s, F1 %s, ROC AUC %s", of(func(f figures) float64 { return f.Accuracy }),
		of(func(f figures) float64 { return f.F1 }), of(func(f figures) float64 { return f.AUC }))
}
