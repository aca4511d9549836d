// Package device drives outputs on the pins of a board: a level now, or a pulse
// at a moment in the future. It does not know what an output is for.
//
// A pin is a periph gpio.PinIO, from one of three boards: [OpenGPIO] (the pins
// of this machine), [OpenSimulated] (pins that exist only in memory and report
// every change) and [OpenPins] (any pins that periph can make, such as those
// of an I²C expander). [NewOutputs] makes outputs of some of them. An [Input]
// (a photo-eye) and an [Encoder] (how far the belt has moved) take their pins from the same Board,
// which gives each pin to one owner. A [SimulatedBelt] moves simulated pins as a belt would.
//
// # At rest
//
// An output is either active or at rest, and everything here errs on the side
// of rest: [NewOutputs], [Outputs.Safe] and [Outputs.Close] drive every output
// there, and an output whose pin failed goes there and stays until the pin
// obeys again. Wire it so that rest is what a dead Pi gives, that is,
// de-energized:
//
//   - Active-high, with a pull-down resistor of its own (10 kΩ) at the relay or
//     transistor. When the process dies, however it dies, the kernel may turn
//     a pin of the character device back into an input, or leave it as it was;
//     a pin that was driven through /dev/gpiomem stays as it was. No program
//     can help then: let the PLC watch a [Heartbeat].
//   - On GPIO9 to GPIO27. While a Pi boots it pulls these low, and GPIO0 to
//     GPIO8 high.
//   - Active-low only where the relay board leaves no choice: a Pi that boots,
//     or is off, or has been unplugged holds such an output active, and
//     periph's gpioioctl driver drives a line low for some microseconds when
//     it makes it an output, even if high was asked for.
//
// # Time
//
// Moments are [time.Time] values of this process's [time.Now] plus a duration, compared by
// their monotonic reading: setting the system's clock moves no pulse. A
// moment that was parsed or rounded has no such reading; don't pass one.
//
// An output is active exactly while its level is set or at least one of its
// pulses covers the moment; a pulse covers its start and not its end. So
// overlapping and touching pulses merge, and a short one inside a long one
// changes nothing. A train ([Output.PulseTrainAt]) is so many pulses, and merges as they do.
//
// A pulse ends when it was meant to end, however late it began: the part moves
// on, and what a late pulse hits is the next part. What can still be given is given, and
// [Output.PulseAt] says that it was cut ([ErrCut]) or that nothing was left ([ErrLate]).
//
// On the pins of this machine, pulses are timed by the kernel (timerfd) in a
// thread of their own, which sleeps until the moment and never spins. Measured
// on a shared two-core x86 VM, not on a Pi, without the driver's own time (TestJitter):
// edges come 20 to 70 µs late as a rule, also while every core is
// busy with other threads, such as those of TensorFlow Lite; 99 of 100 within half
// a millisecond in most runs, within 11 ms in the worst (docs/timing.md). That takes real-time
// priority, so give the service LimitRTPRIO=10; without it a busy CPU delays
// one edge in a hundred by 10 ms and more. What even that doesn't cover is Go code that computes on all
// of GOMAXPROCS for long: then an edge waits up to 20 ms for Go's own scheduler. The
// other boards use Go's timers, which are 0.6 ms late at best, and which move
// with the fake clock of a testing/synctest bubble. [Stats].MaxLag tells
// what a station really reaches.
//
// # Pins of periph
//
// What this package keeps to, because of the drivers in periph.io/x/host v3.8.5:
//
//   - An output is never read, nor asked for its Func: the gpioioctl driver
//     turns it into a pulled-up input. [Output] remembers its level itself, and
//     a simulated pin behaves as badly as the real one.
//   - Halt doesn't end an output's level, so it isn't used.
//   - The kernel keeps 16 edges of a line, and drops the oldest where more come before they
//     are fetched; the driver doesn't tell. So a single-channel [Encoder] is exact while
//     the program is not held up for 16 edges. Of two channels the order of edges is lost
//     between two lines, so a quadrature encoder looks at both levels: it is exact only while
//     the program is woken before the next edge, and [Encoder.Illegal] counts only jumps of two
//     edges: those of three or four it can't see. Where a belt only runs forward, take one channel.
//   - The driver allocates something for each edge. Nothing in this package does.
//   - Wait for an edge with a positive timeout: gpioioctl takes 0 as "for
//     ever" and -1 as "already over", the other way round than the interface.
package device
