package belt

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// ordinary is a belt whose axes are both time, in milliseconds.
var ordinary = Settings{Delay: 10, Within: 40, Frames: 1, MinGap: 20, Gate: 500, Decide: 100, GateGap: 80}

func newBelt(t *testing.T, s Settings, capacity int) *Belt {
	t.Helper()
	b, err := New(s, capacity)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func enter(t *testing.T, b *Belt, at Position) ID {
	t.Helper()
	id, err := b.Enter(at, at)
	if err != nil {
		t.Fatalf("edge at %d: %v", at, err)
	}
	return id
}

func decide(t *testing.T, b *Belt, id ID, v Verdict) {
	t.Helper()
	if err := b.Decide(id, v); err != nil {
		t.Fatalf("part %d: %v", id, err)
	}
}

func TestEachVerdictIsCarriedToItsOwnMoment(t *testing.T) {
	b := newBelt(t, ordinary, 8)
	// Three under way at a time: the first is at the gate when the third has come.
	one, two, three := enter(t, b, 0), enter(t, b, 200), enter(t, b, 400)
	decide(t, b, two, Fail) // the second one's verdict is there first
	decide(t, b, one, Pass)
	if next, ok := b.Next(); !ok || next != 400 {
		t.Errorf("next decision point %d, %v; want 400", next, ok)
	}
	if a := b.Advance(399, nil); len(a) != 0 {
		t.Errorf("%+v before the decision point", a)
	}
	want := []Action{
		{Part: one, Outcome: Passed, From: 500, At: 500, Edge: 0},
		{Part: two, Outcome: Failed, Push: true, From: 700, At: 700, Edge: 200},
		{Part: three, Outcome: Unseen, Push: true, From: 900, At: 900, Edge: 400},
	}
	if got := b.Advance(800, nil); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, ok := b.Next(); ok {
		t.Error("a part is still under way")
	}
	if s, want := b.Stats(), (Stats{Entered: 3, Failed: 1, Passed: 1, Unseen: 1, Pushed: 2}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

func TestFramesFindTheirParts(t *testing.T) {
	s := ordinary
	s.Frames = 2
	b := newBelt(t, s, 8)
	one, two := enter(t, b, 0), enter(t, b, 30)
	for _, f := range []struct {
		taken Position
		want  []Shot
	}{
		{9, nil},
		{10, []Shot{{one, 1, 2, 0}}},
		{39, []Shot{{one, 2, 2, 0}}},
		{40, []Shot{{two, 1, 2, 30}}}, // the first has both
		{80, []Shot{{two, 2, 2, 30}}}, // the last moment
		{81, nil},
	} {
		if got := b.Frame(f.taken, nil); !slices.Equal(got, f.want) {
			t.Errorf("frame at %d: %v, want %v", f.taken, got, f.want)
		}
	}
	for _, a := range b.Advance(1000, nil) {
		if a.Outcome != Late || !a.Push || a.Frames != 2 {
			t.Errorf("seen and not judged: %+v", a)
		}
	}
}

func TestPartsNearerThanFramesShareOne(t *testing.T) {
	b := newBelt(t, ordinary, 8)
	one, two := enter(t, b, 0), enter(t, b, 20)
	if got, want := b.Frame(35, nil), []Shot{{one, 1, 1, 0}, {two, 1, 1, 20}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	enter(t, b, 40)
	if got := b.Frame(91, nil); len(got) != 0 {
		t.Errorf("a frame after its time is whose? %v", got)
	}
}

func TestBouncesAndBackwardsAreNoNewPart(t *testing.T) {
	b := newBelt(t, ordinary, 8)
	enter(t, b, 100)
	for _, at := range []Position{100, 101, 119, 99, 30} { // the last ones: the belt ran back
		if _, err := b.Enter(at, at); !errors.Is(err, ErrTooNear) {
			t.Errorf("edge at %d: %v", at, err)
		}
	}
	enter(t, b, 120)
	if s := b.Stats(); s.Entered != 2 || s.TooNear != 5 {
		t.Errorf("%+v", s)
	}
}

func TestLateVerdict(t *testing.T) {
	b := newBelt(t, ordinary, 8)
	id := enter(t, b, 0)
	b.Frame(10, nil)
	a := b.Advance(400, nil)
	if len(a) != 1 || a[0].Outcome != Late || !a[0].Push {
		t.Errorf("%+v", a)
	}
	if err := b.Decide(id, Pass); !errors.Is(err, ErrLate) {
		t.Errorf("a verdict after the decision point: %v", err)
	}
	for _, id := range []ID{0, 2, 1 << 60} {
		if err := b.Decide(id, Pass); !errors.Is(err, ErrUnknown) {
			t.Errorf("part %d: %v", id, err)
		}
	}
	if s := b.Stats(); s.Late != 1 || s.LateVerdicts != 1 {
		t.Errorf("%+v", s)
	}
}

func TestTheLastVerdictCounts(t *testing.T) {
	b := newBelt(t, ordinary, 8)
	id := enter(t, b, 0)
	decide(t, b, id, Pass)
	decide(t, b, id, Fail)
	if a := b.Advance(400, nil); a[0].Outcome != Failed {
		t.Errorf("%+v", a)
	}
}

func TestPartsTooCloseForTheGate(t *testing.T) {
	for _, c := range []struct {
		name     string
		rule     Neighbour
		at       []Position
		verdicts string // p, f; - for none
		outcomes []Outcome
		from     []Position // where it is not At; nil: nowhere
		near     uint64
	}{
		{"far apart", Reject, []Position{0, 80, 160}, "pfp", []Outcome{Passed, Failed, Passed}, nil, 0},
		{"behind a bad one", Reject, []Position{0, 79}, "fp", []Outcome{Failed, TooClose}, []Position{500, 500}, 1},
		{"before a bad one", Reject, []Position{0, 79}, "pf", []Outcome{TooClose, Failed}, []Position{500, 500}, 1},
		{"before one that is not judged yet", Reject, []Position{0, 79}, "p-", []Outcome{Passed, Unseen}, nil, 1},
		{"two behind a bad one", Reject, []Position{0, 30, 60, 90}, "fppp", []Outcome{Failed, TooClose, TooClose, Passed}, []Position{500, 500, 530, 590}, 3},
		{"behind one that was not seen", Reject, []Position{0, 30}, "-p", []Outcome{Unseen, TooClose}, []Position{500, 500}, 1},
		{"held between bad ones", Hold, []Position{0, 50, 130}, "fff", []Outcome{Failed, Failed, Failed}, []Position{500, 500, 630}, 1},
		{"not held for good ones", Hold, []Position{0, 30, 60}, "fpf", []Outcome{Failed, Passed, Failed}, nil, 2},
	} {
		s := ordinary
		s.Neighbour = c.rule
		b := newBelt(t, s, 8)
		for i, at := range c.at {
			id := enter(t, b, at)
			if v := c.verdicts[i]; v != '-' {
				decide(t, b, id, map[byte]Verdict{'p': Pass, 'f': Fail}[v])
			}
		}
		for i, a := range b.Advance(1000, nil) {
			from := c.at[i] + s.Gate
			if c.from != nil {
				from = c.from[i]
			}
			if a.Outcome != c.outcomes[i] || a.From != from || a.At != c.at[i]+s.Gate || a.Push != (a.Outcome != Passed) {
				t.Errorf("%s: part %d: %+v; want %v from %d", c.name, i+1, a, c.outcomes[i], from)
			}
		}
		if got := b.Stats(); got.Near != c.near {
			t.Errorf("%s: %d near, want %d", c.name, got.Near, c.near)
		}
	}
}

func TestWithoutRoomAPartIsPushedWithTheOneBefore(t *testing.T) {
	b := newBelt(t, ordinary, 2)
	one, two := enter(t, b, 0), enter(t, b, 100)
	for _, at := range []Position{200, 300} {
		if _, err := b.Enter(at, at); !errors.Is(err, ErrFull) {
			t.Errorf("edge at %d: %v", at, err)
		}
	}
	decide(t, b, one, Pass)
	decide(t, b, two, Pass)
	want := []Action{
		{Part: one, Outcome: Passed, From: 500, At: 500},
		{Part: two, Outcome: TooClose, Push: true, From: 600, At: 800, Edge: 100},
	}
	if got := b.Advance(500, nil); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if three := enter(t, b, 400); three != 3 {
		t.Errorf("the next part is %d", three)
	}
	if s := b.Stats(); s.Full != 2 || s.Entered != 3 || s.UnderWay != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAPartKeepsTheSettingsItEnteredWith(t *testing.T) {
	b := newBelt(t, ordinary, 8)
	one := enter(t, b, 0)
	nearer := ordinary
	nearer.Gate, nearer.Decide, nearer.Delay = 300, 50, 100
	if err := b.Set(nearer); err != nil {
		t.Fatal(err)
	}
	two := enter(t, b, 100)
	if got := b.Frame(10, nil); !slices.Equal(got, []Shot{{one, 1, 1, 0}}) {
		t.Errorf("frame at 10: %v", got)
	}
	if got := b.Frame(200, nil); !slices.Equal(got, []Shot{{two, 1, 1, 100}}) {
		t.Errorf("frame at 200: %v", got)
	}
	// The second is decided at 350, and the first before it, though it had time until 400.
	if next, _ := b.Next(); next != 350 {
		t.Errorf("next decision point %d, want 350", next)
	}
	a := b.Advance(350, nil)
	if len(a) != 2 || a[0].Part != one || a[0].At != 500 || a[1].Part != two || a[1].At != 400 {
		t.Errorf("%+v", a)
	}
}

func TestAbandon(t *testing.T) {
	b := newBelt(t, ordinary, 2)
	one, two := enter(t, b, 1000), enter(t, b, 1100)
	decide(t, b, two, Fail)
	for i, a := range b.Abandon(nil) {
		if want := []ID{one, two}[i]; a.Part != want || a.Outcome != Lost || a.Push {
			t.Errorf("%+v", a)
		}
	}
	if err := b.Decide(one, Fail); !errors.Is(err, ErrLate) {
		t.Errorf("a verdict on a lost part: %v", err)
	}
	// The encoder counts from 0 again.
	decide(t, b, enter(t, b, 0), Pass)
	if a := b.Advance(400, nil); len(a) != 1 || a[0].Outcome != Passed || a[0].From != 500 {
		t.Errorf("%+v", a)
	}
	if s := b.Stats(); s.Lost != 2 || s.Passed != 1 || s.Entered != 3 {
		t.Errorf("%+v", s)
	}
}

func TestRefusedSettings(t *testing.T) {
	for want, change := range map[string]func(*Settings){
		"0 frames":          func(s *Settings) { s.Frames = 0 },
		"within 0":          func(s *Settings) { s.Within = 0 },
		"delay -1":          func(s *Settings) { s.Delay = -1 },
		"gate gap -1":       func(s *Settings) { s.GateGap = -1 },
		"minimum gap":       func(s *Settings) { s.MinGap = most + 1 },
		"500 before":        func(s *Settings) { s.Decide = 500 },
		"Neighbour(9)":      func(s *Settings) { s.Neighbour = 9 },
		"only 0 behind the": func(s *Settings) { s.Gate = 0 },
	} {
		s := ordinary
		change(&s)
		_, err := New(s, 1)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
		if err := newBelt(t, ordinary, 1).Set(s); err == nil {
			t.Errorf("%q: Set took it", want)
		}
	}
	if _, err := New(ordinary, 0); err == nil {
		t.Error("a belt without room was made")
	}
}

func TestNamesOfNeighbours(t *testing.T) {
	for _, n := range []Neighbour{Hold, Reject} {
		if got, err := ParseNeighbour(n.String()); err != nil || got != n {
			t.Errorf("%v: %v, %v", n, got, err)
		}
	}
	if _, err := ParseNeighbour("push"); err == nil {
		t.Error("push was taken")
	}
}
