package agent

import (
	"context"
	"fmt"
	"regexp"
	"sync"
)

// Command runs inside the machine. Its methods may be called from any goroutine.
type Command struct {
	client *Client
	id     uint64
	text   string

	mu      sync.Mutex
	lines   []string
	ended   bool
	status  int
	err     error
	changed chan struct{} // closed, and another made, at each change
}

func (c *Command) add(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, line)
	c.wake()
}

func (c *Command) end(status int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.status, c.err = true, status, err
	c.wake()
}

func (c *Command) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// Mark is a place between the lines that it has printed and those that it will.
func (c *Command) Mark() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.lines)
}

// Since are the lines that it has printed since a mark, and whether it has ended.
func (c *Command) Since(mark int) (lines []string, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.lines[mark:]...), c.ended
}

// Expect waits for a line, after a mark, that a regular expression matches, and returns its submatches and the mark after it.
func (c *Command) Expect(ctx context.Context, mark int, expression string) (match []string, after int, err error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, mark, err
	}
	for {
		c.mu.Lock()
		lines, ended, cause, changed := c.lines[mark:], c.ended, c.err, c.changed
		c.mu.Unlock()
		for _, line := range lines {
			mark++
			if match := re.FindStringSubmatch(line); match != nil {
				return match, mark, nil
			}
		}
		if ended {
			if cause == nil {
				cause = fmt.Errorf("it has ended")
			}
			return nil, mark, fmt.Errorf("%s: no %q: %w", c.text, expression, cause)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, mark, fmt.Errorf("%s: no %q: %w", c.text, expression, ctx.Err())
		}
	}
}

// Wait waits for its end and returns its status. When ctx ends, it kills it.
func (c *Command) Wait(ctx context.Context) (int, error) {
	for {
		c.mu.Lock()
		ended, status, err, changed := c.ended, c.status, c.err, c.changed
		c.mu.Unlock()
		if ended {
			return status, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			c.Kill()
			return 0, ctx.Err()
		}
	}
}

// Kill ends it, with all that it has started.
func (c *Command) Kill() error { return c.client.send(request{ID: c.id, Kill: true}) }
