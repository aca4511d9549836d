package dataset

import "context"

// Groups numbers the parts that pictures show, from 0: near duplicates (bursts
// of one part, copies, a picture saved again) have the same number. It takes a
// time that grows with the square of their number. It ends early, with an error,
// only when ctx does.
func Groups(ctx context.Context, looks []Look) ([]int, error) {
	parts := newForest(len(looks))
	c := newComparison(looks)
	limit := float32(strictest)
	if err := c.join(ctx, parts, limit); err != nil {
		return nil, err
	}
	for range passes - 1 {
		wider := c.limit(parts)
		if wider <= limit {
			break
		}
		limit = wider
		if err := c.join(ctx, parts, limit); err != nil {
			return nil, err
		}
	}
	return parts.numbers(), nil
}

// Groups is the function Groups for the set's pictures, which in addition keeps
// together what passfail capture took of one part. looks may be nil, and then
// only that counts.
func (s *Set) Groups(ctx context.Context, looks []Look) ([]int, error) {
	parent := newForest(len(s.Pictures))
	first := map[string]int{}
	for i, p := range s.Pictures {
		if _, name := partName(p.Path); name != "" {
			if j, seen := first[name]; seen {
				parent.join(i, j)
			} else {
				first[name] = i
			}
		}
	}
	if looks != nil {
		at := map[int]int{}
		groups, err := Groups(ctx, looks)
		if err != nil {
			return nil, err
		}
		for i, g := range groups {
			if j, seen := at[g]; seen {
				parent.join(i, j)
			} else {
				at[g] = i
			}
		}
	}
	return parent.numbers(), nil
}

// forest joins pictures into groups.
type forest []int

func newForest(n int) forest {
	f := make(forest, n)
	for i := range f {
		f[i] = i
	}
	return f
}

func (f forest) root(i int) int {
	for f[i] != i {
		f[i] = f[f[i]]
		i = f[i]
	}
	return i
}

// join makes one group of two. The first picture stays the root, so that
// numbers depend on nothing but who is with whom.
func (f forest) join(i, j int) {
	i, j = f.root(i), f.root(j)
	f[max(i, j)] = min(i, j)
}

// numbers counts the groups in order of their first pictures.
func (f forest) numbers() []int {
	list := make([]int, len(f))
	next := 0
	for i := range f {
		if r := f.root(i); r != i {
			list[i] = list[r]
			continue
		}
		list[i] = next
		next++
	}
	return list
}
