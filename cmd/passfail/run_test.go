package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"

	"passfail/config"
	"passfail/device"
)

// quick are changes of the demo's configuration that let it show all it does in less than a second.
var quick = []string{`"700ms"`, `"20ms"`, `"500ms"`, `"60ms"`, `"80ms"`, `"30ms"`, `"100ms"`, `"10ms"`, `"1s"`, `"40ms"`, `level = "info"`, `level = "debug"`}

// atRest is what the log says of the simulated pins at last.
func atRest(level string) map[string]string {
	return map[string]string{"pass": level, "fail": level, "reject": level, "heartbeat": level}
}

// A station that judges the demo is stopped by a signal: it ends in order, and the log shows that the pins are safe.
func TestRunUntilSignal(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes []string
		signal  os.Signal
		rest    string // level
		active  string
	}{
		{"pulses, SIGTERM", nil, syscall.SIGTERM, "Low", "High"},
		{"levels, SIGINT", []string{`mode = "pulse"`, `mode = "level"`}, os.Interrupt, "Low", "High"},
		{"levels, active low, SIGTERM", []string{`mode = "pulse"`, `mode = "level"`, `active = "high"`, `active = "low"`}, syscall.SIGTERM, "High", "Low"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := begin(t, command(t, "run", "--config", demoConfig(t, append(c.changes, quick...)...)))
			p.await(t, "verdict=pass", "verdict=fail", "file=004-scratch.jpg",
				"output=pass pin=GPIO17 to="+c.active, "output=fail pin=GPIO27 to="+c.active,
				"output=reject pin=GPIO22 to="+c.active, "output=heartbeat pin=GPIO23 to="+c.active)
			r := p.end(t, c.signal)
			r.expect(t, 0, "msg=stopped", "unlogged=0")
			if got := lastLevels(r.stdout); !maps.Equal(got, atRest(c.rest)) {
				t.Errorf("pins at the end: %v\n%v", got, r)
			}
			for output, pin := range map[string]string{"pass": "GPIO17", "fail": "GPIO27", "reject": "GPIO22", "heartbeat": "GPIO23"} {
				if want := fmt.Sprintf("msg=\"output at rest\" output=%s pin=%s to=%s\n", output, pin, c.rest); !strings.Contains(r.stdout, want) {
					t.Errorf("%q is missing: %v", want, r)
				}
			}
			if r.stderr != "" {
				t.Errorf("standard error: %s", r.stderr)
			}
		})
	}
}

// A folder that is played once, as fast as it goes, ends by itself.
func TestRunToTheEnd(t *testing.T) {
	cfg := demoConfig(t, `loop = true`, "loop = false\npace = \"fast\"", `level = "info"`, `level = "debug"`)
	r := passfail(t, "run", "--config", cfg)
	r.expect(t, 0, "msg=stopped inspected=40 ", "unlogged=0")
	verdicts := regexp.MustCompile(`verdict=(pass|fail) .*frame=(\d+) file=(\S+)`).FindAllStringSubmatch(r.stdout, -1)
	if len(verdicts) != 40 {
		t.Fatalf("%d verdicts: %v", len(verdicts), r)
	}
	right := 0
	for i, v := range verdicts {
		if v[2] != strconv.Itoa(i+1) || !strings.HasPrefix(v[3], fmt.Sprintf("%03d-", i+1)) {
			t.Errorf("verdict %d: %s", i+1, v[0])
		}
		if strings.Contains(v[3], "good") == (v[1] == "pass") {
			right++
		}
	}
	if right < 38 {
		t.Errorf("the demo's model judges %d of its 40 pictures right", right)
	}
	if got := lastLevels(r.stdout); !maps.Equal(got, atRest("Low")) {
		t.Errorf("pins at the end: %v", got)
	}
	m := regexp.MustCompile(`first_after_ms=([\d.]+)`).FindAllStringSubmatch(r.stdout, -1)
	if len(m) != 1 {
		t.Fatalf("first_after_ms: %q", m)
	}
	t.Logf("first verdict after %s ms (race detector: %v), %d of 40 right", m[0][1], raceDetector(), right)
}

// hook is a log that calls something with each record of the station itself.
type hook struct {
	slog.Handler
	call func(slog.Record)
}

func (h hook) Enabled(context.Context, slog.Level) bool { return true }

func (h hook) Handle(_ context.Context, r slog.Record) error {
	h.call(r)
	return nil
}

// newStation is the demo's station in mode level, in this process, with pins and
// log that are the test's.
func newStation(t *testing.T, observe func(device.Change), log func(slog.Record)) *station {
	t.Helper()
	cfg, err := config.Load(demoConfig(t, append([]string{`mode = "pulse"`, `mode = "level"`}, quick...)...))
	if err != nil {
		t.Fatal(err)
	}
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nowhere.Close() })
	return &station{
		cfg: cfg, board: device.OpenSimulated(observe), out: newConsole(nowhere), log: slog.New(hook{slog.DiscardHandler, log}),
	}
}

