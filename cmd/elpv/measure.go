package main

import (
	"cmp"
	"fmt"
	"slices"
)

// figures say how well scores tell defects from good cells.
type figures struct{ accuracy, f1, auc float64 }

func (f figures) String() string {
	return fmt.Sprintf("accuracy %.4f, F1 %.4f, ROC AUC %.4f", f.accuracy, f.f1, f.auc)
}

// measure compares scores of being defective with the truth, at a threshold of
// one half. F1 is that of the defects.
func measure(cells []cell, scores []float64) figures {
	var hit, missed, overkill, right int
	for i, c := range cells {
		said := scores[i] > 0.5
		switch {
		case said && c.defect:
			hit++
		case c.defect:
			missed++
		case said:
			overkill++
		}
		if said == c.defect {
			right++
		}
	}
	return figures{
		accuracy: float64(right) / float64(len(cells)),
		f1:       2 * float64(hit) / float64(2*hit+missed+overkill),
		auc:      auc(cells, scores),
	}
}

// auc is the share of pairs of a defect and a good cell in which the defect has
// the higher score; a tie is half a pair.
func auc(cells []cell, scores []float64) float64 {
	order := make([]int, len(cells))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	defects, good, won := 0.0, 0.0, 0.0
	for i := 0; i < len(order); {
		d, g := 0.0, 0.0
		j := i
		for ; j < len(order) && scores[order[j]] == scores[order[i]]; j++ {
			if cells[order[j]].defect {
				d++
			} else {
				g++
			}
		}
		won += d * (good + g/2)
		defects += d
		good += g
		i = j
	}
	return won / (defects * good)
}
