package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"passfail/bench"
	"passfail/model/graph"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", 0, "Usage:"},
		{"model", 0, "show"},
		{"version", 0, "v1.2.3-test"},
		{"help run", 0, "Usage:"},
		{"runn", 2, `unknown command "runn"`},
		{"--colour", 2, "unknown flag: --colour"},
		{"run --colour", 2, "unknown flag: --colour"},
		{"run --config", 2, "flag needs an argument: --config"},
		{"run now", 2, "run: "},
		{"check now", 2, "check: "},
		{"version now", 2, "version: "},
		{"classify", 2, "classify: FILE… is missing"},
		{"classify --top 0 x.jpg", 2, "--top 0"},
		{"classify --top many x.jpg", 2, "--top"},
		{"bench now", 2, "bench: "},
		{"bench --frames -1", 2, "--frames"},
		{"bench --for -1s", 2, "--for"},
		{"bench --for 1", 2, "--for"},
		{"bench --bases --model x.tflite", 2, "--model"},
		{"bench --bases --pass fine", 2, "--data"},
		{"bench --data pictures", 2, "--bases"},
		{"bench --bases none.tflite", 1, "mobilenet_v2"},
		{"simulate now", 2, "simulate: "},
		{"simulate --speed 0", 2, "--speed"},
		{"simulate --belt-speed -1", 2, "--belt-speed"},
		{"simulate --parts-per-minute 0", 2, "--parts-per-minute"},
		{"simulate", 1, "config.toml: no such file"},
		{"model show", 2, "show: FILE is missing"},
		{"model show a b", 2, `FILE is wanted, and ["a" "b"] was given`},
		{"model hide", 2, "hide"},
		{"dataset chek pictures", 2, "did you mean check?"},
		{"pins rust", 2, "did you mean rest?"},
		{"models now", 2, "models: "},
		{"models use", 2, "use: ID is missing"},
		{"models rm", 2, "rm: ID… is missing"},
		{"models diff a", 2, "diff: "},
		{"model show none.tflite", 1, "none.tflite: no such file"},
		{"bench --model none.tflite", 1, "mobilenet_v2"},
		{"bench --video none.avi", 1, "none.avi: no such file"},
		{"run", 1, "config.toml: no such file"},
		{"check", 1, "config.toml: no such file"},
	} {
		r := passfail(t, strings.Fields(c.args)...)
		r.expect(t, c.code, c.want)
		if c.code == 2 && !strings.Contains(r.stderr, "Try 'passfail ") {
			t.Errorf("%s: no way out: %v", c.args, r)
		}
		if c.args != "check" && (c.code == 0) != (r.stderr == "") { // check reports on standard output
			t.Errorf("%s: standard error: %v", c.args, r)
		}
	}
}

// Each command has a help with an example, unless there is nothing to show.
func TestHelp(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		words := strings.Fields(c.CommandPath())[1:]
		r := passfail(t, append(words, "--help")...)
		r.expect(t, 0, "Usage:", "passfail")
		if c.Name() != "version" && c.Name() != "model" && !strings.Contains(r.stdout, "Examples:") {
			t.Errorf("%s: no example: %v", c.CommandPath(), r)
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(newRoot())
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		passfail(t, "completion", shell).expect(t, 0, "passfail")
	}
	script := passfail(t, "completion", "bash")
	c := exec.Command("bash", "-n")
	c.Stdin = strings.NewReader(script.stdout)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("bash: %v\n%s", err, out)
	}
	// What the script asks when a person presses the tabulator.
	passfail(t, "__complete", "r").expect(t, 0, "run\tInspect")
	passfail(t, "__complete", "run", "--co").expect(t, 0, "--config\t")
	passfail(t, "__complete", "model", "").expect(t, 0, "show\t")
}

func TestVersion(t *testing.T) {
	r := passfail(t, "version")
	if !regexp.MustCompile(`^passfail v1\.2\.3-test linux/\w+, go1\.\S+, OpenCV 4\.\d+\.\d+, TensorFlow Lite 2\.\d+\.\d+\n$`).MatchString(r.stdout) || r.code != 0 {
		t.Error(r)
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		code   int
		want   []string // beginnings of lines, in order; spaces count once
		no     string
	}{
		"the demo": {demoConfig(t), 0, []string{
			"ok config", "ok model", "ok decision of chip, good, missing_hole, scratch, those of", "ok camera folder", "warn camera this is no camera",
			"warn pins the pins are simulated", "ok pins pass: GPIO17 by driver simulated", "ok pins fail:", "ok pins reject:", "ok pins heartbeat:",
			"The station can inspect.",
		}, "FAIL"},
		"active low": {demoConfig(t, `active = "high"`, `active = "low"`), 0, []string{"warn pins pass is active low", "The station can inspect."}, "FAIL"},
		"no outputs": {demoConfig(t, `"GPIO17"`, `""`, `"GPIO22"`, `""`, `"GPIO23"`, `""`, `"GPIO27"`, `""`), 0, []string{"warn pins no output has a pin"}, "FAIL"},
		"broken": {demoConfig(t, "model.tflite", "none.tflite", "/parts\"", "/nothing\"", "GPIO17", "GPIO99", "GPIO22", "PIN5"), 1, []string{
			"ok config", "FAIL model", "FAIL camera", "FAIL pins outputs.pass.pin", "ok pins fail", "FAIL pins outputs.reject.pin", "ok pins heartbeat",
			"4 things to do before the station can inspect.",
		}, "The station"},
		"a wrong label":    {demoConfig(t, `["good"]`, `["fine"]`), 1, []string{"ok model", "FAIL decision decision.pass: the model has no label", "ok camera", "1 thing"}, "The station"},
		"a region outside": {demoConfig(t, "#roi = { x = 80", "roi = { x = 300"), 1, []string{"FAIL camera"}, "The station"},
		"three errors": {
			write(t, "config.toml", "[camera]\ntimeout = \"1ms\"\n[decision]\nthreshold = 2\n[outputs.pass]\npin = \"GPIO27\"\n"), 1,
			[]string{"FAIL config", "FAIL config", "FAIL config", "warn config the rest", "3 things"}, "The station",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := passfail(t, "check", "--config", c.config)
			r.expect(t, c.code)
			rest := c.want
			for l := range strings.Lines(r.stdout) {
				if len(rest) > 0 && strings.HasPrefix(strings.Join(strings.Fields(l), " "), rest[0]) {
					rest = rest[1:]
				}
			}
			if len(rest) > 0 {
				t.Errorf("%q is missing: %v", rest, r)
			}
			if strings.Contains(r.stdout, c.no) || r.stderr != "" {
				t.Errorf("%v", r)
			}
		})
	}
}

