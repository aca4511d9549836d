// Package feature turns pictures into the numbers that a head is fitted to.
//
// The way from a picture to a feature is never written twice: the base's own
// graph is extended by the pooling that the finished model will have, and run by
// the code that serves on the line. So a head can't meet other features in
// service than in training.
//
// What was computed once is kept on disk, by the picture's hash and by all that
// decides what comes out; a training that begins again does not run the network
// again.
package feature
