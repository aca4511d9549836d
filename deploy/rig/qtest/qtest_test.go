package qtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
)

// serve answers each command by what answer makes of it, as many lines as that has.
func serve(t *testing.T, answer func(command string) string) (*Client, func() []IRQ) {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		for lines := bufio.NewScanner(theirs); lines.Scan(); {
			if _, err := io.WriteString(theirs, answer(lines.Text())); err != nil {
				return
			}
		}
	}()
	var irqs []IRQ
	c := NewClient(ours, func(i IRQ) { irqs = append(irqs, i) })
	t.Cleanup(func() { c.Close() })
	return c, func() []IRQ { c.Close(); return irqs }
}

func TestCommands(t *testing.T) {
	var asked []string
	c, _ := serve(t, func(command string) string {
		asked = append(asked, command)
		if strings.HasPrefix(command, "readl") {
			return "OK 0x0000000000820000\n"
		}
		return "OK\n"
	})
	ctx := t.Context()
	v, err := c.ReadL(ctx, 0x3f200034)
	if err != nil || v != 0x820000 {
		t.Errorf("ReadL = %#x, %v; want 0x820000", v, err)
	}
	for _, err := range []error{c.WriteL(ctx, 0x3f20001c, 1<<17), c.InterceptOut(ctx, "/machine/x"), c.SetIn(ctx, "/machine/x", 2, true), c.SetIn(ctx, "/machine/x", 2, false)} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{"readl 0x3f200034", "writel 0x3f20001c 0x20000", "irq_intercept_out /machine/x",
		"set_irq_in /machine/x unnamed-gpio-in 2 1", "set_irq_in /machine/x unnamed-gpio-in 2 0"}
	if !reflect.DeepEqual(asked, want) {
		t.Errorf("asked %q\nwant  %q", asked, want)
	}
}

// Changes come between an answer and the next, also before the answer to what caused them.
func TestChangesBetweenAnswers(t *testing.T) {
	c, irqs := serve(t, func(string) string { return "IRQ raise 17\nIRQ raise 23\nOK\nIRQ lower 17\n" })
	for range 2 {
		if _, err := c.Do(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, i := range irqs() {
		got = append(got, fmt.Sprint(i.Line, i.Raised))
	}
	if len(got) < 5 || !reflect.DeepEqual(got[:5], []string{"17 true", "23 true", "17 false", "17 true", "23 true"}) {
		t.Errorf("got %v", got)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ answer, want string }{
		{"FAIL Unknown device\n", `QEMU says "FAIL Unknown device"`},
		{"IRQ raise none\n", `"IRQ raise none" is no change`},
		{"OK many\n", `no 32-bit number`},
		{"OK 0x100000000\n", `no 32-bit number`},
	}
	for _, tt := range tests {
		c, _ := serve(t, func(string) string { return tt.answer })
		if _, err := c.ReadL(t.Context(), 4); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("answer %q: error %v, want %q in it", tt.answer, err, tt.want)
		}
	}
}

func TestEnd(t *testing.T) {
	ours, theirs := net.Pipe()
	c := NewClient(ours, func(IRQ) {})
	go func() {
		bufio.NewReader(theirs).ReadString('\n')
		theirs.Close()
	}()
	if _, err := c.Do(t.Context(), "x"); !errors.Is(err, io.EOF) {
		t.Errorf("QEMU ends: %v, want EOF", err)
	}
	if c.Err() == nil {
		t.Error("Err is nil after the end")
	}
	c.Close()

	ours, theirs = net.Pipe()
	defer theirs.Close()
	c = NewClient(ours, func(IRQ) {})
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		bufio.NewReader(theirs).ReadString('\n')
		cancel()
	}()
	if _, err := c.Do(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("no answer: %v, want context.Canceled", err)
	}
}

func FuzzParseIRQ(f *testing.F) {
	for _, s := range []string{"IRQ raise 17", "IRQ lower 0", "OK", "OK 0x12", "FAIL x", "IRQ ", "IRQ raise -1", "IRQ raise 99999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		irq, is, err := ParseIRQ(line)
		if is != strings.HasPrefix(line, "IRQ ") || !is && err != nil {
			t.Fatalf("%q: is %v, %v", line, is, err)
		}
		if !is || err != nil {
			return
		}
		word := "lower"
		if irq.Raised {
			word = "raise"
		}
		again, _, err := ParseIRQ(fmt.Sprintf("IRQ %s %d", word, irq.Line))
		if err != nil || again != irq || irq.Line < 0 || irq.Line > 1<<16 {
			t.Fatalf("%q: %+v, and written again %+v, %v", line, irq, again, err)
		}
	})
}
