package capture

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestVideoFastDropsNothing(t *testing.T) {
	path := writeVideo(t, 40, 320, 240, 30)
	c := open(t, Settings{Source: path, Pace: Fast})
	for i := range 40 {
		f := next(t, c)
		if got := number(f.Image); got != i {
			t.Fatalf("frame %d shows %d", i, got)
		}
		if f.Seq != uint64(i+1) || f.Name != "film.avi" || time.Since(f.Taken) > time.Minute {
			t.Fatalf("frame %d: Seq %d, Name %q, Taken %v", i, f.Seq, f.Name, f.Taken)
		}
	}
	for range 2 {
		if _, err := c.Next(limited(t)); err != io.EOF {
			t.Fatalf("after the end: %v", err)
		}
	}
	if s := c.Stats(); s.Read != 40 || s.Judged != 40 || s.Dropped != 0 || s.Losses != 0 {
		t.Errorf("%+v", s)
	}
}

// A black film is byte-identical for ever: for a file that is no fault.
func TestVideoLoopsAndIsNeverFrozen(t *testing.T) {
	path := writeVideo(t, 1, 64, 48, 30)
	c := open(t, Settings{Source: "file:" + path, Pace: Fast, Loop: true, FrozenAfter: time.Nanosecond, Timeout: time.Millisecond})
	for range 50 {
		next(t, c)
	}
	if s := c.Stats(); s.Losses != 0 {
		t.Errorf("%+v", s)
	}
}

func TestVideoInRealTime(t *testing.T) {
	path := writeVideo(t, 20, 64, 48, 100)
	// From before the first frame was due: on a busy machine it may be seen long after that.
	start := time.Now()
	c := open(t, Settings{Source: path})
	var last time.Time
	for {
		f, err := c.Next(limited(t))
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last = f.Taken
	}
	// Earlier than that would be too fast; later is a busy machine.
	if d := last.Sub(start); d < 190*time.Millisecond {
		t.Errorf("20 frames of a video with 100 a second took %v", d)
	}
	s := c.Stats()
	if s.Read != 20 || s.Judged+s.Dropped != 20 {
		t.Errorf("%+v", s)
	}
}

func TestVideoWithBrokenFrames(t *testing.T) {
	path := writeVideo(t, 20, 320, 240, 30)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Overwrite the middle of the fifth JPEG, its headers too.
	at := 0
	for range 5 {
		at += 2 + bytes.Index(data[at+2:], []byte{0xff, 0xd8, 0xff})
	}
	for i := range 1500 {
		data[at+i] = byte(i * 7)
	}
	writeFile(t, path, data)
	c := open(t, Settings{Source: path, Pace: Fast})
	seen := 0
	for {
		f, err := c.Next(limited(t))
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		seen = number(f.Image)
	}
	if seen != 19 {
		t.Errorf("the last frame shows %d, want 19: a broken frame ended the file", seen)
	}
}

func TestFilesThatDoNotOpen(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.avi")
	writeFile(t, text, []byte("this is no video"))
	pictures := writePictures(t, 2, ".png")
	writeFile(t, filepath.Join(dir, "bad.jpg"), []byte("this is no picture"))
	for _, test := range []struct {
		name string
		s    Settings
		want string
	}{
		{"missing file", Settings{Source: "/nowhere/film.avi"}, "no such file"},
		{"missing folder", Settings{Source: "folder:/nowhere"}, "no such file"},
		{"no video", Settings{Source: text}, "can't be opened as a video"},
		{"folder as file", Settings{Source: "file:" + dir}, "say folder:" + dir},
		{"folder without pictures", Settings{Source: t.TempDir()}, "holds no picture"},
		{"nothing decodable", Settings{Source: dir}, "holds no frame that can be decoded"},
		{"nothing decodable, looped", Settings{Source: dir, Loop: true}, "none of its pictures"},
		{"region outside", Settings{Source: pictures, ROI: rect(0, 0, 65, 48)}, "(65x48 pixels at 0,0) reaches outside the frame, which has 64x48"},
		{"rotation", Settings{Source: pictures, Rotate: 45}, "rotation by 45 degrees"},
		{"size", Settings{Source: pictures, Width: 10}, "10x0 is not a size"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Open(t.Context(), test.s, testLog(t))
			if err == nil {
				c.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v\nlacks %q", err, test.want)
			}
		})
	}
}

