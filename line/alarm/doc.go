// Package alarm keeps what needs a person at the line: what it is, since when,
// and what to do. It knows what an alarm means for the line (go on, or
// stop), and neither pins nor who looks at it.
//
// An alarm is on while its cause lasts. A latched one stays after that until somebody has seen to it and
// resets it. There is one alarm of a kind at a time: the same cause again changes its text and counts it.
package alarm