// await reads changes until the pin has the level.
func await(t *testing.T, changes <-chan device.Change, pin string, level gpio.Level) {
	t.Helper()
	for ctx := limited(t); ; {
		select {
		case c := <-changes:
			if c.Pin == pin && c.Level == level {
				return
			}
		case <-ctx.Done():
			t.Fatalf("%s never was %v", pin, level)
		}
	}
}

// A log that hangs doesn't keep the pins from going to rest.
func TestStopWhileTheLogHangs(t *testing.T) {
	changes, hanging, goOn := make(chan device.Change, 10000), make(chan struct{}, 1000), make(chan struct{})
	s := newStation(t, func(c device.Change) { changes <- c }, func(r slog.Record) {
		if r.Message == "inspected" {
			hanging <- struct{}{}
			<-goOn
		}
	})
	ctx, stop := context.WithCancel(limited(t))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	await(t, changes, "GPIO17", gpio.High)
	<-hanging
	stop()
	await(t, changes, "GPIO17", gpio.Low)
	select {
	case err := <-ended:
		t.Error("the log hung, and the station ended:", err)
	default:
	}
	close(goOn)
	if err := errors.Join(<-ended, s.board.Close()); err != nil {
		t.Error(err)
	}
}

// A pin that can't be brought to rest is told of, and the station fails.
func TestStopWithABrokenPin(t *testing.T) {
	changes := make(chan device.Change, 10000)
	var log []string // only run's own goroutine and the reporter, one after the other, write to it
	s := newStation(t, func(c device.Change) { changes <- c }, func(r slog.Record) {
		if strings.Contains(r.Message, "at rest") {
			r.Attrs(func(a slog.Attr) bool {
				log = append(log, fmt.Sprintf("%s: %v", r.Message, a))
				return false
			})
		}
	})
	ctx, stop := context.WithCancel(limited(t))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	await(t, changes, "GPIO23", gpio.High)
	p, err := s.board.Pin("GPIO17")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("short circuit")
	p.(*device.SimulatedPin).FailOut(broken)
	stop()
	if err := <-ended; !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	want := []string{"output not at rest: output=pass", "output at rest: output=fail", "output at rest: output=reject", "output at rest: output=heartbeat"}
	if !slices.Equal(log, want) {
		t.Errorf("log %q, want %q", log, want)
	}
}

// dyingEnv makes TestPanicBesideTheLine a station whose log panics.
const dyingEnv = "PASSFAIL_TEST_DYING"

// A station that panics in the goroutine that logs leaves its pins at rest.
func TestPanicBesideTheLine(t *testing.T) {
	if where := os.Getenv(dyingEnv); where != "" {
		repository = where
		s := newStation(t, func(c device.Change) { fmt.Println("pin", c.Pin, c.Level) }, func(r slog.Record) {
			if r.Message == "inspected" {
				panic("no ink")
			}
		})
		t.Fatal("no panic, but", s.run(t.Context()))
	}
	c := exec.CommandContext(limited(t), os.Args[0], "-test.run=^TestPanicBesideTheLine$")
	c.Env = append(os.Environ(), dyingEnv+"="+repository)
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if c.ProcessState.ExitCode() != 2 || !strings.Contains(errs.String(), "no ink") {
		t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	if !strings.Contains(out.String(), "pin GPIO17 High") {
		t.Errorf("no verdict was shown:\n%s", out.String())
	}
	for _, pin := range []string{"GPIO17", "GPIO27", "GPIO22", "GPIO23"} {
		changes := regexp.MustCompile(`pin `+pin+` (\w+)`).FindAllStringSubmatch(out.String(), -1)
		if len(changes) == 0 || changes[len(changes)-1][1] != "Low" {
			t.Errorf("%s: %v", pin, changes)
		}
	}
}

// Each line of a log in JSON is an object whose level is that of the line.
func TestLogJSON(t *testing.T) {
	r := passfail(t, "run", "--config", demoConfig(t, `loop = true`, "loop = false\npace = \"fast\"", `format = "text"`, `format = "json"`))
	r.expect(t, 0)
	pins, verdicts := 0, 0
	for l := range strings.Lines(r.stdout) {
		var line struct {
			Time, Level, Msg, Verdict, Output, To string
		}
		if err := json.Unmarshal([]byte(l), &line); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		if line.Level != "INFO" || line.Time == "" {
			t.Errorf("level %q: %s", line.Level, l)
		}
		switch {
		case line.Msg == "pin" && line.Output != "" && line.To != "":
			pins++
		case line.Verdict == "pass" || line.Verdict == "fail":
			verdicts++
		}
	}
	if pins == 0 || verdicts != 40 {
		t.Errorf("%d changes of pins, %d verdicts", pins, verdicts)
	}
}

// Under journald lines begin with their priority, and have no time.
func TestLogForJournald(t *testing.T) {
	c := command(t, "run", "--config", demoConfig(t, `loop = true`, "loop = false\npace = \"fast\"", `level = "info"`, `level = "debug"`))
	c.Env = append(c.Env, "JOURNAL_STREAM=8:1234")
	r := begin(t, c).end(t, nil)
	r.expect(t, 0, "<6>msg=inspected verdict=pass", "<7>msg=pin output=heartbeat")
	for l := range strings.Lines(r.stdout) {
		if !regexp.MustCompile(`^<[3467]>msg=`).MatchString(l) || strings.Contains(l, "time=") {
			t.Errorf("line %q", l)
		}
	}
}

// On a terminal there is a status line below the log, which goes at the end.
func TestStatusLine(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"stopped": syscall.SIGTERM, "the terminal was closed": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) { statusLine(t, signal) })
	}
}

