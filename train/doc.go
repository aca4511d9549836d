// Package train teaches a frozen base network a user's own classes.
//
// From folders of labelled pictures it makes one .tflite file: it looks at the
// pictures, tries bases, input sizes and ways of turning the pictures, fits a
// head to each one's features, chooses by cross-validation, and says honestly
// how good the result is. The parts of it are packages of their own: dataset,
// feature, head.
package train
