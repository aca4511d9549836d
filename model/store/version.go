package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// Files of a version.
const (
	ModelFile   = "model.tflite"
	SidecarFile = "model.tflite.toml" // where the model does not say all itself; see package model
	ReportJSON  = "report.json"
	ReportHTML  = "report.html"
	metaFile    = "meta.json"
)

const maxMeta = 1 << 20 // bytes

// Meta is what a version says of itself.
type Meta struct {
	ID      string    `json:"id"`      // given by Add
	Created time.Time `json:"created"` // UTC, whole seconds; Add takes the present if it is zero
	Comment string    `json:"comment,omitempty"`
	Base    string    `json:"base,omitempty"`   // the base network's name
	Parent  string    `json:"parent,omitempty"` // the version that was active when this one was made
	DataSet *DataSet  `json:"data_set,omitempty"`
	Figures *Figures  `json:"figures,omitempty"`

	// Files is the SHA-256 in hex of each file of the version; given by Add.
	Files map[string]string `json:"files"`
}

// DataSet is what a version was trained on.
type DataSet struct {
	Path     string         `json:"path,omitempty"` // absolute
	Hash     string         `json:"hash,omitempty"` // of all pictures and their labels
	Pictures int            `json:"pictures"`
	Labels   map[string]int `json:"labels,omitempty"` // pictures of each
}

// Figures are how well a version judges pictures that it was not trained on,
// each 0..1; nil where it was not measured.
type Figures struct {
	How      string   `json:"how,omitempty"` // "cross-validation", "test set"
	Accuracy *float64 `json:"accuracy,omitempty"`
	F1       *float64 `json:"f1,omitempty"`
	AUC      *float64 `json:"auc,omitempty"`
}

// Version is a model in the store.
type Version struct {
	Meta
	Dir     string // its folder
	Damaged error  // why its files can't be used, as far as List looks; see Check
}

// SHA256 is the model file's, in hex.
func (v Version) SHA256() string { return v.Files[ModelFile] }

// Model is the path of the model file.
func (v Version) Model() string { return v.Path(ModelFile) }

// Path is the path of one of the version's files.
func (v Version) Path(name string) string { return filepath.Join(v.Dir, name) }

// Check reads what judges, the model and its sidecar, and compares it with what was added.
func (v Version) Check() error {
	if v.Damaged != nil {
		return v.Damaged
	}
	for _, name := range slices.Sorted(keys(v.Files)) {
		if name == ReportHTML || name == ReportJSON {
			continue // a torn report is no reason to stop a line
		}
		sum, err := hashFile(v.Path(name))
		if err != nil {
			return fmt.Errorf("model %s: %w", v.ID, err)
		}
		if sum != v.Files[name] {
			return fmt.Errorf("model %s: %s is damaged: its SHA-256 is %s, and was %s when it was added", v.ID, name, sum, v.Files[name])
		}
	}
	return nil
}

func keys[K comparable, V any](m map[K]V) func(yield func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// idPattern: UTC, the beginning of the model's SHA-256 and, for the same model
// twice in a second, a number.
var idPattern = regexp.MustCompile(`^\d{8}-\d{6}-[0-9a-f]{6}(-\d{1,3})?$`)

const idTime = "20060102-150405"

func newID(created time.Time, sum string) string {
	return created.UTC().Format(idTime) + "-" + sum[:6]
}

// readVersion looks at the version in a folder, without reading its model.
func readVersion(dir string) Version {
	id := filepath.Base(dir)
	v := Version{Dir: dir}
	b, err := readSmall(filepath.Join(dir, metaFile), maxMeta)
	if err == nil {
		v.Meta, err = parseMeta(b)
	}
	if err == nil && v.ID != id {
		err = fmt.Errorf("%s is that of %s", metaFile, v.ID)
	}
	if err == nil {
		_, err = os.Stat(v.Model())
	}
	if err != nil {
		v.Damaged = fmt.Errorf("model %s: %w", id, err)
		v.Created, _ = time.Parse(idTime, id[:min(len(idTime), len(id))]) // List's order goes by it
	}
	v.ID = id
	return v
}

func parseMeta(b []byte) (Meta, error) {
	var m Meta
	if err := json.Unmarshal(b, &m); err != nil {
		return Meta{}, fmt.Errorf("%s is damaged: %w", metaFile, err)
	}
	if !idPattern.MatchString(m.ID) || m.Files[ModelFile] == "" {
		return Meta{}, fmt.Errorf("%s is damaged: it lacks the id or the model's SHA-256", metaFile)
	}
	for name := range m.Files {
		if err := checkName(name); err != nil && name != ModelFile {
			return Meta{}, fmt.Errorf("%s is damaged: %w", metaFile, err)
		}
	}
	return m, nil
}

// checkName refuses names of files that are no plain names, or the store's own.
func checkName(name string) error {
	if name == "" || name[0] == '.' || name != filepath.Base(name) || name == ModelFile || name == metaFile {
		return fmt.Errorf("%q can't be the name of a file beside a model", name)
	}
	return nil
}

func readSmall(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return b, err
}

// newestFirst is the order of versions in a list.
func newestFirst(a, b Version) int {
	return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
}

// ErrNotFound says that there is no such version.
var ErrNotFound = errors.New("no such model")
