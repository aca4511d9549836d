package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// binary is the built program. These tests run it as a user does.
var binary string

// repository is the root of it, absolute.
var repository string

func TestMain(m *testing.M) {
	if os.Getenv(dyingEnv) != "" {
		os.Exit(m.Run()) // a child of TestPanicBesideTheLine
	}
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "passfail-test-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if repository, err = filepath.Abs("../.."); err != nil {
		return 0, err
	}
	binary = filepath.Join(dir, "passfail")
	build := []string{"build", "-o", binary, "-ldflags", "-X main.version=v1.2.3-test"}
	if raceDetector() {
		build = append(build, "-race")
	}
	c := exec.Command("go", append(build, ".")...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return 0, fmt.Errorf("passfail can't be built: %w", err)
	}
	return m.Run(), nil
}

// raceDetector tells whether the tests run with it; then the program does, too.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// inRepository is the path of a file of this repository.
func inRepository(path string) string { return filepath.Join(repository, path) }

// limited is a context that ends a test that hangs.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// command is the program, to be run in an empty folder.
func command(t testing.TB, args ...string) *exec.Cmd {
	c := exec.CommandContext(limited(t), binary, args...)
	c.Dir = t.TempDir()
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "JOURNAL_STREAM=") {
			c.Env = append(c.Env, e)
		}
	}
	c.Env = append(c.Env, "GORACE=atexit_sleep_ms=0") // it sleeps a second by default
	return c
}

// result is what the program did.
type result struct {
	stdout, stderr string
	code           int
}

func (r result) String() string {
	return fmt.Sprintf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
}

// passfail runs the program to its end.
func passfail(t testing.TB, args ...string) result {
	t.Helper()
	c := command(t, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// expect checks how a run of the program ended, and that what it printed holds some texts.
func (r result) expect(t testing.TB, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d is wanted: %v", code, r)
	}
	for _, s := range texts {
		if !strings.Contains(r.stdout+r.stderr, s) {
			t.Errorf("%q is missing: %v", s, r)
		}
	}
}

// demoConfig writes the demo's configuration with absolute paths and some changes, old and new in turn.
func demoConfig(t testing.TB, changes ...string) string {
	t.Helper()
	b, err := os.ReadFile(inRepository("config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	changes = append([]string{`"demo/`, `"` + inRepository("demo") + `/`}, changes...)
	for ; len(changes) > 0; changes = changes[2:] {
		if !strings.Contains(text, changes[0]) {
			t.Fatalf("the demo's configuration doesn't say %q", changes[0])
		}
		text = strings.ReplaceAll(text, changes[0], changes[1])
	}
	return write(t, "config.toml", text)
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// copyParts makes a folder of some of the demo's pictures.
func copyParts(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		b, err := os.ReadFile(inRepository("demo/parts/" + n))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, n), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// writeVideo makes an MJPEG film of some of the demo's pictures.
func writeVideo(t testing.TB, names ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "belt.avi")
	out, err := gocv.VideoWriterFile(path, "MJPG", 30, 640, 480, true)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for _, n := range names {
		m := gocv.IMRead(inRepository("demo/parts/"+n), gocv.IMReadColor)
		if err := out.Write(m); err != nil {
			t.Fatal(err)
		}
		m.Close()
	}
	return path
}

// process is the program at work.
type process struct {
	*exec.Cmd
	lines chan string // of its standard output; closed at its end
	seen  []string
	errs  bytes.Buffer
}

func begin(t testing.TB, c *exec.Cmd) *process {
	t.Helper()
	p := &process{Cmd: c, lines: make(chan string, 100000)}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = &p.errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	return p
}

// await reads lines until each of the texts was in one.
func (p *process) await(t testing.TB, texts ...string) {
	t.Helper()
	for len(texts) > 0 {
		l, ok := <-p.lines
		if !ok {
			t.Fatalf("ended without %q:\n%s\n%s", texts, strings.Join(p.seen, "\n"), p.errs.String())
		}
		p.seen = append(p.seen, l)
		texts = slices.DeleteFunc(texts, func(s string) bool { return strings.Contains(l, s) })
	}
}

// end sends a signal, unless it is nil, and reads what comes until the program has ended.
func (p *process) end(t testing.TB, signal os.Signal) result {
	t.Helper()
	if signal != nil {
		if err := p.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	for l := range p.lines {
		p.seen = append(p.seen, l)
	}
	var exit *exec.ExitError
	if err := p.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{strings.Join(p.seen, "\n") + "\n", p.errs.String(), p.ProcessState.ExitCode()}
}

var pinLine = regexp.MustCompile(`msg=pin output=(\w+) pin=\w+ to=(\w+)`)

// lastLevels are the last levels of the simulated pins, by output.
func lastLevels(log string) map[string]string {
	last := map[string]string{}
	for _, m := range pinLine.FindAllStringSubmatch(log, -1) {
		last[m[1]] = m[2]
	}
	return last
}
