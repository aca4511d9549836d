package train

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"passfail/evaluate"
	"passfail/evaluate/report"
	"passfail/model"
	"passfail/train/dataset"
	"passfail/train/feature"
	"passfail/train/novelty"
)

// Unlike is the label of all that a model which was taught good parts only does
// not take for one.
const Unlike = model.UnlikeLabel

// goodOnlySize is the input size where none is named: no bad parts are there by
// which another one could be chosen.
const goodOnlySize = 224

// RunGoodOnly trains a model with pictures of good parts only: it fails what is
// unlike them. About a share of the good parts fails too; the limit is set by
// good parts that were held out. Pictures of other labels, if there are any,
// teach nothing and are judged at the end, unless there is a test of its own.
func RunGoodOnly(ctx context.Context, o Options, share float64) (*Result, error) {
	s := &session{o: o, start: time.Now(), materials: map[string]*material{}, goodOnly: true}
	defer s.close()
	if err := s.o.complete(); err != nil {
		return nil, err
	}
	if !(share > 0 && share < 0.5) {
		return nil, fmt.Errorf("%v of the good parts may fail: above 0 and below one half is possible", share)
	}
	all, err := s.surveyGood(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.surveyTest(ctx); err != nil {
		return nil, err
	}
	if s.o.Bases == nil {
		s.o.Bases = []string{"mobilenet_v2"} // the best at this, see docs/good-parts-only.md
	}
	if s.o.Sizes == nil {
		s.o.Sizes = []int{goodOnlySize}
	}
	bases, err := s.o.bases()
	if err != nil {
		return nil, err
	}
	m, err := s.materialOf(bases[0], bases[0].sizes[len(bases[0].sizes)-1])
	if err != nil {
		return nil, err
	}
	err = m.collect(ctx, s.all(), plain, func(done, total int) { s.o.Progress(Step{"looking at good parts", done, total}) })
	if err != nil {
		return nil, err
	}
	judge, err := m.unlike(novelty.Judge, share, s.o.Seed)
	if errors.Is(err, novelty.ErrTooFew) {
		return nil, fmt.Errorf("%w: there are %d pictures of %d good parts", err, len(s.pictures.hashes), s.parts())
	}
	if err != nil {
		return nil, err
	}
	p := Provenance{
		Description: s.o.Comment, Threshold: evaluate.DefaultThreshold, Pass: s.pictures.set.Labels[:1],
		Examples: s.pictures.counts(), DataSet: s.pictures.digest(), BaseName: m.network.Name, Size: m.network.Size,
		Head: "unlike good parts", Seed: s.o.Seed, Program: s.o.Program, View: s.lineView(),
	}
	if p.Description == "" {
		p.Description = fmt.Sprintf("Fails what is unlike %d pictures of good parts.", len(s.pictures.hashes))
	}
	b, err := assembleGoodOnly(m.network, judge, s.pictures.set.Labels[0], p)
	if err != nil {
		return nil, err
	}
	if b, err = s.withReferences(ctx, b, s.firstOf(perLabel*2)); err != nil {
		return nil, err
	}
	r := &Result{Model: b, DataSet: p.DataSet, Base: p.BaseName, Pictures: len(s.pictures.hashes), Examples: p.Examples, Threshold: p.Threshold}
	r.Report, err = s.reportGoodOnly(ctx, b, p.BaseName, judge, all)
	return r, err
}

// surveyGood looks at the pictures of good parts. It returns also the whole data
// set, if it has others, else nil.
func (s *session) surveyGood(ctx context.Context) (*pictures, error) {
	looks, err := s.shelf("looks", dataset.LookSize)
	if err != nil {
		return nil, err
	}
	all, err := survey(ctx, s.o.Dir, 1, s.o.View, looks, func(done, total int) {
		s.o.Progress(Step{"looking at the pictures", done, total})
	})
	if err != nil {
		return nil, err
	}
	isGood := func(i int) bool { return slices.Contains(s.o.Pass, all.set.Labels[all.set.Pictures[i].Label]) }
	good := &dataset.Set{Dir: all.set.Dir, Sessions: all.set.Sessions}
	s.pictures = &pictures{set: good, view: all.view, broken: all.broken}
	for i, p := range all.set.Pictures {
		if !isGood(i) {
			continue
		}
		if len(good.Labels) == 0 {
			good.Labels = []string{all.set.Labels[p.Label]}
		}
		good.Pictures = append(good.Pictures, dataset.Picture{Path: p.Path})
		s.pictures.hashes = append(s.pictures.hashes, all.hashes[i])
		s.pictures.pixels = append(s.pictures.pixels, all.pixels[i])
		s.pictures.looks = append(s.pictures.looks, all.looks[i])
		s.pictures.groups = append(s.pictures.groups, all.groups[i])
	}
	if len(good.Pictures) == 0 {
		return nil, fmt.Errorf("data set %s: no pictures of good parts in the folders %q; say which label is good with --pass", s.o.Dir, all.set.Labels)
	}
	s.pass = []bool{true}
	if len(good.Pictures) == len(all.set.Pictures) {
		return nil, nil
	}
	return all, nil
}

// firstOf are up to n pictures.
func (s *session) firstOf(n int) []int { return s.all()[:min(n, len(s.pictures.hashes))] }

// assembleGoodOnly puts the judge on its base.
func assembleGoodOnly(n *feature.Network, judge *novelty.Model, good string, p Provenance) ([]byte, error) {
	a, err := begin(n, nil)
	if err != nil {
		return nil, err
	}
	value, places, err := addGuard(a.m, a.pooled, judge)
	if err != nil {
		return nil, fmt.Errorf("base network %s: %w", n.Name, err)
	}
	scores, err := judge.Scores(a.m, value)
	if err != nil {
		return nil, fmt.Errorf("base network %s: %w", n.Name, err)
	}
	return a.finish(scores, []int32{value, places}, novelty.Metadata(), []string{good, Unlike}, p)
}

// reportGoodOnly says what is known: of good parts that were held out and, where
// there are pictures of others, of these.
func (s *session) reportGoodOnly(ctx context.Context, b []byte, base string, judge *novelty.Model, all *pictures) (*report.Report, error) {
	classifier, err := model.OpenBytes(b, model.Options{})
	if err != nil {
		return nil, err
	}
	defer classifier.Close()
	r, err := s.newReport("Training on good parts of "+filepath.Base(s.o.Dir), base, classifier, b)
	if err != nil {
		return nil, err
	}
	r.Model.Pass, r.Model.Head = classifier.Labels()[:1], "distance to good parts"
	r.Warnings = append(r.Warnings, judge.Limit.Warnings...)
	l := judge.Limit
	r.Warnings = append([]string{fmt.Sprintf("Of good parts like these, %s are expected to be failed (%s to %s; %s was asked for), by %d parts that were held out in turn.",
		evaluate.Percent(l.Expected), evaluate.Percent(l.Low), evaluate.Percent(l.High), evaluate.Percent(l.Share), l.Parts)}, r.Warnings...)
	switch {
	case s.heldOut != nil:
		if all != nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("The %d pictures of other labels in %s neither taught nor were judged: the test has its own folder.",
				len(all.set.Pictures)-len(s.pictures.hashes), filepath.Base(s.o.Dir)))
		}
		if r.Test, err = s.test(ctx, classifier, evaluate.DefaultThreshold); err != nil {
			return nil, err
		}
	case all != nil:
		if r.Test, err = s.testGoodOnly(ctx, classifier, all); err != nil {
			return nil, err
		}
	}
	s.finish(r)
	return r, nil
}

// testGoodOnly judges the pictures of other labels. The good ones have taught, so
// what the model says of them proves nothing.
func (s *session) testGoodOnly(ctx context.Context, c *model.Classifier, all *pictures) (*report.Evaluation, error) {
	sample := &evaluate.Sample{Labels: c.Labels(), Pass: []bool{true, false}}
	for i, p := range all.set.Pictures {
		if slices.Contains(s.o.Pass, all.set.Labels[p.Label]) {
			continue
		}
		scores, err := classify(c, p.Path, all.view)
		if err != nil {
			return nil, err
		}
		sample.Pictures = append(sample.Pictures, evaluate.Judged{Path: p.Path, Truth: 1, Scores: scores, Group: all.groups[i] + 1})
		s.o.Progress(Step{"judging other labels", i + 1, len(all.set.Pictures)})
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return report.NewEvaluation("pictures of other labels, which taught nothing", sample, evaluate.DefaultThreshold)
}
