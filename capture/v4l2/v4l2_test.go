package v4l2

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestVarName(t *testing.T) {
	for label, want := range map[string]string{
		"Brightness":                      "brightness",
		"White Balance, Automatic":        "white_balance_automatic",
		"Exposure Time, Absolute":         "exposure_time_absolute",
		"Exposure, Dynamic Framerate":     "exposure_dynamic_framerate",
		"Focus, Automatic Continuous":     "focus_automatic_continuous",
		"LED1 Mode":                       "led1_mode",
		"Power Line Frequency ":           "power_line_frequency",
		" (odd) -- Name":                  "odd_name",
		"":                                "",
		"Contrast\x80\xff":                "contrast",
		"Backlight Compensation":          "backlight_compensation",
		"White Balance Temperature, Auto": "white_balance_temperature_auto",
	} {
		if got := VarName(label); got != want {
			t.Errorf("%q: got %q, want %q", label, got, want)
		}
	}
}

func FuzzVarName(f *testing.F) {
	f.Add("White Balance, Automatic")
	f.Fuzz(func(t *testing.T, label string) {
		name := VarName(label)
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || strings.Contains(name, "__") ||
			strings.HasPrefix(name, "_") || strings.HasSuffix(name, "_") {
			t.Errorf("%q became %q", label, name)
		}
	})
}

// webcam is what a usual USB camera says.
var webcam = []Control{
	{ID: 1, Name: "brightness", Type: Integer, Min: 0, Max: 255, Step: 1},
	{ID: 2, Name: "gain", Type: Integer, Min: 0, Max: 255, Step: 1},
	{ID: 3, Name: "white_balance_automatic", Type: Boolean, Max: 1, Step: 1},
	{ID: 4, Name: "white_balance_temperature", Type: Integer, Min: 2000, Max: 6500, Step: 10, Inactive: true},
	{ID: 5, Name: "exposure_time_absolute", Type: Integer, Min: 3, Max: 2047, Step: 1, Inactive: true},
	{ID: 6, Name: "auto_exposure", Type: Menu, Max: 3, Menu: []MenuItem{{1, "Manual Mode"}, {3, "Aperture Priority Mode"}}},
}