func TestModelShow(t *testing.T) {
	demo, base := inRepository("demo/model.tflite"), inRepository("model/base/mobilenet_v2.tflite")
	b, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	f, err := graph.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	f.Metadata, f.Packed = nil, nil
	f.Model.Metadata = nil
	if b, err = f.Bytes(); err != nil {
		t.Fatal(err)
	}
	bare := write(t, "bare.tflite", string(b))
	described := write(t, "described.tflite", string(b))
	sidecar := "mean = [127.5, 127.5, 127.5]\nstd = [127.5, 127.5, 127.5]\ncolor = \"rgb\"\nlabels = [\"a\", \"b\", \"c\", \"d\"]\n"
	if err := os.WriteFile(described+".toml", []byte(sidecar), 0o644); err != nil {
		t.Fatal(err)
	}
	sum := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", sha256.Sum256(b))
	}
	for name, c := range map[string]struct {
		file string
		code int
		want []string
	}{
		"a classifier":   {demo, 0, []string{demo, sum(demo), "chip, good, missing_hole, scratch", "rgb", "SOFTMAX"}},
		"a base network": {base, 0, []string{sum(base), "none: a base network", "PASSFAIL_BASE"}},
		"undescribed":    {bare, 1, []string{bare, "Write " + bare + ".toml", "mean = [", "labels = ["}},
		"with a sidecar": {described, 0, []string{"a, b, c, d"}},
		"cut off":        {write(t, "cut.tflite", string(b[:len(b)/2])), 1, []string{"cut.tflite"}},
		"no model":       {write(t, "text.tflite", "not a model"), 1, []string{"text.tflite"}},
		"empty":          {write(t, "empty.tflite", ""), 1, []string{"empty.tflite"}},
		"a folder":       {filepath.Dir(demo), 1, []string{filepath.Dir(demo)}},
	} {
		t.Run(name, func(t *testing.T) {
			r := passfail(t, "model", "show", c.file)
			r.expect(t, c.code, c.want...)
			if strings.Contains(r.stderr, "goroutine ") {
				t.Errorf("a panic: %v", r)
			}
		})
	}
}

func TestBenchJSON(t *testing.T) {
	video := writeVideo(t, "001-good.jpg", "004-scratch.jpg", "005-good.jpg", "006-good.jpg")
	for name, c := range map[string]struct {
		args   []string
		frames int // 0: some
		models int
	}{
		"by time":    {[]string{"--for", "0.2s"}, 0, 0},
		"two models": {[]string{"--frames", "8", "--for", "0s", "--model", "efficientnet_lite0", "--model", inRepository("demo/model.tflite")}, 8, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := passfail(t, append([]string{"bench", "--json", "--video", video}, c.args...)...)
			r.expect(t, 0)
			var got struct {
				Passfail      string
				FPS           float64
				OverheadRatio float64 `json:"overhead_ratio"`
				Frames        int
				Width, Height int
				Stages        map[string]struct {
					P50 *float64 `json:"p50_ms"`
					P99 *float64 `json:"p99_ms"`
				}
				MemoryMB []float64 `json:"memory_mb"`
				Machine  map[string]any
				Models   []json.RawMessage
			}
			if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
				t.Fatalf("%v: %v", err, r)
			}
			// Through the network and more takes longer than the network alone; how much is a matter for benchmarks.
			if got.Passfail != "v1.2.3-test" || got.FPS <= 0 || got.OverheadRatio < 0.9 || got.Width != 640 || got.Height != 480 || len(got.Machine) == 0 {
				t.Errorf("%+v", got)
			}
			if got.Frames == 0 || c.frames > 0 && got.Frames != c.frames || len(got.Models) != c.models || len(got.MemoryMB) < 2 {
				t.Errorf("%+v", got)
			}
			for _, s := range bench.StageNames {
				q := got.Stages[s]
				if q.P50 == nil || q.P99 == nil || *q.P50 > *q.P99 || *q.P99 <= 0 {
					t.Errorf("stage %s: %v", s, r)
				}
			}
		})
	}
}

func TestBenchText(t *testing.T) {
	video := writeVideo(t, "001-good.jpg", "004-scratch.jpg")
	r := passfail(t, "bench", "--frames", "20", "--for", "0s", "--video", video, "--model", inRepository("demo/model.tflite"))
	r.expect(t, 0, "model.tflite, frames of 640×480", "× the bare network", "frames/s")
	for _, s := range bench.StageNames {
		if !regexp.MustCompile(`(?m)^ *` + s + ` +[\d.]+ +[\d.]+ *$`).MatchString(r.stdout) {
			t.Errorf("no line of %s: %v", s, r)
		}
	}
}
