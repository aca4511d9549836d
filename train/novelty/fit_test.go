package novelty

import (
	"slices"
	"testing"
)

// Of more pictures than are kept, each is as likely to stay.
func TestFitterKeepsARandomChoice(t *testing.T) {
	d := &Descriptor{rows: 1, columns: 1, channels: 1}
	const limit, added = 200, 4000
	f := NewFitter(d, 9)
	f.limit = limit
	x := make([]float32, d.Len())
	for i := range added {
		x[0] = float32(i)
		if err := f.Add(x, i%3, i); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.kept) != limit {
		t.Fatalf("%d pictures are kept", len(f.kept))
	}
	sum, seen := 0.0, []int{}
	for _, p := range f.kept {
		if int(p.description[0]) != p.group || p.label != p.group%3 {
			t.Errorf("picture %v has group %d and label %d", p.description[0], p.group, p.label)
		}
		sum += float64(p.group)
		seen = append(seen, p.group)
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != limit {
		t.Error("a picture is kept twice")
	}
	// The mean of so many numbers of 0 to 3999 has a deviation of 82.
	if mean := sum / limit; mean < 1670 || mean > 2330 {
		t.Errorf("the mean number of those kept is %v", mean)
	}
}

// A label with a single part is no reason to fail.
func TestLabelsOfOnePart(t *testing.T) {
	d := &Descriptor{rows: 1, columns: 1, channels: 1}
	f := NewFitter(d, 9)
	x := make([]float32, d.Len())
	for i := range 20 {
		x[i%len(x)] += float32(i)
		if err := f.Add(x, min(i, 1), i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Fit(Guard, 0.05, 1); err != nil {
		t.Error(err)
	}
}
