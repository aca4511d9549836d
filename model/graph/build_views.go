package graph

import (
	"fmt"
	"slices"
)

// View is one way to look at a picture: transposed or not, then mirrored or not.
// The zero View is the picture as it is; the eight that there are are what
// turning by right angles and mirroring can make of it.
type View struct {
	Transpose bool // rows become columns
	LeftRight bool // mirrored: what was left is right
	TopBottom bool // mirrored: what was on top is below
}

// Turned is the view of a picture turned by 180°.
var Turned = View{LeftRight: true, TopBottom: true}

// Views lets the network see a square picture [1 s s c] in several ways at once:
// the first operators of the file make the views, all others work on a batch of
// them, so every computed tensor [1 …] becomes [v …], in the order of views. It
// wants a network without a head: whatever mixes positions with a fixed shape is
// an error, and the network is as it was. Resize comes before. The views cost next to nothing, the
// network behind them v times what it did.
func (m *Model) Views(views []View) error {
	if m.err != nil {
		return m.err
	}
	x, err := m.picture()
	if err != nil {
		return err
	}
	if len(views) == 0 {
		return fmt.Errorf("no views; at least one is needed")
	}
	if x.Shape[0] != 1 || x.Shape[1] != x.Shape[2] {
		return fmt.Errorf("input tensor %q has shape %v; [1 s s channels] is needed for views", x.Name, x.Shape)
	}
	if slices.Equal(views, []View{{}}) {
		return nil
	}
	// The shapes first: they tell whether the network can be run on a batch.
	shape := x.Shape
	if err := m.reshapeInput(x, append([]int32{int32(len(views))}, shape[1:]...)); err != nil {
		return fmt.Errorf("the network can't take %d views: %w", len(views), err)
	}
	setShape(x, shape)

	s := m.Subgraphs[0]
	network := s.Operators
	s.Operators = nil
	picture := s.Inputs[0]
	batch := m.stackViews(picture, views)
	for _, o := range network {
		for i, t := range o.Inputs {
			if t == picture {
				o.Inputs[i] = batch
			}
		}
	}
	s.Operators = append(s.Operators, network...)
	return m.err
}

// stackViews adds views of a picture [1 s s c] as a batch: [v s s c].
func (m *Model) stackViews(x int32, views []View) int32 {
	side, channels := m.dimension(x, 1), m.dimension(x, 3)
	transposed := int32(-1)
	var made []int32
	for i, v := range views {
		y, name := x, fmt.Sprintf("views/%d", i)
		if v.Transpose {
			if transposed < 0 {
				transposed = m.Transpose(x, "views/transposed", 0, 2, 1, 3)
			}
			y = transposed
		}
		switch {
		case v.LeftRight && v.TopBottom: // all positions in the other order
			row := m.reverse(m.Reshape(y, name+"/row", 1, -1, channels), 1, name+"/reversed")
			y = m.Reshape(row, name, 1, side, side, channels)
		case v.LeftRight:
			y = m.reverse(y, 2, name)
		case v.TopBottom:
			y = m.reverse(y, 1, name)
		}
		made = append(made, y)
	}
	if len(made) == 1 {
		return made[0]
	}
	return m.Stack(made, "views")
}
