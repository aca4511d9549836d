package history

import (
	"fmt"
	"image"
	"time"
)

// Settings of a history. Those of Defaults are good for most stations.
type Settings struct {
	Dir string // made where missing

	Keep     time.Duration // rows and pictures older than this go, unless a person corrected them; 0: age does not matter
	MaxBytes int64         // for rows and pictures; 0: only MinFree limits them
	MinFree  int64         // bytes that stay free on the file system

	Quality int     // of pictures, 1..100 as JPEG has it
	Passes  float64 // 0..1, the share of passed parts whose picture is kept; fails, unsure and unlike parts are always

	Shifts   []time.Duration // when shifts begin, from local midnight, ascending; empty: one shift a day, from midnight
	Location *time.Location  // whose local time; nil: the machine's

	Rows     int         // that may wait to be written
	Pictures int         // that may wait to be encoded
	Largest  image.Point // pixels of the largest region of interest; a larger one makes room once, by allocating

	// OnFault is told when something begins to go wrong, and nil when all is well
	// again. It is called by the history's own goroutines, and must not wait. May
	// be nil.
	OnFault func(error)
}

// Defaults are the settings of a history in dir.
func Defaults(dir string) Settings {
	return Settings{
		Dir: dir, Keep: 90 * 24 * time.Hour, MaxBytes: 4 << 30, MinFree: 512 << 20, Quality: 90, Passes: 0.02,
		Rows: 4096, Pictures: 12, Largest: image.Pt(640, 480),
	}
}

func (s Settings) check() error {
	switch {
	case s.Dir == "":
		return fmt.Errorf("history: no folder is named")
	case s.Keep < 0 || s.MaxBytes < 0 || s.MinFree < 0:
		return fmt.Errorf("history: keep %v, at most %d bytes, %d bytes free: none can be negative", s.Keep, s.MaxBytes, s.MinFree)
	case s.Quality < 1 || s.Quality > 100:
		return fmt.Errorf("history: picture quality %d: 1 to 100 is possible", s.Quality)
	case !(s.Passes >= 0 && s.Passes <= 1):
		return fmt.Errorf("history: pictures of %v of the passed parts: 0 to 1 is possible", s.Passes)
	case s.Rows < 1 || s.Pictures < 1:
		return fmt.Errorf("history: queues for %d rows and %d pictures: each needs room for one", s.Rows, s.Pictures)
	case s.Largest.X < 0 || s.Largest.Y < 0:
		return fmt.Errorf("history: largest region %v: it can't be negative", s.Largest)
	}
	for i, at := range s.Shifts {
		if at < 0 || at >= 24*time.Hour || i > 0 && at <= s.Shifts[i-1] {
			return fmt.Errorf("history: shift %d begins %v after midnight: within a day and after the one before it is possible", i+1, at)
		}
	}
	return nil
}
