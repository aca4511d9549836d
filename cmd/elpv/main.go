// Command elpv measures Passfail on real inspection pictures: ELPV, 2,624
// electroluminescence pictures of solar cells. It trains a linear head on three
// quarters of them and sends the others through the built program, by
// "passfail classify" and by "passfail run".
//
// The data set's licence (CC BY-NC-SA 4.0) forbids shipping it or a model that
// was trained on it: both stay outside the repository.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"passfail/model/base"
	"passfail/train"
)

const (
	good   = "good"
	defect = "defect"
)

func main() {
	data := flag.String("data", "", "the folder with labels.csv and images/ (make elpv fetches it)")
	out := flag.String("out", "", "where to keep the model (default: a folder that goes away)")
	name := flag.String("base", base.Default, "the base network")
	program := flag.String("passfail", "bin/passfail", "the program to measure")
	seed := flag.Uint64("seed", 42, "of the split")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *data, *out, *name, *program, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "elpv:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data, out, name, program string, seed uint64) error {
	cells, err := readCells(data)
	if err != nil {
		return err
	}
	training, test := split(cells, seed)
	if out == "" {
		if out, err = os.MkdirTemp("", "passfail-elpv-"); err != nil {
			return err
		}
		defer os.RemoveAll(out)
	} else if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	b, err := base.Read(name)
	if err != nil {
		return err
	}
	start := time.Now()
	set := &train.Set{Labels: []string{defect, good}}
	for _, c := range training {
		p := train.Picture{Path: c.path}
		if !c.defect {
			p.Label = 1
		}
		set.Pictures = append(set.Pictures, p)
	}
	m, err := train.Linear(ctx, b, set, "ELPV solar cells; not to be shipped (CC BY-NC-SA 4.0).")
	if err != nil {
		return err
	}
	modelPath := filepath.Join(out, "elpv-"+filepath.Base(name)+".tflite")
	if err := train.WriteFile(modelPath, m); err != nil {
		return err
	}
	fmt.Printf("trained on %d pictures in %.1f s: %s\n", len(training), time.Since(start).Seconds(), modelPath)

	scores, verdicts, err := classify(ctx, program, modelPath, test)
	if err != nil {
		return err
	}
	fmt.Printf("passfail classify, %d test pictures: %s\n", len(test), measure(test, scores))
	same, took, err := compareRun(ctx, program, modelPath, out, test, verdicts)
	if err != nil {
		return err
	}
	fmt.Printf("passfail run, the same pictures as a folder: %d of %d verdicts are the same, %.1f s\n", same, len(test), took.Seconds())
	if same != len(test) {
		return fmt.Errorf("%d verdicts differ between classify and run", len(test)-same)
	}
	return nil
}

// classify returns each cell's score of being defective and whether it passed.
func classify(ctx context.Context, program, modelPath string, cells []cell) ([]float64, []bool, error) {
	arguments := []string{"classify", "--json", "--model", modelPath, "--pass", good}
	for _, c := range cells {
		arguments = append(arguments, c.path)
	}
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.Stderr = os.Stderr
	answer, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("%s classify: %w", program, err)
	}
	var list []struct {
		Verdict string             `json:"verdict"`
		Scores  map[string]float64 `json:"scores"`
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return nil, nil, fmt.Errorf("%s classify: %w", program, err)
	}
	if len(list) != len(cells) {
		return nil, nil, fmt.Errorf("%s classify: %d results for %d pictures", program, len(list), len(cells))
	}
	scores, passed := make([]float64, len(list)), make([]bool, len(list))
	for i, r := range list {
		scores[i], passed[i] = r.Scores[defect], r.Verdict == "pass"
	}
	return scores, passed, nil
}

// compareRun plays the cells to "passfail run" as a folder and counts the
// verdicts that are those of classify.
func compareRun(ctx context.Context, program, modelPath, dir string, cells []cell, passed []bool) (int, time.Duration, error) {
	parts, err := os.MkdirTemp(dir, "parts-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(parts)
	for i, c := range cells {
		path, err := filepath.Abs(c.path)
		if err != nil {
			return 0, 0, err
		}
		if err := os.Symlink(path, filepath.Join(parts, fmt.Sprintf("%04d.png", i))); err != nil {
			return 0, 0, err
		}
	}
	modelPath, err = filepath.Abs(modelPath)
	if err != nil {
		return 0, 0, err
	}
	text := fmt.Sprintf("[camera]\nsource = %q\nloop = false\npace = \"fast\"\n[model]\nfile = %q\n[decision]\npass = [%q]\n[outputs]\nboard = \"simulated\"\n[log]\nformat = \"json\"\n",
		filepath.Base(parts), modelPath, good)
	configPath := filepath.Join(dir, filepath.Base(parts)+".toml")
	if err := os.WriteFile(configPath, []byte(text), 0o644); err != nil {
		return 0, 0, err
	}
	defer os.Remove(configPath)
	start := time.Now()
	cmd := exec.CommandContext(ctx, program, "run", "--config", configPath)
	cmd.Stderr = os.Stderr
	answer, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("%s run: %w", program, err)
	}
	took := time.Since(start)
	same := 0
	for l := range strings.Lines(string(answer)) {
		var r struct {
			Verdict string `json:"verdict"`
			Frame   int    `json:"frame"`
		}
		if json.Unmarshal([]byte(l), &r) != nil || r.Verdict == "" || r.Frame < 1 || r.Frame > len(cells) {
			continue
		}
		if (r.Verdict == "pass") == passed[r.Frame-1] {
			same++
		}
	}
	return same, took, nil
}
