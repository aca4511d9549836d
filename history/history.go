package history

import (
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"
)

// commitEvery is how much a power cut can lose.
const commitEvery = time.Second

// History records what is inspected. Its methods may be called by any goroutine.
type History struct {
	settings Settings
	disk     disk
	now      func() time.Time
	lock     *os.File

	mu        sync.Mutex // held for moments only: Record takes it
	tallies   *tallies
	rows      []Row // that wait; room for settings.Rows
	spare     []Row // of the same size
	next      int64 // ID of the next row; 0: not known yet, so no row is taken
	done      []picture
	noRows    bool // the disk has no room for them
	noPicture bool
	random    *rand.Rand
	stats     Stats
	closed    bool

	free, filled chan *slot

	writer  *writer
	stop    chan struct{}
	stopped sync.WaitGroup
}

// Stats is how a history is.
type Stats struct {
	Waiting      int    // rows
	Rows         uint64 // written since the start
	Pictures     uint64 // written since the start
	Commits      uint64
	Syncs        uint64 // waits for the disk that the history asked for: one a commit, one more with pictures
	RowBytes     int64  // that the database takes
	PictureBytes int64
	FreeBytes    int64     // on the file system
	Committed    time.Time // when last
	Fault        error     // what is wrong now, nil if all is well
}

// Open opens the history in a folder, or begins one. A database that can't be
// read is moved aside, and another begun; one that can't be written is tried again
// and again. Both are told to OnFault and are no errors: the line must inspect. It
// is an error if settings are wrong, the folder can't be made or another program
// records there.
func Open(s Settings) (*History, error) {
	h, err := open(s, systemDisk{}, time.Now)
	if err != nil {
		return nil, err
	}
	h.stopped.Add(1)
	go h.run()
	return h, nil
}

// open is Open without the goroutine that writes each second.
func open(s Settings, d disk, now func() time.Time) (*History, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(s.Dir, pictureFolder), 0o755); err != nil {
		return nil, fmt.Errorf("history %s: the folder can't be made: %w", s.Dir, err)
	}
	lock, err := takeLock(s.Dir)
	if err != nil {
		return nil, err
	}
	h := &History{
		settings: s, disk: d, now: now, lock: lock,
		tallies: newTallies(newShifts(s.Shifts, s.Location), now()),
		rows:    make([]Row, 0, s.Rows), spare: make([]Row, 0, s.Rows),
		random: rand.New(rand.NewPCG(uint64(now().UnixNano()), 1)),
		free:   make(chan *slot, s.Pictures), filled: make(chan *slot, s.Pictures),
		stop: make(chan struct{}),
	}
	for range s.Pictures {
		h.free <- &slot{pixels: make([]byte, 0, 3*s.Largest.X*s.Largest.Y)}
	}
	h.writer = newWriter(h)
	h.writer.prepare(now())
	h.stopped.Add(1)
	go h.encode()
	return h, nil
}

// takeLock keeps a second program from recording into the same folder.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("history %s: another program records there; stop it, or name another folder", dir)
		}
		return nil, fmt.Errorf("history %s: it can't be locked: %w", dir, err)
	}
	return f, nil
}

// Record keeps a part: it counts it, and copies the row and, where a picture is
// wanted, the part roi of img (BGR, 8 bit; nil: there is no picture), which it
// does not use after it has returned. It never waits and, but for a product's,
// label's or shift's first part, never allocates.
func (h *History) Record(r *Row, img *gocv.Mat, roi image.Rectangle) {
	id, wanted := h.enter(r, img != nil)
	if !wanted {
		return
	}
	select {
	case s := <-h.free:
		filled := s.fill(id, r, img, roi)
		h.filled <- s // there is room for every slot
		if filled {
			return
		}
	default:
	}
	h.count(DroppedPictures, r.Product)
}

// enter counts a row and queues it; wanted tells whether its picture is.
func (h *History) enter(r *Row, pictured bool) (id int64, wanted bool) {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.tallies.of(r.Product, now)
	p.count(r)
	if h.closed || h.noRows || h.next == 0 || len(h.rows) == cap(h.rows) {
		p.add(DroppedRows, 1)
		return 0, false
	}
	id = h.next
	h.next++
	h.rows = append(h.rows, *r)
	n := &h.rows[len(h.rows)-1]
	n.ID, n.Picture, n.Hash, n.Corrected = id, "", 0, ""
	if !pictured {
		return id, false
	}
	if r.Pass && !r.Unsure && !r.Unlike && r.Reason == Judged {
		// Samples leave half of the slots to those that matter more.
		if h.random.Float64() >= h.settings.Passes || 2*len(h.free) <= cap(h.free) {
			return id, false
		}
	}
	if h.noPicture {
		p.add(DroppedPictures, 1)
		return id, false
	}
	return id, true
}

// Count counts what is no part, or comes to light after Record: triggers without a
// part, overruns, what the sensor at the gate says.
func (h *History) Count(c Counter, product string) { h.count(c, product) }

func (h *History) count(c Counter, product string) {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tallies.of(product, now).add(c, 1)
}

// Snapshot returns the counters as they are now.
func (h *History) Snapshot() Snapshot {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tallies.snapshot(now)
}

// Stats returns how the history is.
func (h *History) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Waiting = len(h.rows)
	return s
}

// run writes once a second.
func (h *History) run() {
	defer h.stopped.Done()
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	start := time.Now()
	for {
		select {
		case <-tick.C:
			now := time.Now()
			h.writer.step(now, now.Sub(start))
		case <-h.stop:
			return
		}
	}
}

// Close writes what waits and closes the database. What is recorded meanwhile or
// later is dropped. The error is what could not be written.
func (h *History) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	h.mu.Unlock()
	close(h.stop)
	h.stopped.Wait() // pictures that wait are encoded
	err := h.writer.finish(h.now())
	return errors.Join(err, h.lock.Close())
}
