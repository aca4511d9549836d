package train

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"passfail/evaluate"
	"passfail/evaluate/report"
	"passfail/model"
	"passfail/train/dataset"
)

// surveyTest looks at the pictures that are judged at the end, if there are any.
// What is wrong with them is better known before a training than after it.
func (s *session) surveyTest(ctx context.Context) error {
	if s.o.Test == "" {
		return nil
	}
	looks, err := s.shelf("", dataset.LookSize) // the cache's is open already
	if err != nil {
		return err
	}
	p, err := survey(ctx, s.o.Test, 1, s.o.View, looks, func(done, total int) {
		s.o.Progress(Step{"looking at the test pictures", done, total})
	})
	if err != nil {
		return fmt.Errorf("test pictures: %w", err)
	}
	if len(p.set.Pictures) == 0 {
		return fmt.Errorf("test pictures: none of those in %s can be used, such as: %w", s.o.Test, p.broken[0])
	}
	for _, l := range p.set.Labels {
		if s.truth(l) < 0 {
			return fmt.Errorf("test pictures: the training has no label %q; its labels are %s", l, strings.Join(s.pictures.set.Labels, ", "))
		}
	}
	taught := map[[32]byte]int{}
	for i, h := range s.pictures.hashes {
		taught[h] = i
	}
	for i, h := range p.hashes {
		if j, both := taught[h]; both {
			return fmt.Errorf("test pictures: %s is also among the training's (%s): a test with it says nothing; take it out of one of the two",
				p.set.Pictures[i].Path, s.pictures.set.Pictures[j].Path)
		}
	}
	s.heldOut = p
	return s.warnOfTest(ctx)
}

// mostCompared is how many pictures are searched for parts that are in the test
// and in the training: the time grows with the square.
const mostCompared = 5000

// warnOfTest says what makes a test less than it seems.
func (s *session) warnOfTest(ctx context.Context) error {
	p := s.heldOut
	if n := len(p.broken); n > 0 {
		s.warnings = append(s.warnings, fmt.Sprintf("%d of the test pictures can't be used and are not judged, such as: %v.", n, p.broken[0]))
	}
	n := len(s.pictures.looks)
	if n+len(p.looks) > mostCompared {
		return nil
	}
	groups, err := dataset.Groups(ctx, slices.Concat(s.pictures.looks, p.looks))
	if err != nil {
		return err
	}
	seen := map[int]bool{}
	for _, g := range groups[:n] {
		seen[g] = true
	}
	shared := 0
	for _, g := range groups[n:] {
		if seen[g] {
			shared++
		}
	}
	if shared > 0 {
		s.warnings = append(s.warnings, fmt.Sprintf("%d of the %d test pictures look like shots of parts that also taught: the test's figures flatter the model.", shared, len(p.looks)))
	}
	return nil
}

// truth is the model's label for pictures of a folder's, or -1.
func (s *session) truth(label string) int {
	if !s.goodOnly {
		return slices.Index(s.pictures.set.Labels, label)
	}
	if slices.Contains(s.o.Pass, label) {
		return 0
	}
	return 1
}

// test judges the pictures that did not teach, by the model as it is served.
func (s *session) test(ctx context.Context, c *model.Classifier, threshold float64) (*report.Evaluation, error) {
	p := s.heldOut
	sample := &evaluate.Sample{Labels: s.pictures.set.Labels, Pass: s.pass}
	if s.goodOnly {
		sample.Labels, sample.Pass = c.Labels(), []bool{true, false}
	}
	for i, picture := range p.set.Pictures {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		scores, err := classify(c, picture.Path, p.view)
		if err != nil {
			return nil, err
		}
		truth := s.truth(p.set.Labels[picture.Label])
		sample.Pictures = append(sample.Pictures, evaluate.Judged{Path: picture.Path, Truth: truth, Scores: scores, Group: p.groups[i] + 1})
		s.o.Progress(Step{"judging the test pictures", i + 1, len(p.set.Pictures)})
	}
	how := "pictures that did not teach"
	if s.goodOnly {
		var others []string
		for _, l := range p.set.Labels {
			if s.truth(l) == 1 {
				others = append(others, l)
			}
		}
		if len(others) > 0 {
			how += fmt.Sprintf(", %s counted as %s", strings.Join(others, ", "), Unlike)
		}
	}
	return report.NewEvaluation(how, sample, threshold)
}
