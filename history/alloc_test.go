//go:build !race

package history

import (
	"image"
	"testing"
)

func TestRecordAllocatesNothing(t *testing.T) {
	s := settings(t.TempDir())
	s.Rows = 100_000
	st := newStation(t, s)
	img := view(t, 1)
	row := st.part(1, false, "chip")
	// All slots are filled first: encoding allocates, beside the line.
	st.Record(row, img, whole)
	st.tick()
	var slots []*slot
	for range cap(st.free) {
		slots = append(slots, <-st.free)
	}
	n := testing.AllocsPerRun(5, func() {
		for range 1000 {
			st.Record(row, img, whole)
			st.Record(row, nil, image.Rectangle{})
			st.Count(Overruns, "cap")
			if !slots[0].fill(0, row, img, whole) {
				t.Fatal("not copied")
			}
		}
	})
	for _, x := range slots {
		st.free <- x
	}
	if n != 0 {
		t.Errorf("%v allocations over 1000 parts", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	s := Defaults(b.TempDir())
	s.Rows = 1 << 10
	st := newStation(b, s)
	row := st.part(1, true, "good")
	b.ReportAllocs()
	for b.Loop() {
		if len(st.rows) == cap(st.rows) {
			st.rows = st.rows[:0]
		}
		st.Record(row, nil, image.Rectangle{})
	}
}

// BenchmarkFill is the copying of a picture of 640x480 pixels.
func BenchmarkFill(b *testing.B) {
	big := bigView(b)
	sl := &slot{pixels: make([]byte, 0, 640*480*3)}
	row := &Row{}
	b.ReportAllocs()
	for b.Loop() {
		if !sl.fill(1, row, big, image.Rect(0, 0, 640, 480)) {
			b.Fatal("not copied")
		}
	}
}

// BenchmarkCommit is a thousand rows in a transaction.
func BenchmarkCommit(b *testing.B) {
	s := Defaults(b.TempDir())
	st := newStation(b, s)
	rows := 0
	for b.Loop() {
		for i := range 1000 {
			st.Record(st.part(i, true, "good"), nil, image.Rectangle{})
		}
		rows += 1000
		st.tick()
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkPicture is encoding a picture of 640x480 pixels and writing its file.
func BenchmarkPicture(b *testing.B) {
	s := Defaults(b.TempDir())
	st := newStation(b, s)
	big := bigView(b)
	sl := &slot{}
	if !sl.fill(1, &Row{Time: st.clock}, big, image.Rect(0, 0, 640, 480)) {
		b.Fatal("not copied")
	}
	for b.Loop() {
		if _, err := st.write(sl); err != nil {
			b.Fatal(err)
		}
	}
}
