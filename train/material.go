package train

import (
	"context"
	"fmt"

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

// collect computes the features that are missing of some pictures, given by their
// indices.
func (m *material) collect(ctx context.Context, some []int, variants []feature.Variant, progress func(done, total int)) error {
	list := m.pictures.features(some)
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

// examples are the chosen pictures, given by their indices. Fold says in which
// fold each picture of the data set is; those of fold leave are not among the
// chosen and make no fold.
func (m *material) examples(chosen []int, c *candidate, fold []int, folds, leave int) *head.Examples {
	e := &head.Examples{
		Features: m.network.Count, Views: len(c.teach), Classes: len(m.pictures.set.Labels), Folds: folds,
		Row: func(picture, view int, x []float32) error { return m.row(chosen[picture], c.teach[view], x) },
	}
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
	return e
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

// atATime is how many pictures a head judges at a time: what it is compared with is
// read once for all of them.
const atATime = 128

// judge returns the logits [some][rows] that a head gives some pictures, by their
// indices, served as c says.
func (m *material) judge(h *head.Head, c *candidate, some ...int) ([]float64, error) {
	n := m.network.Count
	x := make([]float32, min(len(some), atATime)*n)
	logits := make([]float64, len(some)*h.Rows)
	for from := 0; from < len(some); from += atATime {
		part := some[from:min(from+atATime, len(some))]
		for _, t := range c.serve {
			for j, i := range part {
				if err := m.row(i, feature.Variant{Turn: t}, x[j*n:(j+1)*n]); err != nil {
					return nil, err
				}
			}
			for k, v := range h.Logits(x[:len(part)*n]) {
				logits[from*h.Rows+k] += v / float64(len(c.serve))
			}
		}
	}
	return logits, nil
}
