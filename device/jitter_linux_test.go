package device

import (
	"os"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// jitterWay is a way to time pulses.
type jitterWay struct {
	name   string
	exact  bool // by the kernel's timer, in a thread of its own
	policy uint32
	nice   int32
	lock   bool
	spare  int // so many more of GOMAXPROCS than usual
}

var jitterWays = []jitterWay{
	{name: "Go's timer"},
	{name: "kernel's timer", exact: true, policy: unix.SCHED_NORMAL},
	{name: "… nice -20", exact: true, policy: unix.SCHED_NORMAL, nice: -20},
	{name: "… SCHED_FIFO", exact: true, policy: unix.SCHED_FIFO},
	{name: "… SCHED_FIFO, mlockall", exact: true, policy: unix.SCHED_FIFO, lock: true},
	{name: "… SCHED_FIFO, GOMAXPROCS + 1", exact: true, policy: unix.SCHED_FIFO, spare: 1},
}

// prepare gives the scheduler's thread what the way says, and waits until it is
// there. The thread is the one that has taken real-time priority.
func (w jitterWay) prepare(t *testing.T) (undo func()) {
	undo = func() {}
	if !w.exact {
		return undo
	}
	thread := 0
	for deadline := time.Now().Add(time.Second); thread == 0; {
		if time.Now().After(deadline) {
			t.Fatal("no thread has real-time priority: run as root")
		}
		thread = realTimeThread(t)
	}
	if w.policy != unix.SCHED_FIFO {
		attr := unix.SchedAttr{Size: uint32(unsafe.Sizeof(unix.SchedAttr{})), Policy: w.policy, Nice: w.nice}
		if err := unix.SchedSetAttr(thread, &attr, 0); err != nil {
			t.Fatal(err)
		}
	}
	if w.lock {
		if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
			t.Fatal(err)
		}
		undo = func() { _ = unix.Munlockall() }
	}
	return undo
}

func realTimeThread(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		id, _ := strconv.Atoi(e.Name())
		if attr, err := unix.SchedGetAttr(id, 0); err == nil && attr.Policy == unix.SCHED_FIFO {
			return id
		}
	}
	return 0
}
