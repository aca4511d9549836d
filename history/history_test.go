package history

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// station is a history whose steps the test makes.
type station struct {
	*History
	clock time.Time
	up    time.Duration
	disk  *testDisk

	mu    sync.Mutex
	tells []error
}

type testDisk struct {
	systemDisk
	mu    sync.Mutex
	space int64
	fail  error // of writing a picture
	syncs int
}

func (d *testDisk) free(string) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.space, nil
}

func (d *testDisk) sync(dir string) error { d.syncs++; return d.systemDisk.sync(dir) }

func (d *testDisk) write(path string, b []byte) error {
	d.mu.Lock()
	err := d.fail
	d.mu.Unlock()
	if err != nil {
		return err
	}
	return d.systemDisk.write(path, b)
}

func settings(dir string) Settings {
	s := Defaults(dir)
	s.Location = time.UTC
	s.Largest = image.Pt(64, 48)
	return s
}

func newStation(t testing.TB, s Settings) *station {
	t.Helper()
	st := &station{clock: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), disk: &testDisk{space: 1 << 40}}
	s.OnFault = func(err error) {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.tells = append(st.tells, err)
	}
	h, err := open(s, st.disk, func() time.Time { return st.clock })
	if err != nil {
		t.Fatal(err)
	}
	st.History = h
	t.Cleanup(func() { h.Close() })
	return st
}

// tick lets a second pass, after all pictures were encoded.
func (s *station) tick() {
	var slots []*slot
	for range cap(s.free) { // the encoder gives one back when its picture is noted
		slots = append(slots, <-s.free)
	}
	for _, x := range slots {
		s.free <- x
	}
	s.clock, s.up = s.clock.Add(time.Second), s.up+time.Second
	s.writer.step(s.clock, s.up)
}

func (s *station) told() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tells
}

func (s *station) part(n int, pass bool, label string) *Row {
	return &Row{Time: s.clock, Number: uint64(n), Product: "cap", Model: "m1", Pass: pass, Label: label, Score: 0.9, PassScore: 0.1, Latency: 30 * time.Millisecond}
}

// view is a picture whose looks depend on n.
func view(t testing.TB, n int) *gocv.Mat {
	t.Helper()
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(80, 80, 80, 0), 48, 64, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	part := m.Region(image.Rect(n*8%56, n/7*8%40, n*8%56+8, n/7*8%40+8))
	defer part.Close()
	part.SetTo(gocv.NewScalar(200, 200, 200, 0))
	return &m
}

var whole = image.Rect(0, 0, 64, 48)

