// Package qmp speaks the QEMU Machine Protocol: commands to a running QEMU and their answers, in JSON, over the socket that
// is named with -qmp.
package qmp

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

// maxMessage is more than any answer has to the commands that are sent here.
const maxMessage = 4 << 20

// Error is QEMU's refusal of a command.
type Error struct {
	Command string
	Class   string `json:"class"`
	Desc    string `json:"desc"`
}

func (e *Error) Error() string { return fmt.Sprintf("qmp: %s: %s (%s)", e.Command, e.Desc, e.Class) }

// message is anything that QEMU sends; which it is, the fields that are there tell.
type message struct {
	Greeting json.RawMessage `json:"QMP"`
	Return   json.RawMessage `json:"return"`
	Error    *Error          `json:"error"`
	Event    string          `json:"event"`
}

func parse(b []byte) (message, error) {
	var m message
	if err := json.Unmarshal(b, &m); err != nil {
		return message{}, fmt.Errorf("qmp: QEMU says %.200q, which is no JSON: %w", b, err)
	}
	n := 0
	for _, there := range []bool{m.Greeting != nil, m.Return != nil, m.Error != nil, m.Event != ""} {
		if there {
			n++
		}
	}
	if n != 1 {
		return message{}, fmt.Errorf("qmp: QEMU says %.200q; a greeting, an answer, an error or an event was expected", b)
	}
	return m, nil
}

// Client is a connection to a running QEMU. Its methods may be called from any goroutine; commands go one after the other.
type Client struct {
	conn  io.ReadWriteCloser
	lines *bufio.Scanner

	mu     sync.Mutex
	broken error // the connection is of no use since this
}

// NewClient takes over conn, closes it in Close, and makes it ready for commands. It waits for QEMU's greeting until ctx ends.
func NewClient(ctx context.Context, conn io.ReadWriteCloser) (*Client, error) {
	c := &Client{conn: conn, lines: bufio.NewScanner(conn)}
	c.lines.Buffer(nil, maxMessage)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	m, err := c.next()
	if err == nil && m.Greeting == nil {
		err = errors.New("qmp: QEMU does not greet; is this the socket of -qmp?")
	}
	if err == nil {
		err = c.Execute(ctx, "qmp_capabilities", nil, nil)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) next() (message, error) {
	if !c.lines.Scan() {
		err := c.lines.Err()
		if err == nil {
			err = io.EOF
		}
		return message{}, fmt.Errorf("qmp: the connection to QEMU ended: %w", err)
	}
	return parse(c.lines.Bytes())
}

// Execute sends a command with its arguments (a struct, a map or nil) and puts the answer into result, unless that is nil.
// A refusal is an *Error; after any other error the client is of no use any more.
func (c *Client) Execute(ctx context.Context, command string, arguments, result any) error {
	request, err := json.Marshal(struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments,omitempty"`
	}{command, arguments})
	if err != nil {
		return fmt.Errorf("qmp: %s: %w", command, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return c.broken
	}
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	answer, err := c.exchange(request)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("qmp: no answer to %s: %w", command, ctx.Err())
		}
		c.broken = err
		return err
	}
	if answer.Error != nil {
		answer.Error.Command = command
		return answer.Error
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Return, result); err != nil {
		return fmt.Errorf("qmp: %s: QEMU answers %.200q: %w", command, answer.Return, err)
	}
	return nil
}

func (c *Client) exchange(request []byte) (message, error) {
	if _, err := c.conn.Write(append(request, '\n')); err != nil {
		return message{}, fmt.Errorf("qmp: %w", err)
	}
	for {
		m, err := c.next()
		if err != nil {
			return message{}, err
		}
		if m.Event == "" {
			return m, nil
		}
	}
}

// Type is the type of the object at a path of QEMU's object model.
func (c *Client) Type(ctx context.Context, path string) (string, error) {
	var t string
	err := c.Execute(ctx, "qom-get", map[string]string{"path": path, "property": "type"}, &t)
	return t, err
}

// Children are the paths of the objects of a type right below a path of QEMU's object model.
func (c *Client) Children(ctx context.Context, path, typ string) ([]string, error) {
	var list []struct{ Name, Type string }
	if err := c.Execute(ctx, "qom-list", map[string]string{"path": path}, &list); err != nil {
		return nil, err
	}
	var found []string
	for _, o := range list {
		if o.Type == "child<"+typ+">" {
			found = append(found, strings.TrimSuffix(path, "/")+"/"+o.Name)
		}
	}
	return found, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }
