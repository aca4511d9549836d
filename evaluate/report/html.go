package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"passfail/evaluate"
)

//go:embed page.html.tmpl
var pageTemplate string

// page is what the template shows.
type page struct {
	*Report
	Main    *Evaluation
	Other   *Evaluation // the cross-validation beside a test
	Tallies []hundred
	Words   []string
	Charts  []*chart
	Sheets  []sheet
	Facts   []Fact
}

// sheet is a contact sheet.
type sheet struct {
	ID, Title, Note string
	Pictures        []Picture
}

// WriteHTML writes the report as one page that needs no other file and no script.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"image":   dataURI,
		"base":    base,
		"percent": func(f evaluate.Figure) string { return share(f) },
		"spread":  spread,
		"rows": func(f *evaluate.Figures, main bool) []figureRow {
			return slices.DeleteFunc(figureRows(f), func(r figureRow) bool { return r.Share != main })
		},
		"candidatesNote": func() string { return candidatesNote },
		"together":       together,
		"sentence":       sentence,
		"breakable":      breakable,
		"whisker":        whisker,
		"shade":          shade,
		"tenth":          func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) },
		"hundredfold":    func(v float64) float64 { return 100 * v },
		"score":          func(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) },
		"date":           func(t time.Time) string { return t.Format("2 January 2006, 15:04") },
		"machine":        func(t time.Time) string { return t.Format(time.RFC3339) },
	}).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	p := page{Report: r, Main: r.main(), Facts: r.facts()}
	if r.Test != nil {
		p.Other = r.CrossValidated
	}
	if p.Main != nil {
		f := p.Main.Figures
		for _, h := range []hundred{
			{Class: "bad", Title: "Bad parts that would escape", Right: "caught", Wrong: "escape", Rate: f.Escapes},
			{Class: "good", Title: "Good parts that would be failed", Right: "pass", Wrong: "overkill", Rate: f.Overkill},
		} {
			if h.Rate.Of > 0 {
				h.count()
				p.Tallies = append(p.Tallies, h)
			}
		}
	}
	p.Words = r.Summary()
	if p.Tallies != nil {
		p.Words = p.Words[2:] // the tallies say these
	}
	p.Charts = r.charts(p.Main)
	for _, s := range []sheet{
		{"mislabelled", "Most likely mislabelled", r.mislabelledNote() + " A click shows a picture large.", r.Mislabelled},
		{"worst", "Judged most wrongly", r.worstNote() + " A click shows a picture large.", r.furtherWorst()},
	} {
		if len(s.Pictures) > 0 {
			p.Sheets = append(p.Sheets, s)
		}
	}
	var b bytes.Buffer // so that nothing is written when the template fails
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// mislabelledNote says what to do about the pictures that may be in a wrong folder.
func (r *Report) mislabelledNote() string {
	s := "The model, which had not been taught these, gives another label a high score. Some may lie in the wrong folder, others are only hard to judge: look before you move any."
	if e := r.main(); e != nil && e.Figures.Accuracy.Known() {
		s += fmt.Sprintf(" (It is right about %s of the pictures.)", share(e.Figures.Accuracy))
	}
	return s
}

func (r *Report) worstNote() string {
	s := "If the labels are right, more pictures like these help most."
	if n := len(r.Worst) - len(r.furtherWorst()); n > 0 {
		s += fmt.Sprintf(" %d that are shown above already are left out.", n)
	}
	return s
}

// furtherWorst are those judged most wrongly that are not among the mislabelled.
func (r *Report) furtherWorst() []Picture {
	shown := map[string]bool{}
	for _, p := range r.Mislabelled {
		shown[p.Path] = true
	}
	return slices.DeleteFunc(slices.Clone(r.Worst), func(p Picture) bool { return shown[p.Path] })
}

// dataURI is a picture within the page; "" if it is no JPEG and no PNG.
func dataURI(b []byte) template.URL {
	kind := http.DetectContentType(b)
	if kind != "image/jpeg" && kind != "image/png" {
		return ""
	}
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b))
}

// together keeps a number and its percent sign on one line.
func together(s string) string { return strings.ReplaceAll(s, " %", "\u00a0%") }

// breakable cuts a label where a line may be broken.
func breakable(label string) []string {
	return strings.SplitAfter(label, "_")
}

