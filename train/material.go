package train

import (
	"context"
	"fmt"
	"math/rand/v2"

	"passfail/train/feature"
	"passfail/train/head"
)

// material is what a network gives of a data set's pictures, on a shelf.
type material struct {
	network      *feature.Network
	shelf        *feature.Shelf
	descriptions *feature.Shelf // for novelty
	pictures     *pictures
}

// How much a head looks at, and how much memory it may take.
const (
	basisPictures   = 1500 // that decide which directions there are; more add nothing but time
	mostCoordinates = 400
	mostExamples    = 24 << 20 // coordinates of all examples
)

// collect computes the features of all variants that are missing.
func (m *material) collect(ctx context.Context, variants []feature.Variant, progress func(done, total int)) error {
	list := m.pictures.features()
	done := 0
	errs, err := m.network.Collect(ctx, m.shelf, m.descriptions, viewKey(m.pictures.view), list, variants, func() {
		done++
		progress(done, len(list))
	})
	if err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return err // it could be read a moment ago
		}
	}
	return nil
}

// row reads the features of a picture into dst.
func (m *material) row(picture int, v feature.Variant, dst []float32) error {
	return m.read(m.shelf, picture, v, dst)
}

func (m *material) read(shelf *feature.Shelf, picture int, v feature.Variant, dst []float32) error {
	ok, err := shelf.Get(m.network.Key(m.pictures.hashes[picture], viewKey(m.pictures.view), v), feature.Bytes(dst))
	if err == nil && !ok {
		err = fmt.Errorf("picture %s: its features are not there", m.pictures.set.Pictures[picture].Path)
	}
	return err
}

// examples are the chosen pictures, given by their indices, as coordinates in
// bases of their own. Fold says in which fold each picture of the data set is;
// those of fold leave are not among the chosen and make no fold.
func (m *material) examples(chosen []int, c *candidate, fold []int, folds, leave int, seed uint64) (*head.Examples, error) {
	e := &head.Examples{Views: len(c.teach), Classes: len(m.pictures.set.Labels), Folds: folds}
	if leave >= 0 {
		e.Folds--
	}
	for i := range c.serve {
		e.Serve = append(e.Serve, c.view(i))
	}
	for _, i := range chosen {
		e.Class = append(e.Class, m.pictures.set.Pictures[i].Label)
		f := fold[i]
		if leave >= 0 && f > leave {
			f--
		}
		e.Fold = append(e.Fold, f)
	}
	if err := m.bases(e, chosen, seed); err != nil {
		return nil, err
	}
	// In pieces, so that features of all pictures are never held at once.
	const piece = 128
	count := m.network.Count
	x, roots := make([]float32, piece*count), []float32(nil)
	for v, variant := range c.teach {
		for from := 0; from < len(chosen); from += piece {
			n := min(piece, len(chosen)-from)
			for j, i := range chosen[from : from+n] {
				if err := m.row(i, variant, x[j*count:(j+1)*count]); err != nil {
					return nil, err
				}
			}
			roots = m.roots(x[:n*count], roots)
			at := v*len(chosen) + from
			for _, s := range []struct {
				space *head.Space
				x     []float32
			}{{&e.Straight, roots}, {&e.Bent, x[:n*count]}} {
				q := s.space.Basis.Len()
				s.space.Basis.Project(s.x, s.space.Z[at*q:(at+n)*q])
			}
		}
	}
	return e, nil
}

// roots are what the linear part sees of rows of features.
func (m *material) roots(x, dst []float32) []float32 {
	dst = dst[:0]
	one := []float32(nil)
	for i := 0; i < len(x); i += m.network.Count {
		one = m.network.Roots(x[i:i+m.network.Count], one)
		dst = append(dst, one...)
	}
	return dst
}

// bases finds the bases by the chosen pictures as they are, or by some of them.
func (m *material) bases(e *head.Examples, chosen []int, seed uint64) error {
	some := chosen
	if len(some) > basisPictures {
		r := rand.New(rand.NewPCG(seed, 0xba5e))
		some = make([]int, basisPictures)
		for i, j := range r.Perm(len(chosen))[:basisPictures] {
			some[i] = chosen[j]
		}
	}
	count := m.network.Count
	x := make([]float32, len(some)*count)
	for j, i := range some {
		if err := m.row(i, feature.Variant{}, x[j*count:(j+1)*count]); err != nil {
			return err
		}
	}
	roots := m.roots(x, nil)
	rows := e.Views * len(chosen)
	for _, s := range []struct {
		space *head.Space
		x     []float32
	}{{&e.Straight, roots}, {&e.Bent, x}} {
		basis, err := head.NewBasis(s.x, len(s.x)/len(some), mostCoordinates, seed)
		if err != nil {
			return err
		}
		*s.space = head.Space{Basis: basis, Z: make([]float32, rows*basis.Len())}
	}
	return nil
}

// view is which of the teaching variants the i-th served turn is.
func (c *candidate) view(i int) int {
	for v, t := range c.teach {
		if t == (feature.Variant{Turn: c.serve[i]}) {
			return v
		}
	}
	panic("train: a turn is served that was not taught") // servings offers none
}

// judge returns the logits that a head gives a picture, served as c says.
func (m *material) judge(h *head.Head, c *candidate, picture int) ([]float64, error) {
	x := make([]float32, m.network.Count)
	logits := make([]float64, h.Rows)
	for _, t := range c.serve {
		if err := m.row(picture, feature.Variant{Turn: t}, x); err != nil {
			return nil, err
		}
		for r, v := range h.Logits(m.roots(x, nil), x, 1) {
			logits[r] += v / float64(len(c.serve))
		}
	}
	return logits, nil
}
