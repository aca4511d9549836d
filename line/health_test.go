package line

import (
	"strings"
	"testing"
	"time"

	"passfail/capture"
)

func TestHealth(t *testing.T) {
	const frame, try = 3 * time.Second, 20 * time.Second
	gone := func(judged, tries uint64) capture.Stats {
		return capture.Stats{Judged: judged, Tries: tries, Lost: true, Reason: capture.NoDevice}
	}
	here := func(judged uint64) capture.Stats { return capture.Stats{Judged: judged, Tries: 1} }
	type step struct {
		after time.Duration // the step before
		signs
		want string // part of the error; "": well
	}
	for name, steps := range map[string][]step{
		"frames":                    {{time.Second, signs{0, 1, here(1)}, ""}, {time.Hour, signs{0, 2, here(2)}, ""}},
		"a frame under way":         {{time.Second, signs{0, 1, here(1)}, ""}, {time.Second, signs{0, 1, here(2)}, ""}, {time.Second, signs{0, 2, here(2)}, ""}},
		"a frame that hangs":        {{time.Second, signs{0, 1, here(2)}, ""}, {time.Second, signs{0, 1, here(2)}, "hangs"}, {time.Second, signs{0, 2, here(2)}, ""}},
		"several lanes":             {{time.Second, signs{0, 1, here(3)}, ""}, {time.Second, signs{0, 2, here(4)}, ""}},
		"between two frames":        {{time.Second, signs{0, 1, here(1)}, ""}, {frame, signs{0, 1, here(1)}, ""}},
		"no frame and no loss":      {{time.Second, signs{0, 1, here(1)}, ""}, {frame + 1, signs{0, 1, here(1)}, "no frame for 3s"}},
		"none from the start":       {{frame, signs{0, 0, here(0)}, ""}, {1, signs{0, 0, here(0)}, "no frame"}},
		"a camera that is tried":    {{time.Second, signs{0, 0, gone(0, 1)}, ""}, {try, signs{0, 0, gone(0, 2)}, ""}, {try, signs{0, 0, gone(0, 3)}, ""}},
		"a camera that is not":      {{try, signs{0, 0, gone(0, 1)}, ""}, {1, signs{0, 0, gone(0, 1)}, "lost (no such device)"}},
		"a camera that came back":   {{try, signs{0, 5, gone(5, 9)}, ""}, {time.Second, signs{0, 5, capture.Stats{Judged: 5, Tries: 9}}, ""}, {time.Second, signs{0, 6, capture.Stats{Judged: 6, Tries: 9}}, ""}},
		"a part that hangs":         {{time.Second, signs{2, 1, here(90)}, ""}, {time.Second, signs{2, 1, here(99)}, "part hangs"}, {time.Second, signs{2, 2, here(120)}, ""}},
		"a part under way":          {{time.Second, signs{1, 1, here(90)}, ""}, {time.Second, signs{2, 1, here(99)}, ""}, {time.Second, signs{3, 2, here(120)}, ""}},
		"frames that nobody judges": {{time.Second, signs{1, 1, here(90)}, ""}, {frame + 1, signs{1, 1, here(190)}, "no frame was judged"}},
		"a lost camera, and the line hangs in its last frame": {
			{time.Second, signs{0, 1, gone(2, 1)}, ""}, {time.Second, signs{0, 1, gone(2, 2)}, "hangs"}, {time.Second, signs{0, 2, gone(2, 3)}, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(0, 0)
			s := signs{0, 0, here(0)}
			h := newHealth(func() signs { return s }, frame, try, now)
			for i, step := range steps {
				now = now.Add(step.after)
				s = step.signs
				got := ""
				if err := h.Check(now); err != nil {
					got = err.Error()
				}
				if (got == "") != (step.want == "") || !strings.Contains(got, step.want) {
					t.Errorf("step %d: %q, want %q", i, got, step.want)
				}
			}
		})
	}
}
