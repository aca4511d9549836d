package history

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// openAgainEvery is how long a database that can't be opened is left alone.
const openAgainEvery = 10 * time.Second

// writer brings to the disk what a history recorded. It belongs to one goroutine,
// but for fault.
type writer struct {
	h     *History
	db    *sql.DB // nil: it can't be opened
	fault faults

	tried   time.Time // when opening failed last
	batch   []Row     // taken from the queue, not yet written
	pending []picture // the same of pictures

	pictureBytes int64
	steady       clock
	sweep        sweep
}

func newWriter(h *History) *writer {
	return &writer{h: h, fault: faults{tell: h.settings.OnFault}}
}

func (w *writer) path() string { return filepath.Join(w.h.settings.Dir, databaseFile) }

// prepare opens the database, moving a damaged one aside.
func (w *writer) prepare(now time.Time) {
	err := w.open(now)
	if damaged(err) {
		err = w.renew(err, now)
	}
	w.tried = now
	w.space()
	w.ended(err)
}

func (w *writer) open(now time.Time) error {
	db, err := openDatabase(w.path(), "rwc")
	if err != nil {
		return fmt.Errorf("history %s: %w", w.path(), err)
	}
	if err := w.load(db, now); err != nil {
		db.Close()
		return fmt.Errorf("history %s: %w", w.path(), err)
	}
	w.db = db
	w.sweep = sweep{dir: w.h.settings.Dir}
	return nil
}

// renew moves a damaged database aside and begins another; what is counted lives
// on.
func (w *writer) renew(cause error, now time.Time) error {
	if w.db != nil {
		w.db.Close()
		w.db = nil
	}
	aside, err := moveAside(w.h.settings.Dir, now)
	if err != nil {
		return fmt.Errorf("history %s: %w; and it can't be moved aside: %w", w.path(), cause, err)
	}
	w.fault.once(fmt.Errorf("%w; it and its pictures are in %s now, and a new one is begun", cause, aside))
	w.h.mu.Lock()
	for _, t := range w.h.tallies.kept() {
		t.saved = Counts{Labels: map[string]uint64{}}
		t.loaded = true // from what is no more
	}
	w.h.mu.Unlock()
	return w.open(now)
}

// load reads what the queue needs to know: the next row, and who was counted.
func (w *writer) load(db *sql.DB, now time.Time) error {
	var last int64
	if err := db.QueryRow("SELECT coalesce(max(id), 0) FROM parts").Scan(&last); err != nil {
		return err
	}
	if err := db.QueryRow("SELECT coalesce(sum(bytes), 0) FROM parts WHERE picture IS NOT NULL").Scan(&w.pictureBytes); err != nil {
		return err
	}
	names, err := texts(db, "SELECT DISTINCT product FROM counters WHERE shift = 0")
	if err != nil {
		return err
	}
	w.h.mu.Lock()
	for _, name := range names {
		w.h.tallies.of(name, now)
	}
	w.h.mu.Unlock()
	if err := w.loadTallies(db); err != nil {
		return err
	}
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	w.h.next = max(w.h.next, last+1)
	return nil
}

