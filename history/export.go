package history

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"passfail/atomicfile"
)

// csvHeader names the columns of WriteCSV. Times are UTC, durations ms.
var csvHeader = []string{
	"id", "time", "number", "product", "model", "verdict", "label", "score", "pass_score", "novelty", "unsure", "unlike", "reason", "error",
	"latency_ms", "decode_ms", "load_ms", "invoke_ms", "decide_ms", "pins_ms", "picture", "hash", "corrected",
}

// WriteCSV writes the rows that a filter chooses as CSV with a header, and returns
// how many.
func (r *Reader) WriteCSV(ctx context.Context, w io.Writer, f Filter) (n int, err error) {
	c := csv.NewWriter(w)
	if err := c.Write(csvHeader); err != nil {
		return 0, err
	}
	err = r.Rows(ctx, f, func(row *Row) error {
		n++
		return c.Write(row.record())
	})
	c.Flush()
	return n, errors.Join(err, c.Error())
}

func (r *Row) record() []string {
	score := func(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
	ms := func(d time.Duration) string { return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64) }
	return []string{
		strconv.FormatInt(r.ID, 10), r.Time.UTC().Format("2006-01-02T15:04:05.000Z"), strconv.FormatUint(r.Number, 10), r.Product, r.Model, r.Verdict(),
		r.Label, score(r.Score), score(r.PassScore), score(r.Novelty), strconv.FormatBool(r.Unsure), strconv.FormatBool(r.Unlike), r.Reason.String(), r.Error,
		ms(r.Latency), ms(r.Stages.Decode), ms(r.Stages.Load), ms(r.Stages.Invoke), ms(r.Stages.Decide), ms(r.Stages.Pins),
		filepath.ToSlash(r.Picture), fmt.Sprintf("%016x", r.Hash), r.Corrected,
	}
}

// Exported is how many pictures an export wrote, and how many were gone by then.
type Exported struct{ Pictures, Gone int }

// ExportFolder copies the pictures of the rows that a filter chooses into a
// folder, which is made; byClass puts them into a folder for each class, as
// training takes them. A picture that is there already is left.
func (r *Reader) ExportFolder(ctx context.Context, dir string, f Filter, byClass bool) (Exported, error) {
	return r.export(ctx, f, byClass, func(name string, _ *Row, b []byte) error {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(target); err == nil {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		return atomicfile.WriteBytes(target, b)
	})
}

// ExportZip is ExportFolder into a zip archive.
func (r *Reader) ExportZip(ctx context.Context, w io.Writer, f Filter, byClass bool) (Exported, error) {
	z := zip.NewWriter(w)
	e, err := r.export(ctx, f, byClass, func(name string, row *Row, b []byte) error {
		out, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: row.Time}) // JPEG is packed already
		if err == nil {
			_, err = out.Write(b)
		}
		return err
	})
	return e, errors.Join(err, z.Close())
}

func (r *Reader) export(ctx context.Context, f Filter, byClass bool, put func(name string, row *Row, b []byte) error) (e Exported, err error) {
	yes := true
	f.Pictured = &yes
	err = r.Rows(ctx, f, func(row *Row) error {
		b, err := os.ReadFile(r.Path(row))
		if errors.Is(err, fs.ErrNotExist) { // made room for others meanwhile
			e.Gone++
			return nil
		}
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		e.Pictures++
		return put(exportName(row, byClass), row, b)
	})
	return e, err
}

// exportName is a picture's name in an export. The number keeps it from being
// another part's, whatever the clock did.
func exportName(r *Row, byClass bool) string {
	name := fmt.Sprintf("%s-%d.jpg", r.Time.UTC().Format("20060102-150405.000"), r.ID)
	if !byClass {
		return name
	}
	return path.Join(folderName(r.Class()), name)
}

// folderName makes a folder's name of a label.
func folderName(label string) string {
	label = strings.Map(func(c rune) rune {
		if c == '/' || c == '\\' || c == 0 {
			return '_'
		}
		return c
	}, label)
	if label == "" || strings.HasPrefix(label, ".") {
		label = "_" + label
	}
	return label
}
