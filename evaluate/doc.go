// Package evaluate says how well scores tell good parts from bad ones, and how
// sure one can be of that.
//
// It is arithmetic on a [Sample]: pictures whose truth is known, each with the
// scores that a model gave it. It knows no model and no pictures. Scores should
// come from a model that was not trained on the picture: out-of-fold ones of a
// cross-validation, or those of pictures that were held out.
//
// A bad part is the positive case throughout: an escape is a bad part that
// passed, overkill a good part that failed. Every rate comes with the interval
// that holds the true one in 95 of 100 cases. It is wide when pictures are few,
// and pictures of one part count as little more than one.
package evaluate
