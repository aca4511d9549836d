package history

import (
	"fmt"
	"image"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gocv.io/x/gocv"
)

// pictureFolder is where pictures are, below the history's folder.
const pictureFolder = "pictures"

// slot is a picture that waits to be encoded.
type slot struct {
	id            int64 // 0: it holds none
	taken         time.Time
	product       string
	width, height int
	pixels        []byte // BGR, rows without gaps
}

// fill copies the part roi of img. It tells whether it could.
func (s *slot) fill(id int64, r *Row, img *gocv.Mat, roi image.Rectangle) bool {
	s.id = 0
	if img.Type() != gocv.MatTypeCV8UC3 || roi.Empty() || !roi.In(image.Rect(0, 0, img.Cols(), img.Rows())) {
		return false
	}
	data, err := img.DataPtrUint8()
	if err != nil {
		return false
	}
	s.id, s.product, s.taken, s.width, s.height = id, r.Product, r.Time, roi.Dx(), roi.Dy()
	stride, row := 3*img.Cols(), 3*roi.Dx()
	if n := row * roi.Dy(); cap(s.pixels) < n {
		s.pixels = make([]byte, n)
	} else {
		s.pixels = s.pixels[:n]
	}
	for y := range roi.Dy() {
		at := (roi.Min.Y+y)*stride + 3*roi.Min.X
		copy(s.pixels[y*row:(y+1)*row], data[at:at+row])
	}
	return true
}

// picture is one that is in its folder, but perhaps not yet on the disk.
type picture struct {
	id    int64
	name  string // below the history's folder
	bytes int64
	hash  uint64
}

// encode makes files of what Record left, until the history is closed and all are
// made.
func (h *History) encode() {
	defer h.stopped.Done()
	for {
		select {
		case s := <-h.filled:
			h.keep(s)
			continue
		default:
		}
		select {
		case s := <-h.filled:
			h.keep(s)
		case <-h.stop:
			// Record may have taken a slot before the history was closed.
			for len(h.free) < cap(h.free) {
				h.keep(<-h.filled)
			}
			return
		}
	}
}

func (h *History) keep(s *slot) {
	defer func() { h.free <- s }()
	if s.id == 0 {
		return
	}
	p, err := h.write(s)
	h.writer.fault.set(faultPicture, err)
	if err != nil {
		h.count(DroppedPictures, s.product)
		return
	}
	h.mu.Lock()
	h.done = append(h.done, p)
	h.mu.Unlock()
}

// write encodes a picture and puts it, whole, into its folder.
func (h *History) write(s *slot) (picture, error) {
	m, err := gocv.NewMatFromBytes(s.height, s.width, gocv.MatTypeCV8UC3, s.pixels)
	if err != nil {
		return picture{}, fmt.Errorf("history: picture: %w", err)
	}
	defer m.Close()
	p := picture{id: s.id, name: pictureName(s.taken, s.id, h.settings.Location)}
	if p.hash, err = look(m); err != nil {
		return p, fmt.Errorf("history: picture: %w", err)
	}
	b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m, []int{gocv.IMWriteJpegQuality, h.settings.Quality})
	if err != nil {
		return p, fmt.Errorf("history: picture: it can't be encoded: %w", err)
	}
	defer b.Close()
	p.bytes = int64(b.Len())
	return p, h.disk.write(filepath.Join(h.settings.Dir, p.name), b.GetBytes())
}

// pictureName is where a row's picture is: in a folder for each hour, so that none
// holds too many.
func pictureName(taken time.Time, id int64, loc *time.Location) string {
	if loc == nil {
		loc = time.Local
	}
	return filepath.Join(pictureFolder, taken.In(loc).Format("2006-01-02/15"), strconv.FormatInt(id, 10)+".jpg")
}

// hashMargin is by how many gray values neighbours must differ to count: noise in
// even surfaces must not look like structure.
const hashMargin = 2

// look is a hash of what a picture (BGR, 8 bit) looks like from afar: whether each
// of 8x8 places is clearly brighter than the one to its right. Pictures of the
// same view differ in few bits.
func look(m gocv.Mat) (uint64, error) {
	small, gray := gocv.NewMat(), gocv.NewMat()
	defer small.Close()
	defer gray.Close()
	if err := gocv.Resize(m, &small, image.Pt(9, 8), 0, 0, gocv.InterpolationArea); err != nil {
		return 0, err
	}
	if err := gocv.CvtColor(small, &gray, gocv.ColorBGRToGray); err != nil {
		return 0, err
	}
	v, err := gray.DataPtrUint8()
	if err != nil {
		return 0, err
	}
	var hash uint64
	for y := range 8 {
		for x := range 8 {
			hash <<= 1
			if int(v[9*y+x]) > int(v[9*y+x+1])+hashMargin {
				hash |= 1
			}
		}
	}
	return hash, nil
}

// distance is in how many of 64 places two pictures differ.
func distance(a, b uint64) int { return bits.OnesCount64(a ^ b) }

// disk is what a history asks of the file system beside SQLite's own doings.
type disk interface {
	// write makes a file and the folders above it. It is seen whole or not at all.
	write(path string, b []byte) error
	// sync waits until all that was written below dir is on the disk.
	sync(dir string) error
	// free is how many bytes a program may still write below dir.
	free(dir string) (int64, error)
}

type systemDisk struct{}

func (systemDisk) write(path string, b []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("history: picture: %w", err)
	}
	beside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	defer func() {
		if err != nil {
			_ = os.Remove(beside)
			err = fmt.Errorf("history: picture: %w", err)
		}
	}()
	if err := os.WriteFile(beside, b, 0o644); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

// pictureID is the row that a picture is named after.
func pictureID(name string) (int64, bool) {
	id, ok := strings.CutSuffix(filepath.Base(name), ".jpg")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil
}

// escape makes a path's characters mean themselves in a pattern of Glob.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
