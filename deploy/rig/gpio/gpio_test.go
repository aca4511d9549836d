package gpio

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
	"testing/synctest"
	"time"

	"passfail/deploy/rig/qmp"
	"passfail/deploy/rig/qtest"
)

// fakeQEMU is a machine whose registers are those of regs, and what was asked of it by qtest.
type fakeQEMU struct {
	machine string
	regs    map[string]uint32
	asked   []string
	qtest   net.Conn
}

func (q *fakeQEMU) open(t *testing.T) (*Pins, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		io.WriteString(theirs, `{"QMP": {}}`+"\n")
		for lines := bufio.NewScanner(theirs); lines.Scan(); {
			answer := `{"return": {}}`
			if strings.Contains(lines.Text(), "qom-get") {
				answer = fmt.Sprintf(`{"return": %q}`, q.machine)
			} else if strings.Contains(lines.Text(), "qom-list") {
				answer = `{"return": [{"name": "device[7]", "type": "child<pl061>"}]}`
			}
			if _, err := io.WriteString(theirs, answer+"\n"); err != nil {
				return
			}
		}
	}()
	monitor, err := qmp.NewClient(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { monitor.Close() })

	ours, q.qtest = net.Pipe()
	go func() {
		for lines := bufio.NewScanner(q.qtest); lines.Scan(); {
			q.asked = append(q.asked, lines.Text())
			answer := "OK"
			if address, is := strings.CutPrefix(lines.Text(), "readl "); is {
				answer = fmt.Sprintf("OK 0x%016x", q.regs[address])
			}
			if _, err := io.WriteString(q.qtest, answer+"\n"); err != nil {
				return
			}
		}
	}()
	return Open(t.Context(), monitor, ours)
}

func TestRaspi3(t *testing.T) {
	q := &fakeQEMU{machine: "raspi3b-machine", regs: map[string]uint32{
		"0x3f200034": 1<<17 | 1<<27, "0x3f200038": 1 << (40 - 32), // GPLEV0, GPLEV1
		"0x3f200004": 1<<21 | 2<<9, "0x3f200008": 1 << 9, // GPFSEL1: 17 an output, 13 another function; GPFSEL2: 23 an output
	}}
	p, err := q.open(t)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	levels, err := p.Levels(t.Context(), 17, 22, 27, 40)
	if err != nil || !reflect.DeepEqual(levels, []bool{true, false, true, true}) {
		t.Errorf("Levels = %v, %v", levels, err)
	}
	driven, err := p.Driven(t.Context(), 17, 13, 22, 23)
	if err != nil || !reflect.DeepEqual(driven, []bool{true, false, false, true}) {
		t.Errorf("Driven = %v, %v", driven, err)
	}
	q.asked = nil
	for _, err := range []error{p.Set(t.Context(), 24, true), p.Set(t.Context(), 24, false), p.Set(t.Context(), 33, true)} {
		if err != nil {
			t.Error(err)
		}
	}
	if want := []string{"writel 0x3f20001c 0x1000000", "writel 0x3f200028 0x1000000", "writel 0x3f200020 0x2"}; !reflect.DeepEqual(q.asked, want) {
		t.Errorf("asked %q, want %q", q.asked, want)
	}
	if err := p.Set(t.Context(), 54, true); err == nil || !strings.Contains(err.Error(), "no GPIO54") {
		t.Errorf("a pin that is not there: %v", err)
	}
}

func TestVirt(t *testing.T) {
	q := &fakeQEMU{machine: "virt-7.2-machine", regs: map[string]uint32{"0x90303fc": 1 << 1, "0x9030400": 1 << 7}}
	p, err := q.open(t)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	levels, err := p.Levels(t.Context(), 17, 23)
	if err != nil || !reflect.DeepEqual(levels, []bool{false, true}) {
		t.Errorf("Levels = %v, %v", levels, err)
	}
	driven, err := p.Driven(t.Context(), 22, 23)
	if err != nil || !reflect.DeepEqual(driven, []bool{true, false}) {
		t.Errorf("Driven = %v, %v", driven, err)
	}
	if err := p.Set(t.Context(), 24, true); err != nil || q.asked[len(q.asked)-1] != "set_irq_in /machine/unattached/device[7] unnamed-gpio-in 2 1" {
		t.Errorf("Set: %v, asked %q", err, q.asked)
	}
	if err := p.Set(t.Context(), -1, true); err == nil || !strings.Contains(err.Error(), "it has GPIO17, GPIO23") {
		t.Errorf("the power key: %v", err)
	}
}

func TestUnknownMachine(t *testing.T) {
	if _, err := (&fakeQEMU{machine: "microbit-machine"}).open(t); err == nil || !strings.Contains(err.Error(), "microbit") {
		t.Errorf("error %v", err)
	}
}

// Edges are kept in their order, and whoever waits for one is woken by it.
func TestWait(t *testing.T) {
	p, err := (&fakeQEMU{machine: "raspi3b-machine"}).open(t)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	synctest.Test(t, func(t *testing.T) {
		p := &Pins{chip: bcm2837(""), changed: make(chan struct{})}
		p.hear(irq(17, true))
		mark := p.Mark()
		go func() {
			for _, line := range []int{60, 17, 22, 27} { // there is no pin 60
				time.Sleep(time.Second)
				p.hear(irq(line, true))
			}
		}()
		edges, err := p.Wait(t.Context(), mark, func(e []Edge) bool { return len(e) == 2 }, 22, 27)
		if err != nil || fmt.Sprint(edges) != "[GPIO22 high GPIO27 high]" {
			t.Errorf("Wait = %v, %v", edges, err)
		}
		if took := edges[1].Time.Sub(edges[0].Time); took != time.Second {
			t.Errorf("the edges are %v apart, want 1s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.Wait(ctx, mark, func(e []Edge) bool { return false }, 22); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "GPIO22 high") {
			t.Errorf("a wait in vain: %v", err)
		}
		if all, _ := p.Since(0); len(all) != 4 {
			t.Errorf("all edges: %v", all)
		}
	})
}

func TestPulses(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	edges := []Edge{
		{at(0), 22, false}, // was low
		{at(10), 17, true}, {at(20), 23, true}, {at(30), 17, true}, {at(110), 17, false},
		{at(120), 27, true}, {at(620), 22, true}, {at(700), 22, false}, {at(720), 27, false}, {at(800), 17, true},
	}
	want := []Pulse{{17, at(10), at(110)}, {23, at(20), time.Time{}}, {27, at(120), at(720)}, {22, at(620), at(700)}, {17, at(800), time.Time{}}}
	got := Pulses(edges)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if pins := Beginnings(got); !reflect.DeepEqual(pins, []int{17, 23, 27, 22, 17}) {
		t.Errorf("Beginnings = %v", pins)
	}
}

func irq(line int, raised bool) qtest.IRQ {
	return qtest.IRQ{Time: time.Now(), Line: line, Raised: raised}
}
