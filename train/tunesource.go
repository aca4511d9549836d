package train

import (
	"unsafe"

	"passfail/capture"
	"passfail/model"
	"passfail/train/feature"
)

// tuneSource shows finetune the pictures outside the judging fold, or all.
type tuneSource struct {
	s        *session
	pictures []int
	turns    []feature.Turn
	x        *feature.Extractor
	loaded   int // picture that x holds; −1: none
}

func (s *session) newTuneSource(t *tried, all bool) (*tuneSource, error) {
	src := &tuneSource{s: s, loaded: -1}
	for i, f := range s.fold {
		if all || f != judging {
			src.pictures = append(src.pictures, i)
		}
	}
	seen := map[feature.Turn]bool{}
	for _, v := range t.teach {
		if !seen[v.Turn] {
			seen[v.Turn] = true
			src.turns = append(src.turns, v.Turn)
		}
	}
	var err error
	src.x, err = t.network.Open(model.Options{Threads: 1})
	return src, err
}

func (t *tuneSource) close()       { t.x.Close() }
func (t *tuneSource) Len() int     { return len(t.pictures) }
func (t *tuneSource) Classes() int { return len(t.s.pictures.set.Labels) }
func (t *tuneSource) Label(i int) int {
	return t.s.pictures.set.Pictures[t.pictures[i]].Label
}
func (t *tuneSource) HeldOut(i int) bool { return t.s.fold[t.pictures[i]] == stopping }

// Load is finetune.Source's: the picture as the network's input, by the code that
// serves.
func (t *tuneSource) Load(i, view int, input []int8) error {
	if t.loaded != i {
		f, err := capture.ReadPicture(t.s.pictures.set.Pictures[t.pictures[i]].Path, t.s.pictures.view)
		if err != nil {
			return err
		}
		err = t.x.Load(&f.Image, f.ROI)
		f.Close()
		if err != nil {
			return err
		}
		t.loaded = i
	}
	t.x.Turned(t.turns[view], unsafe.Slice((*byte)(unsafe.Pointer(&input[0])), len(input)))
	return nil
}
