package belt

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func newConfirm(t *testing.T, within time.Duration, capacity int) *Confirm {
	t.Helper()
	c, err := NewConfirm(within, capacity)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func expect(t *testing.T, c *Confirm, part ID, at time.Duration) {
	t.Helper()
	if err := c.Expect(part, at); err != nil {
		t.Fatal(err)
	}
}

func TestConfirmTellsWhichPartsCame(t *testing.T) {
	c := newConfirm(t, 100, 4)
	expect(t, c, 1, 1000)
	expect(t, c, 2, 1050)
	expect(t, c, 3, 2000)
	if _, ok := c.Seen(999); ok {
		t.Error("an edge before the push confirmed it")
	}
	for _, s := range []struct {
		at   time.Duration
		part ID
	}{{1060, 1}, {1150, 2}} {
		if part, ok := c.Seen(s.at); !ok || part != s.part {
			t.Errorf("edge at %d: part %d, %v; want %d", s.at, part, ok, s.part)
		}
	}
	if next, ok := c.Next(); !ok || next != 2101 {
		t.Errorf("next look at %d, %v; want 2101", next, ok)
	}
	if missing := c.Missing(2100, nil); len(missing) != 0 {
		t.Errorf("%v were missing while they might come", missing)
	}
	if missing := c.Missing(2101, nil); !slices.Equal(missing, []ID{3}) {
		t.Errorf("missing %v, want 3", missing)
	}
	if _, ok := c.Next(); ok {
		t.Error("a part is still expected")
	}
	if _, ok := c.Seen(2102); ok {
		t.Error("an edge after its time confirmed a part")
	}
	if s, want := c.Stats(), (ConfirmStats{Confirmed: 2, Missing: 1, Unbidden: 2}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

func TestConfirmWithoutRoom(t *testing.T) {
	c := newConfirm(t, 100, 1)
	expect(t, c, 1, 0)
	if err := c.Expect(2, 10); !errors.Is(err, ErrUnconfirmed) {
		t.Errorf("a second part: %v", err)
	}
	c.Seen(20)
	expect(t, c, 3, 30)
}

func TestConfirmRefuses(t *testing.T) {
	for _, s := range []struct {
		within   time.Duration
		capacity int
	}{{0, 1}, {-1, 1}, {time.Hour, 1}, {1, 0}} {
		if _, err := NewConfirm(s.within, s.capacity); err == nil {
			t.Errorf("within %v, room for %d was taken", s.within, s.capacity)
		}
	}
}
