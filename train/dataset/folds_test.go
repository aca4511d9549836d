package dataset

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawn makes labels and groups of a data set: groups of 1 to 5 pictures, a
// few of them with pictures of two labels.
func drawn(t *rapid.T) (labels, groups []int) {
	classes := rapid.IntRange(1, 5).Draw(t, "labels")
	for l := range classes {
		for range rapid.IntRange(2, 20).Draw(t, "groups") {
			g := len(groups)
			for range rapid.IntRange(1, 5).Draw(t, "pictures") {
				labels, groups = append(labels, l), append(groups, g)
			}
			if rapid.IntRange(0, 9).Draw(t, "mixed") == 0 {
				labels, groups = append(labels, (l+1)%classes), append(groups, g)
			}
		}
	}
	return labels, groups
}

// together tells whether each group has one value.
func together[T comparable](groups []int, value []T) bool {
	of := map[int]T{}
	for i, g := range groups {
		if v, seen := of[g]; seen && v != value[i] {
			return false
		}
		of[g] = value[i]
	}
	return true
}

func distinct(list []int) int {
	list = slices.Clone(list)
	slices.Sort(list)
	return len(slices.Compact(list))
}

func TestFoldsKeepGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels, groups := drawn(t)
		k, seed := rapid.IntRange(2, 10).Draw(t, "k"), rapid.Uint64().Draw(t, "seed")
		fold, err := Folds(labels, groups, k, seed)
		if err != nil {
			t.Fatal(err)
		}
		if !together(groups, fold) {
			t.Fatal("a group is in two folds")
		}
		if again, _ := Folds(labels, groups, k, seed); !slices.Equal(fold, again) {
			t.Fatal("the same seed gives other folds")
		}
		k = min(k, distinct(groups))
		for f := range k {
			if !slices.Contains(fold, f) {
				t.Fatalf("fold %d of %d is empty", f, k)
			}
			// Something of each label is left to learn from.
			for _, l := range labels {
				if !slices.ContainsFunc(fold, func(g int) bool { return g != f }) || !leaves(labels, fold, l, f) {
					t.Fatalf("without fold %d nothing of label %d is left", f, l)
				}
			}
		}
	})
}

func leaves(labels, fold []int, label, without int) bool {
	for i, l := range labels {
		if l == label && fold[i] != without {
			return true
		}
	}
	return false
}

// Single pictures are spread as evenly as numbers can be.
func TestFoldsAreStratified(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var labels, groups []int
	for i := range 997 {
		l := 0
		if r.IntN(20) == 0 {
			l = 1 + r.IntN(2)
		}
		labels, groups = append(labels, l), append(groups, i)
	}
	for _, k := range []int{2, 5, 10} {
		fold, err := Folds(labels, groups, k, 7)
		if err != nil {
			t.Fatal(err)
		}
		total := make([]int, k)
		for l := range 3 {
			n := make([]int, k)
			for i, f := range fold {
				if labels[i] == l {
					n[f]++
					total[f]++
				}
			}
			if slices.Max(n)-slices.Min(n) > 1 {
				t.Errorf("label %d in %d folds: %v", l, k, n)
			}
		}
		if slices.Max(total)-slices.Min(total) > 3 {
			t.Errorf("%d folds: %v", k, total)
		}
	}
	a, _ := Folds(labels, groups, 5, 7)
	b, _ := Folds(labels, groups, 5, 8)
	if slices.Equal(a, b) {
		t.Error("another seed gives the same folds")
	}
}

func TestDivide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels, groups := drawn(t)
		share, seed := rapid.Float64Range(0.05, 0.6).Draw(t, "share"), rapid.Uint64().Draw(t, "seed")
		hold, err := Divide(labels, groups, share, seed)
		if err != nil {
			t.Fatal(err)
		}
		if !together(groups, hold) {
			t.Fatal("a group is on both sides")
		}
		for _, l := range labels {
			in, out := 0, 0
			for i := range labels {
				if labels[i] == l && hold[i] {
					in++
				} else if labels[i] == l {
					out++
				}
			}
			if out == 0 {
				t.Fatalf("label %d: all are held out", l)
			}
			// Groups with two labels may pull a share further away than one group's size.
			if n := float64(in + out); float64(in) > share*n+12 {
				t.Fatalf("label %d: %d of %v are held out, a share of %v was wanted", l, in, n, share)
			}
		}
	})
	labels, groups := make([]int, 400), make([]int, 400)
	for i := range labels {
		groups[i] = i
		if i >= 300 {
			labels[i] = 1
		}
	}
	hold, err := Divide(labels, groups, 0.25, 3)
	if err != nil {
		t.Fatal(err)
	}
	n := [2]int{}
	for i, h := range hold {
		if h {
			n[labels[i]]++
		}
	}
	if n != [2]int{75, 25} {
		t.Errorf("of 300 and 100 pictures %v are held out", n)
	}
}

func TestTooFewToDivide(t *testing.T) {
	for name, c := range map[string]struct {
		labels, groups []int
		k              int
		want           string
	}{
		"one picture":     {[]int{0, 0, 0, 1}, []int{0, 1, 2, 3}, 5, "label number 1 has a single picture"},
		"one part":        {[]int{0, 0, 1, 1}, []int{0, 1, 2, 2}, 5, "the 2 pictures of label number 1 all show the same part"},
		"one fold":        {[]int{0, 0}, []int{0, 1}, 1, "folds: 1"},
		"nothing":         {nil, nil, 5, "no pictures"},
		"unequal lengths": {[]int{0, 0}, []int{0}, 5, "2 labels and 1 groups"},
	} {
		_, err := Folds(c.labels, c.groups, c.k, 0)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := &Set{Dir: "parts", Labels: []string{"good", "chip"}, Pictures: []Picture{{"a", 0}, {"b", 0}, {"c", 1}}}
	_, err := s.Folds([]int{0, 1, 2}, 2, 0)
	var few *TooFewError
	if !errors.As(err, &few) || !strings.Contains(err.Error(), `data set parts: label "chip" has a single picture`) {
		t.Error(err)
	}
	if _, err := Divide([]int{0, 0}, []int{0, 1}, 1, 0); err == nil {
		t.Error("all can be held out")
	}
	// Fewer groups than folds: each is a fold.
	fold, err := Folds([]int{0, 0, 1, 1}, []int{0, 1, 2, 3}, 10, 0)
	if err != nil || slices.Max(fold) != 3 || distinct(fold) != 4 {
		t.Error(fold, err)
	}
}
