package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"passfail/capture"
)

// Report is what Check found.
type Report struct {
	Dir      string      `json:"dir"`
	Labels   []LabelInfo `json:"labels"`
	Usable   bool        `json:"usable"` // training can work: no finding is grave
	Findings []Finding   `json:"findings"`
}

// LabelInfo counts what a label has.
type LabelInfo struct {
	Label    string `json:"label"`
	Pictures int    `json:"pictures"` // that can be read
	Parts    int    `json:"parts"`    // that these show: near duplicates count once
}

// Kind is what a finding is about.
type Kind string

const (
	Unreadable Kind = "unreadable" // can't be read or decoded
	TooFew     Kind = "too_few"    // a label has too few parts
	Uneven     Kind = "uneven"     // one label has many times the pictures of another
	TwoLabels  Kind = "two_labels" // the same picture or part under two labels
	Copies     Kind = "copies"     // byte for byte the same
	Burst      Kind = "same_part"  // several pictures of one part
	Blurred    Kind = "blurred"    // less sharp than the others
	Exposure   Kind = "exposure"   // too dark or too bright, or unlike the others
	Empty      Kind = "empty"      // shows nothing
	OddSize    Kind = "odd_size"   // another size than the others
	Views      Kind = "views"      // turned or cut in different ways
	LeftOut    Kind = "left_out"   // files and folders that are no pictures
)

// Finding is something to know or to do about a data set.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Grave  bool   `json:"grave"`  // training can't work before this is mended
	Text   string `json:"text"`   // what was found
	Advice string `json:"advice"` // what to do
	Files  []File `json:"files,omitempty"`
}

// File is one that a finding is about.
type File struct {
	Path   string `json:"path"`
	Detail string `json:"detail,omitempty"` // what is with it
	With   int    `json:"with,omitempty"`   // files with the same number, from 1, belong together; 0: alone
}

// checking is one run of Check.
type checking struct {
	set    *Set
	sights []Sight
	used   []int // the pictures that can be read
	groups []int // of those in used
	report *Report
}

// Check looks for what is wrong with a data set, given what Examine saw of its
// pictures. It ends early, with an error, only when ctx does.
func (s *Set) Check(ctx context.Context, sights []Sight) (*Report, error) {
	c := &checking{set: s, sights: sights, report: &Report{Dir: s.Dir, Usable: true, Findings: []Finding{}}}
	readable := s.Without(func(i int) bool { return sights[i].Err != nil })
	var looks []Look
	for i := range s.Pictures {
		if sights[i].Err == nil {
			c.used = append(c.used, i)
			looks = append(looks, sights[i].Look)
		}
	}
	var err error
	if c.groups, err = readable.Groups(ctx, looks); err != nil {
		return nil, err
	}
	c.count()
	for _, find := range []func(){
		c.unreadable, c.tooFew, c.twoLabels, c.views, c.copies, c.bursts, c.empty, c.blurred, c.exposure, c.oddSize, c.uneven, c.leftOut,
	} {
		find()
	}
	return c.report, nil
}

func (c *checking) add(f Finding) {
	c.report.Findings = append(c.report.Findings, f)
	c.report.Usable = c.report.Usable && !f.Grave
}

func (c *checking) path(i int) string  { return c.set.Pictures[i].Path }
func (c *checking) label(i int) string { return c.set.Labels[c.set.Pictures[i].Label] }

// count fills in the report's labels.
func (c *checking) count() {
	c.report.Labels = make([]LabelInfo, len(c.set.Labels))
	seen := map[[2]int]bool{}
	for i, name := range c.set.Labels {
		c.report.Labels[i].Label = name
	}
	for k, i := range c.used {
		l := c.set.Pictures[i].Label
		c.report.Labels[l].Pictures++
		if key := [2]int{l, c.groups[k]}; !seen[key] {
			seen[key] = true
			c.report.Labels[l].Parts++
		}
	}
}

func (c *checking) unreadable() {
	f := Finding{Kind: Unreadable, Advice: "Training leaves them out. Take the pictures anew, or take the files away."}
	for i, s := range c.sights {
		if s.Err != nil {
			detail := strings.TrimPrefix(s.Err.Error(), "picture ")
			f.Files = append(f.Files, File{Path: c.path(i), Detail: strings.TrimPrefix(detail, c.path(i)+": ")})
		}
	}
	if n := len(f.Files); n > 0 {
		f.Text = fmt.Sprintf("%s can't be read.", pictures(n))
		c.add(f)
	}
}

// How many different parts a label should have.
const (
	leastParts = 2  // fewer can't be divided
	fewParts   = 10 // fewer tell hardly anything
	startParts = 50 // as many are a good start
	goodParts  = 90 // as many make figures that can be relied on, as package evaluate says too
)

func (c *checking) tooFew() {
	for _, l := range c.report.Labels {
		f := Finding{Kind: TooFew, Text: fmt.Sprintf("%s has %s of %s.", l.Label, pictures(l.Pictures), parts(l.Parts))}
		switch {
		case l.Parts < leastParts:
			f.Grave = true
			f.Advice = fmt.Sprintf("Take pictures of more parts: %d at least, or none can be kept for a test; %d make a good start.", leastParts, startParts)
		case l.Parts < fewParts:
			f.Advice = fmt.Sprintf("Training works, but what it reports is hardly more than a guess. Take pictures of %d parts or more.", startParts)
		case l.Parts < goodParts:
			f.Advice = fmt.Sprintf("Training works. With %d parts or more its figures can be relied on.", goodParts)
		default:
			continue
		}
		c.add(f)
	}
}

// uneven finds labels with more than ten times the parts of another.
func (c *checking) uneven() {
	least, most := c.report.Labels[0], c.report.Labels[0]
	for _, l := range c.report.Labels {
		if l.Parts < least.Parts {
			least = l
		}
		if l.Parts > most.Parts {
			most = l
		}
	}
	if least.Parts > 0 && most.Parts > 10*least.Parts {
		c.add(Finding{Kind: Uneven, Text: fmt.Sprintf("%s has %s, %s only %d.", most.Label, parts(most.Parts), least.Label, least.Parts),
			Advice: fmt.Sprintf("Training weighs labels evenly, but learns %s from little. More of it helps most.", least.Label)})
	}
}

// leftOut finds what lies in the labels' folders and is not read.
func (c *checking) leftOut() {
	f := Finding{Kind: LeftOut, Advice: "Pictures in folders within a label's folder, and files of other kinds, are not used. Move the pictures up, or ignore this."}
	for _, label := range c.set.Labels {
		dir := filepath.Join(c.set.Dir, label)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // its pictures could not be read either, and that was said
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			if e.IsDir() {
				f.Files = append(f.Files, File{Path: filepath.Join(dir, e.Name()), Detail: "a folder"})
			} else if capture.IsVideo(e.Name()) {
				f.Files = append(f.Files, File{Path: filepath.Join(dir, e.Name())})
			}
		}
	}
	if n := len(f.Files); n > 0 {
		f.Text = fmt.Sprintf("%d files or folders are no pictures.", n)
		if n == 1 {
			f.Text = "1 file or folder is no picture."
		}
		c.add(f)
	}
}

func pictures(n int) string {
	if n == 1 {
		return "1 picture"
	}
	return fmt.Sprintf("%d pictures", n)
}

func parts(n int) string {
	if n == 1 {
		return "1 part"
	}
	return fmt.Sprintf("%d parts", n)
}
