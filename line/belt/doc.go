// Package belt keeps the parts that are under way between a photo-eye and a
// reject gate: which frame shows which part, which verdict is whose, and what
// the gate must do for it.
//
// It is bookkeeping only. It has no clock, moves no pin and starts nothing; who
// calls it says where the belt is. So the same code serves a belt that is
// followed by time and one that is followed by an encoder.
//
// # Axes
//
// Places are [Position] values on two axes, each of them either time
// (nanoseconds of a monotonic clock since any epoch) or counts of an encoder:
//
//   - the gate's axis: how far a part has travelled from the photo-eye to the gate;
//   - the camera's axis: when, or where, a frame shows a part.
//
// Without an encoder both are time. With one the gate's axis is its counts; the
// camera's should be too where the belt may stop between the photo-eye and the
// camera: a part that waits there is not in the picture yet, however long ago its
// edge was.
//
// # A part's way
//
// [Belt.Enter] makes a part of an edge, [Belt.Frame] says whose a frame is,
// [Belt.Decide] takes the verdict, and [Belt.Advance] tells what becomes of each
// part when it reaches its decision point, some way before the gate. It tells
// that of each part exactly once and in the order in which they came. A part that
// has no verdict by then fails: it was late, or no frame showed it.
//
// A refused edge (nearer than the minimum distance, or behind) is a part that
// was counted already. An edge for which there is no room is a part that nobody
// knows: it is pushed together with the one before it.
//
// # The gate
//
// A gate needs time to move, so parts nearer to each other than
// Settings.GateGap can't be told apart by it. Between two bad ones it stays where
// it is. A good part near a bad one passes ([Hold]), though the gate may touch it,
// or is pushed too ([Reject]).
//
// [Confirm] is for a sensor behind the gate: which pushed part did not come, and
// which came unbidden.
package belt
