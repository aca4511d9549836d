// Package dataset reads folders of labelled pictures, finds what is wrong with
// them and divides them for honest evaluation.
//
// A data set is a folder with a folder of pictures for each label. List names
// them, Examine remembers what matters of a decoded picture in some kilobytes,
// Groups tells from that which pictures show the same part, and Folds and
// Divide keep those together: an accuracy that comes from seeing the same part
// in training and in the test is none.
package dataset
