package model

import (
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"os"

	"gocv.io/x/gocv"
)

// maxFile bounds a model file's size; VGG16 with its own head has 550 MB in
// float32 and nobody inspects with that.
const maxFile = 1 << 30

// Classifier is an opened model that gives each of its labels a score in 0..1.
// It belongs to one goroutine at a time and must be closed.
type Classifier struct {
	net       *Network
	labels    []string
	index     int // of the output with the scores
	logits    bool
	scores    []float32
	threshold float64 // that the file carries; 0: none

	novelty, noveltyMap int // outputs; −1: there is none
}

// Prediction is a label and its score, 0..1.
type Prediction struct {
	Label string
	Score float32
}

// Open opens a .tflite classifier and checks it by running it once.
func Open(path string, o Options) (*Classifier, error) {
	b, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	side, err := readSidecar(path)
	if err != nil {
		return nil, err
	}
	c, err := newClassifier(b, side, o)
	if errors.Is(err, errUndescribed) {
		err = describeError(path)
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return c, nil
}

// OpenBytes opens a classifier that is a whole .tflite file in memory.
func OpenBytes(b []byte, o Options) (*Classifier, error) {
	c, err := newClassifier(b, nil, o)
	if errors.Is(err, errUndescribed) {
		err = errors.New("the model lacks normalization or labels in its TFLite Metadata")
	}
	return c, err
}

// IsFile tells whether a file looks like a TensorFlow Lite model, by its first
// bytes. One that can't be read does not.
func IsFile(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [8]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && string(head[4:]) == "TFL3"
}

// ReadFile reads a model file of a sane size.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("model %s: not a file of up to %d MB", path, maxFile>>20)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return b, nil
}

func newClassifier(b []byte, side *Sidecar, o Options) (*Classifier, error) {
	net, err := OpenNetwork(b, side, o)
	if err != nil {
		return nil, err
	}
	c := &Classifier{net: net, logits: side != nil && side.Scores == "logits"}
	if c.index, c.labels, err = scoresOf(net.file, net.outputs, side); err == nil {
		c.scores = make([]float32, len(c.labels))
		c.findNovelty()
		if c.threshold, err = ThresholdOf(net.file); err == nil {
			err = c.try()
		}
	}
	if errors.Is(err, errUndescribed) && net.isBase() {
		err = errors.New("this is a base network, which has no labels yet: train a model on it")
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// try runs the network on a gray picture: what comes out must be scores. It
// also makes the first real part as fast as the second.
func (c *Classifier) try() error {
	in := c.net.in
	gray := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(127, 127, 127, 0), in.Height, in.Width, gocv.MatTypeCV8UC3)
	defer gray.Close()
	if _, err := c.Classify(&gray, image.Rect(0, 0, in.Width, in.Height)); err != nil {
		return err
	}
	return c.checkNovelty()
}

// Labels are the classes in the order of the scores. The caller must not change it.
func (c *Classifier) Labels() []string { return c.labels }

// Input says how pictures are prepared.
func (c *Classifier) Input() Input { return c.net.in }

// Classify scores the part roi of img (BGR, 8 bit). The scores are in the order
// of Labels, each in 0..1; the slice is the classifier's own and is overwritten
// by the next call. Nothing is allocated unless the size of roi changes.
func (c *Classifier) Classify(img *gocv.Mat, roi image.Rectangle) ([]float32, error) {
	if err := c.net.Load(img, roi); err != nil {
		return nil, err
	}
	if err := c.net.Invoke(); err != nil {
		return nil, err
	}
	return c.Scores()
}

// Load is the first step of Classify: the picture into the input tensor.
func (c *Classifier) Load(img *gocv.Mat, roi image.Rectangle) error { return c.net.Load(img, roi) }

// Invoke is the second step of Classify: the network itself.
func (c *Classifier) Invoke() error { return c.net.Invoke() }

// slack is how far a probability may be outside 0..1: an 8-bit score can be a
// step off.
const slack = 1.0 / 128

// Scores is the third step of Classify: the output tensor as scores. It is an
// error if they are none.
func (c *Classifier) Scores() ([]float32, error) {
	raw := c.net.Output(c.index)
	for i, v := range raw {
		if v != v || math.IsInf(float64(v), 0) || !c.logits && (v < -slack || v > 1+slack) {
			return nil, fmt.Errorf("the score of %q is %v, not in 0..1", c.labels[len(c.labels)-len(raw)+i], v)
		}
	}
	switch {
	case c.logits && len(raw) == 1:
		c.scores[1] = float32(1 / (1 + math.Exp(-float64(raw[0]))))
		c.scores[0] = 1 - c.scores[1]
	case c.logits:
		softmax(c.scores, raw)
	case len(raw) == 1:
		// One sigmoid for two classes is the second's, as Keras trains it.
		c.scores[1] = min(max(raw[0], 0), 1)
		c.scores[0] = 1 - c.scores[1]
	default:
		for i, v := range raw {
			c.scores[i] = min(max(v, 0), 1)
		}
	}
	return c.scores, nil
}

func softmax(dst, logits []float32) {
	most := logits[0]
	for _, v := range logits {
		most = max(most, v)
	}
	sum := 0.0
	for i, v := range logits {
		e := math.Exp(float64(v - most))
		dst[i] = float32(e)
		sum += e
	}
	for i := range dst {
		dst[i] = float32(float64(dst[i]) / sum)
	}
}

// Top puts the k best of scores into dst, the best first, and returns it. With
// room for k in dst nothing is allocated.
func (c *Classifier) Top(scores []float32, k int, dst []Prediction) []Prediction {
	dst = dst[:0]
	for i, s := range scores {
		at := len(dst)
		for at > 0 && s > dst[at-1].Score {
			at--
		}
		if at >= k {
			continue
		}
		if len(dst) < k {
			dst = append(dst, Prediction{})
		}
		copy(dst[at+1:], dst[at:])
		dst[at] = Prediction{c.labels[i], s}
	}
	return dst
}

// Close frees what lies outside Go's heap.
func (c *Classifier) Close() { c.net.Close() }
