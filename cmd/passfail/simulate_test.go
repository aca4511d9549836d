package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"passfail/line/belt"
	"passfail/line/simulate"
)

func simulated(t *testing.T, config string, flags ...string) (r simulation, stdout string) {
	t.Helper()
	out := passfail(t, append([]string{"simulate", "--config", config, "--json"}, flags...)...)
	out.expect(t, 0)
	if err := json.Unmarshal([]byte(out.stdout), &r); err != nil {
		t.Fatalf("%v: %v", err, out)
	}
	return r, out.stdout
}

func TestSimulateJSON(t *testing.T) {
	config := demoConfig(t)
	flags := []string{"--parts-per-minute", "120", "--parts", "200", "--inference", "40ms"}
	r, text := simulated(t, config, flags...)
	if r.Parts != 200 || r.Escapes+r.Overkill+r.Late+r.Missed != 0 || !r.Fits || len(r.Advice) != 0 || r.Pushed == 0 {
		t.Errorf("%+v", r)
	}
	for _, key := range []string{"parts", "escapes", "overkill", "late", "missed"} {
		if !strings.Contains(text, `"`+key+`": `) {
			t.Errorf("no %q: %s", key, text)
		}
	}
	if _, again := simulated(t, config, flags...); again != text {
		t.Error("the same seed gives something else")
	}
	slow, _ := simulated(t, config, "--parts-per-minute", "120", "--parts", "200", "--inference", "600ms")
	if slow.Fits || slow.Late == 0 || slow.Escapes != 0 || len(slow.Advice) == 0 {
		t.Errorf("an inspection of 600 ms: %+v", slow)
	}
	if measured, _ := simulated(t, config, "--parts", "20"); measured.InspectionMS.P50 <= 0 || measured.Parts != 20 {
		t.Errorf("measured with the model: %+v", measured)
	}
}

func TestSimulateReport(t *testing.T) {
	config := demoConfig(t)
	passfail(t, "simulate", "-c", config, "--parts-per-minute", "120", "--inference", "40ms").expect(t, 0, "Yes: the timings fit 120 parts a minute", "escapes 0")
	passfail(t, "simulate", "-c", config, "--parts-per-minute", "120", "--inference", "800ms").expect(t, 0, "No: ", "inspector is too slow", "model.threads")
	passfail(t, "simulate", "-c", config, "--covers", "2s", "--inference", "40ms").expect(t, 2, "no gap between them")
}

func TestALineIsDrawn(t *testing.T) {
	ms := time.Millisecond
	r := &simulate.Result{
		Options: simulate.Options{PerMinute: 60, Belt: belt.Settings{Delay: belt.Position(100 * ms), Gate: belt.Position(1000 * ms)}},
		Parts: []simulate.Part{
			{Edge: 0, Gate: 1000 * ms, Decided: 950 * ms, Verdict: 100 * ms, Outcome: belt.Failed, Pushed: true},
			{Edge: 400 * ms, Gate: 1400 * ms, Decided: 1350 * ms, Verdict: 500 * ms, Pass: true, Outcome: belt.Passed},
			{Edge: 700 * ms, Gate: 1700 * ms, Decided: 1650 * ms, Outcome: belt.Late, Pushed: true},
		},
		Pushes: []simulate.Push{{From: 1000 * ms, To: 1080 * ms}},
	}
	plain := strings.NewReplacer("\x1b[32m", "", "\x1b[31m", "", "\x1b[33m", "", "\x1b[1;33m", "", "\x1b[0m", "")
	for _, c := range []struct {
		now  time.Duration
		want [4]string // over, on and off the belt, and what was counted
	}{
		{900 * ms, [4]string{"E", "?", "", "pushed 0"}},
		{1050 * ms, [4]string{"▼", "G", "B", "pushed 1, of them bad 1"}},
		{1680 * ms, [4]string{"║", "L", "", "late or unseen 0"}},
		{1750 * ms, [4]string{"║", "─", "L", "pushed 2, of them bad 1, late or unseen 1"}},
	} {
		picture := drawLine(r, c.now, 80)
		for i, want := range c.want {
			got := plain.Replace(picture[i+1])
			if !strings.Contains(got, want) || want == "" && strings.TrimSpace(got) != "" {
				t.Errorf("at %v, line %d: %q, want %q", c.now, i+1, got, want)
			}
			if n := len([]rune(got)); n >= 80 {
				t.Errorf("at %v, line %d has %d places", c.now, i+1, n)
			}
		}
	}
}
