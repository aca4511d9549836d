package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// ErrGone means that the machine has ended.
var ErrGone = errors.New("the machine is gone")

// Client is the outer end. Its methods may be called from any goroutine.
type Client struct {
	conn  io.ReadWriteCloser
	ready chan struct{} // closed when the machine has said that it is there
	done  chan struct{} // closed when the line has ended

	sending sync.Mutex

	mu       sync.Mutex
	last     uint64
	bootID   string
	commands map[uint64]*Command
}

// NewClient takes over conn and closes it in Close.
func NewClient(conn io.ReadWriteCloser) *Client {
	c := &Client{conn: conn, ready: make(chan struct{}), done: make(chan struct{}), commands: map[uint64]*Command{}}
	go c.read()
	return c
}

func (c *Client) read() {
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if r, ok := parseReply(lines.Bytes()); ok {
			c.take(r)
		}
	}
	close(c.done)
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, cmd := range c.commands {
		delete(c.commands, id)
		cmd.end(0, ErrGone)
	}
}

func (c *Client) take(r reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Ready != "" {
		if c.bootID == "" {
			close(c.ready)
		}
		c.bootID = r.Ready
		return
	}
	cmd := c.commands[r.ID]
	switch {
	case cmd == nil:
	case r.Exit != nil:
		delete(c.commands, r.ID)
		cmd.end(*r.Exit, nil)
	default:
		cmd.add(r.Output)
	}
}

// Ready waits until the machine is there, and returns the ID of its boot.
func (c *Client) Ready(ctx context.Context) (string, error) {
	select {
	case <-c.ready:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.bootID, nil
	case <-c.done:
		return "", ErrGone
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Start runs a command, a line or more for bash, without waiting for its end.
func (c *Client) Start(command string) (*Command, error) {
	cmd := &Command{client: c, text: command, changed: make(chan struct{})}
	c.mu.Lock()
	c.last++
	cmd.id = c.last
	c.commands[cmd.id] = cmd
	c.mu.Unlock()
	err := c.send(request{ID: cmd.id, Command: command})
	select {
	case <-c.done:
		err = ErrGone
	default:
	}
	if err != nil {
		c.mu.Lock()
		delete(c.commands, cmd.id)
		c.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return cmd, nil
}

func (c *Client) send(r request) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	_, err = c.conn.Write(append(b, '\n'))
	return err
}

// Run runs a command and returns what it printed, on both its outputs. A status other than 0 is an error, which quotes it.
// When ctx ends the command is killed.
func (c *Client) Run(ctx context.Context, command string) (string, error) {
	cmd, err := c.Start(command)
	if err != nil {
		return "", err
	}
	status, err := cmd.Wait(ctx)
	lines, _ := cmd.Since(0)
	output := strings.Join(lines, "\n")
	if err == nil && status != 0 {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return output, fmt.Errorf("%s: %w: %s", command, err, output)
	}
	return output, nil
}

// Close ends the line; commands under way are gone.
func (c *Client) Close() error {
	err := c.conn.Close()
	<-c.done
	return err
}
