package feature

import "passfail/model/graph"

// MultiplyAdds is how many multiplications with an addition a network's
// convolutions take for one picture: what it costs, whatever the machine.
func MultiplyAdds(m *graph.Model) int64 {
	sub := m.Subgraphs[0]
	total := int64(0)
	for _, o := range sub.Operators {
		switch m.Op(o) {
		case graph.OpConv2D, graph.OpDepthwiseConv2D, graph.OpFullyConnected:
		default:
			continue
		}
		results := int64(1)
		for _, d := range sub.Tensors[o.Outputs[0]].Shape {
			results *= int64(d)
		}
		// Weights are [out h w in], of a depthwise convolution [1 h w out], of a
		// dense layer [out in].
		terms := int64(1)
		shape := sub.Tensors[o.Inputs[1]].Shape
		if m.Op(o) == graph.OpDepthwiseConv2D {
			shape = shape[:3]
		}
		for _, d := range shape[1:] {
			terms *= int64(d)
		}
		total += results * terms
	}
	return total
}
