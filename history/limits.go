package history

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// steadyFor is how long the clock must have gone evenly before age counts: a
	// station without a clock of its own may be in another year for a while.
	steadyFor = time.Hour

	stepRows   = 500 // rows that go in one step, so that it stays short
	candidates = 512 // pictures that are compared
	ranks      = 5   // of parts, see the database's rank
	floor      = 64  // pictures of each rank that stay while others have more
	rowShare   = 4   // rows may take a quarter of all
)

// clock tells how long the system's clock has gone evenly.
type clock struct {
	offset int64 // wall clock less the steady one, ns
	since  time.Duration
	known  bool
	even   time.Duration
}

func (c *clock) look(now time.Time, up time.Duration) {
	offset := now.UnixNano() - int64(up)
	if d := offset - c.offset; !c.known || d > int64(2*time.Second) || d < -int64(2*time.Second) {
		c.known, c.since = true, up
	}
	c.offset, c.even = offset, up-c.since
}

// space looks how much room the disk has, and stops pictures, and later rows,
// before there is none.
func (w *writer) space() {
	h := w.h
	free, err := h.disk.free(h.settings.Dir)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		w.fault.set(faultSpace, err)
		return
	}
	h.stats.FreeBytes = free
	least := h.settings.MinFree
	// Once it was too little, it takes a little more to be enough.
	enough := func(limit int64, was bool) bool {
		if was {
			limit += limit / 8
		}
		return free >= limit
	}
	h.noPicture = !enough(least, h.noPicture)
	h.noRows = !enough(least/2, h.noRows)
	switch {
	case h.noRows:
		err = fmt.Errorf("history %s: %d MB are free on the disk; parts are counted only. Make room", h.settings.Dir, free>>20)
	case h.noPicture:
		err = fmt.Errorf("history %s: %d MB are free on the disk, less than the %d MB to keep free; no pictures are kept. Make room", h.settings.Dir, free>>20, least>>20)
	}
	w.fault.set(faultSpace, err)
}

// limit makes room by age, and by bytes where rows and pictures take too many or
// the disk has too few.
func (w *writer) limit(now time.Time) error {
	s := w.h.settings
	if s.Keep > 0 && w.steady.even >= steadyFor {
		if err := w.dropOld(now.Add(-s.Keep)); err != nil {
			return err
		}
	}
	rows, err := w.rowBytes()
	if err != nil {
		return err
	}
	w.h.mu.Lock()
	w.h.stats.RowBytes = rows
	free := w.h.stats.FreeBytes
	w.h.mu.Unlock()
	excess := int64(0)
	if s.MaxBytes > 0 {
		if rows > s.MaxBytes/rowShare {
			if err := w.dropRows(); err != nil {
				return err
			}
		}
		excess = rows + w.pictureBytes - s.MaxBytes
	}
	// A little more than the least, so that pictures are taken again.
	excess = max(excess, s.MinFree+s.MinFree/8-free)
	if excess <= 0 {
		return nil
	}
	if gone, err := w.dropAside(); gone || err != nil {
		return err
	}
	return w.dropPictures(excess)
}

// rowBytes is what the database's pages in use take.
func (w *writer) rowBytes() (int64, error) {
	var pages, unused, size int64
	for query, into := range map[string]*int64{"PRAGMA page_count": &pages, "PRAGMA freelist_count": &unused, "PRAGMA page_size": &size} {
		if err := w.db.QueryRow(query).Scan(into); err != nil {
			return 0, err
		}
	}
	return (pages - unused) * size, nil
}

// kept is a row that may lose its picture.
type kept struct {
	id             int64
	product, label string
	hash           uint64
	picture        string
	bytes          int64
}

