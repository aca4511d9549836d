package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"passfail/capture"
)

// RecordFile is the name of the file in a data set's folder in which capture
// notes how pictures were taken. It is a JSON list of Sessions.
const RecordFile = "capture.json"

// Session is one run of capture.
type Session struct {
	Name     string         `json:"name"` // what its pictures' names begin with, such as 20261124-231500
	Label    string         `json:"label"`
	Began    time.Time      `json:"began"`
	Software string         `json:"software"`           // version of the program
	Source   string         `json:"source"`             // of the camera
	Width    int            `json:"width"`              // of the frames after rotation, pixels
	Height   int            `json:"height"`             //
	Controls map[string]int `json:"controls,omitempty"` // of the camera, as read back
	View     View           `json:"view"`
}

// View is what was done to frames before they were kept: turned, mirrored, cut.
type View struct {
	Rotate int    `json:"rotate"`        // degrees clockwise: 0, 90, 180, 270
	Flip   string `json:"flip"`          // none, horizontal, vertical, both
	ROI    *Rect  `json:"roi,omitempty"` // after rotate and flip; nil: the whole frame
}

// Rect is a region of interest in pixels.
type Rect struct {
	X      int `json:"x"`
	Y      int `json:"y"`
	Width  int `json:"width"`
	Height int `json:"height"`
}

func (r *Rect) String() string {
	if r == nil {
		return "whole frame"
	}
	return fmt.Sprintf("%d×%d pixels at %d,%d", r.Width, r.Height, r.X, r.Y)
}

func (v View) String() string {
	return fmt.Sprintf("%v, rotated by %d°, flip %s", v.ROI, v.Rotate, v.Flip)
}

// Equal tells whether two views show the same.
func (v View) Equal(w View) bool {
	return v.turnedAs(w) && (v.ROI == nil) == (w.ROI == nil) && (v.ROI == nil || *v.ROI == *w.ROI)
}

func (v View) turnedAs(w View) bool { return v.Rotate == w.Rotate && v.Flip == w.Flip }

var flips = []string{capture.FlipNone: "none", capture.FlipHorizontal: "horizontal", capture.FlipVertical: "vertical", capture.FlipBoth: "both"}

// ViewOf is how a camera with these settings shows the line.
func ViewOf(s capture.Settings) View {
	v := View{Rotate: s.Rotate, Flip: "none"}
	if s.Flip >= 0 && int(s.Flip) < len(flips) {
		v.Flip = flips[s.Flip]
	}
	if r := s.ROI; !r.Empty() {
		v.ROI = &Rect{r.Min.X, r.Min.Y, r.Dx(), r.Dy()}
	}
	return v
}

// maxRecord is how long a RecordFile may be, in bytes: some ten thousand
// sessions.
const maxRecord = 16 << 20

// ReadSessions reads a RecordFile's content. Fields that it doesn't know are
// those of a later version, and are ignored.
func ReadSessions(r io.Reader) ([]Session, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxRecord+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxRecord {
		return nil, fmt.Errorf("it is longer than %d bytes", maxRecord)
	}
	var list []Session
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("it is no list of capture's sessions: %w", err)
	}
	if d.More() {
		return nil, errors.New("something follows the list of sessions")
	}
	for _, s := range list {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("session %q: %w", s.Name, err)
		}
	}
	return list, nil
}

// sessionName is how capture names sessions: by the moment of their beginning.
var sessionName = regexp.MustCompile(`^\d{8}-\d{6}$`)

func (s Session) check() error {
	if !sessionName.MatchString(s.Name) {
		return errors.New("a session's name is the time of its beginning, such as 20261124-231500")
	}
	if !slices.Contains([]int{0, 90, 180, 270}, s.View.Rotate) {
		return fmt.Errorf("view.rotate is %d; it can be 0, 90, 180 or 270", s.View.Rotate)
	}
	if !slices.Contains(flips, s.View.Flip) {
		return fmt.Errorf("view.flip is %q; it can be one of %q", s.View.Flip, flips)
	}
	if r := s.View.ROI; r != nil && (r.X < 0 || r.Y < 0 || r.Width <= 0 || r.Height <= 0) {
		return fmt.Errorf("view.roi, %v, is no region", r)
	}
	return nil
}