func TestAutomaticModesComeFirst(t *testing.T) {
	order, err := inOrder("/dev/video0", webcam, map[string]int{
		"exposure_time_absolute": 100, "white_balance_temperature": 4000, "auto_exposure": 1, "gain": 3, "white_balance_automatic": 0,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range order {
		got = append(got, c.Name)
	}
	want := "white_balance_automatic auto_exposure gain white_balance_temperature exposure_time_absolute"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestControlErrors(t *testing.T) {
	d := &Device{Info: Info{Path: "/dev/video0"}}
	_, err := inOrder(d.Path, webcam, map[string]int{"exposure": 5})
	readBack := d.refused(webcam[1], 300, nil)
	readBack.Got, readBack.Read = 255, true
	for _, test := range []struct {
		err  error
		want string
	}{
		{err, "/dev/video0: control exposure: wanted 5; it has no such control; it has: auto_exposure, brightness, exposure_time_absolute, gain, white_balance_automatic, white_balance_temperature"},
		{d.refused(webcam[1], 300, unix.ERANGE), "/dev/video0: control gain: wanted 300; it takes 0 to 255"},
		{readBack, "/dev/video0: control gain: wanted 300, got 255; it takes 0 to 255"},
		{d.refused(webcam[3], 4003, nil), "/dev/video0: control white_balance_temperature: wanted 4003; " + inactiveHint},
		{d.refused(webcam[5], 2, unix.EINVAL), "/dev/video0: control auto_exposure: wanted 2: invalid argument; it takes 1 = Manual Mode, 3 = Aperture Priority Mode"},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", test.err, test.want)
		}
	}
}

func TestControlDecoding(t *testing.T) {
	q := queryExtCtrl{id: 0x009a0902, typ: uint32(Integer), minimum: 3, maximum: 2047, step: 1, defaultValue: 250, flags: flagInactive}
	copy(q.name[:], "Exposure Time, Absolute")
	c, ok := q.decode()
	if !ok || c.Name != "exposure_time_absolute" || c.Min != 3 || c.Max != 2047 || c.Default != 250 || !c.Inactive || c.ReadOnly {
		t.Errorf("%+v", c)
	}
	for _, change := range []func(*queryExtCtrl){
		func(q *queryExtCtrl) { q.typ = uint32(class) },
		func(q *queryExtCtrl) { q.typ = 7 }, // a string
		func(q *queryExtCtrl) { q.flags = flagDisabled },
		func(q *queryExtCtrl) { q.nrOfDims = 1 },
	} {
		q := q
		change(&q)
		if _, ok := q.decode(); ok {
			t.Errorf("taken for a single number: %+v", q)
		}
	}
	for _, v := range []int64{0, 1, -5, 1<<31 - 1, -1 << 31} {
		var e extControl
		if e.put(Integer, v); e.get(Integer) != v {
			t.Errorf("%d became %d", v, e.get(Integer))
		}
	}
	var e extControl
	if e.put(Integer64, -1<<40); e.get(Integer64) != -1<<40 {
		t.Error("64 bits")
	}
}

func TestCapabilityOfTheNodeCounts(t *testing.T) {
	for _, test := range []struct {
		caps, deviceCaps uint32
		want             bool
	}{
		{capVideoCapture | capStreaming | capDeviceCaps, capVideoCapture | capStreaming, true},
		{capVideoCapture | capStreaming | capDeviceCaps, 0x00800000 | capStreaming, false}, // metadata node of a webcam
		{capVideoCapture | capStreaming, 0, true},                                          // an old driver
		{capVideoCapture, 0, false},
	} {
		if c := (capability{capabilities: test.caps, deviceCaps: test.deviceCaps}); c.camera() != test.want {
			t.Errorf("%#x, %#x: got %v", test.caps, test.deviceCaps, c.camera())
		}
	}
}

func TestFind(t *testing.T) {
	list := []Info{
		{Path: "/dev/video0", Card: "HD Pro Webcam C920"},
		{Path: "/dev/video2", Card: "Webcam"},
		{Path: "/dev/video4", Card: "Microscope: USB"},
	}
	for name, want := range map[string]string{"c920": "/dev/video0", "Webcam": "/dev/video2", "microscope": "/dev/video4"} {
		if got, err := Find(list, name); err != nil || got.Path != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := Find(list, "b"); err == nil || !strings.Contains(err.Error(), "3 cameras: /dev/video0 (HD Pro Webcam C920), ") {
		t.Error(err)
	}
	if _, err := Find(list, "nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestOpenWhatIsNoCamera(t *testing.T) {
	if _, err := Open("/dev/video99"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Open("/dev/null"); !errors.Is(err, ErrNoCamera) {
		t.Error(err)
	}
}

func TestSizes(t *testing.T) {
	q := frmsizeenum{typ: frmsizeDiscrete, size: [6]uint32{640, 480}}
	if got := q.decode().String(); got != "640x480" {
		t.Error(got)
	}
	q = frmsizeenum{typ: 3, size: [6]uint32{32, 2592, 2, 16, 1944, 4}}
	if got := q.decode().String(); got != "32x16 to 2592x1944" {
		t.Error(got)
	}
	if got := fourCC('Y' | 'U'<<8 | 'Y'<<16 | 'V'<<24); got != "YUYV" {
		t.Error(got)
	}
	if got := fourCC('Y' | '1'<<8 | '6'<<16 | (' '|0x80)<<24); got != "Y16" {
		t.Error(got)
	}
}

// TestConnectedCamera runs against a real camera, or the kernel's vivid: PASSFAIL_TEST_CAMERA=/dev/video0.
func TestConnectedCamera(t *testing.T) {
	path := os.Getenv("PASSFAIL_TEST_CAMERA")
	if path == "" {
		t.Skip("PASSFAIL_TEST_CAMERA names no camera")
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w, h, format, err := d.Current()
	t.Log(d.Info, d.Driver, d.Bus, w, h, format, err)
	t.Log(d.Offers())
	controls, err := d.Controls()
	if err != nil || len(d.Formats()) == 0 || w == 0 {
		t.Fatal(err)
	}
	for _, c := range controls {
		v, err := d.Get(c)
		t.Logf("%+v = %d, %v", c, v, err)
		if err != nil || c.ReadOnly || c.Inactive || c.Volatile || c.WriteOnly || c.Type == Button {
			continue
		}
		if err := d.Apply(map[string]int{c.Name: int(v)}); err != nil {
			t.Errorf("its own value does not stick: %v", err)
		}
		if c.Max == math.MaxInt64 {
			continue
		}
		if err := d.Apply(map[string]int{c.Name: int(c.Max) + 1}); err == nil {
			t.Errorf("%s takes more than its maximum", c.Name)
		}
		d.Apply(map[string]int{c.Name: int(v)})
	}
}
