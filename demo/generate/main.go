// Command generate writes synthetic pictures of parts on an inspection
// station: a labelled data set to train on, a line of parts to inspect, or
// both.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"passfail/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "generate:", err, "(-help tells more)")
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// errUsage marks an error of the person's command line.
var errUsage = errors.New("wrong command line")

const usage = `generate writes synthetic pictures of a machined part on an inspection
station, good and faulty (scratch, chip, missing_hole). The same flags write
the same pictures.

  generate -dataset DIR [-per-class N]   DIR/good/0001.jpg, DIR/scratch/0001.jpg ...
  generate -line DIR [-n N]              DIR/001-good.jpg, DIR/002-scratch.jpg ...

Both may be asked for at once; their parts are never the same. A folder that
already holds pictures is left alone, with an error.

`

func run(ctx context.Context, args []string, out, help io.Writer) error {
	fs := flag.NewFlagSet("generate", flag.ContinueOnError)
	// An error of the flags is told once, by main; only -help prints here.
	fs.SetOutput(io.Discard)
	dataset := fs.String("dataset", "", "write a data set in `DIR`, a folder for each class")
	perClass := fs.Int("per-class", 60, "pictures of each class in the data set")
	line := fs.String("line", "", "write a line of parts in `DIR`, about one in four faulty")
	n := fs.Int("n", 40, "parts on the line")
	seed := fs.Uint64("seed", 1, "what the pictures are drawn from")
	size := fs.String("size", "640x480", "`WIDTHxHEIGHT` of a picture in pixels")
	quality := fs.Int("quality", 88, "JPEG quality, 1 to 100")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(help, usage)
			fs.SetOutput(help)
			fs.PrintDefaults()
			return err
		}
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%w: %q is not a flag", errUsage, fs.Arg(0))
	}
	if *dataset == "" && *line == "" {
		return fmt.Errorf("%w: say -dataset DIR, -line DIR or both", errUsage)
	}
	w, h, err := parseSize(*size)
	if err != nil {
		return err
	}
	if *quality < 1 || *quality > 100 {
		return fmt.Errorf("%w: -quality %d: it must be 1 to 100", errUsage, *quality)
	}
	wrote := 0
	o := demo.Options{Width: w, Height: h, Quality: *quality, Wrote: func(string) { wrote++ }}
	if *dataset != "" {
		if err := demo.WriteDataset(ctx, *dataset, *perClass, *seed, o); err != nil {
			return fmt.Errorf("data set: %w", err)
		}
		fmt.Fprintf(out, "wrote %d pictures in %s\n", wrote, *dataset)
	}
	if *line != "" {
		wrote = 0
		if err := demo.WriteLine(ctx, *line, *n, *seed, o); err != nil {
			return fmt.Errorf("line: %w", err)
		}
		fmt.Fprintf(out, "wrote %d pictures in %s\n", wrote, *line)
	}
	return nil
}

// parseSize reads 640x480.
func parseSize(s string) (w, h int, err error) {
	a, b, ok := strings.Cut(s, "x")
	if ok {
		if w, err = strconv.Atoi(a); err == nil {
			h, err = strconv.Atoi(b)
		}
	}
	if !ok || err != nil {
		return 0, 0, fmt.Errorf("%w: -size %q: write it as 640x480", errUsage, s)
	}
	// Zero means the usual size to the package; asked for, it is a mistake.
	if w < demo.MinSide || h < demo.MinSide || w > demo.MaxSide || h > demo.MaxSide {
		return 0, 0, fmt.Errorf("%w: -size %s: each side must be %d to %d pixels",
			errUsage, s, demo.MinSide, demo.MaxSide)
	}
	return w, h, nil
}
