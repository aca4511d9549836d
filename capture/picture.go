package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gocv.io/x/gocv"
)

// pictureTypes are the endings of what counts as a picture in a folder.
var pictureTypes = []string{".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}

// ExplainedSuffix ends the name of a picture that passfail explain drew: it shows what a model saw in another one, and is
// none of a part.
const ExplainedSuffix = "-explained.png"

func isPicture(name string) bool {
	return slices.Contains(pictureTypes, strings.ToLower(filepath.Ext(name)))
}

// IsVideo tells whether a file is played as a video rather than read as a picture, by its name.
func IsVideo(name string) bool { return !isPicture(name) }

// Pictures lists the pictures of a folder, each with the folder's path, in natural order: 2.jpg before 10.jpg. Folders
// within it, hidden files and those that passfail explain drew are left out.
func Pictures(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of pictures: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ExplainedSuffix) || !isPicture(e.Name()) {
			continue
		}
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("folder %s: holds no picture (%s) among %d entries", dir, strings.Join(pictureTypes, ", "), len(entries))
	}
	slices.SortFunc(paths, naturally)
	return paths, nil
}

// naturally compares names with their numbers as numbers.
func naturally(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		nx, ny := digits(x), digits(y)
		if nx > 0 && ny > 0 {
			dx, dy := strings.TrimLeft(x[:nx], "0"), strings.TrimLeft(y[:ny], "0")
			if len(dx) != len(dy) {
				return len(dx) - len(dy)
			}
			if c := strings.Compare(dx, dy); c != 0 {
				return c
			}
			x, y = x[nx:], y[ny:]
			continue
		}
		if x[0] != y[0] {
			return int(x[0]) - int(y[0])
		}
		x, y = x[1:], y[1:]
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(a, b) // 01.jpg and 1.jpg
}

// digits counts the digits that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// ReadPicture reads one picture through the same rotation, flip and region of interest as the camera's frames. Of s,
// only Rotate, Flip and ROI matter. The caller closes the Frame.
func ReadPicture(path string, s Settings) (*Frame, error) {
	began := time.Now()
	data, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := DecodePicture(data, path, s)
	if err != nil {
		return nil, err
	}
	f.Decode = f.Taken.Sub(began)
	return f, nil
}

// ReadFile reads a picture's file for DecodePicture, unless it is longer than any picture that is decoded.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("picture: %w", err)
	case !info.Mode().IsRegular(): // a pipe would be waited for
		return nil, fmt.Errorf("picture %s: is a folder or a device, no file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("picture %s: has %d MB; no picture of at most %d megapixels has so much. Make it smaller", path, info.Size()>>20, MaxPixels/1_000_000)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	return data, nil
}

// DecodePicture is ReadPicture for a file that was read already: data is its content, path its name in Frame and errors.
func DecodePicture(data []byte, path string, s Settings) (*Frame, error) {
	v, err := newView(s)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	b := newBuffer(v)
	err = decode(data, b.input())
	if err == nil {
		err = b.finish(v)
	}
	if err != nil {
		b.free()
		return nil, fmt.Errorf("picture %s: %w", path, err)
	}
	b.frame.Taken, b.frame.Seq, b.frame.Name, b.frame.own = time.Now(), 1, filepath.Base(path), b
	b.frame.Decode = b.frame.Taken.Sub(began)
	return &b.frame, nil
}

// decode leaves a compressed picture in m as BGR, 8 bit; a turn noted in its EXIF data is carried out.
//
// It makes a new Mat rather than decoding into m, because OpenCV 4.6 leaves the old picture in the Mat where it does
// not know the new one's format, and gocv can't tell.
func decode(data []byte, m *gocv.Mat) error {
	if err := checkHeader(data); err != nil {
		return err
	}
	// gocv returns the process's last exception here, which may be another goroutine's: only the Mat tells.
	fresh, _ := gocv.IMDecode(data, gocv.IMReadColor)
	if fresh.Closed() {
		return errors.New("can't be decoded; is it really a picture?")
	}
	if fresh.Empty() {
		fresh.Close()
		return errors.New("can't be decoded; is it really a picture?")
	}
	m.Close()
	*m = fresh
	return nil
}

// checkJPEG finds a JPEG that was cut off: libjpeg decodes it without a complaint into a picture with a gray rest.
func checkJPEG(data []byte) error {
	// The end marker is looked for behind the header, which may hold a thumbnail with an end marker of its own, and from
	// the end, because cameras and editors append zeros and notes.
	header := jpegHeader(data)
	for i := len(data) - 2; i >= header; i-- {
		if data[i] == 0xff && data[i+1] == 0xd9 {
			return nil
		}
	}
	return errors.New("the JPEG is cut off: its end marker is missing")
}

// jpegHeader returns where the compressed picture begins: behind the first start-of-scan marker.
func jpegHeader(data []byte) int {
	i := 2
	for i+4 <= len(data) && data[i] == 0xff {
		marker := data[i+1]
		if marker == 0xff { // filler
			i++
			continue
		}
		i += 2 + int(data[i+2])<<8 + int(data[i+3])
		if marker == 0xda {
			break
		}
	}
	return i
}
