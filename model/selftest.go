package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"unsafe"

	"gocv.io/x/gocv"

	"passfail/model/graph"
)

// SelfTestEntry is the metadata entry of a model's reference pictures.
const SelfTestEntry = "PASSFAIL_SELFTEST"

const (
	// A score may be so far from what it was where the model was made, or so far
	// in log-odds: another version of TensorFlow Lite may round otherwise. Between
	// the kernels of XNNPACK and the built-in ones of 2.21 the demo's model was up
	// to 1.6 apart in log-odds, which is 0.23 for an unsure score and 0.03 for a
	// sure one. (The processor hardly matters: arm64 and amd64 were 0.00002 apart.)
	selfTestTolerance = 0.05
	selfTestLogOdds   = 2

	maxReferences     = 6
	mostReferences    = 64 // that a file may have
	referenceClear    = 0.3
	selfTestPicture   = "selftest-%d.png"
	maxReferencePixel = 1 << 22 // no network that fits a station takes more
)

// selfTest is the metadata entry. The pictures are packed with the model.
type selfTest struct {
	Tolerance float64     `json:"tolerance"`
	LogOdds   float64     `json:"log_odds"`
	Pictures  []reference `json:"pictures"`
}

// reference is a picture in the size of the network's input, and what the model
// made of it.
type reference struct {
	File   string    `json:"file"`
	Label  string    `json:"label"`  // that of the best score
	Scores []float32 `json:"scores"` // in the order of the labels

	png   []byte
	label int     // the best one
	lead  float32 // of the best score over the second
}

// SelfTest runs the model on the reference pictures that it carries: each must
// get the label, and about the scores, that it got where the model was made. A
// model that carries none passes: opening it has shown that it runs.
func (c *Classifier) SelfTest() error {
	entry := c.net.file.Entry(SelfTestEntry)
	if entry == nil {
		return nil
	}
	test, err := parseSelfTest(entry, c.net.file, c.labels)
	if err != nil {
		return fmt.Errorf("self-test: the model is damaged: %w", err)
	}
	for i, r := range test.Pictures {
		if err := c.compare(r, test); err != nil {
			return fmt.Errorf("self-test: reference picture %d of %d: %w", i+1, len(test.Pictures), err)
		}
	}
	return nil
}

func parseSelfTest(entry []byte, f *graph.File, labels []string) (*selfTest, error) {
	var t selfTest
	if err := json.Unmarshal(entry, &t); err != nil {
		return nil, fmt.Errorf("%s: %w", SelfTestEntry, err)
	}
	if n := len(t.Pictures); n == 0 || n > mostReferences || !(t.Tolerance > 0 && t.Tolerance < 1 && t.LogOdds >= 0 && t.LogOdds < 10) {
		return nil, fmt.Errorf("%s: %d pictures with a tolerance of %v or %v", SelfTestEntry, n, t.Tolerance, t.LogOdds)
	}
	for i := range t.Pictures {
		r := &t.Pictures[i]
		if len(r.Scores) != len(labels) {
			return nil, fmt.Errorf("%s: %q has %d scores for %d labels", SelfTestEntry, r.File, len(r.Scores), len(labels))
		}
		var ok bool
		if r.png, ok = f.File(r.File); !ok {
			return nil, fmt.Errorf("%s: the picture %q is not packed with the model", SelfTestEntry, r.File)
		}
		r.label, r.lead = leader(r.Scores)
		if r.Label != labels[r.label] {
			return nil, fmt.Errorf("%s: what is %q in the model was %q where it was made", SelfTestEntry, labels[r.label], r.Label)
		}
	}
	return &t, nil
}

func (c *Classifier) compare(r reference, t *selfTest) error {
	scores, err := c.scorePNG(r.png)
	if err != nil {
		return err
	}
	// Where the model was not sure, another label may be the best now.
	if best, _ := leader(scores); best != r.label && logOdds(r.Scores[r.label]) > t.LogOdds {
		return fmt.Errorf("it is %q with a score of %.3f, and was %q where the model was made: %s", c.labels[best], scores[best], c.labels[r.label], selfTestAdvice)
	}
	for i, s := range scores {
		apart := math.Abs(float64(s - r.Scores[i]))
		if !(apart <= t.Tolerance || math.Abs(logOdds(s)-logOdds(r.Scores[i])) <= t.LogOdds) {
			return fmt.Errorf("%q scores %.3f, and scored %.3f where the model was made: %s", c.labels[i], s, r.Scores[i], selfTestAdvice)
		}
	}
	return nil
}

const selfTestAdvice = "the file is damaged, or the model was made for another runtime; train it again here"

// logOdds is what a score's logit was, before sigmoid or softmax.
func logOdds(p float32) float64 { return math.Log(float64(p)) - math.Log1p(-float64(p)) }

