package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotEmpty is returned, wrapped, when a folder to write in already holds
// pictures: mixing two runs would leave two pictures of one number.
var ErrNotEmpty = errors.New("the folder already holds pictures")

// Options are what WriteDataset and WriteLine need to know besides the
// amount. The zero value makes 640 by 480 pictures at quality 88.
type Options struct {
	Width, Height int // pixels; both 0 for 640 by 480
	Quality       int // JPEG quality 1 to 100; 0 for 88

	// Wrote, where set, is told the path of every picture once it is whole.
	Wrote func(path string)
}

// ready fills in what was left out and refuses what cannot be.
func (o Options) ready() (Options, error) {
	if o.Width == 0 && o.Height == 0 {
		o.Width, o.Height = 640, 480
	}
	if o.Quality == 0 {
		o.Quality = 88
	}
	if o.Quality < 1 || o.Quality > 100 {
		return o, fmt.Errorf("JPEG quality %d: it must be 1 to 100", o.Quality)
	}
	return o, checkSize(o.Width, o.Height)
}

// MaxPictures bounds one data set's class, or one line.
const MaxPictures = 9999

func checkCount(n int) error {
	if n < 1 || n > MaxPictures {
		return fmt.Errorf("%d pictures: it must be 1 to %d", n, MaxPictures)
	}
	return nil
}

// Streams of seeds, so that a line never shows a part that a data set of the
// same seed was trained on.
const (
	datasetStream = 0xda7a
	lineStream    = 0x11e
)

// WriteDataset writes perClass pictures of every class, in a folder for each:
// dir/good/0001.jpg, dir/scratch/0001.jpg and so on. No two show the same
// part. It makes the folders it needs, and refuses those that hold pictures.
func WriteDataset(ctx context.Context, dir string, perClass int, seed uint64, o Options) error {
	o, err := o.ready()
	if err != nil {
		return err
	}
	if err := checkCount(perClass); err != nil {
		return err
	}
	for _, c := range Classes() {
		if err := emptyFolder(filepath.Join(dir, string(c))); err != nil {
			return err
		}
	}
	for ci, c := range Classes() {
		for i := range perClass {
			path := filepath.Join(dir, string(c), fmt.Sprintf("%04d.jpg", i+1))
			s := mix(seed, datasetStream, uint64(ci), uint64(i))
			if err := o.write(ctx, path, c, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteLine writes n pictures as the parts would come down a line: about three
// in four good, the first always so. Names begin with the sequence number and
// end with the truth: 001-good.jpg, 002-scratch.jpg and so on.
func WriteLine(ctx context.Context, dir string, n int, seed uint64, o Options) error {
	o, err := o.ready()
	if err != nil {
		return err
	}
	if err := checkCount(n); err != nil {
		return err
	}
	if err := emptyFolder(dir); err != nil {
		return err
	}
	digits := max(3, len(fmt.Sprint(n)))
	for i, c := range lineUp(n, seed) {
		path := filepath.Join(dir, fmt.Sprintf("%0*d-%s.jpg", digits, i+1, c))
		if err := o.write(ctx, path, c, mix(seed, lineStream, uint64(i))); err != nil {
			return err
		}
	}
	return nil
}

// lineUp decides what each part of a line is. A quarter is faulty, each fault
// as often as the others, in random places.
func lineUp(n int, seed uint64) []Class {
	r := rand.New(rand.NewPCG(mix(seed, lineStream), 0x0de4))
	parts := make([]Class, n)
	for i := range parts {
		parts[i] = Good
	}
	faults := Classes()[1:]
	r.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	for k, at := range r.Perm(n - 1)[:min(n-1, (n+2)/4)] {
		parts[at+1] = faults[k%len(faults)]
	}
	return parts
}

// emptyFolder makes a folder, or checks that one has no pictures in it.
func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder for the pictures: %w", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look into the folder for the pictures: %w", err)
	}
	for _, f := range files {
		if strings.EqualFold(filepath.Ext(f.Name()), ".jpg") {
			return fmt.Errorf("%w: %s has %s; empty it or name another", ErrNotEmpty, dir, f.Name())
		}
	}
	return nil
}

// write draws one picture and puts it in place.
func (o Options) write(ctx context.Context, path string, c Class, seed uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	img, err := Render(c, seed, o.Width, o.Height)
	if err != nil {
		return err
	}
	if err := writeJPEG(path, img, o.Quality); err != nil {
		return fmt.Errorf("write a picture: %w", err)
	}
	if o.Wrote != nil {
		o.Wrote(path)
	}
	return nil
}

// writeJPEG writes beside the path and renames, so that whoever watches the
// folder never sees half a picture. The dot and the ending keep a watcher for
// pictures from taking the unfinished file.
func writeJPEG(path string, img image.Image, quality int) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".demo-*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close() // closing twice does no harm
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriter(f)
	if err = jpeg.Encode(w, img, &jpeg.Options{Quality: quality}); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil { // CreateTemp's files are private
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
