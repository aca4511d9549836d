package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"passfail/evaluate"
)

// Report is what there is to tell. Its JSON is stable; the pictures of the
// contact sheets are left out of it, not what is said of them.
type Report struct {
	Title   string    `json:"title"`
	Made    time.Time `json:"made"`    // zero: not said
	Program string    `json:"program"` // that made it, with its version

	Model Model `json:"model"`
	Data  Data  `json:"data"`

	// CrossValidated is of the pictures of the training, each judged by a model
	// that had not seen it. Test is of pictures that were held out for good.
	CrossValidated *Evaluation      `json:"cross_validated,omitempty"`
	Test           *Evaluation      `json:"test,omitempty"`
	Threshold      *evaluate.Choice `json:"threshold,omitempty"`

	Candidates    []Candidate             `json:"candidates,omitempty"`
	LearningCurve *evaluate.LearningCurve `json:"learning_curve,omitempty"`
	Forecast      *evaluate.Forecast      `json:"forecast,omitempty"`
	Novelty       *Novelty                `json:"novelty,omitempty"`

	Mislabelled []Picture `json:"mislabelled,omitempty"` // the likeliest first
	Worst       []Picture `json:"worst,omitempty"`       // the most wrong first

	Warnings []string `json:"warnings,omitempty"`
	Seconds  float64  `json:"seconds,omitempty"` // all of it took
}

// Model is the judged model. All of it may be missing.
type Model struct {
	File   string   `json:"file,omitempty"`
	SHA256 string   `json:"sha256,omitempty"`
	Bytes  int      `json:"bytes,omitempty"`
	Labels []string `json:"labels,omitempty"`
	Pass   []string `json:"pass,omitempty"` // labels of good parts

	Base  string `json:"base,omitempty"`  // such as mobilenet_v2
	Input string `json:"input,omitempty"` // such as 224×224 RGB
	View  string `json:"view,omitempty"`  // in which the line's parts are seen: region, rotation, flip
	Views int    `json:"views,omitempty"` // of a picture that are judged together, such as its turns
	Head  string `json:"head,omitempty"`  // such as logistic + kernel

	TrainingSeconds float64 `json:"training_seconds,omitempty"`
	Milliseconds    float64 `json:"milliseconds,omitempty"` // to judge a part on the machine that trained
	Seed            *uint64 `json:"seed,omitempty"`
	More            []Fact  `json:"more,omitempty"`
}

// Fact is anything else that is worth a line.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Data is the data set.
type Data struct {
	Dir        string   `json:"dir,omitempty"`
	Hash       string   `json:"hash,omitempty"` // of all its pictures and labels
	Labels     []Count  `json:"labels,omitempty"`
	Parts      int      `json:"parts,omitempty"`      // that the pictures show, near duplicates counted once
	Unreadable []string `json:"unreadable,omitempty"` // files that were left out
}

// Count is how many pictures a label has.
type Count struct {
	Label    string `json:"label"`
	Pass     bool   `json:"pass"`
	Pictures int    `json:"pictures"`
}

// Evaluation is the figures of one sample.
type Evaluation struct {
	How     string            `json:"how"` // such as "cross-validation, 5 folds, 3 times"
	Figures *evaluate.Figures `json:"figures"`
	Curves  *evaluate.Curves  `json:"curves,omitempty"`
}

// Candidate is something that was tried.
type Candidate struct {
	Name           string          `json:"name"`
	Accuracy       evaluate.Figure `json:"accuracy"` // cross-validated
	AccuracySpread float64         `json:"accuracy_spread,omitempty"`
	AUC            evaluate.Figure `json:"auc"`
	AUCSpread      float64         `json:"auc_spread,omitempty"`
	Cost           float64         `json:"cost,omitempty"`            // of judging a part, in units of MobileNetV2 at 224 pixels
	Milliseconds   float64         `json:"milliseconds,omitempty"`    // measured on the machine that trained
	LogLoss        float64         `json:"log_loss,omitempty"`        // cross-validated; by which candidates are compared
	LogLossOfAll   float64         `json:"log_loss_of_all,omitempty"` // with all pictures, where it was compared with fewer
	// Behind is by how much its log loss is above that of the chosen one, on the
	// same pictures, and BehindError the standard error of that.
	Behind      float64 `json:"behind,omitempty"`
	BehindError float64 `json:"behind_error,omitempty"`
	Chosen      bool    `json:"chosen"`
	Why         string  `json:"why,omitempty"` // it was chosen, or was not
}

// Novelty is the guard against parts unlike any in the training.
type Novelty struct {
	How string `json:"how,omitempty"` // such as "distance of the features of stride 16"
	evaluate.Guard
}

// Picture is one of a contact sheet.
type Picture struct {
	evaluate.Suspect
	Thumbnail []byte `json:"-"` // JPEG or PNG
	Overlay   []byte `json:"-"` // the same with what the model looked at; JPEG or PNG
}

// NewEvaluation computes the figures and curves of a sample. how says where its
// scores come from.
func NewEvaluation(how string, s *evaluate.Sample, threshold float64) (*Evaluation, error) {
	f, err := evaluate.Evaluate(s, threshold)
	if err != nil {
		return nil, err
	}
	c, err := evaluate.Draw(s)
	if err != nil {
		return nil, err
	}
	return &Evaluation{How: how, Figures: f, Curves: c}, nil
}

// NewPictures makes a contact sheet of suspects. thumbnail returns a picture's
// thumbnail and, where there is one, its overlay, as JPEG or PNG; nil: no
// thumbnails. What it can't make is left out of the sheet's pictures, never the
// line about it.
func NewPictures(list []evaluate.Suspect, thumbnail func(s evaluate.Suspect) (plain, overlay []byte, err error)) []Picture {
	var pictures []Picture
	for _, s := range list {
		p := Picture{Suspect: s}
		if thumbnail != nil {
			if plain, overlay, err := thumbnail(s); err == nil {
				p.Thumbnail, p.Overlay = plain, overlay
			}
		}
		pictures = append(pictures, p)
	}
	return pictures
}

// main is the evaluation that the summary speaks of: held-out pictures say more
// than a cross-validation that also chose the model.
func (r *Report) main() *Evaluation {
	if r.Test != nil {
		return r.Test
	}
	return r.CrossValidated
}

// Summary is the report in a few sentences.
func (r *Report) Summary() []string {
	var list []string
	if e := r.main(); e != nil {
		list = append(list, e.Figures.Sentences()...)
		if e.How != "" {
			list = append(list, fmt.Sprintf("Measured on %d pictures of %d parts: %s.", e.Figures.Pictures, e.Figures.Parts, e.How))
		}
	}
	if r.Threshold != nil {
		list = append(list, r.Threshold.Sentences()...)
	}
	if r.Forecast != nil {
		list = append(list, r.Forecast.Sentence())
	} else if r.LearningCurve != nil {
		list = append(list, "What more pictures would bring can't be said: there are too few to leave some out in several steps.")
	}
	if r.Novelty != nil {
		list = append(list, r.Novelty.Sentence())
	}
	return list
}

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
