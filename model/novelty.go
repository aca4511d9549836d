package model

import (
	"fmt"

	"passfail/model/graph"
)

// The names of the outputs that tell how unlike a model's training pictures a
// picture is.
const (
	NoveltyOutput    = "novelty"
	NoveltyMapOutput = "novelty_map"
)

// findNovelty finds the outputs of that name. A model of somebody else's may use
// the names for something else: then it has none.
func (c *Classifier) findNovelty() {
	c.novelty, c.noveltyMap = -1, -1
	for i, o := range c.net.outputs {
		if o.kind != graph.Float32 || i == c.index {
			continue
		}
		switch {
		case o.name == NoveltyOutput && len(o.values) == 1:
			c.novelty = i
		case o.name == NoveltyMapOutput && len(o.shape) == 4 && o.shape[0] == 1 && o.shape[3] == 1:
			c.noveltyMap = i
		}
	}
}

// HasNovelty says whether the model can tell that a picture is unlike all that
// it was trained on.
func (c *Classifier) HasNovelty() bool { return c.novelty >= 0 }

// Novelty returns how unlike the training's pictures the last one was that the
// network ran on: above 1 it is unlike them. ok is false when the model can't
// tell. Nothing is allocated.
func (c *Classifier) Novelty() (value float32, ok bool) {
	if c.novelty < 0 {
		return 0, false
	}
	return c.net.Output(c.novelty)[0], true
}

// NoveltyMap returns the novelty of each position of the last picture, row by
// row; it tells where the picture is unlike the training's. The slice is the classifier's own and
// is overwritten by the next call. It is nil when the model can't tell.
func (c *Classifier) NoveltyMap() (values []float32, rows, columns int) {
	if c.noveltyMap < 0 {
		return nil, 0, 0
	}
	shape := c.net.OutputShape(c.noveltyMap)
	return c.net.Output(c.noveltyMap), shape[1], shape[2]
}

// checkNovelty refuses a novelty that is none, of a picture that is like any.
func (c *Classifier) checkNovelty() error {
	if v, ok := c.Novelty(); ok && !(v >= 0) {
		return fmt.Errorf("output %q is %v; 0 or more is needed", NoveltyOutput, v)
	}
	return nil
}
