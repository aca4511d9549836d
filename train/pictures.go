package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"passfail/capture"
	"passfail/train/dataset"
	"passfail/train/feature"
	"passfail/train/parallel"
)

// pictures are those of a data set that can be used, with what is known of each.
type pictures struct {
	set    *dataset.Set
	view   capture.Settings
	hashes [][32]byte
	looks  []dataset.Look
	groups []int // pictures of one part have one number, from 0
	broken []error
}

// look lists a data set and looks at each picture, unless the shelf of looks
// knows it.
func look(ctx context.Context, dir string, least int, line capture.Settings, shelf *feature.Shelf, progress func(done, total int)) (*pictures, error) {
	set, err := dataset.List(dir, dataset.Options{MinLabels: least})
	if err != nil {
		return nil, err
	}
	view, err := set.Settings(line)
	if err != nil {
		return nil, err
	}
	p := &pictures{set: set, view: view}
	n := len(set.Pictures)
	p.hashes, p.looks = make([][32]byte, n), make([]dataset.Look, n)
	errs := make([]error, n)
	key := fmt.Sprint(viewKey(view), dataset.LookVersion)
	var mu sync.Mutex
	done := 0
	var failed error
	err = parallel.Until(ctx, n, func(i int) {
		var fatal error
		errs[i], fatal = p.lookAt(i, key, shelf)
		mu.Lock()
		defer mu.Unlock()
		if fatal != nil && failed == nil {
			failed = fatal
		}
		done++
		progress(done, n)
	})
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	p.contradict(errs)
	return p.whole(errs), nil
}

// contradict gives errors to pictures that are the same, pixel for pixel as far
// as a look can tell, under different labels: they teach nothing, and no head
// could please them.
func (p *pictures) contradict(errs []error) {
	type alike struct {
		first int
		other int // the first one under another label, or -1
	}
	seen, keys := map[[32]byte]alike{}, make([][32]byte, len(errs))
	for i, picture := range p.set.Pictures {
		if errs[i] != nil {
			continue
		}
		b, err := p.looks[i].MarshalBinary()
		if err != nil {
			errs[i] = err
			continue
		}
		keys[i] = sha256.Sum256(b)
		a, ok := seen[keys[i]]
		if !ok {
			a = alike{i, -1}
		} else if a.other < 0 && p.set.Pictures[a.first].Label != picture.Label {
			a.other = i
		}
		seen[keys[i]] = a
	}
	for i, picture := range p.set.Pictures {
		if errs[i] != nil {
			continue
		}
		a := seen[keys[i]]
		if a.other < 0 {
			continue
		}
		twin := p.set.Pictures[a.first]
		if twin.Label == picture.Label {
			twin = p.set.Pictures[a.other]
		}
		errs[i] = fmt.Errorf("picture %s: the same is also labelled %q (%s); take the wrong one away, neither teaches", picture.Path, p.set.Labels[twin.Label], twin.Path)
	}
}

// lookAt fills in picture i. The first error is the picture's, the second the
// shelf's.
func (p *pictures) lookAt(i int, key string, shelf *feature.Shelf) (bad, failed error) {
	path := p.set.Pictures[i].Path
	var err error
	if p.hashes[i], err = hashFile(path); err != nil {
		return err, nil
	}
	b := make([]byte, dataset.LookSize)
	k := feature.Key(sha256.Sum256(append(p.hashes[i][:], key...)))
	if ok, err := shelf.Get(k, b); err != nil {
		return nil, err
	} else if ok && p.looks[i].UnmarshalBinary(b) == nil {
		return nil, nil
	}
	f, err := capture.ReadPicture(path, p.view)
	if err != nil {
		return err, nil
	}
	defer f.Close()
	if p.looks[i], err = dataset.Examine(&f.Image, f.ROI); err != nil {
		return fmt.Errorf("picture %s: %w", path, err), nil
	}
	if b, err = p.looks[i].MarshalBinary(); err != nil {
		return nil, err
	}
	return nil, shelf.Put(k, b)
}

// hashFile is the SHA-256 of a file.
func hashFile(path string) ([32]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return [32]byte{}, fmt.Errorf("picture: %w", err)
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for somebody to write
		return [32]byte{}, fmt.Errorf("picture %s: is a folder or a device, no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return [32]byte{}, fmt.Errorf("picture: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return [32]byte{}, fmt.Errorf("picture: %w", err)
	}
	return [32]byte(h.Sum(nil)), nil
}

// viewKey is what tells one view of a picture from another.
func viewKey(s capture.Settings) string { return fmt.Sprint(s.Rotate, s.Flip, s.ROI) }

// whole leaves out the pictures with errors and finds the groups of the others.
func (p *pictures) whole(errs []error) *pictures {
	w := &pictures{set: p.set.Without(func(i int) bool { return errs[i] != nil }), view: p.view, broken: p.broken}
	for i, err := range errs {
		if err != nil {
			w.broken = append(w.broken, err)
			continue
		}
		w.hashes = append(w.hashes, p.hashes[i])
		w.looks = append(w.looks, p.looks[i])
	}
	w.groups = w.set.Groups(w.looks)
	return w
}

// features lists some pictures for feature.Network.Collect.
func (p *pictures) features(some []int) []feature.Picture {
	list := make([]feature.Picture, len(some))
	for j, i := range some {
		path := p.set.Pictures[i].Path
		list[j] = feature.Picture{Hash: p.hashes[i], Open: func() (*capture.Frame, error) { return capture.ReadPicture(path, p.view) }}
	}
	return list
}

// digest is the data set's SHA-256: of its labels and pictures, wherever they
// lie.
func (p *pictures) digest() string {
	h := sha256.New()
	for i, sum := range p.hashes {
		fmt.Fprintf(h, "%q %x\n", p.set.Labels[p.set.Pictures[i].Label], sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// counts is how many pictures each label has.
func (p *pictures) counts() map[string]int {
	c := map[string]int{}
	for i, n := range p.set.Counts() {
		c[p.set.Labels[i]] = n
	}
	return c
}

// enough is an error where there is too little to learn from.
func (p *pictures) enough() error {
	var why error
	if len(p.broken) > 0 {
		some := p.broken[:min(len(p.broken), 3)]
		why = fmt.Errorf("%d pictures can't be used, such as:\n%w", len(p.broken), errors.Join(some...))
	}
	for i, n := range p.set.Counts() {
		if n == 0 {
			return errors.Join(fmt.Errorf("label %q has no picture that can be used; take some, or take the folder away", p.set.Labels[i]), why)
		}
	}
	return nil
}

// openShelf opens a shelf in the cache folder; without one, or a name, it is gone
// when it is closed.
func openShelf(cache, name string, size int) (*feature.Shelf, error) {
	if cache == "" || name == "" {
		return feature.OpenShelf("", size)
	}
	return feature.OpenShelf(filepath.Join(cache, name+feature.ShelfSuffix), size)
}
