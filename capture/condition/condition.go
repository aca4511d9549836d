// Package condition tells whether a camera is able to see: not black, not white, in focus, and looking where it looked
// when a reference picture was taken.
//
// The whole picture is looked at, not the region of interest alone: what stands around the belt stays where it is while
// parts go by, so it tells a moved camera from a moving part.
package condition

import (
	"errors"
	"fmt"
	"image"
	"time"

	"gocv.io/x/gocv"

	"passfail/capture/gray"
)

// Settings are limits. Those of focus and place count only with a Reference.
type Settings struct {
	Black     float64       // gray levels, 0 to 255: black when 98 % of the picture are darker; 0: not looked for
	White     float64       // share of the picture, 0 to 1, that may be overexposed; 0: not looked for
	Sharpness float64       // share of the reference's, 0 to 1, that edges must have; 0: not looked for
	Shift     float64       // share of the picture's width, 0 to 0.1, by which it may have moved; 0: not looked for
	Lasting   time.Duration // a finding must last so long, and be gone so long, 0 to 1 h
	Every     time.Duration // no more than one frame in this time is looked at; 0: each
}

// Defaults suit a station whose camera stands still.
func Defaults() Settings {
	return Settings{Black: 20, White: 0.9, Sharpness: 0.5, Shift: 0.02, Lasting: 2 * time.Second, Every: 200 * time.Millisecond}
}

// Check tells all that is wrong with s.
func (s Settings) Check() error {
	var bad []error
	within := func(name string, v, most float64) {
		if !(v >= 0 && v <= most) {
			bad = append(bad, fmt.Errorf("condition: %s is %v; it can be 0 (not looked for) to %v", name, v, most))
		}
	}
	within("black", s.Black, 255)
	within("white", s.White, 1)
	within("sharpness", s.Sharpness, 1)
	within("shift", s.Shift, 0.1)
	if s.Lasting < 0 || s.Lasting > time.Hour {
		bad = append(bad, fmt.Errorf("condition: lasting is %v; it can be 0 to 1h", s.Lasting))
	}
	if s.Every < 0 || s.Every > time.Minute {
		bad = append(bad, fmt.Errorf("condition: every is %v; it can be 0 to 1m", s.Every))
	}
	return errors.Join(bad...)
}

// Kind is what keeps a camera from seeing.
type Kind int

// The kinds. The first that applies is told.
const (
	Good Kind = iota
	Black
	White
	Blurred
	Moved
)

func (k Kind) String() string {
	return [...]string{"good", "black", "white", "blurred", "moved"}[k]
}

// Finding is what is the matter.
type Finding struct {
	Kind  Kind
	Value float64   // Black: gray levels; White: share; Blurred: share of the reference's sharpness; Moved: pixels
	Limit float64   // that Value passed, in the same unit
	Since time.Time // when it began; zero while Good
}

// String names the matter and the way out.
func (f Finding) String() string {
	switch f.Kind {
	case Black:
		return fmt.Sprintf("the picture is black: hardly any of it is brighter than %.0f of 255 (at least %.0f is needed); look at the lamp, the lens cap and the exposure", f.Value, f.Limit)
	case White:
		return fmt.Sprintf("the picture is white: %.0f %% of it is overexposed (at most %.0f %% may be); shorten the exposure or dim the lamp", 100*f.Value, 100*f.Limit)
	case Blurred:
		return fmt.Sprintf("the picture is blurred: its edges have %.0f %% of the reference picture's sharpness (at least %.0f %% is needed); clean the lens and focus it, or take a new reference", 100*f.Value, 100*f.Limit)
	case Moved:
		return fmt.Sprintf("the picture is shifted by %.0f px against the reference picture (at most %.0f px may be); fix the camera's mount, or take a new reference", f.Value, f.Limit)
	}
	return "the camera sees"
}

// Values are what was measured in one picture.
type Values struct {
	Brightness float64     // gray levels, 0 to 255, that 2 % of the picture exceed
	White      float64     // share of the picture that is overexposed, 0 to 1
	Sharpness  float64     // how steep the steepest edges are, 0 to 1: the share of an edge within two pixels; 0: no edge is strong enough
	Shift      image.Point // pixels, of the scene against the reference picture; zero where it can't be told
	Alike      float64     // how alike the surroundings are at that shift, -1 to 1; 0 without a reference
}

