package line

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"gocv.io/x/gocv"

	"passfail/capture"
	"passfail/line/belt"
)

// shutter takes every frame of the camera, and keeps a copy of those that show a
// part until they are judged: the frame of the next part comes meanwhile.
type shutter struct {
	line  *Line
	free  chan *shot // that are not used
	queue chan *shot // to be judged
	all   []*shot
	kept  time.Time // when the last of them was taken
}

// shot is a picture of a part, of more that are near to each other, or of none: that proves that the
// line could judge.
type shot struct {
	picture capture.Frame // of its region of interest only
	parts   []belt.Shot
}

const defaultPictures = 4

func newShutter(l *Line) *shutter {
	n := l.Parts.Pictures
	if n == 0 {
		n = defaultPictures
	}
	room := l.Parts.Belt.Capacity()
	s := &shutter{line: l, free: make(chan *shot, n), queue: make(chan *shot, n)}
	for range n {
		k := &shot{parts: make([]belt.Shot, 0, room)}
		k.picture.Image = gocv.NewMat()
		s.all = append(s.all, k)
		s.free <- k
	}
	return s
}

// close frees the pictures. Nobody uses them any more.
func (s *shutter) close() {
	for _, k := range s.all {
		k.picture.Image.Close()
	}
}

// run takes frames until ctx ends or the camera's file does.
func (s *shutter) run(ctx context.Context) error {
	l := s.line
	return l.frames(ctx, func(f *capture.Frame) {
		l.noteRegion(f)
		if err := errors.Join(l.look(f), s.take(f)); err != nil {
			l.tell(ctx, Event{Err: err})
		}
	}, func(lost error) { l.tell(ctx, Event{Err: lost}) })
}

// look enters a part if a frame shows that one has come.
func (l *Line) look(f *capture.Frame) error {
	p := l.Parts
	if p.Presence == nil {
		return nil
	}
	at, entered, err := p.Presence(f)
	if err != nil || !entered {
		return err
	}
	return l.come(at)
}

// take keeps a frame if somebody wants it.
func (s *shutter) take(f *capture.Frame) error {
	l := s.line
	p := l.Parts
	taken := p.since(f.Taken)
	wanted := p.Belt.Wants(taken)
	if !wanted && f.Taken.Sub(s.kept) < p.idle() {
		return nil
	}
	var k *shot
	select {
	case k = <-s.free:
	default:
		if wanted {
			p.counts.overruns.Add(1)
		}
		return nil
	}
	if err := k.copy(f); err != nil {
		s.free <- k
		return fmt.Errorf("frame %d: %w", f.Seq, err)
	}
	s.kept = f.Taken
	k.parts = p.Belt.Frame(taken, k.parts[:0])
	l.started.Add(1)
	s.queue <- k // it has room for all
	return nil
}

func (p *Parts) idle() time.Duration {
	if p.Idle > 0 {
		return p.Idle
	}
	return time.Second
}

// copy takes the region of interest out of a frame.
func (k *shot) copy(f *capture.Frame) error {
	from, err := f.Image.DataPtrUint8()
	if err != nil {
		return err
	}
	width, height := f.ROI.Dx(), f.ROI.Dy()
	m := &k.picture.Image
	if m.Cols() != width || m.Rows() != height {
		m.Close()
		*m = gocv.NewMatWithSize(height, width, gocv.MatTypeCV8UC3)
	}
	to, err := m.DataPtrUint8()
	if err != nil {
		return err
	}
	row, stride := 3*width, 3*f.Image.Cols()
	start := f.ROI.Min.Y*stride + 3*f.ROI.Min.X
	if len(to) < row*height || len(from) < start+stride*(height-1)+row {
		return errors.New("its pixels are fewer than its region of interest needs")
	}
	for y := range height {
		copy(to[y*row:(y+1)*row], from[start+y*stride:])
	}
	k.picture.ROI = image.Rect(0, 0, width, height)
	k.picture.Taken, k.picture.Decode, k.picture.Seq, k.picture.Name = f.Taken, f.Decode, f.Seq, f.Name
	return nil
}

// sharpness is how much neighbouring pixels of a picture differ: the mean square of the green's
// steps from column to column and from row to row. Only pictures of the same scene compare.
func (k *shot) sharpness() float64 {
	pix, err := k.picture.Image.DataPtrUint8()
	if err != nil {
		return 0
	}
	width, height := k.picture.Image.Cols(), k.picture.Image.Rows()
	stride, sum := 3*width, uint64(0)
	for y := range height - 1 {
		row, below := pix[y*stride+1:(y+1)*stride], pix[(y+1)*stride+1:]
		for x := 0; x+3 < len(row); x += 3 {
			across, down := int32(row[x+3])-int32(row[x]), int32(below[x])-int32(row[x])
			sum += uint64(across*across + down*down)
		}
	}
	return float64(sum) / float64(max(width*height, 1))
}
