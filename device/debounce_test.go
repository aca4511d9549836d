package device

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// activity is a level that lasted.
type activity struct {
	at     time.Duration
	active bool
}

// The rule in other words: edges nearer than the period to the one before are one burst. The
// level behind a burst counts, from the burst's first edge, if it is not the one before it.
func bursts(period time.Duration, active bool, edges []activity, end time.Duration) []activity {
	var out []activity
	for i := 0; i < len(edges); {
		last := i
		for last+1 < len(edges) && edges[last+1].at-edges[last].at < period {
			last++
		}
		next := end
		if last+1 < len(edges) {
			next = edges[last+1].at
		}
		if next-edges[last].at >= period && edges[last].active != active {
			active = edges[last].active
			out = append(out, activity{edges[i].at, active})
		}
		i = last + 1
	}
	return out
}

// Whoever looks when it is due and whoever looks only at edges hear the same, and it is the rule.
func TestDebouncerIsTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		period := time.Duration(rapid.IntRange(0, 8).Draw(t, "period"))
		active := rapid.Bool().Draw(t, "active")
		looks := rapid.Bool().Draw(t, "looks")
		d := NewDebouncer(period, active)
		var edges, got []activity
		var now time.Duration
		heard := func(at time.Duration, changed bool) {
			if changed {
				got = append(got, activity{at, d.Active()})
			}
		}
		level := active
		for range rapid.IntRange(0, 40).Draw(t, "edges") {
			next := now + time.Duration(rapid.IntRange(1, 12).Draw(t, "after"))
			if due, ok := d.Due(); looks && ok && due <= next {
				heard(d.Look(due, level))
			}
			now = next
			// A spike that was over when somebody looked leaves the level as it was.
			if !rapid.Bool().Draw(t, "spike") {
				level = !level
			}
			edges = append(edges, activity{now, level})
			heard(d.Edge(now, level))
		}
		end := now + 20
		heard(d.Look(end, level))
		if want := bursts(period, active, edges, end); !slices.Equal(got, want) {
			t.Fatalf("period %d, active %v, edges %v:\ngot  %v\nwant %v", period, active, edges, got, want)
		}
		for i := 1; i < len(got); i++ {
			if got[i].active == got[i-1].active {
				t.Fatalf("%v twice without its opposite between: %v", got[i].active, got)
			}
			if got[i].at-got[i-1].at < period {
				t.Fatalf("%v lasted for less than %d: %v", got[i-1], period, got)
			}
		}
		if _, ok := d.Due(); ok {
			t.Fatal("due, though all has lasted")
		}
	})
}

// An edge that the driver lost is found by looking.
func TestDebouncerLooks(t *testing.T) {
	d := NewDebouncer(5, false)
	if _, changed := d.Look(10, true); changed {
		t.Error("counted at once")
	}
	if due, ok := d.Due(); due != 15 || !ok {
		t.Errorf("due %v, %v; want 15", due, ok)
	}
	if at, changed := d.Look(15, true); at != 10 || !changed || !d.Active() {
		t.Errorf("at %v, %v", at, changed)
	}
}
