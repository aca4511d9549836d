package history

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// databaseFile is in the history's folder.
const databaseFile = "history.db"

// migrations bring a database from each version to the next; a new one has
// version 0.
var migrations = []string{
	// rank orders by usefulness: passes, fails, and what a person corrected; in
	// each, the unsure after the sure.
	`CREATE TABLE parts (
		id INTEGER PRIMARY KEY,
		time INTEGER NOT NULL, -- ms since 1970, UTC
		number INTEGER NOT NULL,
		product TEXT NOT NULL,
		model TEXT NOT NULL,
		pass INTEGER NOT NULL,
		label TEXT NOT NULL,
		score REAL, pass_score REAL, novelty REAL, -- NULL: no number
		unsure INTEGER NOT NULL,
		unlike INTEGER NOT NULL,
		reason TEXT NOT NULL,
		error TEXT NOT NULL,
		latency INTEGER NOT NULL, -- µs, as the following
		decode INTEGER NOT NULL, load INTEGER NOT NULL, invoke INTEGER NOT NULL, decide INTEGER NOT NULL, pins INTEGER NOT NULL,
		picture TEXT, bytes INTEGER, hash INTEGER,
		corrected TEXT,
		rank INTEGER GENERATED ALWAYS AS (CASE WHEN corrected IS NOT NULL THEN 4 ELSE 2*(pass = 0) + (unsure OR unlike) END) VIRTUAL
	);
	CREATE INDEX parts_time ON parts(time);
	CREATE INDEX parts_failed ON parts(label, id) WHERE pass = 0;
	CREATE INDEX parts_pictured ON parts(rank, id) WHERE picture IS NOT NULL;
	CREATE TABLE counters (
		shift INTEGER NOT NULL, -- when it began, s since 1970, UTC; 0: ever
		product TEXT NOT NULL,
		counter TEXT NOT NULL,
		label TEXT NOT NULL, -- of counter 'failed:label'
		n INTEGER NOT NULL,
		PRIMARY KEY (shift, product, counter, label)
	) WITHOUT ROWID;`,
}

// failedByLabel is the counter of Counts.Labels in the database.
const failedByLabel = "failed:label"

// newerError is a database of a program that came later.
type newerError struct{ version int }

func (e newerError) Error() string {
	return fmt.Sprintf("the database has version %d, and this program knows %d; update it", e.version, len(migrations))
}

// openDatabase opens a database. mode is rwc for who records, rw for who reads:
// the latter neither makes nor changes tables.
func openDatabase(path, mode string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q := url.Values{
		"mode": {mode}, "_busy_timeout": {"5000"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := prepareDatabase(db, mode == "rwc"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func prepareDatabase(db *sql.DB, records bool) error {
	var version int
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(migrations) {
		return newerError{version}
	}
	if !records {
		if version < len(migrations) {
			return errors.New("the database is of an older program; the station brings it up to date when it starts")
		}
		return nil
	}
	if version == 0 { // takes effect before the first table only
		if _, err := db.Exec("PRAGMA auto_vacuum = INCREMENTAL"); err != nil {
			return err
		}
	}
	for _, p := range []string{"PRAGMA journal_mode = WAL", "PRAGMA journal_size_limit = 8388608"} {
		if _, err := db.Exec(p); err != nil {
			return err
		}
	}
	for ; version < len(migrations); version++ {
		if err := migrate(db, version); err != nil {
			return fmt.Errorf("bringing the database from version %d to %d: %w", version, version+1, err)
		}
	}
	return nil
}

// migrate is one step, whole or not at all.
func migrate(db *sql.DB, version int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(migrations[version]); err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", version+1)); err != nil {
		return err
	}
	return tx.Commit()
}

// damaged tells whether an error says that the file is no good database.
func damaged(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB
	}
	var newer newerError
	return errors.As(err, &newer)
}

// full tells whether an error says that the disk is.
func full(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrFull || err != nil && strings.Contains(err.Error(), "no space left on device")
}

// asidePrefix begins the names of folders with what could not be read.
const asidePrefix = "damaged-"

// moveAside puts a database and the pictures that it knew into a folder that is
// named with the time.
func moveAside(dir string, now time.Time) (string, error) {
	aside := filepath.Join(dir, asidePrefix+now.Format("20060102-150405"))
	for n := 2; ; n++ {
		err := os.Mkdir(aside, 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrExist) {
			return "", err
		}
		aside = filepath.Join(dir, fmt.Sprintf("%s%s-%d", asidePrefix, now.Format("20060102-150405"), n))
	}
	for _, name := range []string{databaseFile, databaseFile + "-wal", databaseFile + "-shm", pictureFolder} {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(aside, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return aside, os.Mkdir(filepath.Join(dir, pictureFolder), 0o755)
}

// number is what the database holds of a score: nothing of what is no number.
func number(v float32) any {
	if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
		return nil
	}
	return float64(v)
}
