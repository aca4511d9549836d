package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Reader reads a history beside the program that records, and corrects it. Any
// goroutine may use it.
type Reader struct {
	dir string
	db  *sql.DB
}

// OpenReader opens the history in a folder for reading.
func OpenReader(dir string) (*Reader, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	path := filepath.Join(dir, databaseFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("history %s: there is none yet; `passfail run` begins one", path)
	}
	db, err := openDatabase(path, "rw")
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", path, err)
	}
	return &Reader{dir, db}, nil
}

// Close closes the reader.
func (r *Reader) Close() error { return r.db.Close() }

// Path is where a row's picture is; it may be gone by the time that it is opened.
func (r *Reader) Path(row *Row) string { return filepath.Join(r.dir, row.Picture) }

// pageRows is how many rows are read at a time: a long reading must not keep the
// station from putting its log of changes in order.
const pageRows = 1000

// Rows calls each with the rows that a filter chooses, the newest first: in the
// order of recording, whatever the clock said. It ends at each's first error.
func (r *Reader) Rows(ctx context.Context, f Filter, each func(*Row) error) error {
	left := f.Limit
	for {
		n := pageRows
		if f.Limit > 0 {
			n = min(n, left)
		}
		page, err := r.page(ctx, f, n)
		if err != nil {
			return fmt.Errorf("history %s: %w", r.dir, err)
		}
		for i := range page {
			if err := each(&page[i]); err != nil {
				return err
			}
		}
		left -= len(page)
		if len(page) < n || f.Limit > 0 && left == 0 {
			return nil
		}
		f.Before = page[len(page)-1].ID
	}
}

const selectPart = `SELECT id, time, number, product, model, pass, label, score, pass_score, novelty, unsure, unlike, reason, error,
	latency, decode, load, invoke, decide, pins, coalesce(picture, ''), coalesce(hash, 0), coalesce(corrected, '') FROM parts WHERE `

func (r *Reader) page(ctx context.Context, f Filter, n int) ([]Row, error) {
	where, args := f.where()
	rows, err := r.db.QueryContext(ctx, selectPart+where+" ORDER BY id DESC LIMIT ?", append(args, n)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Row
	for rows.Next() {
		var row Row
		if err := scan(rows, &row); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

func scan(rows *sql.Rows, r *Row) error {
	var ms, number, hash int64
	var scores [3]sql.NullFloat64
	var us [6]int64
	var reason string
	if err := rows.Scan(&r.ID, &ms, &number, &r.Product, &r.Model, &r.Pass, &r.Label, &scores[0], &scores[1], &scores[2], &r.Unsure, &r.Unlike, &reason,
		&r.Error, &us[0], &us[1], &us[2], &us[3], &us[4], &us[5], &r.Picture, &hash, &r.Corrected); err != nil {
		return err
	}
	r.Time, r.Number, r.Hash = time.UnixMilli(ms), uint64(number), uint64(hash)
	r.Reason, _ = parseReason(reason)
	for i, into := range []*float32{&r.Score, &r.PassScore, &r.Novelty} {
		*into = float32(math.NaN())
		if scores[i].Valid {
			*into = float32(scores[i].Float64)
		}
	}
	d := func(i int) time.Duration { return time.Duration(us[i]) * time.Microsecond }
	r.Latency, r.Stages = d(0), Stages{d(1), d(2), d(3), d(4), d(5)}
	return nil
}

// Correct notes the label that a part really has; "" takes that back. Corrected
// parts are kept longest.
func (r *Reader) Correct(ctx context.Context, id int64, label string) error {
	var v any
	if label != "" {
		v = label
	}
	result, err := r.db.ExecContext(ctx, "UPDATE parts SET corrected = ? WHERE id = ?", v, id)
	if err != nil {
		return fmt.Errorf("history %s: part %d: %w", r.dir, id, err)
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return fmt.Errorf("history %s: there is no part %d", r.dir, id)
	}
	return nil
}

// Shift is what was counted from a moment on, by product.
type Shift struct {
	Began  time.Time // zero: ever
	Counts []Counts
}

// Counters returns what was counted ever and, from the newest on, at most so many
// shifts; it is up to a second behind the station.
func (r *Reader) Counters(ctx context.Context, shifts int) ([]Shift, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT shift, product, counter, label, n FROM counters WHERE shift = 0 OR shift IN
		(SELECT DISTINCT shift FROM counters WHERE shift > 0 ORDER BY shift DESC LIMIT ?) ORDER BY shift = 0 DESC, shift DESC, product`, shifts)
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", r.dir, err)
	}
	defer rows.Close()
	var list []Shift
	for rows.Next() {
		var began, n int64
		var product, name, label string
		if err := rows.Scan(&began, &product, &name, &label, &n); err != nil {
			return nil, fmt.Errorf("history %s: %w", r.dir, err)
		}
		var at time.Time
		if began > 0 {
			at = time.Unix(began, 0)
		}
		if len(list) == 0 || !list[len(list)-1].Began.Equal(at) {
			list = append(list, Shift{Began: at})
		}
		s := &list[len(list)-1]
		if k := len(s.Counts); k == 0 || s.Counts[k-1].Product != product {
			s.Counts = append(s.Counts, Counts{Product: product, Labels: map[string]uint64{}})
		}
		s.Counts[len(s.Counts)-1].set(name, label, uint64(n))
	}
	return list, rows.Err()
}