// readSessions reads dir's RecordFile, if there is one.
func readSessions(dir string) ([]Session, error) {
	path := filepath.Join(dir, RecordFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	defer f.Close()
	list, err := ReadSessions(f)
	if err != nil {
		return nil, fmt.Errorf("data set: %s: %w; mend it, or move it away if none of the pictures were taken with passfail capture", path, err)
	}
	return list, nil
}

// captured is the name of a picture that capture took: session, part number
// and, in a burst, the picture's number within it.
var captured = regexp.MustCompile(`^(\d{8}-\d{6})-(\d{4,})(?:-b(\d+))?\.\w+$`)

// FileName is what capture calls a picture: of a session, of a part (counted
// from 1) and, where a part has a burst of pictures, the number in it from 1.
// ext is such as "png".
func FileName(session string, part, inBurst int, ext string) string {
	if inBurst == 0 {
		return fmt.Sprintf("%s-%04d.%s", session, part, ext)
	}
	return fmt.Sprintf("%s-%04d-b%d.%s", session, part, inBurst, ext)
}

// partName is the session and part number in the name of a picture that capture
// took; "" for another's.
func partName(path string) (session, name string) {
	m := captured.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return "", ""
	}
	return m[1], m[1] + "-" + m[2]
}

// Cropped is how many of the pictures were already turned and cut when capture
// took them.
func (s *Set) Cropped() int {
	known := map[string]bool{}
	for _, v := range s.Sessions {
		known[v.Name] = true
	}
	n := 0
	for _, p := range s.Pictures {
		if session, _ := partName(p.Path); known[session] {
			n++
		}
	}
	return n
}

// Settings are those with which capture.ReadPicture shows the set's pictures as
// the line shows its parts, if line is how the station looks: of it, only
// Rotate, Flip and ROI matter. Pictures that passfail capture took went through
// them already, and they are not applied again.
//
// It is an error if some pictures went through them and others did not, or if
// the station has been set to look otherwise since.
func (s *Set) Settings(line capture.Settings) (capture.Settings, error) {
	asIs := line
	asIs.Rotate, asIs.Flip, asIs.ROI = 0, capture.FlipNone, image.Rectangle{}
	want := ViewOf(line)
	switch n := s.Cropped(); {
	case n == 0:
		return line, nil
	case n < len(s.Pictures) && !want.Equal(View{Flip: "none"}):
		return line, fmt.Errorf("data set %s: %d of the %d pictures were taken with passfail capture and are turned and cut already, the others are not; "+
			"keep them in two data sets, or cut the others to the region of interest (%v) too, and move %s away", s.Dir, n, len(s.Pictures), want, RecordFile)
	}
	views := s.views()
	if len(views) == 1 && views[0].turnedAs(want) && views[0].ROI == nil {
		asIs.ROI = line.ROI // the region was drawn after the pictures were taken
		return asIs, nil
	}
	for _, v := range views {
		if !v.Equal(want) {
			return line, fmt.Errorf("data set %s: its pictures were taken with another view (%v) than the configuration's (%v); take new ones, or set camera.rotate, camera.flip and camera.roi as they were", s.Dir, v, want)
		}
	}
	return asIs, nil
}

// views are the different views of the pictures' sessions.
func (s *Set) views() []View {
	used := map[string]bool{}
	for _, p := range s.Pictures {
		session, _ := partName(p.Path)
		used[session] = true
	}
	var list []View
	for _, v := range s.Sessions {
		if used[v.Name] && !slices.ContainsFunc(list, v.View.Equal) {
			list = append(list, v.View)
		}
	}
	return list
}
