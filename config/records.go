package config

import (
	"fmt"
	"net"
	"time"
)

// History says what is kept of the parts that were inspected.
type History struct {
	Folder    string   `toml:"folder"`      // "": nothing is kept
	Days      int      `toml:"days"`        // what is older goes; 0: as long as there is room
	MaxMB     int      `toml:"max_mb"`      // rows and pictures together
	MinFreeMB int      `toml:"min_free_mb"` // what the file system must have left
	Quality   int      `toml:"quality"`     // of JPEG, 1..100
	Passes    float64  `toml:"passes"`      // the share of good parts whose picture is kept, 0..1; of others, all are
	Shifts    []string `toml:"shifts"`      // local times at which shifts begin
}

// Metrics says where Prometheus may ask.
type Metrics struct {
	Listen string `toml:"listen"` // host:port; "": nowhere
}

// API says where other programs may trigger and switch products.
type API struct {
	Listen string `toml:"listen"` // host:port; "": nowhere
}

func (h *History) check(k *checker) {
	k.whole("history.days", h.Days, 0, 36500)
	k.whole("history.max_mb", h.MaxMB, 16, 1<<24)
	k.whole("history.min_free_mb", h.MinFreeMB, 0, 1<<24)
	k.whole("history.quality", h.Quality, 1, 100)
	k.share("history.passes", h.Passes)
	before := ""
	for i, s := range h.Shifts {
		switch _, err := time.Parse("15:04", s); {
		case err != nil || len(s) != len("15:04"):
			k.bad(fmt.Sprintf("history.shifts[%d]", i), s, `a time of day is needed, such as "06:00"`)
		case s <= before && i > 0:
			k.bad(fmt.Sprintf("history.shifts[%d]", i), s, "it must come after %s: write the shifts in their order from midnight on", before)
		}
		before = s
	}
}

func (c *checker) address(key, value string) {
	if value == "" {
		return
	}
	if _, _, err := net.SplitHostPort(value); err != nil {
		c.bad(key, value, `a host and a port are needed, such as "127.0.0.1:9464", or ":9464" for all networks`)
	}
}
