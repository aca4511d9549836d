package device

import "errors"

// What [Output.Set] and [Output.PulseAt] may say, for errors.Is.
var (
	// ErrLate: the pulse's whole time was past; it was not given.
	ErrLate = errors.New("too late")
	// ErrCut: the pulse's start was past by more than a millisecond; it is given
	// until its end, so shorter than asked for.
	ErrCut = errors.New("cut short")
	// ErrFull: too many pulses are waiting; this one will not be given.
	ErrFull = errors.New("queue full")
	// ErrSafe: the outputs were made safe, and Resume hasn't been called.
	ErrSafe = errors.New("outputs are in their safe state")
	// ErrClosed: the outputs are closed.
	ErrClosed = errors.New("outputs are closed")
	// ErrFault: the output's pin can't be driven. It is being driven to rest again and again.
	ErrFault = errors.New("pin can't be driven")
)
