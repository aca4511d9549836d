package config

import (
	"strings"
	"testing"
	"time"
)

const lineText = `
[camera]
source = "demo/parts"
[trigger]
mode = "gpio"
pin = "GPIO24"
delay = "5ms"
[belt]
measure = "encoder"
encoder_a = "GPIO5"
encoder_b = "GPIO6"
mm_per_count = 0.25
[outputs.reject]
distance = 400
lead_distance = 20
gap_distance = 15.5
neighbour = "reject"
[outputs.red]
pin = "GPIO16"
[product]
pins = ["GPIO12", "GPIO13"]
[products.bottle]
code = 1
[products.bottle.model]
store = "bottles"
[products.bottle.decision]
threshold = 0.9
[products.can]
code = 2
[products.can.camera]
roi = { x = 1, y = 2, width = 30, height = 40 }
[products.can.outputs.reject]
distance = 380
width = "30ms"
`

func TestLine(t *testing.T) {
	c, err := Parse(lineText)
	if err != nil {
		t.Fatal(err)
	}
	if c.Trigger.Delay != Duration(5*time.Millisecond) || c.Belt.MMPerCount != 0.25 || c.Outputs.Red != (Signal{"GPIO16", "high"}) {
		t.Errorf("got %+v, %+v, %+v", c.Trigger, c.Belt, c.Outputs.Red)
	}
	if len(c.Products) != 2 {
		t.Fatalf("products: %+v", c.Products)
	}
	bottle, can := c.Products[0], c.Products[1]
	if bottle.Name != "bottle" || bottle.Code != 1 || bottle.Config.Model.Store != "bottles" || bottle.Config.Model.File != "" || *bottle.Config.Decision.Threshold != 0.9 {
		t.Errorf("bottle: %+v", bottle.Config)
	}
	if can.Config.Camera.ROI == nil || can.Config.Outputs.Reject.Distance != 380 || can.Config.Outputs.Reject.LeadDistance != 20 {
		t.Errorf("can: %+v", can.Config)
	}
	if c.Camera.ROI != nil || c.Outputs.Reject.Distance != 400 || c.Decision.Threshold != nil {
		t.Errorf("a product changed what the others have: %+v", c)
	}
}

// Each of these is one thing wrong, and its message names it.
func TestLineMistakes(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{`mode = "gpio"`, `mode = "eye"`, `trigger.mode = "eye"`},
		{`pin = "GPIO24"`, `pin = ""`, "trigger.pin"},
		{`mode = "gpio"`, `mode = "continuous"`, "is no part whose way could be measured"},
		{`mode = "gpio"`, `mode = "http"`, "api.listen"},
		{`mm_per_count = 0.25`, ``, "belt.mm_per_count = 0"},
		{`encoder_a = "GPIO5"`, ``, "belt.encoder_a"},
		{`encoder_b = "GPIO6"`, `encoder_b = "gpio22"`, `belt.encoder_b = "gpio22": outputs.reject.pin has the same pin`},
		{"\ndistance = 400", ``, "outputs.reject.distance = 0"},
		{`lead_distance = 20`, `lead_distance = 500`, "outputs.reject.lead_distance = 500"},
		{`measure = "encoder"`, "measure = \"time\"\n[outputs.pass]\ndelay = \"1h\"\n[belt.x]", "unknown key belt.x"},
		{`threshold = 0.9`, `threshold = 0`, "products.bottle: decision.threshold = 0"},
		{`width = "30ms"`, `pin = "GPIO9"`, "products.can.outputs.reject.pin: this is the same for all products"},
		{`roi = {`, `source = "csi"
roi = {`, "products.can.camera.source: this is the same for all products"},
		{`code = 2`, `code = 1`, "products.can.code = 1: products.bottle has the same code"},
		{`code = 2`, `code = 4`, "products.can.code = 4: 0 to 3 is possible"},
		{`code = 2`, `kode = 2`, "unknown key products.can.kode"},
		{`[product]`, "[product]\nuse = \"jar\"", `product.use = "jar": there is no section [products.jar]; there are: bottle, can`},
		{`distance = 380`, `distance = 10`, "products.can: outputs.reject.lead_distance = 20"},
	} {
		text := strings.Replace(lineText, test.old, test.new, 1)
		if text == lineText {
			t.Fatalf("%q is not in the text", test.old)
		}
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s -> %s:\n%v\nwant %q", test.old, test.new, err, test.want)
		}
	}
}

func TestTimesTogether(t *testing.T) {
	for text, want := range map[string]string{
		"[trigger]\nmode = \"gpio\"\ndelay = \"490ms\"":           "outputs.reject.delay",
		"[trigger]\nmode = \"gpio\"\n[camera]\npace = \"fast\"":   "camera.pace",
		"[trigger.presence]\nenter = 0.1\nleave = 0.1":            "trigger.presence.leave",
		"[history]\nshifts = [\"06:00\", \"6:30\"]":               "history.shifts[1] = \"6:30\"",
		"[history]\nshifts = [\"14:00\", \"06:00\"]":              "history.shifts[1] = \"06:00\": it must come after 14:00",
		"[metrics]\nlisten = \"9464\"":                            "metrics.listen",
		"[outputs.pass]\nmode = \"level\"\ndelay = \"1s\"":        "outputs.pass.delay",
		"[product]\npins = [\"GPIO5\"]":                           "product.pins",
		"products = 3":                                            "products = 3",
		"[confirm]\npin = \"GPIO24\"\n[trigger]\nmode = \"gpio\"": "confirm.pin",
		"[trigger]\nmode = \"gpio\"\n[decision]\nvote = 3":        "decision.vote",
		"[trigger]\nmode = \"gpio\"\ndebounce = \"480ms\"":        "trigger.debounce",
		"[stop]\nof = 1":                              "stop.of",
		"[condition]\nthen = \"panic\"":               "condition.then",
		"[outputs.reject]\nneighbour = \"push\"":      "outputs.reject.neighbour",
		"[outputs.busy]\npin = \"GPIO17\"":            "outputs.busy.pin",
		"[trigger]\nmode = \"presence\"\nframes = 40": "trigger.frames",
		"[history]\nmax_mb = 1":                       "history.max_mb",
		"[belt]\ncapacity = 0":                        "belt.capacity",
		"[outputs.strobe]\nwidth = \"0s\"":            "outputs.strobe.width",
		"[product]\nsettle = \"1m\"":                  "product.settle",
		"[products.a]\ncode = \"x\"":                  "products.a.code",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v\nwant %q", text, err, want)
		}
	}
}
