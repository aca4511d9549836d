package config

import (
	"errors"
	"image"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestEmptyFileIsTheDefault(t *testing.T) {
	c, err := Parse("")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("got %+v", c)
	}
	if errs := Default().check(); len(errs) > 0 {
		t.Errorf("the defaults are wrong: %v", errs)
	}
}

func TestEveryKey(t *testing.T) {
	c, err := Parse(`
[camera]
source = "csi"
width = 480
height = 640
fps = 30
pixel_format = "MJPG"
controls = { gain = 10, auto_exposure = 1, white_balance_automatic = false }
rotate = 90
flip = "both"
roi = { x = 10, y = 20, width = 600, height = 400 }
loop = true
pace = "fast"
interval = "250ms"
timeout = "1s"
frozen_after = "0s"
reopen_min = "100ms"
reopen_max = "2m"
[model]
file = "m.tflite"
threads = 2
[decision]
pass = ["good", "fair"]
threshold = 0.7
confidence = 1
below_confidence = "pass"
unlike = "pass"
novelty_limit = 1.5
vote = 3
[outputs]
board = "simulated"
[outputs.pass]
pin = ""
[outputs.fail]
pin = "GPIO5"
active = "low"
mode = "level"
[outputs.reject]
pin = "GPIO6"
delay = "1.25s"
width = "40ms"
[outputs.heartbeat]
pin = "GPIO7"
period = "100ms"
[log]
level = "debug"
format = "json"
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Camera.ROI.Rectangle(); got != image.Rect(10, 20, 610, 420) {
		t.Errorf("roi %v", got)
	}
	if want := map[string]int{"gain": 10, "auto_exposure": 1, "white_balance_automatic": 0}; !reflect.DeepEqual(c.Camera.Controls, want) {
		t.Errorf("controls %v", c.Camera.Controls)
	}
	if c.Outputs.Reject.Delay != Duration(1250*time.Millisecond) || c.Outputs.Reject.Active != "high" {
		t.Errorf("reject %+v", c.Outputs.Reject)
	}
	if c.Decision.Unlike != "pass" || c.Decision.NoveltyLimit != 1.5 || c.Decision.Confidence != 1 || len(c.Decision.Pass) != 2 || c.Camera.FPS != 30 {
		t.Errorf("%+v", c)
	}
}

func TestErrorsNameKeyValueAndWayOut(t *testing.T) {
	for text, want := range map[string][]string{
		"[camera]\nsorce = 'x'":                        {"camera.sorce", "did you mean source?"},
		"[camera]\nbrightness = 3":                     {"unknown key camera.brightness", "[camera] has source"},
		"[cammera]\nx = 1":                             {"unknown key cammera", "did you mean camera?"},
		"[camera]\ninterval = 500":                     {"camera.interval = 500", `"500ms" or "500s"`},
		"[camera]\ninterval = '500'":                   {`camera.interval = "500"`, `"500ms"`},
		"[camera]\ninterval = 'soon'":                  {"camera.interval", "not a time"},
		"[camera]\ninterval = '0s'":                    {"camera.interval", "1ms to 1h0m0s"},
		"[camera]\nrotate = 45":                        {"camera.rotate = 45", "0, 90, 180, 270"},
		"[camera]\nwidth = 640":                        {"width and height, or neither"},
		"[camera]\nroi = [1, 2, 3, 4]":                 {"camera.roi", "{ x = 0, y = 0, width = 640, height = 480 }"},
		"[camera]\nroi = { x = -1, y = 0, width = 0 }": {"camera.roi.x = -1", "camera.roi.width = 0", "camera.roi.height = 0"},
		"[camera]\npixel_format = 'JPEG2000'":          {"four letters"},
		"[camera]\nsource = 5":                         {"camera.source = 5", "text in quotes"},
		"[camera]\nloop = 'yes'":                       {`camera.loop = "yes"`, "true or false"},
		"[camera]\ncontrols = { gain = 'high' }":       {"camera.controls.gain", "whole number"},
		"camera = 'x'":                                 {"section", "[camera]"},
		"[camera]\nreopen_min = '20s'":                 {"camera.reopen_max", "camera.reopen_min = 20s"},
		"[model]\nthreads = -1":                        {"model.threads = -1", "0 to 64"},
		"[model]\nfile = ''":                           {"model.file", ".tflite", "model.store"},
		"[model]\nfile = 'm'\nstore = 's'":             {`model.store = "s"`, `model.file = "m"`, "keep the one"},
		"[model]\nstore = 3":                           {"model.store = 3", "text in quotes"},
		"[decision]\nthreshold = 60":                   {"decision.threshold = 60", "0 to 1"},
		"[decision]\nthreshold = 0":                    {"every part would pass"},
		"[camera]\nfps = 1e-10":                        {"camera.fps", "0.01 to 1000"},
		"[camera]\nfps = 0.2":                          {"camera.fps", "camera.timeout = 2s"},
		"[decision]\nthreshold = nan":                  {"decision.threshold", "0 to 1"},
		"[decision]\npass = 'good'":                    {"decision.pass", "a list"},
		"[decision]\nunlike = 'maybe'":                 {"decision.unlike", "fail, pass"},
		"[decision]\nnovelty_limit = -1":               {"decision.novelty_limit = -1", "0.1 to 100"},
		"[decision]\nnovelty_limit = nan":              {"decision.novelty_limit", "0.1 to 100"},
		"[decision]\nvote = 0":                         {"decision.vote = 0", "1 to 99"},
		"[outputs]\nboard = 'arduino'":                 {"outputs.board", "gpio, simulated"},
		"[outputs.pass]\npin = 'GPIO22'":               {"outputs.reject.pin", "outputs.pass.pin has the same pin"},
		"[outputs.pass]\nwidth = '0s'":                 {"outputs.pass.width", "1ms to 1m0s"},
		"[outputs.heartbeat]\nperiod = '1ms'":          {"outputs.heartbeat.period"},
		"[log]\nlevel = 'loud'":                        {"log.level", "debug, info, warn, error"},
		"[camera\nsource = 1":                          {"line 2", "to end table name"},
		"[camera]\nwidth = 640\nheight = 480\nroi = { x = 600, y = 0, width = 100, height = 100 }": {"camera.roi", "reaches to 700,100", "640×480"},
	} {
		_, err := Parse(text)
		if err == nil {
			t.Errorf("%q: no error", text)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q:\n got %q\nwant %q in it", text, err, w)
			}
		}
	}
}

func TestAllErrorsInOneGo(t *testing.T) {
	_, err := Parse("[camera]\nrotate = 1\nflip = 'up'\n[decision]\nvote = 0\n[log]\nformat = 'xml'\n")
	var list Errors
	if !errors.As(err, &list) || len(list) != 4 {
		t.Errorf("got %d errors, want 4: %v", len(list), err)
	}
	_, err = Parse("[camera]\nspeed = 1\ninterval = 3\n[decision]\nvote = 'x'\n")
	if !errors.As(err, &list) || len(list) != 3 {
		t.Errorf("got %d errors, want 3: %v", len(list), err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("[log]\nlevel = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), path+": log.level") {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(path, []byte("[model]\nfile = \"m.tflite\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Path(c.Model.File), filepath.Join(dir, "m.tflite"); got != want {
		t.Errorf("model at %s, want %s", got, want)
	}
	if got := c.Path("/abs/x"); got != "/abs/x" {
		t.Errorf("absolute path became %s", got)
	}
}

// A model store takes the place of the default file; without one nothing changes.
func TestModelStore(t *testing.T) {
	for text, want := range map[string]Model{
		"":                                     {File: "model.tflite"},
		"[model]\nthreads = 2":                 {File: "model.tflite", Threads: 2},
		"[model]\nstore = 'models'":            {Store: "models"},
		"[model]\nstore = ''":                  {File: "model.tflite"},
		"[model]\nfile = ''\nstore = 'models'": {Store: "models"},
		"[model]\nfile = 'm'\nstore = ''":      {File: "m"},
	} {
		if c, err := Parse(text); err != nil || c.Model != want {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

func TestShippedFile(t *testing.T) {
	if _, err := Load("../config.toml"); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	if b, err := os.ReadFile("../config.toml"); err == nil {
		f.Add(string(b))
	}
	f.Add("[camera]\nroi = { x = 1 }\ncontrols = { a = 1 }\n")
	f.Add("[decision]\npass = [1, 'a']\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v, error %v", c, err)
		}
		var list Errors
		if err != nil && (!errors.As(err, &list) || len(list) == 0 || err.Error() == "") {
			t.Fatalf("an error without words: %v", err)
		}
	})
}
