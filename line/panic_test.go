package line

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"passfail/device"
)

// panicEnv makes TestPanicLeavesPinsAtRest a station that dies: its value is the number of classifiers.
const panicEnv = "PASSFAIL_TEST_PANIC"

// die runs a line that panics at its first verdict, with all pins active before,
// and prints what the pins do. Its deferred call is all that looks after the
// pins, as in passfail run.
func die(t *testing.T, n int) {
	board := device.OpenSimulated(func(c device.Change) { fmt.Println("pin", c.Pin, c.Level) })
	outputs, err := device.NewOutputs(board, []device.OutputSettings{
		{Name: "pass", Pin: passPin}, {Name: "fail", Pin: failPin},
		{Name: "reject", Pin: rejectPin, Mode: device.Pulse, Width: time.Second},
		{Name: "heartbeat", Pin: heartbeatPin},
	}, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer outputs.Close()
	all := outputs.All()
	for _, o := range all {
		if err := o.Set(true); err != nil {
			t.Fatal(err)
		}
	}
	cs := openClassifiers(t, n)
	judge := newJudge(t, cs[0])
	judge.labels = nil // so it panics when it names the best one
	l := &Line{
		Camera: openFolder(t, demoParts), Model: Model{Classifiers: cs, Judge: judge},
		Pins: Pins{Pass: all[0], Fail: all[1], Reject: all[2], Heartbeat: device.NewHeartbeat(all[3], time.Second), Safe: outputs.Safe},
	}
	t.Fatal("no panic, but", l.Run(t.Context()))
}

// A program that panics on the line leaves its pins at rest, in whichever goroutine that is.
func TestPanicLeavesPinsAtRest(t *testing.T) {
	if n, err := strconv.Atoi(os.Getenv(panicEnv)); err == nil {
		die(t, n)
	}
	forLanes(t, func(t *testing.T, n int) {
		c := exec.CommandContext(limited(t), os.Args[0], "-test.run=^TestPanicLeavesPinsAtRest$")
		c.Env = append(os.Environ(), panicEnv+"="+strconv.Itoa(n))
		var out, why bytes.Buffer
		c.Stdout, c.Stderr = &out, &why
		err := c.Run()
		if c.ProcessState.ExitCode() != 2 || !strings.Contains(why.String(), "index out of range") {
			t.Fatalf("%v\n%s%s", err, out.String(), why.String())
		}
		last, active := map[string]string{}, map[string]bool{}
		for l := range strings.Lines(out.String()) {
			f := strings.Fields(l)
			if len(f) != 3 || f[0] != "pin" {
				continue // of package testing
			}
			last[f[1]] = f[2]
			active[f[1]] = active[f[1]] || f[2] == "High"
		}
		for _, pin := range []string{passPin, failPin, rejectPin, heartbeatPin} {
			if !active[pin] || last[pin] != "Low" {
				t.Errorf("%s was active: %v, and was left %s", pin, active[pin], last[pin])
			}
		}
	})
}
