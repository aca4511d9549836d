// Command train makes demo/model.tflite: a head for the made-up part of package
// demo, fitted to pictures that are made for it and thrown away.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"passfail/atomicfile"
	"passfail/demo"
	"passfail/train"
)

func main() {
	out := flag.String("o", "demo/model.tflite", "the model file to write")
	name := flag.String("base", "efficientnet_lite0", "the base network")
	size := flag.Int("size", 320, "side of its input, pixels")
	// Of more than 1,200 pictures a head keeps principal components alone, which
	// takes less room than fewer pictures do with all their features.
	perClass := flag.Int("per-class", 301, "pictures of each class")
	// The line's pictures are made with another stream of numbers: no picture
	// of the demo is in the training.
	seed := flag.Uint64("seed", 7, "of the pictures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, *name, *size, *perClass, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "demo/train:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, name string, size, perClass int, seed uint64) error {
	dir, err := os.MkdirTemp("", "passfail-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pictures := filepath.Join(dir, "parts")
	fmt.Printf("making %d pictures of each class …\n", perClass)
	if err := demo.WriteDataset(ctx, pictures, perClass, seed, demo.Options{}); err != nil {
		return err
	}
	fmt.Println("training …")
	r, err := train.Run(ctx, train.Options{
		Dir: pictures, Pass: []string{string(demo.Good)}, Bases: []string{name}, Sizes: []int{size}, Augment: train.AugmentNone, Seed: seed,
		Comment: "The demo's model: a made-up machined part, from synthetic pictures.",
	})
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(out, r.Model); err != nil {
		return err
	}
	if err := r.Report.WriteText(os.Stdout); err != nil {
		return err
	}
	fmt.Println("wrote", out)
	return nil
}