func TestFolder(t *testing.T) {
	dir := writePictures(t, 12, ".png")
	writeFile(t, filepath.Join(dir, "3.png"), []byte("broken"))
	writeFile(t, filepath.Join(dir, "4.png"), nil)
	if err := os.Symlink("/nowhere", filepath.Join(dir, "5a.png")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "README.txt"), []byte("no picture"))
	c := open(t, Settings{Source: dir, Pace: Fast})
	want := []string{"0.png", "1.png", "2.png", "5.png", "6.png", "7.png", "8.png", "9.png", "10.png", "11.png"}
	for _, name := range want {
		f := next(t, c)
		if f.Name != name || number(f.Image) < 0 {
			t.Fatalf("got %s, want %s", f.Name, name)
		}
	}
	if _, err := c.Next(limited(t)); err != io.EOF {
		t.Fatal(err)
	}
	if s := c.Stats(); s.Skipped != 3 || s.Read != 10 || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}

func TestFolderLoop(t *testing.T) {
	c := open(t, Settings{Source: writePictures(t, 3, ".jpg"), Pace: Fast, Loop: true})
	for i := range 10 {
		if f := next(t, c); number(f.Image) != i%3 {
			t.Fatalf("frame %d shows %d", i, number(f.Image))
		}
	}
}

func TestFolderInRealTime(t *testing.T) {
	dir := writePictures(t, 4, ".bmp")
	start := time.Now()
	c := open(t, Settings{Source: dir, Interval: 20 * time.Millisecond})
	for {
		f, err := c.Next(limited(t))
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == "3.bmp" && f.Taken.Sub(start) < 60*time.Millisecond {
			t.Errorf("the fourth picture came after %v", f.Taken.Sub(start))
		}
	}
}

// Pictures of several sizes in one folder: the buffers change, and a region fits the one and not the other.
func TestFolderOfManySizes(t *testing.T) {
	dir := t.TempDir()
	for i, size := range [][2]int{{64, 48}, {640, 480}, {32, 24}, {64, 48}, {48, 64}} {
		m := numbered(i, size[0], size[1])
		writeFile(t, filepath.Join(dir, string(rune('a'+i))+".jpg"), jpegOf(t, m))
		m.Close()
	}
	c := open(t, Settings{Source: dir, Pace: Fast, Loop: true, ROI: rect(0, 0, 30, 20)})
	for i := range 25 {
		f := next(t, c)
		if number(f.Image) != i%5 || f.ROI != image.Rect(0, 0, 30, 20) {
			t.Fatalf("frame %d shows %d, region %dx%d", i, number(f.Image), f.ROI.Dx(), f.ROI.Dy())
		}
	}
	c = open(t, Settings{Source: dir, Pace: Fast, ROI: rect(0, 0, 60, 40)})
	next(t, c)
	next(t, c)
	if _, err := c.Next(limited(t)); err == nil || !strings.Contains(err.Error(), "32x24") {
		t.Errorf("a region outside the third picture: %v", err)
	}
}

func TestContexts(t *testing.T) {
	dir := writePictures(t, 2, ".png")
	c := open(t, Settings{Source: dir, Interval: time.Hour})
	next(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled Next: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := c.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("timed out Next: %v", err)
	}
	c.Close()
	c.Close()
	if _, err := c.Next(t.Context()); err != ErrClosed {
		t.Errorf("Next after Close: %v", err)
	}

	life, end := context.WithCancel(t.Context())
	c, err := Open(life, Settings{Source: dir, Interval: time.Hour}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	next(t, c)
	end()
	if _, err := c.Next(limited(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("Next after the camera's context: %v", err)
	}
}