// scorePNG classifies a picture that has the size of the network's input.
func (c *Classifier) scorePNG(b []byte) ([]float32, error) {
	in := c.net.in
	if head, err := png.DecodeConfig(bytes.NewReader(b)); err != nil {
		return nil, err
	} else if head.Width != in.Width || head.Height != in.Height || in.Width*in.Height > maxReferencePixel {
		return nil, fmt.Errorf("it has %d×%d pixels where the network takes %d×%d", head.Width, head.Height, in.Width, in.Height)
	}
	decoded, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	rgba := image.NewRGBA(image.Rect(0, 0, in.Width, in.Height))
	draw.Draw(rgba, rgba.Rect, decoded, decoded.Bounds().Min, draw.Src)
	bgr := make([]byte, 0, 3*in.Width*in.Height)
	for p := rgba.Pix; len(p) > 0; p = p[4:] {
		bgr = append(bgr, p[2], p[1], p[0])
	}
	m, err := gocv.NewMatFromBytes(in.Height, in.Width, gocv.MatTypeCV8UC3, bgr)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return c.Classify(&m, image.Rect(0, 0, in.Width, in.Height))
}

// leader is the best score's index, and by how much it leads.
func leader(scores []float32) (best int, lead float32) {
	second := float32(math.Inf(-1))
	for i, s := range scores[1:] {
		if s > scores[best] {
			second, best = scores[best], i+1
		} else {
			second = max(second, s)
		}
	}
	return best, scores[best] - second
}

// References chooses reference pictures for a model's self-test among those it
// is offered. It belongs to one goroutine and must be closed.
type References struct {
	file    []byte
	model   *Classifier
	shrink  *prepare
	pixels  []byte
	byLabel [][]reference // by the best label, the clearest first
}

// NewReferences begins with a model's whole .tflite file.
func NewReferences(b []byte) (*References, error) {
	c, err := OpenBytes(b, Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	in := c.net.in
	plain := Input{Width: in.Width, Height: in.Height, Color: BGR, Std: [3]float32{1, 1, 1}, Type: graph.Uint8, Scale: 1}
	shrink, err := newPrepare(plain)
	if err != nil {
		c.Close()
		return nil, err
	}
	return &References{
		file: b, model: c, shrink: shrink,
		pixels: make([]byte, 3*in.Width*in.Height), byLabel: make([][]reference, len(c.labels)),
	}, nil
}

// Offer looks at the part roi of a picture (BGR, 8 bit). It is kept if the model
// is sure of it, surer than of others with the same label.
func (r *References) Offer(img *gocv.Mat, roi image.Rectangle) error {
	if err := r.shrink.run(img, roi, unsafe.Pointer(&r.pixels[0])); err != nil {
		return err
	}
	in := r.model.net.in
	picture := image.NewNRGBA(image.Rect(0, 0, in.Width, in.Height))
	for i := range in.Width * in.Height {
		p := r.pixels[3*i : 3*i+3]
		copy(picture.Pix[4*i:], []byte{p[2], p[1], p[0], 255})
	}
	var b bytes.Buffer
	fast := png.Encoder{CompressionLevel: png.BestSpeed} // a photograph hardly gets smaller by trying harder
	if err := fast.Encode(&b, picture); err != nil {
		return err
	}
	// What is tested later is what was decoded, so that is what counts.
	scores, err := r.model.scorePNG(b.Bytes())
	if err != nil {
		return err
	}
	ref := reference{Scores: append([]float32(nil), scores...), png: b.Bytes()}
	ref.label, ref.lead = leader(scores)
	ref.Label = r.model.labels[ref.label]
	if ref.lead < referenceClear {
		return nil
	}
	list := r.byLabel[ref.label]
	at := len(list)
	for at > 0 && ref.lead > list[at-1].lead {
		at--
	}
	list = append(list[:at:at], append([]reference{ref}, list[at:]...)...)
	r.byLabel[ref.label] = list[:min(len(list), maxReferences)]
	return nil
}

// Bytes returns the model's file with up to six of the pictures, of as many
// labels as there are, or without a self-test if the model was sure of none.
func (r *References) Bytes() ([]byte, error) {
	f, err := graph.Parse(r.file)
	if err != nil {
		return nil, err
	}
	test := selfTest{Tolerance: selfTestTolerance, LogOdds: selfTestLogOdds}
	for rank := range maxReferences {
		for _, list := range r.byLabel {
			if rank < len(list) && len(test.Pictures) < maxReferences {
				ref := list[rank]
				ref.File = fmt.Sprintf(selfTestPicture, len(test.Pictures)+1)
				test.Pictures = append(test.Pictures, ref)
			}
		}
	}
	if len(test.Pictures) == 0 {
		return r.file, nil
	}
	if f.Entry(SelfTestEntry) != nil {
		return nil, errors.New("the model has reference pictures already")
	}
	for _, ref := range test.Pictures {
		f.Packed = append(f.Packed, graph.Packed{Name: ref.File, Data: ref.png})
	}
	entry, err := json.Marshal(test)
	if err != nil {
		return nil, err
	}
	f.SetEntry(SelfTestEntry, entry)
	return f.Bytes()
}

// Close frees what lies outside Go's heap.
func (r *References) Close() {
	r.model.Close()
	r.shrink.close()
}
