package dataset

import (
	"bytes"
	"image"
	"strings"
	"testing"

	"passfail/capture"
)

const (
	wholeView = `{"name": "20261124-231500", "label": "good", "view": {"rotate": 90, "flip": "none"}}`
	cutView   = `{"name": "20261124-231500", "label": "good", "view": {"rotate": 90, "flip": "none", "roi": {"x": 5, "y": 6, "width": 70, "height": 80}}}`
	otherView = `{"name": "20261124-231501", "label": "chip", "view": {"rotate": 0, "flip": "both"}}`
	chipWhole = `{"name": "20261124-231501", "label": "chip", "view": {"rotate": 90, "flip": "none"}}`
	chipCut   = `{"name": "20261124-231501", "label": "chip", "view": {"rotate": 90, "flip": "none", "roi": {"x": 5, "y": 6, "width": 70, "height": 80}}}`
)

// Pictures that capture took are turned and cut once.
func TestSettingsOfCaptured(t *testing.T) {
	turned := capture.Settings{Rotate: 90}
	cut := capture.Settings{Rotate: 90, ROI: image.Rect(5, 6, 75, 86)}
	for name, c := range map[string]struct {
		record     string
		line, want capture.Settings
		err        string
	}{
		"not captured":                {"[]", cut, cut, ""},
		"captured as the line looks":  {"[" + cutView + "," + chipCut + "]", cut, capture.Settings{}, ""},
		"no region then and now":      {"[" + wholeView + "," + chipWhole + "]", turned, capture.Settings{}, ""},
		"the region was drawn later":  {"[" + wholeView + "," + chipWhole + "]", cut, capture.Settings{ROI: cut.ROI}, ""},
		"the region was moved":        {"[" + cutView + "," + chipCut + "]", capture.Settings{Rotate: 90, ROI: image.Rect(0, 0, 70, 80)}, cut, "with another view (70×80 pixels at 5,6, rotated by 90°, flip none)"},
		"two views":                   {"[" + cutView + "," + otherView + "]", cut, cut, "with another view (whole frame, rotated by 0°, flip both)"},
		"some captured":               {"[" + cutView + "]", cut, cut, "2 of the 4 pictures were taken with passfail capture"},
		"some captured, nothing done": {"[" + cutView + "]", capture.Settings{}, cut, "with another view"},
	} {
		s, err := List(withRecord(t, c.record), Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := s.Settings(c.line)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || got.Rotate != c.want.Rotate || got.Flip != c.want.Flip || got.ROI != c.want.ROI {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestReadSessionsErrors(t *testing.T) {
	for record, want := range map[string]string{
		"":                              "no list of capture's sessions",
		"{}":                            "no list of capture's sessions",
		"[] []":                         "something follows",
		`[{"name": "x"}]`:               `session "x": a session's name`,
		`[{"name": "20261124-231500"}]`: "view.flip is",
		strings.Replace("["+cutView+"]", "70", "-70", 1): "view.roi",
		strings.Replace("["+cutView+"]", "90", "45", 1):  "view.rotate is 45",
	} {
		if _, err := ReadSessions(strings.NewReader(record)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", record, err)
		}
	}
	if _, err := ReadSessions(bytes.NewReader(make([]byte, maxRecord+1))); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Error(err)
	}
}

func TestFileNames(t *testing.T) {
	for _, c := range []struct {
		part, burst int
		ext, want   string
	}{{7, 0, "png", "20261124-231500-0007.png"}, {12345, 2, "jpg", "20261124-231500-12345-b2.jpg"}} {
		got := FileName("20261124-231500", c.part, c.burst, c.ext)
		if session, name := partName("x/" + got); got != c.want || session != "20261124-231500" || !strings.HasPrefix(got, name) {
			t.Errorf("%s, %s, %s", got, session, name)
		}
	}
	for _, other := range []string{"x.png", "20261124-231500.png", "20261124-231500-1.png", "a20261124-231500-0001.png", "20261124-231500-0001-c2.png"} {
		if s, name := partName(other); s != "" || name != "" {
			t.Errorf("%s is taken for one of capture's", other)
		}
	}
}

// FuzzReadSessions: a record is an error, or one that the set's questions can be
// answered by.
func FuzzReadSessions(f *testing.F) {
	for _, s := range []string{"", "[]", "[" + cutView + "," + otherView + "]", `[{"name":"20261124-231500","view":{"flip":"none","roi":{}}}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := ReadSessions(bytes.NewReader(b))
		if err != nil {
			return
		}
		s := &Set{Sessions: list, Pictures: []Picture{{"good/20261124-231500-0001.png", 0}}}
		got, err := s.Settings(capture.Settings{Rotate: 90, ROI: image.Rect(5, 6, 75, 86)})
		if err == nil && got.ROI.Empty() && s.Cropped() == 0 {
			t.Error("a picture that nobody cut is not cut")
		}
	})
}