// Watch looks at a camera's frames. It belongs to one goroutine.
type Watch struct {
	s      Settings
	ref    *Reference
	reduce *gray.Reducer
	edges  edges
	recent recent
	next   time.Time
	values Values

	told    Finding
	pending Finding   // what the last frames say instead
	since   time.Time // they have said so
}

// New makes a Watch; without a reference, nil, it finds black and white only.
func New(s Settings, ref *Reference) (*Watch, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return &Watch{s: s, ref: ref.own(), reduce: gray.NewReducer(side)}, nil
}

// See looks at a frame (BGR, 8 bit, 3 channels) and returns what holds now. Frames come in the order they were taken.
// It allocates only where the picture's size changes. An error means that the picture can't be compared; the reference
// is then of another size.
func (w *Watch) See(img *gocv.Mat, taken time.Time) (Finding, error) {
	if taken.Before(w.next) {
		return w.told, nil
	}
	w.next = taken.Add(w.s.Every)
	var err error
	if w.values, err = w.measure(img); err != nil {
		return w.told, err
	}
	w.settle(w.find(w.values, img.Cols()), taken)
	return w.told, nil
}

// Values are those of the last picture that was looked at; zero before the first. Shift and Alike are of the median of
// the last seven and stay zero until there are so many.
func (w *Watch) Values() Values { return w.values }

func (w *Watch) measure(img *gocv.Mat) (Values, error) {
	whole := image.Rect(0, 0, img.Cols(), img.Rows())
	p, err := w.reduce.Reduce(img, whole)
	if err != nil {
		return Values{}, fmt.Errorf("condition: %w", err)
	}
	v := exposure(p)
	if w.ref == nil {
		return v, nil
	}
	if whole.Max != w.ref.size {
		return v, fmt.Errorf("condition: the reference picture has %d×%d pixels, the camera's have %d×%d; take a new reference",
			w.ref.size.X, w.ref.size.Y, whole.Dx(), whole.Dy())
	}
	if v.Sharpness, err = w.edges.sharpness(img); err != nil {
		return v, fmt.Errorf("condition: %w", err)
	}
	if m := w.recent.add(p); m != nil {
		v.Shift, v.Alike = w.ref.shift(m)
	}
	return v, nil
}

// find judges one picture.
func (w *Watch) find(v Values, width int) Finding {
	white := w.s.White
	if w.ref != nil { // a lit background may be white by intent
		white = max(white, (1+w.ref.values.White)/2)
	}
	switch {
	case w.s.Black > 0 && v.Brightness < w.s.Black:
		return Finding{Kind: Black, Value: v.Brightness, Limit: w.s.Black}
	case w.s.White > 0 && v.White > white:
		return Finding{Kind: White, Value: v.White, Limit: white}
	case w.ref == nil:
		return Finding{}
	}
	if w.s.Sharpness > 0 && w.ref.values.Sharpness > 0 && v.Sharpness > 0 {
		if share := v.Sharpness / w.ref.values.Sharpness; share < w.s.Sharpness {
			return Finding{Kind: Blurred, Value: share, Limit: w.s.Sharpness}
		}
	}
	if far, limit := length(v.Shift), w.s.Shift*float64(width); w.s.Shift > 0 && far > limit {
		return Finding{Kind: Moved, Value: far, Limit: limit}
	}
	return Finding{}
}

// settle takes what the last picture says for what holds when it has been said for Lasting.
func (w *Watch) settle(f Finding, taken time.Time) {
	if f.Kind == w.told.Kind {
		f.Since = w.told.Since
		w.told, w.pending = f, Finding{}
		w.since = time.Time{}
		return
	}
	if w.since.IsZero() || f.Kind != w.pending.Kind {
		w.since = taken
	}
	w.pending = f
	if taken.Sub(w.since) < w.s.Lasting {
		return
	}
	if f.Kind != Good {
		f.Since = w.since
	}
	w.told, w.since = f, time.Time{}
}
