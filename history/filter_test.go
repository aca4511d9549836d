package history

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"
	"pgregory.net/rapid"
)

func bigView(t testing.TB) *gocv.Mat {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(80, 80, 80, 0), 480, 640, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	gocv.RandU(&m, gocv.NewScalar(60, 60, 60, 0), gocv.NewScalar(80, 80, 80, 0))
	return &m
}

// Shifts begin once a day, also on days on which the clock is set, and every
// moment is in exactly one.
func TestShifts(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Hour
	s := newShifts([]time.Duration{2*hour + 30*time.Minute, 6 * hour, 14 * hour, 22 * hour}, berlin)
	for at, want := range map[string]string{
		"2026-11-25T05:59:59+01:00": "2026-11-25T02:30:00+01:00",
		"2026-11-25T06:00:00+01:00": "2026-11-25T06:00:00+01:00",
		"2026-11-26T01:00:00+01:00": "2026-11-25T22:00:00+01:00",
		"2026-03-29T03:29:00+02:00": "2026-03-28T22:00:00+01:00", // 2:30 is left out
		"2026-03-29T03:30:00+02:00": "2026-03-29T03:30:00+02:00",
		"2026-10-25T02:30:00+02:00": "2026-10-25T02:30:00+02:00", // 2:30 comes twice
		"2026-10-25T02:30:00+01:00": "2026-10-25T02:30:00+02:00",
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if from, _ := s.at(when); from.Format(time.RFC3339) != want {
			t.Errorf("%s: %s, want %s", at, from.Format(time.RFC3339), want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "at"), 0)
		from, to := s.at(at)
		if from.After(at) || !to.After(at) {
			t.Fatalf("%v is not from %v to %v", at, from, to)
		}
		for _, inside := range []time.Time{from, to.Add(-time.Second)} {
			if f, n := s.at(inside); !f.Equal(from) || !n.Equal(to) {
				t.Fatalf("%v is in %v to %v, %v in another", at, from, to, inside)
			}
		}
	})
}

