// Package report tells people what a training or an evaluation came to: as text
// for the terminal, as JSON for programs, and as one HTML file that needs
// nothing but itself.
//
// A [Report] holds plain values, and whoever has them fills it in. What is
// missing is left out. The text and the page begin with what it means for the
// line, in words; figures follow.
package report
