package base_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"passfail/model"
	"passfail/model/base"
	"passfail/model/graph"
)

func TestNames(t *testing.T) {
	if got := base.Names(); !slices.Equal(got, []string{"efficientnet_lite0", "mobilenet_v2"}) {
		t.Errorf("bases %q", got)
	}
	if !slices.Contains(base.Names(), base.Default) {
		t.Errorf("the default base %q isn't shipped", base.Default)
	}
}

func TestRead(t *testing.T) {
	for _, name := range base.Names() {
		onDisk, err := os.ReadFile(name + ".tflite")
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range []string{name, name + ".tflite"} {
			b, err := base.Read(way)
			if err != nil || !bytes.Equal(b, onDisk) {
				t.Errorf("%s: %d bytes, want %d (%v)", way, len(b), len(onDisk), err)
			}
		}
	}
	own := filepath.Join(t.TempDir(), "own.tflite")
	if err := os.WriteFile(own, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err := base.Read(own); err != nil || string(b) != "mine" {
		t.Errorf("%q, %v", b, err)
	}
	for name, want := range map[string]string{
		"resnet":        `base network "resnet": no such file, and none of the shipped ones: efficientnet_lite0, mobilenet_v2`,
		t.TempDir():     "is a directory",
		"":              "no such file",
		"../mobilenet":  "no such file",
		"mobilenet_v2/": "no",
	} {
		if b, err := base.Read(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %d bytes, error %v, want %q", name, len(b), err, want)
		}
	}
}

// Each base is what its provenance beside it and in it says, and can be opened.
func TestProvenance(t *testing.T) {
	for _, name := range base.Names() {
		b, err := base.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var said struct {
			Name string
			Size int
			Taps []struct {
				Name  string
				Shape []int // height, width, channels
			}
		}
		if err := json.Unmarshal(text, &said); err != nil {
			t.Fatal(err)
		}
		if said.Name != name {
			t.Errorf("%s.json is of %q", name, said.Name)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(b)); !strings.Contains(string(text), sum) {
			t.Errorf("%s.json doesn't hold the file's sha256 %s", name, sum)
		}
		f, err := graph.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(f.Entry("PASSFAIL_BASE")) {
			t.Errorf("%s: PASSFAIL_BASE is %q", name, f.Entry("PASSFAIL_BASE"))
		}
		d, err := model.Describe(name, b)
		if err != nil {
			t.Fatal(err)
		}
		if d.Labels != nil || d.Input.Type != graph.Int8 || d.Input.Width != said.Size || d.Input.Height != said.Size {
			t.Errorf("%s: labels %q, input %v", name, d.Labels, d.Input)
		}
		if len(d.Outputs) < 2 || len(d.Outputs) != len(said.Taps) { // one near the end, one from the middle
			t.Fatalf("%s: outputs %v, said to be %v", name, d.Outputs, said.Taps)
		}
		for i, o := range d.Outputs {
			tap := said.Taps[i]
			if o.Name != tap.Name || o.Type != graph.Int8 || !slices.Equal(o.Shape, append([]int{1}, tap.Shape...)) {
				t.Errorf("%s: output %+v, said to be %+v", name, o, tap)
			}
		}
	}
}
