package feature

import "passfail/model/graph"

// Views are turns as the network's own graph makes them.
func Views(turns []Turn) []graph.View {
	views := make([]graph.View, len(turns))
	for i, t := range turns {
		views[i] = graph.View{Transpose: t&Transpose != 0, LeftRight: t&MirrorX != 0, TopBottom: t&MirrorY != 0}
	}
	return views
}
