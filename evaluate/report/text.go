package report

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"passfail/evaluate"
)

// listed is how many pictures a list in the text names.
const listed = 10

// WriteText writes the report for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	b := &strings.Builder{}
	for _, s := range r.Warnings {
		fmt.Fprintf(b, "Note: %s\n", s)
	}
	if len(r.Warnings) > 0 {
		fmt.Fprintln(b)
	}
	for _, s := range r.Summary() {
		fmt.Fprintln(b, s)
	}
	if r.Model.View != "" {
		fmt.Fprintf(b, "Parts were seen so: %s.\n", r.Model.View)
	}
	for _, e := range []*Evaluation{r.Test, r.CrossValidated} {
		if e != nil {
			fmt.Fprintln(b)
			e.text(b)
		}
	}
	r.candidates(b)
	pictures(b, "Most likely mislabelled (or only hard to judge: look before you move any)", r.Mislabelled)
	pictures(b, "Judged most wrongly", r.Worst)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func (e *Evaluation) text(b *strings.Builder) {
	t := tabwriter.NewWriter(b, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "%s\t\t95 %% INTERVAL\n", strings.ToUpper(e.How))
	for _, row := range figureRows(e.Figures) {
		fmt.Fprintf(t, "%s\t%s\t%s\n", row.Name, row.Value, row.Range)
	}
	t.Flush() // a strings.Builder takes everything
	fmt.Fprintln(b)
	t = tabwriter.NewWriter(b, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "TRUE LABEL \\ JUDGED\t")
	for _, l := range e.Figures.Labels {
		fmt.Fprintf(t, "%s\t", oneLine(l))
	}
	fmt.Fprintln(t, "FOUND\t")
	for i, row := range e.Figures.Confusion {
		fmt.Fprintf(t, "%s\t", oneLine(e.Figures.Labels[i]))
		for _, n := range row {
			fmt.Fprintf(t, "%d\t", n)
		}
		found := "–" // of none
		if c := e.Figures.Classes[i]; c.Pictures > 0 {
			found = share(c.Recall.Rate)
		}
		fmt.Fprintf(t, "%s\t\n", found)
	}
	t.Flush()
}

func (r *Report) candidates(b *strings.Builder) {
	if len(r.Candidates) == 0 {
		return
	}
	fmt.Fprintln(b)
	t := tabwriter.NewWriter(b, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "\tTRIED\tLOG LOSS\tBEHIND\tACCURACY\tAUC\tCOST\tNOTE")
	for _, c := range r.Candidates {
		mark := " "
		if c.Chosen {
			mark = "→"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", mark, oneLine(c.Name), c.Loss(), c.Distance(), spread(c.Accuracy, c.AccuracySpread), spread(c.AUC, c.AUCSpread), c.Price(), oneLine(c.Why))
	}
	t.Flush()
	fmt.Fprintln(b, candidatesNote)
}

func pictures(b *strings.Builder, title string, list []Picture) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	t := tabwriter.NewWriter(b, 0, 4, 2, ' ', 0)
	for _, p := range list[:min(len(list), listed)] {
		fmt.Fprintf(t, "  %s\tlabelled %s\tjudged %s\tpass score %.3f\n", oneLine(p.Path), oneLine(p.Truth), oneLine(p.Judged), p.Pass)
	}
	t.Flush()
	if more := len(list) - listed; more > 0 {
		fmt.Fprintf(b, "  and %d more\n", more)
	}
}

// oneLine keeps a name with line breaks or control characters from spoiling a table.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}

// figureRow is a line of the table of figures.
type figureRow struct {
	Name, Value, Range, Meaning string
	Share                       bool // it lies in 0..1 and has an interval
	At                          float64
	Interval                    evaluate.Interval
	Known                       bool
}

