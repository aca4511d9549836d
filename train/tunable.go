package train

import "fmt"

// leastTuned is how many parts of each label fine-tuning needs. Of fewer, the folds
// that stop it and judge it would hold a part or none.
const leastTuned = 10

// tunable is an error where there are too few parts to fine-tune with. What is
// missing is better known before a training than after it.
func (s *session) tunable() error {
	set := s.pictures.set
	parts := make([]map[int]bool, len(set.Labels))
	for l := range parts {
		parts[l] = map[int]bool{}
	}
	for i, p := range set.Pictures {
		parts[p.Label][s.pictures.groups[i]] = true
	}
	for l, seen := range parts {
		if len(seen) < leastTuned {
			return fmt.Errorf("fine-tuning needs pictures of %d parts of each label at least, since one fifth decides when to stop and another one whether anything was gained; label %q has %d: take more, or train without --fine-tune",
				leastTuned, set.Labels[l], len(seen))
		}
	}
	return nil
}
