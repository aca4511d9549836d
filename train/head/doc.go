// Package head fits small classifiers to the features of pictures.
//
// It knows numbers only: no picture, no network, no file.
package head
