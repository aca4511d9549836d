// Package scoring runs a model over labelled pictures, so that what it says of
// them can be evaluated. It opens any model that the line can run.
package scoring

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"passfail/capture"
	"passfail/evaluate"
	"passfail/line"
	"passfail/model"
	"passfail/train/dataset"
)

// Options say how pictures are read and what their labels mean.
type Options struct {
	Pass   []string          // labels of good parts; empty: the model's own, or those of line.GoodLabels that it has
	Rename map[string]string // the model's label for a folder that has another name
	View   capture.Settings  // Rotate, Flip and ROI, as on the line

	// Classifiers is how many pictures are judged at a time, each by a copy of the
	// network that takes one processor; 0: as many as there are processors.
	Classifiers int
	// Progress is told how many pictures are done. It may be nil, and is called by
	// one goroutine at a time.
	Progress func(done int)
}

// Result is what a model says of a data set.
type Result struct {
	// Sample holds the pictures that could be read, in the order of the set, with
	// the labels of the model. Near duplicates are of one group.
	Sample     *evaluate.Sample
	Unreadable []Unreadable
	Unlike     []string // folders that count as model.UnlikeLabel: the model knows good parts only
	Model      Model
}

// Unreadable is a picture that could not be judged.
type Unreadable struct {
	Path string
	Err  error
}

// Model is what the file says of itself.
type Model struct {
	SHA256    string
	Bytes     int
	Input     string
	DataSet   string  // SHA-256 of the pictures that taught it, hex; "": not said
	Threshold float64 // that was chosen in its training; 0: none
	Novelty   bool    // it tells how unlike the training's pictures one is; 1 is its limit
}

// mostCompared bounds the search for near duplicates, whose time grows with the
// square of the pictures.
const mostCompared = 5000

// Run scores a data set by the model in file. Pictures that can't be read are
// listed, and are no error unless there are no others.
func Run(ctx context.Context, file string, set *dataset.Set, o Options) (*Result, error) {
	r := &Result{}
	if err := r.describe(file); err != nil {
		return nil, err
	}
	n := cmp.Or(o.Classifiers, runtime.GOMAXPROCS(0))
	n = max(1, min(n, len(set.Pictures)))
	s := &scorer{set: set, options: o, judged: make([]judged, len(set.Pictures))}
	defer s.close()
	for range n {
		c, err := model.Open(file, model.Options{Threads: 1})
		if err != nil {
			return nil, err
		}
		s.classifiers = append(s.classifiers, c)
	}
	labels := slices.Clone(s.classifiers[0].Labels())
	r.Model.Novelty = s.classifiers[0].HasNovelty()
	if len(o.Pass) == 0 {
		o.Pass = s.classifiers[0].Pass()
	}
	pass, err := line.PassLabels(o.Pass, labels)
	if err != nil {
		return nil, err
	}
	truth, unlike, err := match(labels, pass, set, o.Rename)
	if err != nil {
		return nil, err
	}
	r.Unlike = unlike
	r.Sample = &evaluate.Sample{Labels: labels, Pass: pass}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	groups, err := s.groups(ctx)
	if err != nil {
		return nil, err
	}
	for i, p := range set.Pictures {
		j := s.judged[i]
		if j.err != nil {
			r.Unreadable = append(r.Unreadable, Unreadable{p.Path, j.err})
			continue
		}
		r.Sample.Pictures = append(r.Sample.Pictures, evaluate.Judged{Path: p.Path, Truth: truth[p.Label], Scores: j.scores, Group: groups[i] + 1, Novelty: j.novelty})
	}
	if len(r.Sample.Pictures) == 0 {
		return nil, fmt.Errorf("data set %s: none of its %d pictures could be read; the first: %w", set.Dir, len(set.Pictures), r.Unreadable[0].Err)
	}
	return r, nil
}

func (r *Result) describe(file string) error {
	b, err := model.ReadFile(file)
	if err != nil {
		return err
	}
	d, err := model.Describe(file, b)
	if err != nil {
		return err
	}
	r.Model = Model{SHA256: fmt.Sprintf("%x", sha256.Sum256(b)), Bytes: len(b), Input: fmt.Sprint(d.Input)}
	trained, err := model.TrainedOf(d.File)
	if err != nil {
		return fmt.Errorf("model %s: %w", file, err)
	}
	r.Model.DataSet = trained.DataSet
	r.Model.Threshold, err = model.ThresholdOf(d.File)
	if err != nil {
		return fmt.Errorf("model %s: %w", file, err)
	}
	return nil
}

