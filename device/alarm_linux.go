package device

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelAlarm blocks a thread of its own on a timerfd. Go's timers, on Linux, sleep
// in whole milliseconds; this wakes within some tens of microseconds, without
// spinning, which would heat a Pi.
type kernelAlarm struct {
	fd    int
	poked atomic.Bool
	ticks [8]byte // number of expirations; used by wait only
}

func newKernelAlarm() (*kernelAlarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a kernel timer: %w", err)
	}
	return &kernelAlarm{fd: fd}, nil
}

// begin takes the thread for this goroutine, so that it can have a priority
// above the threads that compute. The thread ends with the goroutine.
func (a *kernelAlarm) begin() error {
	runtime.LockOSThread()
	attr := unix.SchedAttr{
		Size:     uint32(unsafe.Sizeof(unix.SchedAttr{})),
		Policy:   unix.SCHED_FIFO,
		Flags:    unix.SCHED_FLAG_RESET_ON_FORK,
		Priority: 10, // above all ordinary threads, below the kernel's interrupt threads (50)
	}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		return fmt.Errorf("no real-time priority for pulses, so a busy CPU may delay them by milliseconds: %w; allow it by LimitRTPRIO=10 in the systemd unit", err)
	}
	return nil
}

func (a *kernelAlarm) set(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))} // 0 would disarm it
	_ = unix.TimerfdSettime(a.fd, 0, &spec, nil)                          // fails only for a bad fd or address
}

func (a *kernelAlarm) wait(d time.Duration) {
	a.set(d) // also forgets what has expired
	if a.poked.Swap(false) {
		return // the poke's set may have come before this one
	}
	_, _ = unix.Read(a.fd, a.ticks[:]) // however it ends, the scheduler looks again
	a.poked.Store(false)
}

func (a *kernelAlarm) poke() {
	a.poked.Store(true)
	a.set(0)
}

func (a *kernelAlarm) close() { _ = unix.Close(a.fd) }

// newAlarm gives an alarm of the kernel's exactness, or one of Go's timers.
func newAlarm(exact bool) (alarm, error) {
	if exact {
		return newKernelAlarm()
	}
	return newTimerAlarm(), nil
}
