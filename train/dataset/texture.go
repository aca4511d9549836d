package dataset

import (
	"errors"
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"
)

// Texture knows a part again: how strong each wave is of which its picture is
// made. Where the part lies hardly changes that, so two shots of it agree even
// if it moved a little; in parts that only look alike the grain, the tool marks
// and the dust differ, and with them the waves.
type Texture struct {
	Loudest float32       // the root of the strongest wave's strength, gray values
	Waves   [waves]uint16 // the root of each one's, as a share of Loudest: 0 to 65535
}

const (
	textureSize = 4 + 2*waves

	side    = 96   // the picture is shrunk to side×side
	softest = 2    // the longest wave looked at goes twice into a side,
	finest  = 18.0 // the shortest 18 times: finer ones are the sensor's noise
	waves   = 500  // how many there are between

	// Slower changes than these many pixels (standard deviation) are light and
	// shade, not texture.
	shade = 4
	// Pixels over which a picture fades out at its border, where a small shift
	// brings in what was not there before.
	fade = 12
)

// textureOf takes a gray picture of 8 bit.
func textureOf(gray gocv.Mat) (Texture, error) {
	var t Texture
	small, blurred, spectrum := gocv.NewMat(), gocv.NewMat(), gocv.NewMat()
	defer small.Close()
	defer blurred.Close()
	defer spectrum.Close()
	size := image.Pt(side, side)
	// Shrunk as real numbers: averaging leaves less of the noise than rounding would add.
	if err := gray.ConvertTo(&small, gocv.MatTypeCV32F); err != nil {
		return t, fmt.Errorf("look: %w", err)
	}
	if err := gocv.Resize(small, &small, size, 0, 0, gocv.InterpolationArea); err != nil {
		return t, fmt.Errorf("look: %w", err)
	}
	if err := gocv.GaussianBlur(small, &blurred, image.Point{}, shade, shade, gocv.BorderReplicate); err != nil {
		return t, fmt.Errorf("look: %w", err)
	}
	pixels, err := small.DataPtrFloat32()
	if err != nil || len(pixels) != side*side {
		return t, errors.New("look: the shrunk picture can't be read")
	}
	slow, err := blurred.DataPtrFloat32()
	if err != nil || len(slow) != side*side {
		return t, errors.New("look: the blurred picture can't be read")
	}
	window := fading()
	for y, wy := range window {
		for x, wx := range window {
			pixels[y*side+x] = (pixels[y*side+x] - slow[y*side+x]) * wx * wy
		}
	}
	if err := gocv.DFT(small, &spectrum, gocv.DftComplexOutput); err != nil {
		return t, fmt.Errorf("look: %w", err)
	}
	values, err := spectrum.DataPtrFloat32()
	if err != nil || len(values) != 2*side*side {
		return t, errors.New("look: the spectrum can't be read")
	}
	t.read(values)
	return t, nil
}

// read fills in t from a spectrum: side×side complex numbers.
func (t *Texture) read(spectrum []float32) {
	var roots [waves]float32
	n := 0
	// The other half of the plane is this one's mirror image.
	for y := -int(finest); y <= int(finest); y++ {
		for x := 0; x <= int(finest); x++ {
			r := math.Hypot(float64(x), float64(y))
			if r < softest || r > finest || x == 0 && y < 0 {
				continue
			}
			i := 2 * ((y+side)%side*side + x)
			re, im := float64(spectrum[i]), float64(spectrum[i+1])
			roots[n] = float32(math.Sqrt(math.Hypot(re, im) / side))
			t.Loudest = max(t.Loudest, roots[n])
			n++
		}
	}
	// Below, a flat picture has rounding errors only.
	if t.Loudest < 0.1 {
		t.Loudest = 0
		return
	}
	for i, v := range roots {
		t.Waves[i] = uint16(v/t.Loudest*math.MaxUint16 + 0.5)
	}
}

// fading is the window along one side: 1, and at both ends falling to 0.
func fading() (w [side]float32) {
	for i := range w {
		w[i] = 1
		if d := min(i, side-1-i); d < fade {
			w[i] = float32(0.5 - 0.5*math.Cos(math.Pi*float64(d)/fade))
		}
	}
	return w
}

// at is the root of a wave's strength.
func (t *Texture) at(i int) float32 { return float32(t.Waves[i]) * t.Loudest / math.MaxUint16 }
