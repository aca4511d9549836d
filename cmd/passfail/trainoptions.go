package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"passfail/model"
	"passfail/train"
	"passfail/train/dataset"
)

// check is an error for options that can't be meant, or would do nothing. It is
// told which were given.
func (o *trainOptions) check(given func(flag string) bool) error {
	if !slices.Contains(train.Augments(), train.Augment(o.augment)) {
		return usageError{fmt.Errorf("--augment %s: auto, none, turns, jitter or all", o.augment)}
	}
	if o.budget <= 0 || !(o.maxCost > 0) {
		return usageError{errors.New("--budget and --max-cost must be above 0")}
	}
	if o.cost != 0 && o.maxEscapes != 0 {
		return usageError{errors.New("--cost and --max-escapes both choose the threshold: give one of them")}
	}
	if !o.goodOnly {
		if given("fail-good") {
			return usageError{errors.New("--fail-good is for --good-only; else --max-escapes or --cost choose the threshold")}
		}
		return nil
	}
	for flag, why := range map[string]string{
		"cost": "the limit is set by --fail-good", "max-escapes": "the limit is set by --fail-good",
		"fine-tune": "without bad parts there is nothing to tune the base by", "budget": "nothing is tried", "max-cost": "nothing is tried",
	} {
		if given(flag) {
			return usageError{fmt.Errorf("--%s does nothing with --good-only: %s", flag, why)}
		}
	}
	if given("augment") && o.augment != string(train.AugmentNone) {
		return usageError{fmt.Errorf("--augment %s does nothing with --good-only: good parts are learnt as they are", o.augment)}
	}
	if len(o.bases) > 1 || len(o.sizes) > 1 {
		return usageError{errors.New("--good-only tries nothing: name one --base and one --size at most")}
	}
	return nil
}

// checkFolders looks for folders and labels that are named and not there, before
// pictures are read for minutes.
func (o *trainOptions) checkFolders() error {
	if o.test != "" {
		if _, err := dataset.List(o.test, dataset.Options{MinLabels: 1}); err != nil {
			return fmt.Errorf("--test: %w", err)
		}
	}
	if o.pass == nil {
		return nil
	}
	set, err := dataset.List(o.dir, dataset.Options{MinLabels: o.leastLabels()})
	if err != nil {
		return err
	}
	for _, p := range o.pass {
		if !slices.Contains(set.Labels, p) {
			return fmt.Errorf("--pass: there is no label %q; the labels are: %s", p, strings.Join(set.Labels, ", "))
		}
	}
	return nil
}

// leastLabels is how many labels a data set must have.
func (o *trainOptions) leastLabels() int {
	if o.goodOnly {
		return 1
	}
	return 2
}

// modelEnding is what the name of a model file ends with.
const modelEnding = ".tflite"

// checkModelTarget is an error if a model had better not be written to a file: by
// its name it would be no model, or it would replace something else.
func checkModelTarget(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s can't be written: it is a folder; name a file in it", path)
	case !strings.EqualFold(filepath.Ext(path), modelEnding):
		return usageError{fmt.Errorf("-o %s: the name of a model ends with %s", path, modelEnding)}
	case err != nil || info.Size() == 0 && info.Mode().IsRegular():
		return nil // whether it can be written turns out where it is tried
	case !info.Mode().IsRegular() || !model.IsFile(path):
		return fmt.Errorf("%s is there and is no model: it would be lost; remove it, or name another file", path)
	}
	return nil
}

// sayWritten tells where model and page are.
func (o *trainOptions) sayWritten(size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nWritten: %s (%.1f MB)", o.out, float64(size)/1e6)
	if o.report != "" {
		fmt.Fprintf(&b, ", report %s", o.report)
	}
	name := o.out
	if o.config != "" { // files are named from the configuration's folder
		if abs, err := filepath.Abs(name); err == nil {
			name = abs
		}
	}
	fmt.Fprintf(&b, "\nIn the configuration, under [model]: file = %q\n", name)
	return b.String()
}
