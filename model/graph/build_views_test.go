package graph_test

import (
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"passfail/model/graph"
)

// seen is a picture as a view shows it, made with OpenCV.
func seen(t testing.TB, img gocv.Mat, v graph.View) gocv.Mat {
	t.Helper()
	out := img.Clone()
	t.Cleanup(func() { out.Close() })
	var err error
	if v.Transpose {
		err = gocv.Transpose(out, &out)
	}
	if v.LeftRight && err == nil {
		err = gocv.Flip(out, &out, 1)
	}
	if v.TopBottom && err == nil {
		err = gocv.Flip(out, &out, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A network with views gives, view by view, what it gives for the picture turned
// before.
func TestViews(t *testing.T) {
	var all []graph.View
	for i := range 8 {
		all = append(all, graph.View{Transpose: i&4 != 0, LeftRight: i&2 != 0, TopBottom: i&1 != 0})
	}
	img, _ := picture(t, 96, 96)
	for name, views := range map[string][]graph.View{
		"all":      all,
		"turned":   {{}, graph.Turned},
		"one":      {{LeftRight: true}},
		"the same": {{}},
	} {
		plain := parse(t, "../base/mobilenet_v2.tflite")
		if err := plain.Resize(96); err != nil {
			t.Fatal(err)
		}
		several := parse(t, "../base/mobilenet_v2.tflite")
		if err := several.Resize(96); err != nil {
			t.Fatal(err)
		}
		if err := several.Model.Views(views); err != nil {
			t.Fatal(err)
		}
		one := open(t, plain, plain.Model.Subgraphs[0].Outputs...)
		batch := run(t, open(t, several, several.Model.Subgraphs[0].Outputs...), &img)
		for i, v := range views {
			view := seen(t, img, v)
			for j, want := range run(t, one, &view) {
				if got := batch[j][i*len(want) : (i+1)*len(want)]; !slices.Equal(got, want) {
					t.Errorf("%s, view %+v: output %d is not that of the picture turned before", name, v, j)
				}
			}
		}
	}
}

func TestViewsThatCanNotBe(t *testing.T) {
	f := parse(t, "../base/mobilenet_v2.tflite")
	if err := f.Model.Views(nil); err == nil || !strings.Contains(err.Error(), "no views") {
		t.Errorf("no views: %v", err)
	}
	f, x := empty(32, 64)
	f.Model.Relu(x, "relu")
	if err := f.Model.Views([]graph.View{graph.Turned}); err == nil || !strings.Contains(err.Error(), "[1 32 64 3]") {
		t.Errorf("not square: %v", err)
	}
	// A fixed shape behind the picture, and all is as it was.
	f, x = empty(32, 32)
	y := f.Model.Reshape(x, "row", 1, 32*32*3)
	if err := f.Model.Views([]graph.View{{}, graph.Turned}); err == nil || !strings.Contains(err.Error(), "RESHAPE") {
		t.Errorf("fixed shape: %v", err)
	}
	if !slices.Equal(f.Model.Shape(x), []int32{1, 32, 32, 3}) || !slices.Equal(f.Model.Shape(y), []int32{1, 32 * 32 * 3}) {
		t.Errorf("shapes %v and %v after an error", f.Model.Shape(x), f.Model.Shape(y))
	}
}

// What views cost beside a network that is run as often.
func BenchmarkViews(b *testing.B) {
	img, _ := picture(b, 256, 256)
	for name, views := range map[string][]graph.View{
		"1": {{}}, "2 the same": {{}, {}}, "2 turned": {{}, graph.Turned}, "2 mirrored": {{}, {LeftRight: true}}, "2 transposed": {{}, {Transpose: true}},
	} {
		f := parse(b, "../base/efficientnet_lite0.tflite")
		if err := f.Resize(256); err != nil {
			b.Fatal(err)
		}
		if err := f.Model.Views(views); err != nil {
			b.Fatal(err)
		}
		n := open(b, f, f.Model.Subgraphs[0].Outputs...)
		if err := n.Load(&img, image.Rect(0, 0, 256, 256)); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			for b.Loop() {
				if err := n.Invoke(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
