package line

import (
	"fmt"
	"time"

	"passfail/capture"
)

// Health tells from beside a running line whether it gets on. It believes only
// what was done: a frame that was inspected, or, while the camera is lost, a try
// to open it. So a line that hangs in the network or in a pin is found out, a
// camera's watchdog that died, and readers that are all stuck in the driver;
// an empty belt or a missing camera is no illness. One goroutine may use it.
type Health struct {
	look  func() signs
	frame time.Duration // the camera is lost, or there is a frame, within this time
	try   time.Duration // a lost camera is tried again within this time

	before signs
	sign   time.Time // when the last sign of life was seen
}

// signs is what counts while a line works.
type signs struct {
	started  uint64 // frames that were kept to be judged; 0 where each is judged at once
	finished uint64
	camera   capture.Stats
}

// NewHealth makes the health of a line that begins now.
func NewHealth(l *Line, now time.Time) *Health {
	frame, try := l.Camera.Patience()
	camera := l.Camera
	return newHealth(func() signs { return l.signs(camera.Stats()) }, frame, try, now)
}

func (l *Line) signs(camera capture.Stats) signs {
	return signs{l.started.Load(), l.finished.Load(), camera}
}

func newHealth(look func() signs, frame, try time.Duration, now time.Time) *Health {
	return &Health{look: look, frame: frame, try: try, before: look(), sign: now}
}

// Check returns what keeps the line from inspecting, nil if nothing does.
func (h *Health) Check(now time.Time) error {
	s, before := h.look(), h.before
	h.before = s
	silent := now.Sub(h.sign)
	switch {
	case s.finished != before.finished:
		h.sign = now
	case s.started > s.finished && before.started > before.finished:
		return fmt.Errorf("the inspection of a part hangs; the last sign of life was %v ago", silent.Round(time.Millisecond))
	case s.started == 0 && s.camera.Judged > s.finished && s.camera.Judged == before.camera.Judged: // whatever the camera does meanwhile
		return fmt.Errorf("the inspection of a frame hangs; the last sign of life was %v ago", silent.Round(time.Millisecond))
	case s.camera.Tries != before.camera.Tries:
		h.sign = now
	case s.camera.Lost && silent > h.try:
		return fmt.Errorf("the camera is lost (%s), and has not been tried again for %v", s.camera.Reason, silent.Round(time.Millisecond))
	case !s.camera.Lost && silent > h.frame:
		if s.started > 0 {
			return fmt.Errorf("no frame was judged for %v, and the camera was not found lost", silent.Round(time.Millisecond))
		}
		return fmt.Errorf("no frame for %v, and the camera was not found lost", silent.Round(time.Millisecond))
	}
	return nil
}
