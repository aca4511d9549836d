package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"

	"passfail/config"
	"passfail/device"
	"passfail/train/dataset"
)

// taken lists the files of a label's folder, the session's name in them replaced.
func taken(t testing.TB, dir, label string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, label))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, regexp.MustCompile(`^\d{8}-\d{6}`).ReplaceAllString(e.Name(), "T"))
	}
	return list
}

func sessions(t testing.TB, dir string) []dataset.Session {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, dataset.RecordFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := dataset.ReadSessions(f)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What capture takes is what the line sees: turned and cut, and nothing lost.
func TestCapture(t *testing.T) {
	parts := copyParts(t, "001-good.jpg", "002-good.jpg", "003-good.jpg")
	cfg := demoConfig(t, inRepository("demo")+"/parts", parts, "#roi = { x = 80, y = 0, width = 480, height = 480 }", "roi = { x = 80, y = 40, width = 480, height = 400 }", "rotate = 0", "rotate = 180")
	out := filepath.Join(t.TempDir(), "set")
	r := passfail(t, "capture", "--config", cfg, "--label", "good", "--every", "1ms", "--out", out)
	r.expect(t, 0, "3 pictures of 3 parts in "+out, "no more frames")
	if got := taken(t, out, "good"); !slices.Equal(got, []string{"T-0001.png", "T-0002.png", "T-0003.png"}) {
		t.Fatalf("%q: %v", got, r)
	}
	files, _ := filepath.Glob(filepath.Join(out, "good", "*-0002.png"))
	got, want := gocv.IMRead(files[0], gocv.IMReadColor), gocv.IMRead(filepath.Join(parts, "002-good.jpg"), gocv.IMReadColor)
	defer got.Close()
	defer want.Close()
	if err := gocv.Flip(want, &want, -1); err != nil {
		t.Fatal(err)
	}
	for _, p := range [][2]int{{0, 0}, {100, 3}, {399, 479}} {
		if a, b := got.GetVecbAt(p[0], p[1]), want.GetVecbAt(p[0]+40, p[1]+80); !slices.Equal(a, b) {
			t.Errorf("at %v: %v, want %v", p, a, b)
		}
	}
	if got.Cols() != 480 || got.Rows() != 400 {
		t.Errorf("%d×%d", got.Cols(), got.Rows())
	}
	list := sessions(t, out)
	s := list[0]
	if len(list) != 1 || s.Label != "good" || s.Software != "v1.2.3-test" || s.Width != 640 || s.Source != parts || s.View.Rotate != 180 || *s.View.ROI != (dataset.Rect{X: 80, Y: 40, Width: 480, Height: 400}) {
		t.Errorf("%+v", list)
	}
	// A second session adds to the first, also under the same label.
	passfail(t, "capture", "--config", cfg, "--label", "good", "--every", "1ms", "--count", "1", "--out", out).expect(t, 0, "1 picture")
	passfail(t, "capture", "--config", cfg, "--label", "chip", "--every", "1ms", "--burst", "2", "--format", "jpg", "--out", out).expect(t, 0, "3 pictures of 2 parts")
	if list := sessions(t, out); len(list) != 3 || list[0].Name >= list[1].Name || list[1].Name >= list[2].Name {
		t.Errorf("%+v", list)
	}
	if got := taken(t, out, "good"); len(got) != 4 {
		t.Errorf("%q", got)
	}
	if got := taken(t, out, "chip"); !slices.Equal(got, []string{"T-0001-b1.jpg", "T-0001-b2.jpg", "T-0002-b1.jpg"}) {
		t.Errorf("%q", got)
	}
	// The check doesn't cut them again: the region would reach outside.
	passfail(t, "dataset", "check", "--config", cfg, out).expect(t, 0, "Training can work")
	other := demoConfig(t, "#roi = { x = 80, y = 0, width = 480, height = 480 }", "roi = { x = 0, y = 0, width = 480, height = 400 }")
	passfail(t, "dataset", "check", "--config", other, out).expect(t, 1, "with another view (480×400 pixels at 80,40, rotated by 180°")
}

func TestCaptureErrors(t *testing.T) {
	cfg := demoConfig(t)
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, dataset.RecordFile), []byte("no JSON"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := write(t, "file", "")
	for args, c := range map[string]struct {
		code int
		want string
	}{
		"":                                      {2, "--label is missing"},
		"--label good":                          {2, "no terminal"},
		"--label good --every 0s":               {2, "--every 0s"},
		"--label good --every 1s --key":         {2, "one of them"},
		"--label good --key --burst 0":          {2, "--burst 0"},
		"--label good --key --count -1":         {2, "--count -1"},
		"--label good --key --format gif":       {2, "--format gif"},
		"--label ../x --every 1ms":              {1, `label "../x"`},
		"--label .x --every 1ms":                {1, `label ".x"`},
		"--label good --every 1ms -o " + broken: {1, "capture.json: it is no list"},
		"--label good --every 1ms -o " + file:   {1, "not a directory"},

		"--label good --key --on-trigger GPIO24":                      {2, "one of them"},
		"--label good --every 1s --on-trigger GPIO24":                 {2, "one of them"},
		"--label good --on-trigger GPIO24 --active up":                {2, "high or low"},
		"--label good --on-trigger GPIO24 --delay -1s":                {2, "--delay -1s"},
		"--label good --on-trigger GPIO24":                            {1, "simulated and never trigger"},
		"--label good --on-trigger GPIO99":                            {1, `pin "GPIO99": no such pin`},
		"--label good --on-trigger GPIO24 --debounce 2s -o " + broken: {1, "debounce 2s"},
	} {
		passfail(t, append([]string{"capture", "--config", cfg}, strings.Fields(args)...)...).expect(t, c.code, c.want)
	}
	if left, _ := filepath.Glob(filepath.Join(broken, "*")); len(left) != 1 {
		t.Errorf("%q", left)
	}
}

// Keys come one by one from a terminal, without Return, and it is as before
// afterwards.
func TestCaptureKeys(t *testing.T) {
	terminal, name := newTerminal(t)
	user, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	before, err := unix.IoctlGetTermios(int(user.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	c := command(t, "capture", "--config", demoConfig(t), "--label", "good", "--out", out)
	c.Stdin = user
	p := begin(t, c)
	for n := range 3 {
		if _, err := terminal.WriteString(" "); err != nil {
			t.Fatal(err)
		}
		p.await(t, fmt.Sprintf("-%04d.png", n+1))
	}
	if _, err := terminal.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	p.end(t, nil).expect(t, 0, `Any key takes a picture for "good"`, "3 pictures")
	after, err := unix.IoctlGetTermios(int(user.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal was %+v and is %+v, %v", before, after, err)
	}
}

// The line's sensor takes pictures, none older than the part.
func TestCaptureOnTrigger(t *testing.T) {
	cfg, err := config.Load(demoConfig(t, inRepository("demo")+"/parts", "gstreamer: videotestsrc is-live=true ! video/x-raw,framerate=30/1"))
	if err != nil {
		t.Fatal(err)
	}
	board := device.OpenSimulated(nil)
	p, err := board.Pin("GPIO24")
	if err != nil {
		t.Fatal(err)
	}
	sensor := p.(*device.SimulatedPin)
	sensor.Drive(gpio.High) // nothing is there
	out := t.TempDir()
	o := &captureOptions{label: "good", out: out, format: "png", trigger: "GPIO24", active: "low", delay: 300 * time.Millisecond, burst: 2, count: 1}
	reader, notes := io.Pipe()
	ended := make(chan error, 1)
	ctx := limited(t)
	go func() {
		err := o.run(ctx, cfg, func() (*device.Board, error) { return board, nil }, io.Discard, notes)
		notes.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(reader)
	if !lines.Scan() || !strings.Contains(lines.Text(), "Each part at GPIO24") {
		t.Fatalf("%q", lines.Text())
	}
	edge := time.Now()
	sensor.Drive(gpio.Low)
	for lines.Scan() {
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(edge); took < o.delay {
		t.Errorf("the pictures were there after %v; the part was after %v", took, o.delay)
	}
	if got := taken(t, out, "good"); !slices.Equal(got, []string{"T-0001-b1.png", "T-0001-b2.png"}) {
		t.Errorf("%q", got)
	}
	if err := board.Close(); err != nil {
		t.Errorf("pins are not given back: %v", err)
	}
}

// newTerminal makes a pseudo terminal: its master, and the other end's path.
func newTerminal(t testing.TB) (*os.File, string) {
	t.Helper()
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	t.Cleanup(func() { f.Close() })
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	n, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	return f, fmt.Sprintf("/dev/pts/%d", n)
}

// SIGINT ends a session in order, with all that was taken.
func TestCaptureInterrupted(t *testing.T) {
	out := t.TempDir()
	p := begin(t, command(t, "capture", "--config", demoConfig(t), "--label", "good", "--every", "1h", "--out", out))
	p.await(t, "-0001.png")
	p.end(t, os.Interrupt).expect(t, 0, "1 picture of 1 part")
	if got := taken(t, out, "good"); !slices.Equal(got, []string{"T-0001.png"}) {
		t.Errorf("%q", got)
	}
	// A camera that never comes is waited for, and leaves no empty folder.
	cfg := demoConfig(t, inRepository("demo")+"/parts", "/dev/video99")
	out = filepath.Join(t.TempDir(), "set")
	c := command(t, "capture", "--config", cfg, "--label", "good", "--every", "1ms", "--out", out)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c.Stderr = w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	text := make([]byte, 0, 1000)
	for !strings.Contains(string(text), "Waiting for it") {
		b := make([]byte, 1000)
		n, err := r.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, text)
		}
		text = append(text, b[:n]...)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("an empty folder is left: %v", err)
	}
}

// What can't be written whole is not there at all. The limit on files' size
// stands for a full disk.
func TestCaptureNoRoom(t *testing.T) {
	out := t.TempDir()
	c := command(t, "capture", "--config", demoConfig(t), "--label", "good", "--every", "1ms", "--out", out)
	c.Path, c.Args = "/bin/sh", append([]string{"sh", "-c", `ulimit -f 100; exec "$0" "$@"`}, c.Args...)
	text, err := c.CombinedOutput()
	if _, failed := err.(*exec.ExitError); !failed || !strings.Contains(string(text), "-0001.png: write ") || !strings.Contains(string(text), "0 pictures") {
		t.Errorf("%v: %s", err, text)
	}
	left := 0
	if err := filepath.WalkDir(out, func(path string, e os.DirEntry, err error) error {
		if !e.IsDir() && e.Name() != dataset.RecordFile {
			left++
		}
		return err
	}); err != nil || left != 0 {
		t.Errorf("%d files are left, %v", left, err)
	}
}

func TestDatasetCheck(t *testing.T) {
	dir := t.TempDir()
	for _, f := range demoPictures(t) {
		name := filepath.Base(f)
		label := strings.TrimSuffix(name[4:], ".jpg")
		b, err := os.ReadFile(f)
		if err == nil {
			err = os.MkdirAll(filepath.Join(dir, label), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, label, name), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	passfail(t, "dataset", "check", dir).expect(t, 0, "30     30  good", "chip has 3 pictures of 3 parts", "Training can work")
	for i := range 12 {
		if err := os.WriteFile(filepath.Join(dir, "good", fmt.Sprintf("x%d.jpg", i)), []byte("no picture"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	passfail(t, "dataset", "check", dir).expect(t, 0, "12 pictures can't be read", "good/x9.jpg: is no JPEG", "and 2 more")
	r := passfail(t, "dataset", "check", "--json", dir)
	r.expect(t, 0)
	var report dataset.Report
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&report); err != nil || !report.Usable || len(report.Labels) != 4 || len(report.Findings[0].Files) != 12 {
		t.Errorf("%v: %v", err, r)
	}
	for _, f := range []string{"004-scratch.jpg", "014-scratch.jpg", "033-scratch.jpg"} {
		if err := os.Remove(filepath.Join(dir, "scratch", f)); err != nil {
			t.Fatal(err)
		}
	}
	passfail(t, "dataset", "check", dir).expect(t, 1, "FAIL  scratch has 1 picture of 1 part.", "1 thing to do before training can work.")
	if err := os.RemoveAll(filepath.Join(dir, "scratch")); err != nil {
		t.Fatal(err)
	}
	for args, c := range map[string]struct {
		code int
		want string
	}{
		"":                             {2, "check: DIR is missing"},
		"none":                         {1, "none: no such folder"},
		dir + "/good":                  {1, "pictures lie in the folder itself"},
		"--config none.toml " + dir:    {1, "none.toml"},
		"--good-only " + dir + "/good": {1, "one named good is needed"},
	} {
		passfail(t, append([]string{"dataset", "check"}, strings.Fields(args)...)...).expect(t, c.code, c.want)
	}
}