func rows(t testing.TB, dir string, f Filter) []Row {
	t.Helper()
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var list []Row
	if err := r.Rows(t.Context(), f, func(row *Row) error { list = append(list, *row); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

// What is recorded is read, with its picture, and counted; and all is there after
// a restart.
func TestRecord(t *testing.T) {
	s := settings(t.TempDir())
	s.Passes = 0
	st := newStation(t, s)
	img := view(t, 3)
	st.Record(st.part(1, true, "good"), img, whole)
	st.Record(st.part(2, false, "scratch"), img, image.Rect(8, 8, 40, 40))
	st.Record(&Row{Time: st.clock, Number: 3, Product: "cap", Reason: Unseen}, nil, image.Rectangle{})
	st.Count(MissedTriggers, "cap")
	st.tick()
	list := rows(t, s.Dir, Filter{})
	if len(list) != 3 || list[0].Reason != Unseen || list[2].Label != "good" || list[2].Picture != "" {
		t.Fatalf("%+v", list)
	}
	want := *st.part(2, false, "scratch")
	got := list[1]
	if !got.Time.Equal(want.Time.Add(-time.Second)) || got.Latency != want.Latency || got.Score != want.Score || got.Picture != "pictures/2026-11-25/12/2.jpg" {
		t.Errorf("%+v", got)
	}
	m := gocv.IMRead(filepath.Join(s.Dir, got.Picture), gocv.IMReadColor)
	defer m.Close()
	if m.Cols() != 32 || m.Rows() != 32 {
		t.Errorf("the picture has %dx%d pixels", m.Cols(), m.Rows())
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	again := newStation(t, s)
	snap := again.Snapshot()
	ever, start := Sum(snap.Ever), Sum(snap.SinceStart)
	if ever.N[Inspected] != 3 || ever.N[Failed] != 2 || ever.N[Missed] != 1 || ever.N[MissedTriggers] != 1 || ever.Labels["scratch"] != 1 || ever.Labels[""] != 1 {
		t.Errorf("%+v", ever)
	}
	if shift := Sum(snap.ThisShift); shift.N != ever.N || start.N[Inspected] != 0 {
		t.Errorf("shift %+v, start %+v", shift, start)
	}
	again.Record(again.part(1, true, "good"), nil, image.Rectangle{})
	again.tick()
	if list := rows(t, s.Dir, Filter{Limit: 1}); len(list) != 1 || list[0].ID != 4 {
		t.Errorf("%+v", list)
	}
}

// A queue that is full loses rows, and counters nothing.
func TestQueueFull(t *testing.T) {
	s := settings(t.TempDir())
	s.Rows = 5
	st := newStation(t, s)
	for i := range 12 {
		st.Record(st.part(i, true, "good"), nil, image.Rectangle{})
	}
	st.tick()
	c := Sum(st.Snapshot().Ever)
	if n := len(rows(t, s.Dir, Filter{})); n != 5 || c.N[Inspected] != 12 || c.N[DroppedRows] != 7 {
		t.Errorf("%d rows; %+v", n, c)
	}
}

// A second program may not record into the same folder.
func TestLocked(t *testing.T) {
	s := settings(t.TempDir())
	newStation(t, s)
	if _, err := open(s, systemDisk{}, time.Now); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("%v", err)
	}
}

// A damaged database is moved aside with its pictures, and the line goes on.
func TestDamage(t *testing.T) {
	s := settings(t.TempDir())
	st := newStation(t, s)
	st.Record(st.part(1, false, "scratch"), view(t, 1), whole)
	st.tick()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, databaseFile), []byte(strings.Repeat("no database ", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	st = newStation(t, s)
	if len(st.told()) != 1 || !strings.Contains(st.told()[0].Error(), "damaged-20261125-120000") {
		t.Errorf("told %v", st.told())
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "damaged-20261125-120000/pictures/2026-11-25/12/1.jpg")); err != nil {
		t.Error(err)
	}
	st.Record(st.part(2, false, "chip"), nil, image.Rectangle{})
	st.tick()
	if list := rows(t, s.Dir, Filter{}); len(list) != 1 || list[0].Label != "chip" {
		t.Errorf("%+v", list)
	}
}

// A disk without room degrades to counting, told once, and recovers, told again.
func TestDiskFull(t *testing.T) {
	s := settings(t.TempDir())
	st := newStation(t, s)
	fail := func() { st.Record(st.part(1, false, "chip"), view(t, 2), whole) }
	fail()
	st.tick()
	st.disk.space = s.MinFree/2 - 1
	for range 3 {
		st.tick()
		fail()
	}
	if told := st.told(); len(told) != 1 || !strings.Contains(told[0].Error(), "counted only") {
		t.Errorf("told %v", told)
	}
	st.disk.space = 2 * s.MinFree
	st.tick()
	fail()
	st.tick()
	if told := st.told(); len(told) != 2 || told[1] != nil {
		t.Errorf("told %v", told)
	}
	c := Sum(st.Snapshot().Ever)
	if n := len(rows(t, s.Dir, Filter{})); n != 2 || c.N[Failed] != 5 || c.N[DroppedRows] != 3 || c.Labels["chip"] != 5 {
		t.Errorf("%d rows, %+v", n, c)
	}
}

// Pictures that can't be written are counted, and their rows are there.
func TestPictureFails(t *testing.T) {
	s := settings(t.TempDir())
	st := newStation(t, s)
	st.disk.fail = errors.New("broken card")
	st.Record(st.part(1, false, "chip"), view(t, 2), whole)
	st.tick()
	list := rows(t, s.Dir, Filter{})
	if c := Sum(st.Snapshot().Ever); len(list) != 1 || list[0].Picture != "" || c.N[DroppedPictures] != 1 || len(st.told()) != 1 {
		t.Errorf("%+v, %+v, told %v", list, c, st.told())
	}
}

// When there are too many bytes passes go before fails, and of those the ones
// that others are like.
func TestLimits(t *testing.T) {
	s := settings(t.TempDir())
	s.Passes, s.Pictures = 1, 400
	st := newStation(t, s)
	for i := range 100 {
		st.Record(st.part(i, true, "good"), view(t, 1), whole)
		st.Record(st.part(i, false, "chip"), view(t, min(i/4, 20)), whole)
	}
	st.tick()
	yes := true
	count := func(f Filter) int { f.Pictured = &yes; return len(rows(t, s.Dir, f)) }
	if p, f := count(Filter{Verdict: "pass"}), count(Filter{Verdict: "fail"}); p != 100 || f != 100 {
		t.Fatalf("%d, %d", p, f)
	}
	each := st.writer.pictureBytes / 200
	if err := st.writer.dropPictures(50 * each); err != nil {
		t.Fatal(err)
	}
	passes, fails := count(Filter{Verdict: "pass"}), count(Filter{Verdict: "fail"})
	if passes != floor || fails < 80 || fails > 90 {
		t.Errorf("%d passes, %d fails are left", passes, fails)
	}
	if err := st.writer.dropPictures(120 * each); err != nil {
		t.Fatal(err)
	}
	looks := map[uint64]bool{}
	for _, r := range rows(t, s.Dir, Filter{Verdict: "fail", Pictured: &yes}) {
		looks[r.Hash] = true
		if _, err := os.Stat(filepath.Join(s.Dir, r.Picture)); err != nil {
			t.Error(err)
		}
	}
	if len(looks) < 15 {
		t.Errorf("%d different fails are left", len(looks))
	}
}

// Old rows go, but for corrected ones, and only where the clock can be trusted.
func TestAge(t *testing.T) {
	s := settings(t.TempDir())
	st := newStation(t, s)
	for i := range 3 {
		st.Record(st.part(i, false, "chip"), view(t, i), whole)
	}
	st.tick()
	r, err := OpenReader(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Correct(t.Context(), 2, "good"); err != nil {
		t.Fatal(err)
	}
	if err := r.Correct(t.Context(), 77, "good"); err == nil {
		t.Error("a part that isn't there was corrected")
	}
	st.clock = st.clock.Add(s.Keep + 24*time.Hour)
	st.Record(st.part(9, true, "good"), nil, image.Rectangle{})
	st.tick()
	if n := len(rows(t, s.Dir, Filter{})); n != 4 {
		t.Errorf("%d rows right after the clock was set", n)
	}
	st.clock, st.up = st.clock.Add(steadyFor), st.up+steadyFor
	st.tick()
	list := rows(t, s.Dir, Filter{})
	if len(list) != 2 || list[1].Corrected != "good" || list[1].ID != 2 {
		t.Errorf("%+v", list)
	}
}

// A picture that no row knows, from before a power cut, goes.
func TestSweep(t *testing.T) {
	s := settings(t.TempDir())
	st := newStation(t, s)
	st.Record(st.part(1, false, "chip"), view(t, 1), whole)
	st.tick()
	known := filepath.Join(s.Dir, rows(t, s.Dir, Filter{})[0].Picture)
	stray := filepath.Join(filepath.Dir(known), "99.jpg")
	half := filepath.Join(filepath.Dir(known), ".98.jpg")
	old := time.Now().Add(-time.Hour)
	for _, p := range []string{known, stray, half} {
		if p != known {
			if err := os.WriteFile(p, []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(p, old, old); err != nil {
			t.Fatal(err)
		}
	}
	st.Close()
	st = newStation(t, s)
	for range 4 {
		st.tick()
	}
	if left, _ := os.ReadDir(filepath.Dir(known)); len(left) != 1 || left[0].Name() != "1.jpg" {
		t.Errorf("left: %v", left)
	}
}

func TestSettings(t *testing.T) {
	for want, change := range map[string]func(*Settings){
		"folder": func(s *Settings) { s.Dir = "" }, "quality 0": func(s *Settings) { s.Quality = 0 },
		"shift 2": func(s *Settings) { s.Shifts = []time.Duration{time.Hour, time.Hour} }, "queues": func(s *Settings) { s.Rows = 0 },
	} {
		s := Defaults(t.TempDir())
		change(&s)
		if _, err := Open(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// The goroutines of a history that is really open write by themselves, and all
// that was recorded is there after Close.
func TestOpen(t *testing.T) {
	s := settings(t.TempDir())
	h, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	img := view(t, 1)
	var parts sync.WaitGroup
	for k := range 4 {
		parts.Go(func() {
			for i := range 50 {
				h.Record(&Row{Time: time.Now(), Number: uint64(i), Product: fmt.Sprint(k), Label: "chip"}, img, whole)
			}
		})
	}
	parts.Wait()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(rows(t, s.Dir, Filter{})); n != 200 {
		t.Errorf("%d rows", n)
	}
	h.Record(&Row{}, img, whole) // late ones are harmless
}
