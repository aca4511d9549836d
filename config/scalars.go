package config

import (
	"fmt"
	"image"
	"strconv"
	"time"
)

// Duration is a length of time, written with its unit: "250ms", "1.5s".
type Duration time.Duration

// String writes it as it is read.
func (d Duration) String() string { return time.Duration(d).String() }

// Rect is a part of a picture, in pixels from its top left corner.
type Rect struct {
	X      int `toml:"x"`
	Y      int `toml:"y"`
	Width  int `toml:"width"`
	Height int `toml:"height"`
}

// Rectangle is the same in Go's terms; that of nil is empty.
func (r *Rect) Rectangle() image.Rectangle {
	if r == nil {
		return image.Rectangle{}
	}
	return image.Rect(r.X, r.Y, r.X+r.Width, r.Y+r.Height)
}

func parseDuration(v any) (Duration, error) {
	s, ok := v.(string)
	if !ok {
		return 0, fmt.Errorf("a time needs a unit, in quotes: \"%vms\" or \"%vs\"", v, v)
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		if _, isNumber := strconv.ParseFloat(s, 64); isNumber == nil {
			return 0, fmt.Errorf("a time needs a unit: \"%sms\" or \"%ss\"", s, s)
		}
		return 0, fmt.Errorf(`not a time; write "250ms", "1.5s" or "2m"`)
	}
	return Duration(d), nil
}
