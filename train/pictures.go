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
	pixels []int64 // as far as known
	looks  []dataset.Look
	groups []int // pictures of one part have one number, from 0
	broken []error
}

// list lists a data set and hashes its files. The pictures' own errors are in errs.
func list(ctx context.Context, dir string, least int, line capture.Settings) (p *pictures, errs []error, err error) {
	set, err := dataset.List(dir, dataset.Options{MinLabels: least})
	if err != nil {
		return nil, nil, err
	}
	view, err := set.Settings(line)
	if err != nil {
		return nil, nil, err
	}
	n := len(set.Pictures)
	p = &pictures{set: set, view: view, hashes: make([][32]byte, n), pixels: make([]int64, n), looks: make([]dataset.Look, n)}
	errs = make([]error, n)
	err = parallel.Until(ctx, n, func(i int) {
		path := set.Pictures[i].Path
		if p.hashes[i], errs[i] = hashFile(path); errs[i] == nil {
			p.pixels[i] = capture.Pixels(path)
		}
	})
	return p, errs, err
}

// look looks at each picture, unless the shelf of looks knows it, and computes its
// plain features while it is decoded anyway, if there is a first material. What
// can't be used, as errs say or turns out here, is left out.
func (p *pictures) look(ctx context.Context, errs []error, shelf *feature.Shelf, first *material, progress func(done, total int)) error {
	l := &looking{pictures: p, shelf: shelf, key: fmt.Sprint(viewKey(p.view), dataset.LookVersion)}
	var some []int
	for i, err := range errs {
		if err == nil {
			some = append(some, i)
		}
	}
	list := p.features(some)
	for j, i := range some {
		if known, err := l.known(i); err != nil {
			return err
		} else if !known {
			list[j].Seen = func(f *capture.Frame) error { return l.at(i, f) }
		}
	}
	done := 0
	step := func() { done++; progress(done, len(list)) }
	var found []error
	var err error
	if first != nil {
		found, err = first.network.Collect(ctx, first.shelf, first.descriptions, viewKey(p.view), list, plain, step)
	} else {
		found, err = feature.Show(ctx, list, step)
	}
	if err = errors.Join(err, l.failed); err != nil {
		return err
	}
	for j, i := range some {
		errs[i] = found[j]
	}
	p.contradict(errs)
	p.leaveOut(errs)
	p.groups, err = p.set.Groups(ctx, p.looks)
	return err
}

// looking is a look at pictures under way.
type looking struct {
	*pictures
	shelf  *feature.Shelf
	key    string // of what the looks depend on besides the files
	mu     sync.Mutex
	failed error // of the shelf
}

func (l *looking) keyOf(i int) feature.Key {
	return feature.Key(sha256.Sum256(append(l.hashes[i][:], l.key...)))
}

// known fills in picture i's look from the shelf, if it is there.
func (l *looking) known(i int) (bool, error) {
	b := make([]byte, dataset.LookSize)
	ok, err := l.shelf.Get(l.keyOf(i), b)
	return ok && l.looks[i].UnmarshalBinary(b) == nil, err
}

// at looks at picture i. Many goroutines may call it.
func (l *looking) at(i int, f *capture.Frame) (err error) {
	if l.looks[i], err = dataset.Examine(&f.Image, f.ROI); err != nil {
		return fmt.Errorf("picture %s: %w", l.set.Pictures[i].Path, err)
	}
	b, err := l.looks[i].MarshalBinary()
	if err == nil {
		err = l.shelf.Put(l.keyOf(i), b)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && l.failed == nil {
		l.failed = err
	}
	return nil
}

// survey lists a data set and looks at it.
func survey(ctx context.Context, dir string, least int, line capture.Settings, shelf *feature.Shelf, progress func(done, total int)) (*pictures, error) {
	p, errs, err := list(ctx, dir, least, line)
	if err == nil {
		err = p.look(ctx, errs, shelf, nil, progress)
	}
	return p, err
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

// leaveOut leaves out the pictures with errors.
func (p *pictures) leaveOut(errs []error) {
	n := 0
	for i, err := range errs {
		if err != nil {
			p.broken = append(p.broken, err)
			continue
		}
		p.hashes[n], p.pixels[n], p.looks[n] = p.hashes[i], p.pixels[i], p.looks[i]
		n++
	}
	p.set = p.set.Without(func(i int) bool { return errs[i] != nil })
	p.hashes, p.pixels, p.looks = p.hashes[:n], p.pixels[:n], p.looks[:n]
}

// features lists some pictures for feature.Network.Collect.
func (p *pictures) features(some []int) []feature.Picture {
	list := make([]feature.Picture, len(some))
	for j, i := range some {
		path := p.set.Pictures[i].Path
		list[j] = feature.Picture{Hash: p.hashes[i], Pixels: p.pixels[i], Open: func() (*capture.Frame, error) { return capture.ReadPicture(path, p.view) }}
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

// Digest is the SHA-256, hex, of a data set's labels and pictures, as models carry
// it of the pictures that taught them.
func Digest(set *dataset.Set) (string, error) {
	p := &pictures{set: set}
	for _, picture := range set.Pictures {
		sum, err := hashFile(picture.Path)
		if err != nil {
			return "", err
		}
		p.hashes = append(p.hashes, sum)
	}
	return p.digest(), nil
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
