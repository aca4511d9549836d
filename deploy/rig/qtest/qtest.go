// Package qtest speaks the text protocol with which QEMU lets tests look into the chips that it emulates: read and write
// their registers, drive their inputs, and hear of every change of their outputs.
//
// QEMU offers it on a socket that is named with -qtest, beside a machine that runs as ever. It serves one client at a time.
package qtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxLine is more than any answer has to the commands of this package.
const maxLine = 64 << 10

// IRQ is a change of an intercepted output.
type IRQ struct {
	Time   time.Time // when this program heard of it
	Line   int       // its number among the device's outputs
	Raised bool      // its level now
}

// Client is a connection to a running QEMU. Its methods may be called from any goroutine; commands go one after the other.
type Client struct {
	conn    io.ReadWriteCloser
	onIRQ   func(IRQ)
	turn    chan struct{} // holds one token: whose turn it is to send
	answers chan string
	done    chan struct{} // closed when nothing more is read

	mu  sync.Mutex
	err error // why nothing more is read
}

// NewClient takes over conn and closes it in Close. onIRQ is called for each change of an intercepted output, in the order
// of the changes and from a single goroutine; it must not call the client.
func NewClient(conn io.ReadWriteCloser, onIRQ func(IRQ)) *Client {
	c := &Client{conn: conn, onIRQ: onIRQ, turn: make(chan struct{}, 1), answers: make(chan string, 1), done: make(chan struct{})}
	c.turn <- struct{}{}
	go c.read()
	return c
}

func (c *Client) read() {
	defer close(c.done)
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		irq, is, err := ParseIRQ(lines.Text())
		switch {
		case err != nil:
			c.fail(err)
			return
		case is:
			irq.Time = time.Now()
			c.onIRQ(irq)
		default:
			select {
			case c.answers <- lines.Text():
			default:
				c.fail(fmt.Errorf("qtest: QEMU says %q, and nothing was asked", lines.Text()))
				return
			}
		}
	}
	err := lines.Err()
	if err == nil {
		err = io.EOF
	}
	c.fail(fmt.Errorf("qtest: the connection to QEMU ended: %w", err))
}

func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the connection has ended; nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Do sends a command and returns what follows the OK of its answer. After a ctx that ended before the answer came the client
// is of no use any more.
func (c *Client) Do(ctx context.Context, command string) (string, error) {
	if strings.ContainsAny(command, "\r\n") {
		return "", fmt.Errorf("qtest: command %q has more than one line", command)
	}
	select {
	case <-c.turn:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { c.turn <- struct{}{} }()
	if _, err := io.WriteString(c.conn, command+"\n"); err != nil {
		return "", fmt.Errorf("qtest: %s: %w", command, err)
	}
	select {
	case answer := <-c.answers:
		return parseAnswer(command, answer)
	case <-c.done:
		select { // it may have come just before the end
		case answer := <-c.answers:
			return parseAnswer(command, answer)
		default:
			return "", c.Err()
		}
	case <-ctx.Done():
		c.conn.Close()
		return "", fmt.Errorf("qtest: no answer to %s: %w", command, ctx.Err())
	}
}

func parseAnswer(command, answer string) (string, error) {
	word, rest, _ := strings.Cut(answer, " ")
	if word != "OK" {
		return "", fmt.Errorf("qtest: %s: QEMU says %q", command, answer)
	}
	return rest, nil
}

// ParseIRQ reads a line such as "IRQ raise 17". is tells whether the line is one of an IRQ at all; others are answers.
func ParseIRQ(line string) (irq IRQ, is bool, err error) {
	rest, is := strings.CutPrefix(line, "IRQ ")
	if !is {
		return IRQ{}, false, nil
	}
	word, number, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || word != "raise" && word != "lower" {
		return IRQ{}, true, fmt.Errorf("qtest: %q is no change of an output; \"IRQ raise\" or \"IRQ lower\" and a number are", line)
	}
	return IRQ{Line: int(n), Raised: word == "raise"}, true, nil
}

// InterceptOut has every change of the outputs of a device told. One device of a machine can be intercepted, and stays so
// until the machine ends, whoever is connected. Every output is taken to be low until it rises, so a client that comes late
// is not told when one falls that was high already.
func (c *Client) InterceptOut(ctx context.Context, path string) error {
	_, err := c.Do(ctx, "irq_intercept_out "+path)
	return err
}

// SetIn drives an unnamed input of a device.
func (c *Client) SetIn(ctx context.Context, path string, line int, high bool) error {
	level := 0
	if high {
		level = 1
	}
	_, err := c.Do(ctx, fmt.Sprintf("set_irq_in %s unnamed-gpio-in %d %d", path, line, level))
	return err
}

// ReadL reads a 32-bit register at a physical address.
func (c *Client) ReadL(ctx context.Context, address uint64) (uint32, error) {
	answer, err := c.Do(ctx, fmt.Sprintf("readl 0x%x", address))
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(strings.TrimSpace(answer), 0, 64)
	if err != nil || v > 1<<32-1 {
		return 0, fmt.Errorf("qtest: readl 0x%x: QEMU says %q, which is no 32-bit number", address, answer)
	}
	return uint32(v), nil
}

// WriteL writes a 32-bit register at a physical address.
func (c *Client) WriteL(ctx context.Context, address uint64, value uint32) error {
	_, err := c.Do(ctx, fmt.Sprintf("writel 0x%x 0x%x", address, value))
	return err
}

// Close ends the connection and waits until onIRQ is called no more.
func (c *Client) Close() error {
	err := c.conn.Close()
	<-c.done
	if errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
