package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// console writes log lines to a terminal and keeps a status line below them;
// to anything else it just writes. Any goroutine may use it.
type console struct {
	mu       sync.Mutex
	out      *os.File
	terminal bool
	status   string
}

func newConsole(out *os.File) *console {
	return &console{out: out, terminal: term.IsTerminal(int(out.Fd()))}
}

const eraseLine = "\r\x1b[K"

// colours are what makes a verdict stand out on a terminal; it is a word all the
// same, for whom red and green are alike.
var colours = strings.NewReplacer(
	"verdict=pass", "\x1b[1;32mverdict=pass\x1b[0m",
	"verdict=fail", "\x1b[1;31mverdict=fail\x1b[0m",
	"level=ERROR", "\x1b[1;31mlevel=ERROR\x1b[0m",
)

// Write puts lines above the status line.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.terminal {
		return c.out.Write(p)
	}
	// One write, or the status line would flicker.
	text := colours.Replace(string(p))
	if c.status != "" {
		text = eraseLine + text + c.status
	}
	if _, err := io.WriteString(c.out, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetStatus replaces the status line. Without a terminal it does nothing.
func (c *console) SetStatus(s string) {
	if !c.terminal {
		return
	}
	if width, _, err := term.GetSize(int(c.out.Fd())); err == nil {
		if r := []rune(s); len(r) >= width && width > 1 {
			s = string(r[:width-1])
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = s
	// A terminal that is gone has nobody to tell.
	_, _ = io.WriteString(c.out, eraseLine+s)
}

// newLogger makes the program's log on w. Under journald, which knows the time
// and reads a line's priority from "<6>" in front of it, lines have no time.
func newLogger(w *console, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo // the configuration was checked
	}
	if os.Getenv("JOURNAL_STREAM") != "" {
		return slog.New(newJournal(w, l, format))
	}
	o := &slog.HandlerOptions{Level: l}
	if w.terminal {
		o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				a.Value = slog.StringValue(a.Value.Time().Format("15:04:05.000"))
			}
			return a
		}
	}
	return slog.New(newHandler(w, o, format))
}

func newHandler(w io.Writer, o *slog.HandlerOptions, format string) slog.Handler {
	if format == "json" {
		return slog.NewJSONHandler(w, o)
	}
	return slog.NewTextHandler(w, o)
}

// journal is a slog handler that puts a line's priority in front of it.
type journal struct {
	level slog.Level
	by    map[slog.Level]slog.Handler
}

// priorities are those of syslog.
var priorities = map[slog.Level]string{
	slog.LevelDebug: "<7>", slog.LevelInfo: "<6>", slog.LevelWarn: "<4>", slog.LevelError: "<3>",
}

type prefixed struct {
	w      io.Writer
	prefix string
}

func (p prefixed) Write(b []byte) (int, error) {
	// One write, so that lines of several goroutines don't mix.
	if _, err := p.w.Write(append([]byte(p.prefix), b...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

func newJournal(w io.Writer, level slog.Level, format string) *journal {
	j := &journal{level: level, by: map[slog.Level]slog.Handler{}}
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}}
	for l, prefix := range priorities {
		j.by[l] = newHandler(prefixed{w, prefix}, o, format)
	}
	return j
}

func (j *journal) Enabled(_ context.Context, l slog.Level) bool { return l >= j.level }

func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	l := slog.LevelDebug
	for _, step := range []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if r.Level >= step {
			l = step
		}
	}
	return j.by[l].Handle(ctx, r)
}

func (j *journal) each(f func(slog.Handler) slog.Handler) slog.Handler {
	n := &journal{level: j.level, by: map[slog.Level]slog.Handler{}}
	for l, h := range j.by {
		n.by[l] = f(h)
	}
	return n
}

func (j *journal) WithAttrs(a []slog.Attr) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(a) })
}

func (j *journal) WithGroup(name string) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

// milliseconds writes a length of time as people at a line compare it.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