func texts(db *sql.DB, query string) ([]string, error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// saved is what the database holds of a shift and a product.
func saved(db *sql.DB, shift int64, product string) (Counts, error) {
	c := Counts{Product: product, Labels: map[string]uint64{}}
	rows, err := db.Query("SELECT counter, label, n FROM counters WHERE shift = ? AND product = ?", shift, product)
	if err != nil {
		return c, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, label string
		var n int64
		if err := rows.Scan(&name, &label, &n); err != nil {
			return c, err
		}
		c.set(name, label, uint64(n))
	}
	return c, rows.Err()
}

// step writes all that came, and makes room. up is how long the history has been
// open, by a clock that nobody sets.
func (w *writer) step(now time.Time, up time.Duration) {
	w.steady.look(now, up)
	w.space()
	if w.db == nil {
		if d := now.Sub(w.tried); d >= 0 && d < openAgainEvery {
			return
		}
		if w.prepare(now); w.db == nil {
			return
		}
	}
	late := len(w.batch) > 0
	err := w.commit(now)
	if err == nil && late { // what came while that could not be written
		err = w.commit(now)
	}
	if err == nil {
		err = w.limit(now)
	}
	if err == nil {
		err = w.sweep.step(w.db)
	}
	if damaged(err) {
		err = w.renew(err, now)
	}
	w.ended(err)
}

// ended notes how a step went.
func (w *writer) ended(err error) {
	if err != nil && full(err) {
		err = fmt.Errorf("the disk is full, parts are counted only; make room: %w", err)
	}
	w.fault.set(faultDatabase, err)
	w.h.mu.Lock()
	w.h.stats.Fault = w.fault.present()
	w.h.stats.PictureBytes = w.pictureBytes
	w.h.mu.Unlock()
}

// saving is a counter to be written.
type saving struct {
	tally *tally
	name  string
	label string
	n     uint64
}

// take takes what waits from the queues, and says which counters changed, all of
// the same moment.
func (w *writer) take() (changed []saving) {
	h := w.h
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(w.batch) == 0 { // else the last one could not be written
		w.batch = h.rows
		h.rows, h.spare = h.spare[:0], w.batch[:0]
	}
	w.pending = append(w.pending, h.done...)
	h.done = h.done[:0]
	for _, t := range h.tallies.kept() {
		for i, n := range t.counts.N {
			if n != t.saved.N[i] {
				changed = append(changed, saving{t, counterNames[i], "", n})
			}
		}
		for label, n := range t.counts.Labels {
			if n != t.saved.Labels[label] {
				changed = append(changed, saving{t, failedByLabel, label, n})
			}
		}
	}
	return changed
}

// commit is one transaction of all that came. After an error the next one tries
// again.
func (w *writer) commit(now time.Time) error {
	if err := w.loadTallies(w.db); err != nil {
		return err
	}
	changed := w.take()
	if len(changed) == 0 && len(w.batch) == 0 && len(w.pending) == 0 {
		return nil
	}
	syncs := uint64(1)
	if len(w.pending) > 0 {
		syncs++
		if err := w.h.disk.sync(w.h.settings.Dir); err != nil {
			return err
		}
	}
	if err := w.insert(changed); err != nil {
		return fmt.Errorf("history %s: %w", w.path(), err)
	}
	h := w.h
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.Rows += uint64(len(w.batch))
	h.stats.Pictures += uint64(len(w.pending))
	h.stats.Commits++
	h.stats.Syncs += syncs
	h.stats.Committed = now
	for _, c := range changed {
		c.saved()
	}
	for _, p := range w.pending {
		w.pictureBytes += p.bytes
	}
	w.batch, w.pending = nil, w.pending[:0]
	h.tallies.past = slices.DeleteFunc(h.tallies.past, func(t *tally) bool { return t.loaded && t.same() })
	return nil
}

// set sets a counter by the name that the database has for it. One of a newer
// program is left out.
func (c *Counts) set(name, label string, n uint64) {
	if name == failedByLabel {
		c.Labels[label] = n
	} else if i := slices.Index(counterNames[:], name); i >= 0 {
		c.N[i] = n
	}
}

func (c saving) saved() {
	c.tally.saved.set(c.name, c.label, c.n)
}

// same tells whether all that was counted is saved.
func (t *tally) same() bool {
	if t.counts.N != t.saved.N {
		return false
	}
	for l, n := range t.counts.Labels {
		if t.saved.Labels[l] != n {
			return false
		}
	}
	return true
}

// loadTallies adds what the database holds to tallies that are new since: of a
// product that comes back, or of a shift into which the clock was set back.
func (w *writer) loadTallies(db *sql.DB) error {
	w.h.mu.Lock()
	var list []*tally
	for _, t := range w.h.tallies.kept() {
		if !t.loaded {
			list = append(list, t)
		}
	}
	w.h.mu.Unlock()
	for _, t := range list {
		before, err := saved(db, t.shift, t.counts.Product)
		if err != nil {
			return err
		}
		w.h.mu.Lock()
		t.counts.Add(before)
		t.saved, t.loaded = before, true
		w.h.mu.Unlock()
	}
	return nil
}

const insertPart = `INSERT OR REPLACE INTO parts (id, time, number, product, model, pass, label, score, pass_score, novelty, unsure, unlike,
	reason, error, latency, decode, load, invoke, decide, pins, picture, bytes, hash)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

func (w *writer) insert(changed []saving) error {
	tx, err := w.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	pictures := make(map[int64]picture, len(w.pending))
	for _, p := range w.pending {
		pictures[p.id] = p
	}
	if err := insertRows(tx, w.batch, pictures); err != nil {
		return err
	}
	for _, p := range pictures { // of rows that were written before
		if _, err := tx.Exec("UPDATE parts SET picture = ?, bytes = ?, hash = ? WHERE id = ?", p.name, p.bytes, int64(p.hash), p.id); err != nil {
			return err
		}
	}
	for _, c := range changed {
		if _, err := tx.Exec("INSERT OR REPLACE INTO counters VALUES (?,?,?,?,?)", c.tally.shift, c.tally.counts.Product, c.name, c.label, int64(c.n)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// insertRows inserts rows with those of their pictures that are there, and takes
// these from pictures.
func insertRows(tx *sql.Tx, rows []Row, pictures map[int64]picture) error {
	if len(rows) == 0 {
		return nil
	}
	st, err := tx.Prepare(insertPart)
	if err != nil {
		return err
	}
	defer st.Close()
	us := time.Duration.Microseconds
	for i := range rows {
		r := &rows[i]
		var name, bytes, hash any
		if p, ok := pictures[r.ID]; ok {
			name, bytes, hash = p.name, p.bytes, int64(p.hash)
			delete(pictures, r.ID)
		}
		if _, err := st.Exec(r.ID, r.Time.UnixMilli(), int64(r.Number), r.Product, r.Model, r.Pass, r.Label, number(r.Score), number(r.PassScore), number(r.Novelty),
			r.Unsure, r.Unlike, r.Reason.String(), r.Error, us(r.Latency), us(r.Stages.Decode), us(r.Stages.Load), us(r.Stages.Invoke), us(r.Stages.Decide),
			us(r.Stages.Pins), name, bytes, hash); err != nil {
			return err
		}
	}
	return nil
}

// finish writes what is left and closes the database.
func (w *writer) finish(now time.Time) error {
	if w.db == nil {
		return w.fault.present()
	}
	err := w.commit(now)
	if err == nil { // what came while the last batch could not be written
		err = w.commit(now)
	}
	if closeErr := w.db.Close(); err == nil {
		err = closeErr
	}
	return err
}