func (w *writer) candidates(query string, args ...any) ([]kept, error) {
	rows, err := w.db.Query("SELECT id, product, coalesce(corrected, label), coalesce(hash, 0), coalesce(picture, ''), coalesce(bytes, 0) FROM parts "+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []kept
	for rows.Next() {
		var k kept
		var hash int64
		if err := rows.Scan(&k.id, &k.product, &k.label, &hash, &k.picture, &k.bytes); err != nil {
			return nil, err
		}
		k.hash = uint64(hash)
		list = append(list, k)
	}
	return list, rows.Err()
}

// dropOld drops rows from before a moment, but for those that a person corrected
// and the newest one, by which rows are numbered.
func (w *writer) dropOld(before time.Time) error {
	list, err := w.candidates("WHERE time < ? AND corrected IS NULL AND id < (SELECT max(id) FROM parts) ORDER BY time LIMIT ?", before.UnixMilli(), stepRows)
	if err != nil {
		return err
	}
	return w.drop(list, "DELETE FROM parts WHERE id = ?")
}

// dropRows drops the least useful rows: those without a picture, in the order of
// rank and age.
func (w *writer) dropRows() error {
	list, err := w.candidates("WHERE picture IS NULL AND corrected IS NULL AND pass AND id < (SELECT max(id) FROM parts) ORDER BY id LIMIT ?", stepRows)
	if err == nil && len(list) == 0 {
		list, err = w.candidates("WHERE id < (SELECT max(id) FROM parts) ORDER BY rank, id LIMIT ?", stepRows)
	}
	if err != nil {
		return err
	}
	return w.drop(list, "DELETE FROM parts WHERE id = ?")
}

// dropPictures drops pictures of at least so many bytes: passes first, then
// fails, then what a person corrected; the sure before the unsure; and of each,
// those that another one is like. A few of each stay as long as others have more.
func (w *writer) dropPictures(excess int64) error {
	for _, stay := range []int{floor, 0} {
		for rank := range ranks {
			var n int
			if err := w.db.QueryRow("SELECT count(*) FROM parts WHERE picture IS NOT NULL AND rank = ?", rank).Scan(&n); err != nil {
				return err
			}
			if n <= stay {
				continue
			}
			list, err := w.candidates("WHERE picture IS NOT NULL AND rank = ? ORDER BY random() LIMIT ?", rank, candidates)
			if err != nil {
				return err
			}
			list = thin(list, excess, n-stay)
			if err := w.drop(list, "UPDATE parts SET picture = NULL, bytes = NULL WHERE id = ?"); err != nil {
				return err
			}
			for _, k := range list {
				excess -= k.bytes
			}
			if excess <= 0 {
				return nil
			}
		}
	}
	return nil
}

// pair are two pictures, by their index.
type pair struct{ older, newer, distance int }

// thin chooses pictures of at least so many bytes to go, at most a number of
// them: of the two that are most alike always the older one.
func thin(list []kept, bytes int64, most int) []kept {
	slices.SortFunc(list, func(a, b kept) int { return cmp.Compare(a.id, b.id) })
	var pairs []pair
	for i := range list {
		for j := i + 1; j < len(list); j++ {
			d := distance(list[i].hash, list[j].hash)
			if list[i].product != list[j].product || list[i].label != list[j].label {
				d = math.MaxInt // nobody misses one for the other
			}
			pairs = append(pairs, pair{i, j, d})
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.distance, b.distance) })
	gone := make([]bool, len(list))
	var chosen []kept
	take := func(i int) bool {
		if bytes <= 0 || len(chosen) >= most {
			return false
		}
		gone[i] = true
		bytes -= list[i].bytes
		chosen = append(chosen, list[i])
		return true
	}
	for _, p := range pairs {
		if !gone[p.older] && !gone[p.newer] && !take(p.older) {
			return chosen
		}
	}
	for i := range list {
		if !gone[i] && !take(i) {
			break
		}
	}
	return chosen
}

// drop changes rows by a statement and then removes their pictures: a power cut in
// between leaves pictures without rows, which are found at the next start.
func (w *writer) drop(list []kept, statement string) error {
	if len(list) == 0 {
		return nil
	}
	tx, err := w.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, k := range list {
		if _, err := tx.Exec(statement, k.id); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	w.h.mu.Lock()
	w.h.stats.Commits++
	w.h.stats.Syncs++
	w.h.mu.Unlock()
	for _, k := range list {
		if k.picture == "" {
			continue
		}
		w.pictureBytes -= k.bytes
		path := filepath.Join(w.h.settings.Dir, k.picture)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("history: picture: %w", err)
		}
		removeEmpty(path)
	}
	_, err = w.db.Exec("PRAGMA incremental_vacuum(1000)")
	return err
}

// removeEmpty removes the hour's and the day's folder of a picture if nothing is
// left in them.
func removeEmpty(path string) {
	for range 2 {
		path = filepath.Dir(path)
		if os.Remove(path) != nil {
			return
		}
	}
}

// dropAside removes the oldest of what was moved aside, if there is any.
func (w *writer) dropAside() (bool, error) {
	list, err := filepath.Glob(filepath.Join(escape(w.h.settings.Dir), asidePrefix+"*"))
	if err != nil || len(list) == 0 {
		return false, err
	}
	return true, os.RemoveAll(slices.Min(list))
}

// sweep looks once for pictures that no row knows, a folder a step: a power cut
// leaves such.
type sweep struct {
	dir     string
	folders []string
	listed  bool
}

func (s *sweep) step(db *sql.DB) error {
	if !s.listed {
		s.listed = true
		var err error
		s.folders, err = filepath.Glob(filepath.Join(escape(s.dir), pictureFolder, "*", "*"))
		return err
	}
	if len(s.folders) == 0 {
		return nil
	}
	folder := s.folders[0]
	s.folders = s.folders[1:]
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil // it was removed meanwhile
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if err := s.file(db, path); err != nil {
			return err
		}
	}
	return nil
}

// file removes a picture if no row knows it and it isn't one that was just made.
func (s *sweep) file(db *sql.DB, path string) error {
	info, err := os.Stat(path)
	if err != nil || time.Since(info.ModTime()).Abs() < time.Minute {
		return nil
	}
	name, err := filepath.Rel(s.dir, path)
	if err != nil {
		return err
	}
	var n int
	if id, ok := pictureID(name); ok {
		if err := db.QueryRow("SELECT count(*) FROM parts WHERE id = ? AND picture = ?", id, name).Scan(&n); err != nil {
			return err
		}
	}
	if n == 0 {
		_ = os.Remove(path) // at the next start it is tried again
		removeEmpty(path)
	}
	return nil
}
