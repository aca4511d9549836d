// Package agent runs commands inside a machine for somebody outside, over a line that carries bytes both ways: a serial
// port. Both ends are here: [Serve] inside, [Client] outside.
//
// Each message is a line of JSON. What is on the line beside (a boot loader's or a kernel's text) is passed over. Commands
// run side by side, each in a process group of its own, of which nothing is left when its first process has ended.
package agent

import (
	"bytes"
	"encoding/json"
)

// request asks the machine to run a command, or to end one.
type request struct {
	ID      uint64 `json:"id"`
	Command string `json:"command,omitempty"` // for bash
	Kill    bool   `json:"kill,omitempty"`    // end the command with this ID
}

// reply is what the machine says: that it is there, output of a command, or its end.
type reply struct {
	Ready  string `json:"ready,omitempty"` // its boot ID; sent when the agent starts
	ID     uint64 `json:"id,omitempty"`
	Output string `json:"output,omitempty"` // a line, without its end
	Line   bool   `json:"line,omitempty"`   // Output is one, though it may be empty
	Exit   *int   `json:"exit,omitempty"`   // exit status; 128 and more: killed by signal so much less 128
}

// maxLine is more than any message has: longer lines of output are cut into several.
const (
	maxOutput = 16 << 10
	maxLine   = 8 * maxOutput
)

// parseReply reads a line; ok is false for what is no message.
func parseReply(line []byte) (r reply, ok bool) {
	line = bytes.TrimSpace(line)
	start := bytes.IndexByte(line, '{') // noise may stand before, without a line's end
	if start < 0 || json.Unmarshal(line[start:], &r) != nil {
		return reply{}, false
	}
	switch {
	case r.Ready != "":
		return r, r.ID == 0 && !r.Line && r.Exit == nil
	case r.ID == 0:
		return reply{}, false
	}
	return r, r.Line != (r.Exit != nil)
}

func parseRequest(line []byte) (r request, ok bool) {
	if json.Unmarshal(bytes.TrimSpace(line), &r) != nil {
		return request{}, false
	}
	return r, r.ID != 0 && r.Kill != (r.Command != "")
}
