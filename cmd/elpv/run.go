package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// compareRun plays the cells to "passfail run" as a folder, and is an error
// unless each verdict is that of "passfail classify".
func (m *measurement) compareRun(ctx context.Context, model, dir string, cells []cell) error {
	parts := filepath.Join(dir, "parts")
	if err := os.RemoveAll(parts); err != nil {
		return err
	}
	if err := os.MkdirAll(parts, 0o755); err != nil {
		return err
	}
	for i, c := range cells {
		path, err := filepath.Abs(c.path)
		if err != nil {
			return err
		}
		if err := os.Symlink(path, filepath.Join(parts, fmt.Sprintf("%04d.png", i+1))); err != nil {
			return err
		}
	}
	answer, err := exec.CommandContext(ctx, m.program, "classify", "--json", "--model", model, "--pass", good, parts).Output()
	if err != nil {
		return fmt.Errorf("%s classify: %w", m.program, err)
	}
	var classified []struct {
		Verdict string `json:"verdict"`
	}
	if err := json.Unmarshal(answer, &classified); err != nil {
		return fmt.Errorf("%s classify: %w", m.program, err)
	}
	if model, err = filepath.Abs(model); err != nil {
		return err
	}
	text := fmt.Sprintf("[camera]\nsource = \"parts\"\nloop = false\npace = \"fast\"\n[model]\nfile = %q\n[decision]\npass = [%q]\n[outputs]\nboard = \"simulated\"\n[log]\nformat = \"json\"\n", model, good)
	config := filepath.Join(dir, "run.toml")
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	answer, err = exec.CommandContext(ctx, m.program, "run", "--config", config).Output()
	if err != nil {
		return fmt.Errorf("%s run: %w", m.program, err)
	}
	same := 0
	for l := range strings.Lines(string(answer)) {
		var r struct {
			Verdict string `json:"verdict"`
			Frame   int    `json:"frame"`
		}
		if json.Unmarshal([]byte(l), &r) != nil || r.Verdict == "" || r.Frame < 1 || r.Frame > len(classified) {
			continue
		}
		if r.Verdict == classified[r.Frame-1].Verdict {
			same++
		}
	}
	fmt.Printf("passfail run and passfail classify: %d of %d verdicts are the same\n", same, len(cells))
	if same != len(cells) {
		return fmt.Errorf("%d verdicts differ between classify and run", len(cells)-same)
	}
	return nil
}
