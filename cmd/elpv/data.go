package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// cell is one picture of a solar cell.
type cell struct {
	path   string
	kind   string // mono, poly
	defect bool   // with a probability of at least one half, by the experts who labelled it
}

// readCells reads labels.csv: path, probability of a defect and kind, set apart
// by blanks.
func readCells(dir string) ([]cell, error) {
	name := filepath.Join(dir, "labels.csv")
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w; make elpv fetches the data set", err)
	}
	defer f.Close()
	var cells []cell
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s: line %d has %d fields; 3 are needed", name, n, len(fields))
		}
		p, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
		}
		cells = append(cells, cell{filepath.Join(dir, fields[0]), fields[2], p >= 0.5})
	}
	return cells, lines.Err()
}

// split shuffles and takes a quarter of each stratum (kind and label) for the
// test, as Deitsch et al. (2019) split this set.
func split(cells []cell, seed uint64) (training, test []cell) {
	strata := map[string][]cell{}
	for _, c := range cells {
		key := fmt.Sprint(c.kind, c.defect)
		strata[key] = append(strata[key], c)
	}
	var keys []string
	for k := range strata {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	random := rand.New(rand.NewPCG(seed, 0))
	taken, seen := 0, 0
	for _, k := range keys {
		list := strata[k]
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		// What is rounded off one stratum goes to the next, so that the whole
		// test set is a quarter.
		seen += len(list)
		n := seen/4 - taken
		taken += n
		test = append(test, list[:n]...)
		training = append(training, list[n:]...)
	}
	return training, test
}

// fewOf takes n cells at random, half of them defective.
func fewOf(cells []cell, n int, seed uint64) []cell {
	random := rand.New(rand.NewPCG(seed, 1))
	var few []cell
	left := map[bool]int{true: n / 2, false: n - n/2}
	for _, i := range random.Perm(len(cells)) {
		if c := cells[i]; left[c.defect] > 0 {
			left[c.defect]--
			few = append(few, c)
		}
	}
	return few
}
