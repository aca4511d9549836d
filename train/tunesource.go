package train

import (
	"slices"
	"unsafe"

	"passfail/capture"
	"passfail/model"
	"passfail/train/feature"
	"passfail/train/finetune"
)

// tuneViews is in how many views a picture tunes, at least: fewer would be learned by heart.
const tuneViews = 8

// tuneSource shows finetune the pictures.
type tuneSource struct {
	s       *session
	stops   []bool // of each picture: it decides when to stop
	views   []feature.Variant
	x       *feature.Extractor
	picture int            // that frame is; −1: none
	frame   *capture.Frame // its decoded picture
	jitter  int            // in which x has it
}

func (s *session) newTuneSource(t *tried) (*tuneSource, error) {
	x, err := t.network.Open(model.Options{Threads: 1})
	return &tuneSource{s: s, stops: s.stopping(), views: tuningViews(t.teach), x: x, picture: -1}, err
}

// stopping chooses the pictures that decide when to stop: each second part, by label, of a fold. The
// less is held out, the better the trial tells what all pictures will bring.
func (s *session) stopping() []bool {
	stops := make([]bool, len(s.fold))
	seen := make([][]int, len(s.pictures.set.Labels)) // parts of each label
	for i, p := range s.pictures.set.Pictures {
		if s.fold[i] != stopping {
			continue
		}
		part := s.pictures.groups[i]
		at := slices.Index(seen[p.Label], part)
		if at < 0 {
			at = len(seen[p.Label])
			seen[p.Label] = append(seen[p.Label], part)
		}
		stops[i] = at%2 == 0
	}
	return stops
}

// tuningViews are the turns that teach, in as many jitters as it takes.
func tuningViews(teach []feature.Variant) []feature.Variant {
	var turns []feature.Turn
	for _, v := range teach {
		if !slices.Contains(turns, v.Turn) {
			turns = append(turns, v.Turn)
		}
	}
	var views []feature.Variant
	for jitter := 0; len(views) < tuneViews; jitter++ {
		for _, t := range turns {
			views = append(views, feature.Variant{Turn: t, Jitter: jitter})
		}
	}
	return views
}

func (t *tuneSource) close() {
	t.x.Close()
	t.forget()
}

func (t *tuneSource) forget() {
	if t.frame != nil {
		t.frame.Close()
	}
	t.picture, t.frame = -1, nil
}

func (t *tuneSource) Len() int        { return len(t.s.fold) }
func (t *tuneSource) Classes() int    { return len(t.s.pictures.set.Labels) }
func (t *tuneSource) Label(i int) int { return t.s.pictures.set.Pictures[i].Label }

func (t *tuneSource) Role(i int) finetune.Role {
	switch {
	case t.s.fold[i] == judging:
		return finetune.LeftOut
	case t.stops[i]:
		return finetune.HoldsOut
	}
	return finetune.Trains
}

// Load is finetune.Source's: the picture as the network's input, by the code that
// serves.
func (t *tuneSource) Load(i, view int, input []int8) error {
	v := t.views[view]
	if t.picture != i || t.jitter != v.Jitter {
		if t.picture != i {
			t.forget()
			f, err := capture.ReadPicture(t.s.pictures.set.Pictures[i].Path, t.s.pictures.view)
			if err != nil {
				return err
			}
			t.picture, t.frame = i, f
		}
		if err := t.x.LoadJittered(&t.frame.Image, t.frame.ROI, t.s.pictures.hashes[i], v.Jitter); err != nil {
			return err
		}
		t.jitter = v.Jitter
	}
	t.x.Turned(v.Turn, unsafe.Slice((*byte)(unsafe.Pointer(&input[0])), len(input)))
	return nil
}
