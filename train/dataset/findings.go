package dataset

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
)

// bundle is pictures that belong together, as numbers of the set's.
type bundle []int

// bundles gathers pictures with the same key, in order of their first ones;
// single ones are left out.
func bundles[K comparable](pictures []int, key func(k, i int) K) []bundle {
	at := map[K]int{}
	var list []bundle
	for k, i := range pictures {
		x := key(k, i)
		b, seen := at[x]
		if !seen {
			b = len(list)
			at[x] = b
			list = append(list, nil)
		}
		list[b] = append(list[b], i)
	}
	return slices.DeleteFunc(list, func(b bundle) bool { return len(b) < 2 })
}

func (c *checking) byHash() []bundle {
	return bundles(c.used, func(_, i int) [sha256.Size]byte { return c.sights[i].Hash })
}

func (c *checking) byGroup() []bundle {
	return bundles(c.used, func(k, _ int) int { return c.groups[k] })
}

// labelsOf is how many labels a bundle has.
func (c *checking) labelsOf(b bundle) int {
	seen := map[string]bool{}
	for _, i := range b {
		seen[c.label(i)] = true
	}
	return len(seen)
}

// files lists bundles, numbered.
func (c *checking) files(list []bundle, detail func(i int) string) []File {
	var files []File
	for n, b := range list {
		for _, i := range b {
			f := File{Path: c.path(i), With: n + 1}
			if detail != nil {
				f.Detail = detail(i)
			}
			files = append(files, f)
		}
	}
	return files
}

// twoLabels finds the same picture, and the same part, under different labels.
func (c *checking) twoLabels() {
	one := func(b bundle) bool { return c.labelsOf(b) < 2 }
	same := slices.DeleteFunc(c.byHash(), one)
	if len(same) > 0 {
		c.add(Finding{Kind: TwoLabels, Text: fmt.Sprintf("%s: the same under two labels.", pictures(len(same))),
			Advice: "One of the labels must be wrong. Keep the picture under the right one, and take the other away.", Files: c.files(same, nil)})
	}
	copied := map[int]bool{}
	for _, b := range same {
		for _, i := range b {
			copied[i] = true
		}
	}
	alike := slices.DeleteFunc(c.byGroup(), func(b bundle) bool {
		return one(b) || !slices.ContainsFunc(b, func(i int) bool { return !copied[i] })
	})
	if len(alike) > 0 {
		c.add(Finding{Kind: TwoLabels, Text: fmt.Sprintf("%s under two labels, by their looks.", parts(len(alike))),
			Advice: "Look whether the labels are right: pictures taken before and after a fault was made are fine, a mix-up is not.", Files: c.files(alike, nil)})
	}
}

// copies finds files that are byte for byte the same, under one label.
func (c *checking) copies() {
	list := slices.DeleteFunc(c.byHash(), func(b bundle) bool { return c.labelsOf(b) > 1 })
	n := 0
	for _, b := range list {
		n += len(b) - 1
	}
	if n > 0 {
		c.add(Finding{Kind: Copies, Text: fmt.Sprintf("%s: copies of others.", pictures(n)),
			Advice: "They teach nothing new. They are kept together when pictures are divided, so they do no harm; take them away all the same.", Files: c.files(list, nil)})
	}
}

// bursts finds parts with several pictures that are no copies.
func (c *checking) bursts() {
	list := slices.DeleteFunc(c.byGroup(), func(b bundle) bool {
		return c.labelsOf(b) > 1 || !slices.ContainsFunc(b, func(i int) bool { return c.sights[i].Hash != c.sights[b[0]].Hash })
	})
	n := 0
	for _, b := range list {
		n += len(b)
	}
	if n > 0 {
		c.add(Finding{Kind: Burst, Text: fmt.Sprintf("%s show %s only: bursts, or the same part again.", pictures(n), parts(len(list))),
			Advice: "That is fine. They are kept together when pictures are divided, and count as one part.", Files: c.files(list, nil)})
	}
}

// few is below how many pictures none is compared with the others.
const few = 5

// typical is the median of values and a robust estimate of their standard
// deviation.
func typical(values []float64) (median, deviation float64) {
	v := slices.Sorted(slices.Values(values))
	median = v[len(v)/2]
	for i := range v {
		v[i] = math.Abs(v[i] - median)
	}
	slices.Sort(v)
	return median, 1.4826 * v[len(v)/2]
}

// measured is a value of each picture that can be read.
func (c *checking) measured(f func(l *Look) float32) []float64 {
	v := make([]float64, len(c.used))
	for k, i := range c.used {
		v[k] = float64(f(&c.sights[i].Look))
	}
	return v
}

// blurred compares the logarithm of the sharpness, as blur divides it.
func (c *checking) blurred() {
	if len(c.used) < few {
		return
	}
	sharp := c.measured(func(l *Look) float32 { return float32(math.Log(float64(l.Sharpness) + 0.01)) })
	median, deviation := typical(sharp)
	limit := median - max(4*deviation, math.Log(1.7))
	f := Finding{Kind: Blurred, Advice: "If the part moved or the lens was out of focus, take the pictures anew: exposure shorter, more light, lens locked."}
	for k, i := range c.used {
		if sharp[k] < limit && c.sights[i].Look.Contrast >= flat {
			f.Files = append(f.Files, File{Path: c.path(i), Detail: fmt.Sprintf("%.0f %% of the usual sharpness", 100*math.Exp(sharp[k]-median))})
		}
	}
	if n := len(f.Files); n > 0 {
		f.Text = fmt.Sprintf("%s less sharp than the others.", pictures(n))
		c.add(f)
	}
}

