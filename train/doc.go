// Package train gives a frozen base network a new head for the user's own classes.
//
// The way from a picture to a feature is never written twice: the base's own
// graph is extended by the pooling that the finished model will have, and the
// head is fitted to what that graph gives, run by the code that serves on the
// line. So a head can't meet other features in service than in training.
//
// So far the head is linear: class-balanced, regularized logistic regression.
package train
