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

// Side of a thumbnail at the most, in pixels.
const thumbnailSide = 160

// Thumbnails makes the pictures of the contact sheets for [NewPictures]. View is
// that of the line. The first Overlays pictures also show where Classifier looked,
// which takes some fifty runs of its network each; nil: none do.
type Thumbnails struct {
	View       capture.Settings
	Classifier *model.Classifier
	Pass       []string // labels of good parts
	Overlays   int

	made map[string][2][]byte // a picture may be on both sheets
}

// Make makes one thumbnail. It can't be used by several goroutines at a time.
func (t *Thumbnails) Make(ctx context.Context, s evaluate.Suspect) (plain, overlay []byte, err error) {
	if p, ok := t.made[s.Path]; ok {
		return p[0], p[1], nil
	}
	f, err := capture.ReadPicture(s.Path, t.View)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	part := f.Image.Region(f.ROI)
	defer part.Close()
	if plain, err = thumbnail(part); err != nil {
		return nil, nil, err
	}
	if t.Classifier != nil && t.Overlays > 0 {
		t.Overlays--
		if overlay, err = t.overlay(ctx, f, s); err != nil {
			return nil, nil, err
		}
	}
	if t.made == nil {
		t.made = map[string][2][]byte{}
	}
	t.made[s.Path] = [2][]byte{plain, overlay}
	return plain, overlay, nil
}

// overlay shows what speaks for the defect that the picture is said to have or
// not to have: a defect has a place, that a part is good has none.
func (t *Thumbnails) overlay(ctx context.Context, f *capture.Frame, s evaluate.Suspect) ([]byte, error) {
	defect := s.Truth
	if slices.Contains(t.Pass, defect) {
		defect = s.Judged
	}
	m, err := explain.Occlusion(ctx, t.Classifier, &f.Image, f.ROI, slices.Index(t.Classifier.Labels(), defect), explain.Quick)
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
