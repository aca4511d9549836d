package train

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"passfail/model/base"
	"passfail/model/graph"
	"passfail/train/feature"
)

// candidate is one way to make the model.
type candidate struct {
	network *feature.Network
	teach   []feature.Variant // the first is the picture as it is
	serve   []feature.Turn    // the turns that the model sees, the picture as it is first
	cost    float64           // of judging a part, in units of MobileNetV2 at 224 pixels
}

// String is such as "efficientnet_lite0 at 256, 2 views, taught turned and
// mirrored".
func (c *candidate) String() string {
	s := fmt.Sprintf("%s at %d", c.network.Name, c.network.Size)
	if len(c.serve) > 1 {
		s += fmt.Sprintf(", %d views", len(c.serve))
	}
	turns, jitter := map[feature.Turn]bool{}, false
	for _, v := range c.teach {
		turns[v.Turn] = true
		jitter = jitter || v.Jitter > 0
	}
	switch len(turns) {
	case 1:
	case 2:
		s += ", taught turned"
	default:
		s += ", taught turned and mirrored"
	}
	if jitter {
		s += ", taught jittered"
	}
	return s
}

// standardCost is that of MobileNetV2 without classifier at 224 pixels, in
// multiplications with an addition.
const standardCost = 299.5e6

// The sets of variants that can teach.
var (
	plain   = []feature.Variant{{}}
	turned  = []feature.Variant{{}, {Turn: 3}}                       // by 180°
	mirrors = []feature.Variant{{}, {Turn: 3}, {Turn: 1}, {Turn: 2}} // and mirrored
	shots   = []feature.Variant{{}, {Jitter: 1}, {Jitter: 2}}
	both    = []feature.Variant{{}, {Turn: 3}, {Jitter: 1}, {Turn: 3, Jitter: 2}}
)

// teachings are the sets of variants that may teach, the plainest first.
func (a Augment) teachings() [][]feature.Variant {
	switch a {
	case AugmentNone:
		return [][]feature.Variant{plain}
	case AugmentTurns:
		return [][]feature.Variant{turned, mirrors}
	case AugmentJitter:
		return [][]feature.Variant{shots}
	case AugmentAll:
		return [][]feature.Variant{both}
	}
	return [][]feature.Variant{plain, turned, mirrors, shots, both}
}

// servings are the sets of turns that a model taught in these variants may see.
func servings(teach []feature.Variant) [][]feature.Turn {
	list := [][]feature.Turn{{0}}
	if slices.Contains(teach, feature.Variant{Turn: 3}) {
		list = append(list, []feature.Turn{0, 3})
	}
	return list
}

// usualSizes are the input sizes that are tried where none are named: from the
// first one on, larger or smaller as long as that serves.
var usualSizes = []int{192, 224, 256, 320, 384}

const firstSize = 256

// basis is a base network that may be tried.
type basis struct {
	name  string // without folder and ending
	file  []byte
	sizes []int // ascending: those that the options allow and that do not cost too much
}

// start is the index of the largest of its sizes up to most, or of the smallest.
func (b basis) start(most int) int {
	at := 0
	for i, size := range b.sizes {
		if size <= most {
			at = i
		}
	}
	return at
}

// bases are those that the options allow, the most promising first.
func (o *Options) bases() ([]basis, error) {
	names := o.Bases
	if names == nil {
		names = []string{"efficientnet_lite0", base.Default}
	}
	var list []basis
	for _, name := range names {
		b, err := base.Read(name)
		if err != nil {
			return nil, err
		}
		f, err := graph.Parse(b)
		if err != nil {
			return nil, fmt.Errorf("base network %s: %w", name, err)
		}
		input := f.Model.Subgraphs[0].Inputs[0]
		own := int(f.Model.Shape(input)[1])
		sizes := slices.Clone(o.Sizes)
		if sizes == nil {
			sizes = usualSizes
			if f.Resize(firstSize) != nil {
				sizes = []int{own} // it can't be resized
			}
		}
		slices.Sort(sizes)
		k := basis{name: strings.TrimSuffix(filepath.Base(name), ".tflite"), file: b}
		shape := f.Model.Shape(input)
		cost := float64(feature.MultiplyAdds(f.Model)) / float64(shape[1]*shape[2]) // of a pixel
		for _, s := range slices.Compact(sizes) {
			if cost*float64(s*s) <= o.MaxCost*standardCost {
				k.sizes = append(k.sizes, s)
			}
		}
		if len(k.sizes) > 0 {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no base network costs at most %v × MobileNetV2 at 224 pixels: allow more, or name a smaller size", o.MaxCost)
	}
	return list, nil
}