// sentence begins with a capital letter.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// hundred is a rate, drawn as a hundred parts.
type hundred struct {
	Class, Title string
	Right, Wrong string
	Rate         evaluate.Rate
	Dots         []dot
	Number       string // of a hundred
	Between      string
}

// dot is one of the hundred: right, maybe (within the interval), or wrong.
type dot struct {
	State string
	X, Y  int
}

// count fills in what is drawn.
func (h *hundred) count() {
	wrong := int(math.Round(100 * float64(h.Rate.Rate)))
	most := int(math.Ceil(100*h.Rate.High - 1e-9))
	for i := range 100 {
		d := dot{"right", 8 + i%10*16, 8 + i/10*16}
		switch {
		case i < wrong:
			d.State = "wrong"
		case i < most:
			d.State = "maybe"
		}
		h.Dots = append(h.Dots, d)
	}
	h.Number = hundredth(float64(h.Rate.Rate))
	switch {
	case h.Rate.Count == 0:
		h.Between = fmt.Sprintf("up to %s are possible", hundredth(h.Rate.High))
	case h.Rate.Count == h.Rate.Of:
		h.Between = fmt.Sprintf("%s at least", hundredth(h.Rate.Low))
	default:
		h.Between = fmt.Sprintf("between %s and %s", hundredth(h.Rate.Low), hundredth(h.Rate.High))
	}
}

// hundredth writes a share as parts of a hundred.
func hundredth(share float64) string {
	p := 100 * share
	if p > 0 && p < 10 {
		return strconv.FormatFloat(math.Round(p*10)/10, 'f', -1, 64)
	}
	return strconv.FormatFloat(math.Round(p), 'f', -1, 64)
}

// bar is an interval on a scale of 100.
type bar struct{ Low, Width, At string }

func whisker(r figureRow) bar {
	low, high := 100*r.Interval.Low, 100*r.Interval.High
	format := func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
	return bar{format(low), format(max(high-low, 0.5)), format(100 * r.At)}
}

// shade is the class of a cell of a confusion matrix, by its share of the row.
func shade(n int, row []int) string {
	total := 0
	for _, v := range row {
		total += v
	}
	if total == 0 || n == 0 {
		return "w0"
	}
	return "w" + strconv.Itoa(1+min(8*n/total, 8))
}

// facts are what is known of model and data, in lines.
func (r *Report) facts() []Fact {
	var list []Fact
	add := func(name, format string, a ...any) {
		list = append(list, Fact{name, fmt.Sprintf(format, a...)})
	}
	m, d := r.Model, r.Data
	text := func(name, value string) {
		if value != "" {
			add(name, "%s", value)
		}
	}
	text("Model file", m.File)
	if m.Bytes > 0 {
		add("Size", "%.1f MB", float64(m.Bytes)/1e6)
	}
	text("Base", m.Base)
	text("Input", m.Input)
	if m.Views > 0 {
		add("Views of a picture", "%d", m.Views)
	}
	text("Head", m.Head)
	if m.Milliseconds > 0 {
		add("To judge a part", "%.1f ms on the machine that trained", m.Milliseconds)
	}
	if m.TrainingSeconds > 0 {
		add("Training took", "%s", seconds(m.TrainingSeconds))
	}
	text("Parts were seen", m.View)
	if m.Seed != nil {
		add("Seed", "%d", *m.Seed)
	}
	list = append(list, m.More...)
	text("Model SHA-256", m.SHA256)
	text("Data set", d.Dir)
	for _, c := range d.Labels {
		kind := "fail"
		if c.Pass {
			kind = "pass"
		}
		add("Pictures of "+c.Label, "%d, which should %s", c.Pictures, kind)
	}
	if d.Parts > 0 {
		add("Parts they show", "%d", d.Parts)
	}
	text("Data set hash", d.Hash)
	if r.Seconds > 0 && r.Seconds != m.TrainingSeconds { // else it is said above
		add("This report took", "%s", seconds(r.Seconds))
	}
	return list
}

func seconds(s float64) string {
	if s >= 120 {
		return fmt.Sprintf("%.1f minutes", s/60)
	}
	return fmt.Sprintf("%.2g s", s)
}
