package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunWritesBoth(t *testing.T) {
	dir := t.TempDir()
	set, line := filepath.Join(dir, "set"), filepath.Join(dir, "line")
	var out bytes.Buffer
	args := []string{"-dataset", set, "-per-class", "1", "-line", line, "-n", "2", "-size", "80x64"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "wrote 4 pictures") || !strings.Contains(s, "wrote 2 pictures") {
		t.Errorf("it said %q", s)
	}
	for _, p := range []string{filepath.Join(set, "missing_hole", "0001.jpg"), filepath.Join(line, "001-good.jpg")} {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{}, {"-line"}, {"-nosuch"}, {"-line", dir, "extra"}, {"-line", dir, "-size", "640"},
		{"-line", dir, "-size", "axb"}, {"-line", dir, "-size", "0x0"}, {"-line", dir, "-quality", "0"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if err := run(t.Context(), []string{"-line", dir, "-n", "-3"}, io.Discard, io.Discard); err == nil {
		t.Error("-n -3 was taken")
	}
	var help bytes.Buffer
	if err := run(t.Context(), []string{"-help"}, io.Discard, &help); !errors.Is(err, flag.ErrHelp) ||
		!strings.Contains(help.String(), "-per-class") {
		t.Errorf("-help: %v, %q", err, help.String())
	}
}
