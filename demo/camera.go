package demo

import (
	"image"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
)

// rows calls f for bands of rows, on every processor. Each row depends on the
// scene alone, so how they are shared out cannot change the picture.
func (s *scene) rows(f func(y int)) {
	var wg sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for k := range n {
		wg.Go(func() {
			for y := k; y < s.height; y += n {
				f(y)
			}
		})
	}
	wg.Wait()
}

// fine is how many samples a side are taken of a pixel that an edge crosses.
const fine = 3

// expose gathers the light for every pixel: three linear values each.
func (s *scene) expose() []float32 {
	film := make([]float32, 3*s.width*s.height)
	s.rows(func(row int) {
		y := (float64(row) + 0.5 - float64(s.height)/2) * s.pixel
		for col := range s.width {
			x := (float64(col) + 0.5 - float64(s.width)/2) * s.pixel
			c, edge := s.sample(x, y)
			// 0.71 is half a pixel's diagonal: no edge within it, and one
			// sample tells the whole.
			if edge < 0.75*s.pixel {
				c = vec{}
				for j := range fine {
					for i := range fine {
						q, _ := s.sample(x+((float64(i)+0.5)/fine-0.5)*s.pixel,
							y+((float64(j)+0.5)/fine-0.5)*s.pixel)
						c = c.add(q)
					}
				}
				c = c.by(1.0 / (fine * fine))
			}
			o := 3 * (row*s.width + col)
			film[o], film[o+1], film[o+2] = float32(c.x), float32(c.y), float32(c.z)
		}
	})
	return film
}

// develop is the camera: a lens a little soft and darker in the corners, a
// sensor with noise, and the tone curve that makes 8-bit values.
func (s *scene) develop(film []float32) *image.RGBA {
	// The station is seen at 640 pixels across as a softness of s.blur; a
	// finer sensor behind the same lens sees that blur over more pixels.
	soft := s.blur * max(0.6, viewWide/s.pixel/640)
	film = s.soften(film, soft)
	img := image.NewRGBA(image.Rect(0, 0, s.width, s.height))
	tone := toneCurve()
	half := 1 / (float64(s.width*s.width+s.height*s.height) / 4)
	s.rows(func(row int) {
		// A stream for every row, so that rows can be drawn in any order.
		r := rand.New(rand.NewPCG(mix(s.seed, 3, uint64(row)), 0x9015e))
		dy := float64(row) + 0.5 - float64(s.height)/2
		for col := range s.width {
			dx := float64(col) + 0.5 - float64(s.width)/2
			q := (dx*dx + dy*dy) * half
			gain := 1 - s.vignette*q*(0.6+0.4*q)
			// Most noise is in brightness; colour has less after the
			// camera's own filtering.
			grey := r.NormFloat64()
			o := row*s.width + col
			for ch, t := range [...]float64{s.tint.x, s.tint.y, s.tint.z} {
				v := float64(film[3*o+ch]) * gain * t
				// Shot noise grows as the root of the light; read noise stays.
				sigma := s.grain * math.Sqrt(0.0000035+0.00013*max(0, v))
				v += sigma * (0.85*grey + 0.5*r.NormFloat64())
				img.Pix[4*o+ch] = tone[int(clamp(v, 0, 1.999)*toneSteps)]
			}
			img.Pix[4*o+3] = 255
		}
	})
	return img
}

// soften blurs by a Gaussian of the given standard deviation in pixels.
func (s *scene) soften(film []float32, sigma float64) []float32 {
	reach := int(math.Ceil(2.5 * sigma))
	kernel := make([]float32, 2*reach+1)
	var sum float32
	for i := range kernel {
		d := float64(i-reach) / sigma
		kernel[i] = float32(math.Exp(-d * d / 2))
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	wide := make([]float32, len(film))
	s.rows(func(row int) {
		line, out := film[3*row*s.width:], wide[3*row*s.width:]
		for col := range s.width {
			var a, b, c float32
			for i, k := range kernel {
				o := 3 * min(max(col+i-reach, 0), s.width-1)
				a, b, c = a+k*line[o], b+k*line[o+1], c+k*line[o+2]
			}
			out[3*col], out[3*col+1], out[3*col+2] = a, b, c
		}
	})
	s.rows(func(row int) {
		out := film[3*row*s.width : 3*(row+1)*s.width]
		clear(out)
		for i, k := range kernel {
			line := wide[3*min(max(row+i-reach, 0), s.height-1)*s.width:]
			for j := range out {
				out[j] += k * line[j]
			}
		}
	})
	return film
}

// toneSteps is the tone curve's table entries for a light of 1.
const toneSteps = 4096

// toneCurve maps linear light from 0 to 2 to sRGB values, with a shoulder that
// rolls highlights off as cameras do.
func toneCurve() []uint8 {
	t := make([]uint8, 2*toneSteps)
	for i := range t {
		v := 1.22 * float64(i) / toneSteps
		if v > 0.6 {
			v = 0.6 + 0.4*(1-math.Exp(-(v-0.6)/0.4))
		}
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		t[i] = uint8(clamp(v, 0, 1)*255 + 0.5)
	}
	return t
}