// flat is below which contrast (standard deviation of gray values) a picture
// shows nothing.
const flat = 2

func (c *checking) empty() {
	f := Finding{Kind: Empty, Advice: "Take them away: the lens was covered, the light was off, or no part was there."}
	for _, i := range c.used {
		if l := c.sights[i].Look; l.Contrast < flat {
			f.Files = append(f.Files, File{Path: c.path(i), Detail: fmt.Sprintf("all of it about %.0f of 255", l.Brightness)})
		}
	}
	if n := len(f.Files); n > 0 {
		f.Text = fmt.Sprintf("%s without anything in it.", pictures(n))
		c.add(f)
	}
}

// exposure finds pictures that lost much of what they show in black or white,
// beyond what is usual in the set, and such as are much darker or brighter.
func (c *checking) exposure() {
	if len(c.used) == 0 {
		return
	}
	light := c.measured(func(l *Look) float32 { return l.Brightness })
	dark := c.measured(func(l *Look) float32 { return l.Dark })
	bright := c.measured(func(l *Look) float32 { return l.Bright })
	usual, deviation := typical(light)
	usualDark, _ := typical(dark)
	usualBright, _ := typical(bright)
	const lost = 0.15
	f := Finding{Kind: Exposure, Advice: "Lock the camera's exposure and gain (camera.controls), keep other light away, and take them anew; or let the line have such light, too, and take many."}
	for k, i := range c.used {
		var detail string
		switch {
		case c.sights[i].Look.Contrast < flat:
			continue // said already
		case bright[k] > usualBright+lost:
			detail = fmt.Sprintf("%.0f %% of it is white", 100*bright[k])
		case dark[k] > usualDark+lost:
			detail = fmt.Sprintf("%.0f %% of it is black", 100*dark[k])
		case len(c.used) >= few && math.Abs(light[k]-usual) > max(5*deviation, 30):
			detail = fmt.Sprintf("brightness %.0f, usual is %.0f", light[k], usual)
		default:
			continue
		}
		f.Files = append(f.Files, File{Path: c.path(i), Detail: detail})
	}
	if n := len(f.Files); n > 0 {
		f.Text = fmt.Sprintf("%s too dark or too bright, or unlike the others.", pictures(n))
		c.add(f)
	}
	if usualBright > 2*lost || usualDark > 2*lost || usual < 25 {
		c.add(Finding{Kind: Exposure, Text: fmt.Sprintf("Most pictures are badly exposed: %.0f %% white, %.0f %% black, brightness %.0f of 255.", 100*usualBright, 100*usualDark, usual),
			Advice: "What is all white or all black can't be judged. Where that is the part itself, set exposure and light anew, and take all pictures again; where it is the background, it does no harm."})
	}
}

// oddSize finds pictures of another size than most.
func (c *checking) oddSize() {
	count := map[[2]int32]int{}
	size := func(i int) [2]int32 { return [2]int32{c.sights[i].Look.Width, c.sights[i].Look.Height} }
	var usual [2]int32
	for _, i := range c.used {
		count[size(i)]++
	}
	for s, n := range count {
		if m := count[usual]; n > m || n == m && (cmp.Compare(s[0], usual[0]) < 0 || s[0] == usual[0] && s[1] < usual[1]) {
			usual = s
		}
	}
	f := Finding{Kind: OddSize, Advice: "Pictures should come from the camera of the line, at the size and with the region of interest that it will use."}
	for _, i := range c.used {
		if s := size(i); s != usual {
			f.Files = append(f.Files, File{Path: c.path(i), Detail: fmt.Sprintf("%d×%d", s[0], s[1])})
		}
	}
	if n := len(f.Files); n > 0 {
		f.Text = fmt.Sprintf("%s of another size than %d×%d pixels, which most have.", pictures(n), usual[0], usual[1])
		c.add(f)
	}
}

// views finds pictures that were turned and cut in different ways.
func (c *checking) views() {
	n := c.set.Cropped()
	if n > 0 && n < len(c.set.Pictures) {
		c.add(Finding{Kind: Views, Text: fmt.Sprintf("%s of %d were taken with passfail capture, and are turned and cut already; the others may not be.", pictures(n), len(c.set.Pictures)),
			Advice: "Training with a configuration that turns or cuts refuses such a mixture. Keep them apart, or see that all show the same view of the part."})
	}
	if list := c.set.views(); len(list) > 1 {
		text := "The pictures were taken with different views:"
		for _, v := range list {
			text += fmt.Sprintf(" (%v)", v)
		}
		c.add(Finding{Kind: Views, Text: text, Advice: "On the line there is one view. Take new pictures with it instead of those with another."})
	}
}
