package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"passfail/atomicfile"
)

// Writer adds pictures to a data set: one run of capture, a Session. It belongs
// to one goroutine.
type Writer struct {
	dir, ext string
	session  Session
	recorded bool // the session is in the RecordFile
	made     bool // the label's folder is new
	written  int
}

// NewWriter begins a session that adds pictures of s.Label to the data set dir,
// both made where missing. It names the session by s.Began. format is png, which
// loses nothing, or jpg. Nothing is written before the first picture.
func NewWriter(dir string, s Session, format string) (*Writer, error) {
	if l := s.Label; l == "" || strings.HasPrefix(l, ".") || l != filepath.Base(l) {
		return nil, fmt.Errorf("label %q: a label is the name of a folder, such as good or scratch", s.Label)
	}
	if format != "png" && format != "jpg" {
		return nil, fmt.Errorf("format %q: it can be png or jpg", format)
	}
	w := &Writer{dir: dir, ext: format, session: s}
	sessions, err := readSessions(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(w.folder()); errors.Is(err, fs.ErrNotExist) {
		w.made = true
	}
	if err := os.MkdirAll(w.folder(), 0o755); err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	w.session.Name, err = freeName(dir, sessions, s.Began)
	return w, err
}

// freeName is the moment at which a session began, or as many seconds later as
// it takes to be the first of this name: the clock may have been set back.
func freeName(dir string, sessions []Session, began time.Time) (string, error) {
	taken := map[string]bool{}
	for _, s := range sessions {
		taken[s.Name] = true
	}
	for {
		name := began.Format("20060102-150405")
		files, err := filepath.Glob(filepath.Join(escape(dir), "*", name+"-*"))
		if err != nil {
			return "", err
		}
		if !taken[name] && len(files) == 0 {
			return name, nil
		}
		began = began.Add(time.Second)
	}
}

// escape makes a path's characters mean themselves in a pattern of Glob.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (w *Writer) folder() string { return filepath.Join(w.dir, w.session.Label) }

// Session is what is recorded.
func (w *Writer) Session() Session { return w.session }

// Written is how many pictures were added.
func (w *Writer) Written() int { return w.written }

// jpegQuality loses little more than the sensor's noise.
const jpegQuality = 95

// Add writes the part roi of img (BGR, 8 bit) as a picture of a part and returns
// its path; part counts from 1, and inBurst too where a part has several
// pictures, else it is 0. The file is on the disk, whole, when Add returns.
func (w *Writer) Add(img *gocv.Mat, roi image.Rectangle, part, inBurst int) (string, error) {
	if !w.recorded {
		if err := record(w.dir, w.session); err != nil {
			return "", err
		}
		w.recorded = true
	}
	cut := img.Region(roi)
	defer cut.Close()
	params := []int{gocv.IMWritePngCompression, 3}
	if w.ext == "jpg" {
		params = []int{gocv.IMWriteJpegQuality, jpegQuality}
	}
	b, err := gocv.IMEncodeWithParams(gocv.FileExt("."+w.ext), cut, params)
	if err != nil {
		return "", fmt.Errorf("picture: it can't be encoded: %w", err)
	}
	defer b.Close()
	path := filepath.Join(w.folder(), FileName(w.session.Name, part, inBurst, w.ext))
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("picture %s: %w", path, fs.ErrExist)
	}
	if err := diskError(atomicfile.WriteBytes(path, b.GetBytes())); err != nil {
		return "", err
	}
	w.written++
	return path, nil
}

// Close takes the label's folder away again if it is new and nothing was
// written.
func (w *Writer) Close() error {
	if w.made && w.written == 0 {
		_ = os.Remove(w.folder()) // not if somebody else put something in
	}
	return nil
}

// record appends a session to dir's RecordFile. Other programs that do the same
// wait meanwhile.
func record(dir string, s Session) error {
	lock, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("data set: %w", err)
	}
	defer lock.Close() // which unlocks
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.ENOLCK) {
		return fmt.Errorf("data set %s: it can't be locked: %w", dir, err)
	}
	list, err := readSessions(dir)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(append(list, s), "", "  ")
	if err != nil {
		return err
	}
	return diskError(atomicfile.WriteBytes(filepath.Join(dir, RecordFile), append(b, '\n')))
}

// diskError says of an error of writing what to do about it.
func diskError(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("the disk is full; make room, then go on. What was taken before is kept: %w", err)
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("nothing may be written there; take another folder with --out: %w", err)
	}
	return err
}
