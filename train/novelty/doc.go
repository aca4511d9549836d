// Package novelty learns what good parts look like, from pictures of good parts
// only.
//
// It watches one of the base's middle maps, the finest one. A [Descriptor] makes
// a description of it: the map averaged over 3×3 positions at every second one
// and projected to a few dimensions, by fixed random directions, and the mean
// and deviation of each channel over all positions. A [Fitter] collects the
// descriptions of the training's pictures and fits to them, for every position
// and for the whole, a mean, the directions in which good parts vary, and how
// much they vary in all others. What lies further away than held-out good parts
// do is unlike them.
//
// Position by position it sees a scratch, a chip, a missing hole; as a whole it
// sees that light, focus or product are others. The [Model] of both adds itself
// to a .tflite graph: as the judge of a model that has seen good parts only, or as the guard
// of one that knows classes, against pictures unlike any that it was trained on.
package novelty
