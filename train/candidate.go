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

// String is such as "efficientnet_lite0 at 256, 2 views, taught in 8 variants".
func (c *candidate) String() string {
	s := fmt.Sprintf("%s at %d", c.network.Name, c.network.Size)
	if len(c.serve) > 1 {
		s += fmt.Sprintf(", %d views", len(c.serve))
	}
	if len(c.teach) > 1 {
		s += fmt.Sprintf(", taught in %d variants", len(c.teach))
	}
	return s
}

// standardCost is that of MobileNetV2 without classifier at 224 pixels, in
// multiplications with an addition.
const standardCost = 299.5e6

// teachings are the variants that can teach, from the fewest to the most.
func (a Augment) teachings() [][]feature.Variant {
	none := []feature.Variant{{}}
	half := []feature.Variant{{}, {Turn: 3}}
	mirrors := []feature.Variant{{}, {Turn: 3}, {Turn: 1}, {Turn: 2}}
	jitter := []feature.Variant{{}, {Jitter: 1}, {Jitter: 2}, {Jitter: 3}}
	all := slices.Clone(mirrors)
	for i := range 4 {
		all = append(all, feature.Variant{Turn: mirrors[i].Turn, Jitter: i + 1})
	}
	switch a {
	case AugmentNone:
		return [][]feature.Variant{none}
	case AugmentTurns:
		return [][]feature.Variant{mirrors}
	case AugmentJitter:
		return [][]feature.Variant{jitter}
	case AugmentAll:
		return [][]feature.Variant{all}
	}
	_ = half
	return [][]feature.Variant{none, mirrors, jitter, all}
}

// servings are the sets of turns that a model taught in these variants may see.
func servings(teach []feature.Variant) [][]feature.Turn {
	list := [][]feature.Turn{{0}}
	if slices.Contains(teach, feature.Variant{Turn: 3}) {
		list = append(list, []feature.Turn{0, 3})
	}
	return list
}

// networks makes the base networks that the options allow, the most promising
// first.
func (o *Options) networks() ([]*feature.Network, error) {
	names := o.Bases
	sizes := o.Sizes
	var list []*feature.Network
	if names == nil {
		names = []string{"efficientnet_lite0", "mobilenet_v2"}
	}
	for _, name := range names {
		b, err := base.Read(name)
		if err != nil {
			return nil, err
		}
		f, err := graph.Parse(b)
		if err != nil {
			return nil, fmt.Errorf("base network %s: %w", name, err)
		}
		tried := sizes
		if tried == nil {
			tried = []int{256, 224, 320}
			if own := int(f.Model.Shape(f.Model.Subgraphs[0].Inputs[0])[1]); own != 224 {
				tried = []int{own} // made for that size
			}
		}
		short := strings.TrimSuffix(filepath.Base(name), ".tflite")
		for _, size := range tried {
			n, err := feature.NewNetwork(short, b, size, describe)
			if err != nil {
				return nil, err
			}
			if n.MultiplyAdds() <= int64(o.MaxCost*standardCost) {
				list = append(list, n)
			}
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no base network costs at most %v × MobileNetV2 at 224 pixels: allow more, or name a smaller size", o.MaxCost)
	}
	return list, nil
}