// match is the model's label of each folder. Where a model knows good parts only,
// all others are unlike them; those folders are returned too.
func match(labels []string, pass []bool, set *dataset.Set, rename map[string]string) (truth []int, unlike []string, err error) {
	other := slices.Index(labels, model.UnlikeLabel)
	var unknown []string
	truth = make([]int, len(set.Labels))
	for i, folder := range set.Labels {
		name, renamed := rename[folder]
		if !renamed {
			name = folder
		}
		if truth[i] = slices.Index(labels, name); truth[i] >= 0 {
			continue
		}
		switch {
		case renamed:
			return nil, nil, fmt.Errorf("folder %s: the model has no label %q; its labels are: %s", folder, name, strings.Join(labels, ", "))
		case other >= 0 && !soundsGood(folder):
			truth[i] = other
			unlike = append(unlike, folder)
		default:
			unknown = append(unknown, folder)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(rename)) {
		if !slices.Contains(set.Labels, folder) {
			return nil, nil, fmt.Errorf("data set %s: it has no folder %q; its folders are: %s", set.Dir, folder, strings.Join(set.Labels, ", "))
		}
	}
	if unknown != nil {
		// A hint that is followed blindly must not make good parts of bad ones.
		hint := labels[slices.Index(pass, soundsGood(unknown[0]))]
		return nil, nil, fmt.Errorf("data set %s: the model has no label named like the folder %s; its labels are: %s. Say which of them a folder means: --map %s=%s",
			set.Dir, strings.Join(unknown, " or "), strings.Join(labels, ", "), unknown[0], hint)
	}
	return truth, unlike, nil
}

// soundsGood tells whether a folder is called like good parts are.
func soundsGood(folder string) bool {
	return slices.Contains(line.GoodLabels, strings.ToLower(folder))
}

// judged is what became of a picture.
type judged struct {
	scores  []float64
	novelty float64
	look    dataset.Look
	err     error
}

// scorer shares a set's pictures out to classifiers.
type scorer struct {
	set         *dataset.Set
	options     Options
	classifiers []*model.Classifier
	judged      []judged
}

func (s *scorer) close() {
	for _, c := range s.classifiers {
		c.Close()
	}
}

// run judges all pictures. Each classifier has a goroutine of its own and one
// picture at a time in memory.
func (s *scorer) run(ctx context.Context) error {
	next := make(chan int)
	done := make(chan error)
	var workers sync.WaitGroup
	for _, c := range s.classifiers {
		workers.Go(func() {
			for i := range next {
				done <- s.judge(c, i)
			}
		})
	}
	workers.Go(func() {
		defer close(next)
		for i := range s.set.Pictures {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	})
	go func() { // it ends with the last of the others
		workers.Wait()
		close(done)
	}()
	var failed error
	n := 0
	for err := range done {
		failed = cmp.Or(failed, err)
		if n++; s.options.Progress != nil {
			s.options.Progress(n)
		}
	}
	return cmp.Or(ctx.Err(), failed)
}

// judge judges picture i. What the picture is to blame for is noted with it;
// what the model is to blame for is the error.
func (s *scorer) judge(c *model.Classifier, i int) error {
	path := s.set.Pictures[i].Path
	j := &s.judged[i]
	f, err := capture.ReadPicture(path, s.options.View)
	if err != nil {
		j.err = err
		return nil
	}
	defer f.Close()
	if j.look, err = dataset.Examine(&f.Image, f.ROI); err != nil {
		j.err = fmt.Errorf("picture %s: %w", path, err)
		return nil
	}
	scores, err := c.Classify(&f.Image, f.ROI)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	novelty, _ := c.Novelty()
	j.novelty = float64(novelty)
	for _, v := range scores {
		j.scores = append(j.scores, float64(v))
	}
	return nil
}

// groups numbers the parts that the pictures show.
func (s *scorer) groups(ctx context.Context) ([]int, error) {
	if len(s.judged) > mostCompared {
		return s.set.Groups(ctx, nil)
	}
	looks := make([]dataset.Look, len(s.judged))
	for i, j := range s.judged {
		looks[i] = j.look
	}
	return s.set.Groups(ctx, looks)
}
