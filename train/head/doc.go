// Package head fits small classifiers to the features of pictures.
//
// A head is a kernel machine: it compares a picture's features with those of the
// pictures that taught it, by exp(−width · distance), and adds up what those
// speak for. The weights are the least-squares solution with a ridge, known also as
// a least-squares support vector machine or as the mean of a Gaussian process.
// It has a closed form, and so has what it would say of pictures that had not
// taught it, which makes cross-validation cheap.
//
// The package knows numbers only: no picture, no network, no file.
package head