// Counters follow the shift, and a clock that is set back finds the counters of
// the shift that it is back in.
func TestShiftCounters(t *testing.T) {
	s := settings(t.TempDir())
	s.Shifts = []time.Duration{6 * time.Hour, 14 * time.Hour, 22 * time.Hour}
	st := newStation(t, s) // 12:00
	record := func(n int) {
		for i := range n {
			st.Record(st.part(i, true, "good"), nil, image.Rectangle{})
		}
		st.tick()
	}
	shift := func() uint64 { return Sum(st.Snapshot().ThisShift).N[Inspected] }
	record(3)
	st.clock = st.clock.Add(3 * time.Hour)
	if n := shift(); n != 0 {
		t.Errorf("%d in the new shift", n)
	}
	record(4)
	st.clock = st.clock.Add(-3 * time.Hour)
	record(5)
	if n := shift(); n != 8 {
		t.Errorf("%d in the first shift, 8 were", n)
	}
	if n := Sum(st.Snapshot().Ever).N[Inspected]; n != 12 {
		t.Errorf("%d ever", n)
	}
	list := rows(t, s.Dir, Filter{}) // in the order of recording
	for i := range list {
		if list[i].ID != int64(12-i) {
			t.Errorf("row %d is in place %d", list[i].ID, i)
		}
	}
	r, err := OpenReader(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	shifts, err := r.Counters(t.Context(), 5)
	if err != nil || len(shifts) != 3 || shifts[1].Counts[0].N[Inspected] != 4 || shifts[2].Counts[0].N[Inspected] != 8 {
		t.Errorf("%+v, %v", shifts, err)
	}
}

// An older database is brought up to date with what is in it, a newer one is
// moved aside by the station and refused by a reader.
func TestMigration(t *testing.T) {
	s := settings(t.TempDir())
	st := newStation(t, s)
	st.Record(st.part(1, false, "chip"), nil, image.Rectangle{})
	st.tick()
	st.Close()
	before := migrations
	t.Cleanup(func() { migrations = before })
	migrations = append(before[:1:1], "ALTER TABLE parts ADD COLUMN station TEXT")
	if _, err := OpenReader(s.Dir); err == nil || !strings.Contains(err.Error(), "older program") {
		t.Errorf("%v", err)
	}
	st = newStation(t, s)
	var version int
	if err := st.writer.db.QueryRow("PRAGMA user_version").Scan(&version); err != nil || version != 2 || len(rows(t, s.Dir, Filter{})) != 1 {
		t.Errorf("version %d, %v", version, err)
	}
	st.Close()
	migrations = before
	if _, err := OpenReader(s.Dir); err == nil || !strings.Contains(err.Error(), "update it") {
		t.Errorf("%v", err)
	}
	st = newStation(t, s)
	if told := st.told(); len(told) != 1 || !strings.Contains(told[0].Error(), "version 2") || len(rows(t, s.Dir, Filter{})) != 0 {
		t.Errorf("told %v", told)
	}
}

// A filter chooses what the same condition in Go does, page by page.
func TestFilter(t *testing.T) {
	s := settings(t.TempDir())
	st := newStation(t, s)
	labels := []string{"good", "chip", "scratch"}
	for i := range 200 {
		r := st.part(i, i%3 == 0, labels[i%3])
		r.Score, r.Unsure, r.Time = float32(i%10)/10, i%7 == 0, st.clock.Add(time.Duration(i)*time.Minute)
		st.Record(r, nil, image.Rectangle{})
	}
	st.tick()
	all := rows(t, s.Dir, Filter{})
	rapid.Check(t, func(rt *rapid.T) {
		var f Filter
		f.Verdict = rapid.SampledFrom([]string{"", "pass", "fail"}).Draw(rt, "verdict")
		f.Label = rapid.SampledFrom(append(labels, "")).Draw(rt, "label")
		f.From = all[rapid.IntRange(0, 199).Draw(rt, "from")].Time
		f.MinScore = float64(rapid.IntRange(0, 9).Draw(rt, "score"))/10 - 0.05
		f.Limit = rapid.IntRange(0, 20).Draw(rt, "limit")
		var want, got []int64
		for _, r := range all {
			if (f.Verdict == "" || r.Verdict() == f.Verdict) && (f.Label == "" || r.Label == f.Label) && !r.Time.Before(f.From) && float64(r.Score) >= f.MinScore &&
				(f.Limit == 0 || len(want) < f.Limit) {
				want = append(want, r.ID)
			}
		}
		for _, r := range rows(t, s.Dir, f) {
			got = append(got, r.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("%+v: %v, want %v", f, got, want)
		}
	})
}

func TestExport(t *testing.T) {
	s := settings(t.TempDir())
	st := newStation(t, s)
	st.Record(st.part(1, false, "chip"), view(t, 1), whole)
	st.Record(st.part(2, false, "a/b"), view(t, 2), whole)
	st.tick()
	r, err := OpenReader(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Correct(t.Context(), 1, "good"); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "set")
	for range 2 { // again changes nothing
		if e, err := r.ExportFolder(t.Context(), to, Filter{}, true); err != nil || e.Pictures != 2 {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	if good, _ := filepath.Glob(filepath.Join(to, "good", "20261125-120000.000-1.jpg")); len(good) != 1 {
		t.Errorf("%v", good)
	}
	if other, _ := filepath.Glob(filepath.Join(to, "a_b", "*.jpg")); len(other) != 1 {
		t.Errorf("%v", other)
	}
	var z, text bytes.Buffer
	if e, err := r.ExportZip(t.Context(), &z, Filter{}, false); err != nil || e.Pictures != 2 {
		t.Fatalf("%+v, %v", e, err)
	}
	if n, err := r.WriteCSV(t.Context(), &text, Filter{}); err != nil || n != 2 {
		t.Fatalf("%d, %v", n, err)
	}
	records, err := csv.NewReader(&text).ReadAll()
	if err != nil || len(records) != 3 || len(records[0]) != len(records[1]) || records[2][len(csvHeader)-1] != "good" {
		t.Errorf("%v, %v", records, err)
	}
}

// No text makes a filter that the database refuses.
func FuzzFilter(f *testing.F) {
	for _, k := range filterKeys {
		for _, v := range []string{"yes", "today", "7d", "2026-11-25 14:30", "0.5", "fail", "NaN", "late", "99999999999", "'; DROP TABLE parts"} {
			f.Add(k, v)
		}
	}
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		f.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	f.Cleanup(func() { db.Close() })
	if _, err := db.Exec(migrations[0]); err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, key, value string) {
		var filter Filter
		if err := filter.Set(key, value, now); err != nil {
			return
		}
		where, args := filter.where()
		var n int
		if err := db.QueryRow("SELECT count(*) FROM parts WHERE "+where, args...).Scan(&n); err != nil {
			t.Errorf("%s = %q: %v", key, value, err)
		}
	})
}
