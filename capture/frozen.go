package capture

import (
	"hash/maphash"
	"time"
)

// frozenWatch notices a camera that delivers the same picture again and again. Two pictures of a sensor are never equal
// in every bit, but a hung firmware or a stuck driver repeats its last buffer for ever, with fresh time stamps.
//
// A frame is compared by a sample first, because hashing all of a Full HD picture costs a Pi 4 some milliseconds: only
// where the sample is equal is the rest looked at.
type frozenWatch struct {
	after  time.Duration
	seed   maphash.Seed
	sample uint64
	whole  uint64
	full   bool // whole is known
	since  time.Time
	known  bool // the picture that the camera froze on is still what comes
}

func newFrozenWatch(after time.Duration) *frozenWatch {
	return &frozenWatch{after: after, seed: maphash.MakeSeed()}
}

// reopened is the watch for the device opened after w saw it frozen: as long as the same picture comes, it is frozen still.
func (w *frozenWatch) reopened() *frozenWatch {
	return &frozenWatch{after: w.after, seed: w.seed, sample: w.sample, whole: w.whole, full: w.full, known: w.full}
}

// see looks at the next frame. It returns how long the picture has been the same, and whether that is too long.
func (w *frozenWatch) see(pixels []byte, taken time.Time) (time.Duration, bool) {
	if w.since.IsZero() {
		w.since = taken
	}
	if s := w.sampled(pixels); s != w.sample {
		w.sample, w.full, w.since, w.known = s, false, taken, false
		return 0, false
	}
	whole := maphash.Bytes(w.seed, pixels)
	if !w.full {
		w.whole, w.full = whole, true // counts from the first frame with this sample
	} else if whole != w.whole {
		w.whole, w.since, w.known = whole, taken, false
		return 0, false
	}
	same := taken.Sub(w.since)
	return same, same >= w.after
}

const (
	sampleBlock = 1 << 10 // bytes
	sampleEvery = 1 << 14
)

func (w *frozenWatch) sampled(pixels []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(w.seed)
	for i := 0; i < len(pixels); i += sampleEvery {
		h.Write(pixels[i:min(i+sampleBlock, len(pixels))])
	}
	return h.Sum64()
}