func statusLine(t *testing.T, signal syscall.Signal) {
	terminal, slave := openTerminal(t)
	c := command(t, "run", "--config", demoConfig(t, quick...))
	c.Stdout = slave
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	shown := ""
	buf := make([]byte, 4096)
	read := func() error {
		n, err := terminal.Read(buf)
		shown += string(buf[:n])
		return err
	}
	status := regexp.MustCompile(`\x1b\[K(\d+) inspected  (\d+) pass  (\d+) fail  [\d.]+ ms  [○●] pass [○●] fail [○●] reject [○●] heartbeat`)
	for !status.MatchString(shown) {
		if err := read(); err != nil {
			t.Fatalf("%v: no status line in\n%q", err, shown)
		}
	}
	if err := c.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	for read() == nil { // to EIO: nobody holds the other end
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	// What follows the last log line is nothing, or an erased line.
	last := shown[strings.LastIndex(shown, "msg=stopped"):]
	if _, after, _ := strings.Cut(last, "\n"); strings.Trim(after, "\r\x1b[K") != "" {
		t.Errorf("after the last line: %q", after)
	}
	if !regexp.MustCompile(`time=\d\d:\d\d:\d\d\.\d{3} `).MatchString(shown) {
		t.Error("the log's times are not short")
	}
}

// openTerminal makes a pseudoterminal of 200 columns.
func openTerminal(t *testing.T) (terminal, slave *os.File) {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudoterminals here:", err)
	}
	t.Cleanup(func() { terminal.Close() })
	fd := int(terminal.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 200})
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return terminal, slave
}

// What keeps a station from starting is said, with the exit code for it.
func TestRunErrors(t *testing.T) {
	picture := inRepository("demo/parts/001-good.jpg")
	for name, c := range map[string]struct {
		config string
		want   []string
	}{
		"no configuration": {filepath.Join(t.TempDir(), "none.toml"), []string{"none.toml: no such file", "--config"}},
		"three errors": {
			write(t, "config.toml", "[camera]\nsource = \"x\"\ntimeout = \"1ms\"\n[decision]\nthreshold = 2\n[outputs.pass]\npin = \"GPIO27\"\n"),
			[]string{`camera.timeout = "1ms"`, "decision.threshold = 2", `"GPIO27": outputs.pass.pin has the same pin`},
		},
		"three keys that can't be read": {
			write(t, "config.toml", "[camera]\nsorce = \"x\"\ntimeout = 2\n[decision]\nvote = \"all\"\n"),
			[]string{"sorce", "camera.timeout", "decision.vote"},
		},
		"no TOML":        {write(t, "config.toml", "[camera\n"), []string{"config.toml: line "}},
		"no model":       {demoConfig(t, "model.tflite", "none.tflite"), []string{"none.tflite: no such file"}},
		"no such model":  {demoConfig(t, inRepository("demo")+"/model.tflite", picture), []string{picture}},
		"no camera":      {demoConfig(t, "/parts\"", "/nothing\""), []string{"demo/nothing"}},
		"no such label":  {demoConfig(t, `["good"]`, `["fine"]`), []string{`no label "fine"`, "chip, good"}},
		"no such pin":    {demoConfig(t, "GPIO17", "GPIO99"), []string{"GPIO99"}},
		"region outside": {demoConfig(t, "#roi = { x = 80", "roi = { x = 300"), []string{"480", "640"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := passfail(t, "run", "--config", c.config)
			r.expect(t, 1, append(c.want, "passfail: ")...)
			if strings.Contains(r.stdout+r.stderr, "goroutine ") {
				t.Errorf("a panic: %v", r)
			}
		})
	}
}

// A station without a camera goes on and says so; a signal ends it.
func TestRunWithoutCamera(t *testing.T) {
	p := begin(t, command(t, "run", "--config", demoConfig(t, append([]string{inRepository("demo") + "/parts", "/dev/video99"}, quick...)...)))
	p.await(t, "camera lost", "/dev/video99")
	r := p.end(t, syscall.SIGTERM)
	r.expect(t, 0, "msg=stopped inspected=0 ")
	if got := lastLevels(r.stdout); !maps.Equal(got, atRest("Low")) {
		t.Errorf("pins at the end: %v", got)
	}
}

// BenchmarkFirstVerdict is from the start of the program to its first verdict.
func BenchmarkFirstVerdict(b *testing.B) {
	cfg := demoConfig(b)
	for b.Loop() {
		p := begin(b, command(b, "run", "--config", cfg))
		p.await(b, "verdict=")
		b.StopTimer()
		p.end(b, syscall.SIGTERM)
		b.StartTimer()
	}
}
