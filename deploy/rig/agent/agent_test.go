package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"
)

// machine connects a client with an agent; the function pulls the power.
func machine(t *testing.T) (*Client, func()) {
	t.Helper()
	ours, theirs := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		io.WriteString(theirs, "[    0.000000] Booting Linux {on a machine}\r\n\x00\xff")
		Serve(theirs, "boot-1")
	}()
	c := NewClient(ours)
	cut := func() { theirs.Close() }
	t.Cleanup(func() { c.Close(); cut(); <-served })
	return c, cut
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestRun(t *testing.T) {
	c, _ := machine(t)
	ctx := deadline(t)
	if id, err := c.Ready(ctx); err != nil || id != "boot-1" {
		t.Fatalf("Ready = %q, %v", id, err)
	}
	tests := []struct{ command, output, failure string }{
		{"echo one; echo two >&2; printf three", "one\ntwo\nthree", ""},
		{"printf 'a\n\nb\n'", "a\n\nb", ""},
		{"true", "", ""},
		{"echo because; exit 3", "because", "status 3: because"},
		{"kill -9 $$", "", "status 137"},
		{"sleep 600 & echo left behind", "left behind", ""},
		{"head -c 40000 /dev/zero | tr '\\0' x; echo", strings.Repeat("x", maxOutput) + "\n" + strings.Repeat("x", maxOutput) + "\n" + strings.Repeat("x", 40000-2*maxOutput), ""},
	}
	for _, tt := range tests {
		output, err := c.Run(ctx, tt.command)
		if output != tt.output {
			t.Errorf("%s: output %.80q, want %.80q", tt.command, output, tt.output)
		}
		if (err == nil) != (tt.failure == "") || err != nil && !strings.Contains(err.Error(), tt.failure) {
			t.Errorf("%s: error %v, want %q in it", tt.command, err, tt.failure)
		}
	}
}

func TestSideBySide(t *testing.T) {
	c, _ := machine(t)
	ctx := deadline(t)
	long, err := c.Start("exec sleep 600")
	if err != nil {
		t.Fatal(err)
	}
	long2, err := c.Start("for i in 1 2 3; do echo line $i; done; exec sleep 600")
	if err != nil {
		t.Fatal(err)
	}
	match, mark, err := long2.Expect(ctx, 0, `^line ([23])$`)
	if err != nil || !reflect.DeepEqual(match, []string{"line 2", "2"}) {
		t.Fatalf("Expect = %q, %v", match, err)
	}
	if match, _, err = long2.Expect(ctx, mark, `^line ([23])$`); err != nil || match[1] != "3" {
		t.Fatalf("the next one: %q, %v", match, err)
	}
	if output, err := c.Run(ctx, "echo meanwhile"); err != nil || output != "meanwhile" {
		t.Errorf("meanwhile: %q, %v", output, err)
	}
	for _, cmd := range []*Command{long, long2} {
		if err := cmd.Kill(); err != nil {
			t.Error(err)
		}
	}
	if status, err := long2.Wait(ctx); err != nil || status != 128+9 {
		t.Errorf("killed: status %d, %v", status, err)
	}
	if _, _, err := long2.Expect(ctx, mark, "line 4"); err == nil || !strings.Contains(err.Error(), "it has ended") {
		t.Errorf("a line that never comes: %v", err)
	}
}

func TestPowerCut(t *testing.T) {
	c, cut := machine(t)
	ctx := deadline(t)
	cmd, err := c.Start("echo begun; exec sleep 600")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := cmd.Expect(ctx, 0, "begun"); err != nil {
		t.Fatal(err)
	}
	cut()
	if _, err := cmd.Wait(ctx); !errors.Is(err, ErrGone) {
		t.Errorf("a command under way: %v, want ErrGone", err)
	}
	if _, err := c.Run(ctx, "true"); err == nil {
		t.Error("a command afterwards ran")
	}
}

// What is killed because nobody waits for it any more is gone with its children: the end is told when none of them holds
// its output.
func TestWaitCancelled(t *testing.T) {
	c, _ := machine(t)
	cmd, err := c.Start("sleep 600 & echo begun; wait")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := cmd.Expect(deadline(t), 0, "begun"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cmd.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if status, err := cmd.Wait(deadline(t)); err != nil || status != 128+9 {
		t.Errorf("killed: status %d, %v", status, err)
	}
}

func FuzzParseReply(f *testing.F) {
	for _, s := range []string{`{"ready":"x"}`, `{"id":1,"line":true}`, `{"id":1,"output":"a","line":true}`, `{"id":2,"exit":0}`, `noise{"id":2,"exit":1}`, `{`, `{}`, `{"id":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := parseReply(b)
		if !ok {
			return
		}
		kinds := 0
		for _, is := range []bool{r.Ready != "", r.Line, r.Exit != nil} {
			if is {
				kinds++
			}
		}
		if kinds != 1 || (r.Ready == "") == (r.ID == 0) {
			t.Fatalf("%q was taken for %+v", b, r)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{`{"id":1,"command":"true"}`, `{"id":1,"kill":true}`, `{"id":0,"command":"x"}`, `{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, ok := parseRequest(b); ok && (r.ID == 0 || r.Kill == (r.Command != "")) {
			t.Fatalf("%q was taken for %+v", b, r)
		}
	})
}
