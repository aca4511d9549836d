package history

import "sync"

// faultKind is something that can go wrong for a while.
type faultKind int

const (
	faultDatabase faultKind = iota
	faultPicture
	faultSpace
	faultKinds
)

// faults tells of each kind once that it began, and once that all is well again.
type faults struct {
	tell func(error) // may be nil

	mu  sync.Mutex
	now [faultKinds]error
}

// set notes how a kind is; nil: well.
func (f *faults) set(kind faultKind, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.now[kind]
	f.now[kind] = err
	if f.tell == nil || (before == nil) == (err == nil) {
		return
	}
	if err != nil {
		f.tell(err)
	} else if f.any() == nil {
		f.tell(nil)
	}
}

// once tells what has happened and is over.
func (f *faults) once(err error) {
	if f.tell != nil {
		f.tell(err)
	}
}

// any is one of what is wrong.
func (f *faults) any() error {
	for _, err := range f.now {
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *faults) present() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.any()
}
