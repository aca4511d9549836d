package dataset

import "math"

// Groups numbers the parts that pictures show, from 0: near duplicates (bursts
// of one part, copies, the same picture saved again) have the same number.
// labels are the pictures' labels; looks may be nil where only names are known.
func Groups(looks []Look, labels []int) []int {
	parent := newForest(len(looks))
	features := residuals(looks)
	for i := range looks {
		for j := range i {
			if dot(features[i], features[j]) > sameCorrelation {
				parent.join(i, j)
			}
		}
	}
	return parent.numbers()
}

// Groups is the function Groups for the set's pictures, which in addition keeps
// together what passfail capture took of one part. looks may be nil, and then
// only that counts.
func (s *Set) Groups(looks []Look) []int {
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
		for i, g := range Groups(looks, s.LabelIndices()) {
			if j, seen := at[g]; seen {
				parent.join(i, j)
			} else {
				at[g] = i
			}
		}
	}
	return parent.numbers()
}

const sameCorrelation = 0.97

// residuals are what each thumbnail has beyond the mean of all, with a length
// of 1.
func residuals(looks []Look) [][]float32 {
	const n = Side / 2
	list := make([][]float32, len(looks))
	mean := make([]float32, n*n)
	for i := range looks {
		f := make([]float32, n*n)
		var sum float32
		for y := range Side {
			for x := range Side {
				v := looks[i].at(y*Side+x) / 4
				f[y/2*n+x/2] += v
				sum += v
			}
		}
		for k := range f {
			f[k] -= sum / (n * n)
			mean[k] += f[k] / float32(len(looks))
		}
		list[i] = f
	}
	for _, f := range list {
		if len(list) > 2 {
			for k := range f {
				f[k] -= mean[k]
			}
		}
		if l := float32(math.Sqrt(float64(dot(f, f)))); l > 0 {
			for k := range f {
				f[k] /= l
			}
		}
	}
	return list
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for i := 0; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	return s0 + s1 + s2 + s3
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