// figureRows are those that the text and the page both show. Where there are only
// good or only bad parts, those that compare both mean nothing and are left out.
func figureRows(f *evaluate.Figures) []figureRow {
	rate := func(name, meaning string, v evaluate.Figure, i evaluate.Interval) figureRow {
		return figureRow{Name: name, Value: share(v), Range: i.Range(), Meaning: meaning, Share: true, At: float64(v), Interval: i, Known: v.Known()}
	}
	plain := func(name, meaning string, v evaluate.Figure) figureRow {
		return figureRow{Name: name, Value: number(v), Meaning: meaning}
	}
	rows := []figureRow{
		rate("Escapes", "bad parts that pass, "+f.Escapes.String(), f.Escapes.Rate, f.Escapes.Interval),
		rate("Overkill", "good parts that fail, "+f.Overkill.String(), f.Overkill.Rate, f.Overkill.Interval),
		rate("Right verdicts", "of all pictures", f.VerdictAccuracy, f.Intervals.VerdictAccuracy),
	}
	if len(f.Labels) > 2 {
		rows = append(rows, rate("Right labels", "of all pictures", f.Accuracy, f.Intervals.Accuracy))
	}
	if f.Good == 0 || f.Bad == 0 {
		return slices.DeleteFunc(rows, func(r figureRow) bool { return !r.Known })
	}
	auc := rate("ROC AUC", "how often a bad part scores worse than a good one", f.AUC, f.Intervals.AUC)
	auc.Value = number(f.AUC)
	if f.AUC.Known() {
		auc.Range = fmt.Sprintf("%.3f to %.3f", f.Intervals.AUC.Low, f.Intervals.AUC.High)
	}
	return append(rows,
		rate("Precision", "bad parts among those that fail", f.Precision, f.Intervals.Precision),
		rate("Recall", "bad parts that fail, of all bad parts", f.Recall, f.Intervals.Recall),
		rate("F1", "precision and recall in one", f.F1, f.Intervals.F1),
		auc,
		plain("Average precision", "precision, averaged over recall", f.AveragePrecision),
		plain("Brier score", "mean square error of the pass score; 0 is best", f.Brier),
		plain("Log loss", "how surprised the scores are by the truth; 0 is best", f.LogLoss),
		plain("Calibration error", "how far scores are from being probabilities; 0 is best", f.CalibrationError),
	)
}

func share(f evaluate.Figure) string { return evaluate.Percent(float64(f)) }

func number(f evaluate.Figure) string {
	if !f.Known() {
		return "unknown"
	}
	return fmt.Sprintf("%.3f", float64(f))
}

// spread is a figure with its spread over repeats.
func spread(f evaluate.Figure, by float64) string {
	if !f.Known() {
		return "–"
	}
	if by > 0 {
		return fmt.Sprintf("%.3f ± %.3f", float64(f), by)
	}
	return number(f)
}

// candidatesNote says how to read the table of what was tried.
const candidatesNote = "The lowest log loss decides, cross-validated on these pictures; a slower way must be better by more than chance. " +
	"Behind: by how much the log loss is above that of the chosen one, ± the standard error: less than about twice that may be chance. " +
	"Cost: of judging a part, in times that of MobileNetV2 at 224 pixels."

// Loss is a candidate's log loss.
func (c Candidate) Loss() string {
	switch {
	case c.LogLoss <= 0:
		return "–"
	case c.LogLossOfAll > 0:
		return fmt.Sprintf("%.3f (all pictures: %.3f)", c.LogLoss, c.LogLossOfAll)
	}
	return fmt.Sprintf("%.3f", c.LogLoss)
}

// Distance is how far a candidate is behind the chosen one.
func (c Candidate) Distance() string {
	if c.BehindError <= 0 {
		return "–"
	}
	s := fmt.Sprintf("%+.3f ± %.3f", c.Behind, c.BehindError)
	return strings.Replace(s, "-", "−", 1)
}

// Price is what judging a part by a candidate costs.
func (c Candidate) Price() string {
	var list []string
	if c.Cost > 0 {
		list = append(list, fmt.Sprintf("%.2g ×", c.Cost))
	}
	if c.Milliseconds > 0 {
		list = append(list, fmt.Sprintf("%.1f ms", c.Milliseconds))
	}
	if list == nil {
		return "–"
	}
	return strings.Join(list, ", ")
}

// base is a picture's name with its folder, which is often its label.
func base(path string) string {
	return filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
}
