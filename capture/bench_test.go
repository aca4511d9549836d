package capture

import (
	"context"
	"image"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"
)

// benchmarkNext measures how fast frames come, and that nothing is allocated for them.
func benchmarkNext(b *testing.B, s Settings) {
	c := open(b, s)
	ctx := context.Background()
	for range 5 {
		c.Next(ctx)
	}
	b.ReportAllocs()
	start, cpu := time.Now(), processorTime(b)
	for b.Loop() {
		if _, err := c.Next(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "frames/s")
	b.ReportMetric((processorTime(b)-cpu).Seconds()*1000/float64(b.N), "cpu-ms/frame")
}

// processorTime is what all threads of the process have used: on a busy machine it tells more than the clock.
func processorTime(t testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkNextVideo640x480(b *testing.B) {
	benchmarkNext(b, Settings{Source: noisyVideo(b, 300), Pace: Fast, Loop: true})
}

func BenchmarkNextVideo640x480Rotated(b *testing.B) {
	benchmarkNext(b, Settings{Source: noisyVideo(b, 300), Pace: Fast, Loop: true, Rotate: 90, ROI: rect(100, 100, 300, 300)})
}

func BenchmarkNextFolder640x480(b *testing.B) {
	dir := b.TempDir()
	for i := range 4 {
		m := noise(i)
		writeFile(b, dir+"/"+strconv.Itoa(i)+".jpg", jpegOf(b, m))
		m.Close()
	}
	benchmarkNext(b, Settings{Source: dir, Pace: Fast, Loop: true})
}

func BenchmarkFrozenWatch640x480(b *testing.B) {
	pixels := make([]byte, 640*480*3)
	w := newFrozenWatch(time.Hour)
	now := time.Now()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		pixels[0] = byte(i)
		w.see(pixels, now)
	}
}

// noise is a picture of 640×480 with about the detail of a photograph: a blurred random one.
func noise(seed int) gocv.Mat {
	m := gocv.NewMatWithSize(480, 640, gocv.MatTypeCV8UC3)
	gocv.SetRNGSeed(seed)
	gocv.RandU(&m, gocv.NewScalar(0, 0, 0, 0), gocv.NewScalar(255, 255, 255, 0))
	gocv.GaussianBlur(m, &m, image.Pt(9, 9), 0, 0, gocv.BorderDefault)
	return m
}

func noisyVideo(t testing.TB, frames int) string {
	path := t.TempDir() + "/noise.avi"
	out, err := gocv.VideoWriterFile(path, "MJPG", 30, 640, 480, true)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for i := range frames {
		m := noise(i)
		out.Write(m)
		m.Close()
	}
	return path
}

// TestMemoryStaysConstant plays many frames and reopens the file many times. PASSFAIL_TEST_FRAMES=20000 takes longer.
func TestMemoryStaysConstant(t *testing.T) {
	frames := 1500
	if n, err := strconv.Atoi(os.Getenv("PASSFAIL_TEST_FRAMES")); err == nil {
		frames = n
	}
	video := writeVideo(t, 25, 640, 480, 30)
	dir := writePictures(t, 5, ".jpg")
	for _, s := range []Settings{
		{Source: video, Pace: Fast, Loop: true, Rotate: 90, ROI: rect(10, 10, 100, 100)},
		{Source: dir, Pace: Fast, Loop: true, Flip: FlipBoth},
	} {
		c := open(t, s)
		play := func(n int) {
			for range n {
				if _, err := c.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		play(frames / 5)
		// What leaks grows every time. Pools and arenas grow once more when threads meet as they had not before.
		for round := 1; ; round++ {
			before := resident(t)
			play(frames)
			grown := resident(t) - before
			t.Logf("%d frames: %+d kB", frames, grown>>10)
			if grown <= 8<<20 {
				break
			}
			if round == 3 {
				t.Errorf("%s: %d frames left %d MB behind, the third time", s.Source, frames, grown>>20)
				break
			}
		}
		c.Close()
	}
}

// resident is the memory that the process holds, in bytes.
func resident(t testing.TB) int {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
