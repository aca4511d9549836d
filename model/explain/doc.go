// Package explain shows where in a picture a classifier finds what it says.
//
// It hides the picture piece by piece, behind a copy of itself without its
// details, and sees how much the score suffers (occlusion sensitivity). That
// asks nothing of the model but to be run, so that it works for a head of any
// kind and for models of other tools. It costs some 125 runs of the network.
package explain
