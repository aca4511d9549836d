package qmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
)

const greeting = `{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}` + "\n"

// serve greets, and answers each command by what answers has for it.
func serve(t *testing.T, greet string, answers map[string]string) (*Client, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		io.WriteString(theirs, greet)
		for lines := bufio.NewScanner(theirs); lines.Scan(); {
			var r struct{ Execute string }
			json.Unmarshal(lines.Bytes(), &r)
			answer, there := answers[r.Execute]
			if !there {
				answer = `{"return": {}}`
			}
			if _, err := io.WriteString(theirs, answer+"\n"); err != nil {
				return
			}
		}
	}()
	c, err := NewClient(t.Context(), ours)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func TestExecute(t *testing.T) {
	c, err := serve(t, greeting, map[string]string{
		"qom-get":  `{"event": "RESUME", "timestamp": {"seconds": 1, "microseconds": 2}}` + "\n" + `{"return": "raspi3b-machine"}`,
		"qom-list": `{"return": [{"name": "device[3]", "type": "child<pl061>"}, {"name": "type", "type": "string"}, {"name": "device[5]", "type": "child<pl011>"}]}`,
		"cont":     `{"error": {"class": "GenericError", "desc": "no"}}`,
		"stop":     `{"return": 5}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if typ, err := c.Type(ctx, "/machine"); err != nil || typ != "raspi3b-machine" {
		t.Errorf("Type = %q, %v", typ, err)
	}
	if paths, err := c.Children(ctx, "/machine/unattached", "pl061"); err != nil || !reflect.DeepEqual(paths, []string{"/machine/unattached/device[3]"}) {
		t.Errorf("Children = %q, %v", paths, err)
	}
	var refusal *Error
	if err := c.Execute(ctx, "cont", nil, nil); !errors.As(err, &refusal) || refusal.Desc != "no" || refusal.Command != "cont" {
		t.Errorf("a refusal: %v", err)
	}
	var text string
	if err := c.Execute(ctx, "stop", nil, &text); err == nil || !strings.Contains(err.Error(), "stop: QEMU answers") {
		t.Errorf("an answer of another kind: %v", err)
	}
	if err := c.Execute(ctx, "query-status", nil, nil); err != nil {
		t.Errorf("after refusals: %v", err)
	}
}

func TestWrongGreeting(t *testing.T) {
	for greet, want := range map[string]string{
		`{"return": {}}` + "\n": "does not greet",
		"OK\n":                  "is no JSON",
		"{}\n":                  "was expected",
		"":                      "was expected",
	} {
		if greet == "" {
			greet = `{"return": 1, "event": "X"}` + "\n"
		}
		if _, err := serve(t, greet, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("greeted by %q: %v, want %q in it", greet, err, want)
		}
	}
}

// A client that got no answer does not take the next command's for it.
func TestNoAnswer(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		io.WriteString(theirs, greeting)
		r := bufio.NewReader(theirs)
		r.ReadString('\n')
		io.WriteString(theirs, `{"return": {}}`+"\n")
		r.ReadString('\n')
		cancel()
	}()
	c, err := NewClient(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Execute(ctx, "stop", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("no answer: %v", err)
	}
	if err := c.Execute(t.Context(), "stop", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after no answer: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{greeting, `{"return": {}}`, `{"return": null}`, `{"error": {"class": "A", "desc": "b"}}`, `{"event": "STOP"}`, `{`, `[]`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		if !json.Valid(b) {
			t.Fatalf("%q is no JSON and was taken", b)
		}
		if m.Event == "" && m.Return == nil && m.Error == nil && m.Greeting == nil {
			t.Fatalf("%q was taken and is nothing", b)
		}
	})
}
