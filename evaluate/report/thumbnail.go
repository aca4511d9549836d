package report

import (
	"context"
	"fmt"
	"image"
	"slices"

	"gocv.io/x/gocv"

	"passfail/capture"
	"passfail/evaluate"
	"passfail/model"
	"passfail/model/explain"
)

// Side of a thumbnail at the most, in pixels: a click on it shows it so large.
const thumbnailSide = 440

// overlays is how many pictures of the contact sheets show where the model
// looked, which takes some fifty runs of its network each.
const overlays = 12

// Thumbnails makes the pictures of the contact sheets for [NewPictures], of all
// sheets of a report with one call. view is that of the line. With a classifier
// (nil: without), the first dozen also show where it looked. What it returns is
// for one goroutine at a time.
func Thumbnails(ctx context.Context, view capture.Settings, c *model.Classifier) func(evaluate.Suspect) (plain, overlay []byte, err error) {
	t := &thumbnails{view: view, classifier: c, made: map[string][2][]byte{}}
	return func(s evaluate.Suspect) (plain, overlay []byte, err error) { return t.make(ctx, s) }
}

type thumbnails struct {
	view       capture.Settings
	classifier *model.Classifier
	overlaid   int
	made       map[string][2][]byte // a picture may be on both sheets
}

func (t *thumbnails) make(ctx context.Context, s evaluate.Suspect) (plain, overlay []byte, err error) {
	if p, ok := t.made[s.Path]; ok {
		return p[0], p[1], nil
	}
	f, err := capture.ReadPicture(s.Path, t.view)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	part := f.Image.Region(f.ROI)
	defer part.Close()
	if plain, err = thumbnail(part); err != nil {
		return nil, nil, err
	}
	if t.classifier != nil && t.overlaid < overlays {
		t.overlaid++
		if overlay, err = t.overlay(ctx, f, s); err != nil {
			return nil, nil, err
		}
	}
	t.made[s.Path] = [2][]byte{plain, overlay}
	return plain, overlay, nil
}

// overlay shows what speaks for the defect that the picture is said to have, or
// not to have: a defect has a place, that a part is good has none.
func (t *thumbnails) overlay(ctx context.Context, f *capture.Frame, s evaluate.Suspect) ([]byte, error) {
	defect := s.Judged
	if s.Verdict == "pass" {
		defect = s.Truth
	}
	label := slices.Index(t.classifier.Labels(), defect)
	m, err := explain.Occlusion(ctx, t.classifier, &f.Image, f.ROI, label, explain.Quick)
	if err != nil {
		return nil, err
	}
	heat, err := m.Heat(&f.Image, f.ROI)
	if err != nil {
		return nil, err
	}
	defer heat.Close()
	return thumbnail(heat)
}

// thumbnail is a picture (BGR, 8 bit), made small, as JPEG.
func thumbnail(img gocv.Mat) ([]byte, error) {
	scale := min(1, thumbnailSide/float64(max(img.Cols(), img.Rows())))
	size := image.Pt(max(int(float64(img.Cols())*scale), 1), max(int(float64(img.Rows())*scale), 1))
	small := gocv.NewMat()
	defer small.Close()
	if err := gocv.Resize(img, &small, size, 0, 0, gocv.InterpolationArea); err != nil {
		return nil, fmt.Errorf("thumbnail: %w", err)
	}
	b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, small, []int{gocv.IMWriteJpegQuality, 82})
	if err != nil {
		return nil, fmt.Errorf("thumbnail: %w", err)
	}
	defer b.Close()
	return append([]byte(nil), b.GetBytes()...), nil
}
