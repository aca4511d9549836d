package spelling

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"report", "repeat", "store", "size"}
	for word, want := range map[string]string{
		"reprot": "report", "report": "report", "stroe": "store", "sizes": "size", "ize": "size",
		"reprat": "repeat", "": "", "something": "", "xy": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
