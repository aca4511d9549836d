package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"passfail/capture"
	"passfail/config"
	"passfail/device"
	"passfail/train/dataset"
)

func newCapture() *cobra.Command {
	o := captureOptions{}
	c := &cobra.Command{
		Use:   "capture",
		Short: "Take pictures for training with the station's camera",
		Long: `Fills the folder of a label with pictures from the configured camera, turned and cut
as the line sees them. Each part gets a number, which is in its pictures' names;
pictures of one part are kept together when a test is made. Nothing is overwritten.
How the camera was set is noted in capture.json beside the labels' folders.

On a terminal each press of a key takes a picture, and q ends. With --every pictures
come by themselves, with --on-trigger when the line's sensor sees a part: the first
frame that the camera takes after the edge. A recording instead of a camera gives its
frames one by one.`,
		Example: `  passfail capture --label good
  passfail capture --label scratch --burst 3
  passfail capture --label good --every 2s --count 100 --out pictures
  passfail capture --label good --on-trigger GPIO24 --active low --delay 30ms`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed("every")); err != nil {
				return usageError{fmt.Errorf("capture: %w", err)}
			}
			cfg, err := config.Load(o.config)
			if err != nil {
				return err
			}
			o.simulated = cfg.Outputs.Board == "simulated"
			board := func() (*device.Board, error) {
				return openBoard(cfg, newLogger(newConsole(os.Stderr), "warn", "text"), nil)
			}
			return o.run(c.Context(), cfg, board, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", configFile, "the station's configuration")
	f.StringVarP(&o.label, "label", "l", "", "what the parts are, such as good or scratch: the folder's name")
	f.StringVarP(&o.out, "out", "o", "pictures", "the data set's folder")
	f.DurationVar(&o.every, "every", 0, "take a picture each time, such as 500ms")
	f.BoolVar(&o.key, "key", false, "take a picture at each press of a key (default on a terminal)")
	f.StringVar(&o.trigger, "on-trigger", "", "take a picture when the sensor on this pin, such as GPIO24, sees a part")
	f.StringVar(&o.active, "active", "high", "with --on-trigger: the pin's level while there is a part, high or low; it is pulled the other way")
	f.DurationVar(&o.debounce, "debounce", 5*time.Millisecond, "with --on-trigger: a shorter level is none")
	f.DurationVar(&o.delay, "delay", 0, "with --on-trigger: from the edge to the picture")
	f.IntVar(&o.count, "count", 0, "end after so many parts; 0: when you end it")
	f.IntVar(&o.burst, "burst", 1, "pictures of each part, one after the other")
	f.StringVar(&o.format, "format", "png", "png, which loses nothing, or jpg")
	return c
}

type captureOptions struct {
	config, label, out, format string
	every                      time.Duration
	key                        bool
	trigger, active            string
	debounce, delay            time.Duration
	count, burst               int
	simulated                  bool // the pins, which then never trigger
}

func (o *captureOptions) check(every bool) error {
	switch {
	case o.label == "":
		return errors.New("--label is missing: what are the parts? For example --label good")
	case every && o.every <= 0:
		return fmt.Errorf("--every %v: a time such as 500ms is needed", o.every)
	case every && o.key, o.trigger != "" && (every || o.key):
		return errors.New("--every, --key and --on-trigger: one of them")
	case o.active != "high" && o.active != "low":
		return fmt.Errorf("--active %s: it can be high or low", o.active)
	case o.delay < 0 || o.delay > time.Minute:
		return fmt.Errorf("--delay %v: 0 to %v is possible", o.delay, time.Minute)
	case o.count < 0:
		return fmt.Errorf("--count %d: it can't be negative", o.count)
	case o.burst < 1:
		return fmt.Errorf("--burst %d: 1 at least is needed", o.burst)
	case o.format != "png" && o.format != "jpg":
		return fmt.Errorf("--format %s: it can be png or jpg", o.format)
	}
	if !every && !o.key && o.trigger == "" {
		if !term.IsTerminal(int(os.Stdin.Fd())) {
			return errors.New("there is no terminal to press keys on; say --every 500ms, or --key to read keys from the input")
		}
		o.key = true
	}
	return nil
}

func (o *captureOptions) run(ctx context.Context, cfg *config.Config, openBoard func() (*device.Board, error), out, notes io.Writer) error {
	s := captureSettings(cfg)
	s.Loop, s.Pace = false, capture.Fast // of a recording every frame once; a camera has its own pace
	camera, err := capture.Open(ctx, s, newLogger(newConsole(os.Stderr), "warn", "text"))
	if err != nil {
		return err
	}
	defer camera.Close()
	t := &taking{options: o, settings: s, camera: camera, out: out, notes: notes}
	defer t.close()
	var next func(context.Context) (time.Time, error)
	switch {
	case o.key:
		keys, err := openKeys(os.Stdin)
		if err != nil {
			return err
		}
		defer keys.Close()
		fmt.Fprintf(notes, "Any key takes a picture for %q, q ends.\n", o.label)
		next = func(ctx context.Context) (time.Time, error) { return time.Time{}, keys.Next(ctx) }
	case o.trigger != "":
		board, err := openBoard()
		if err != nil {
			return err
		}
		defer board.Close()
		in, err := device.NewInput(board, device.InputSettings{Name: "trigger", Pin: o.trigger, ActiveLow: o.active == "low", Debounce: o.debounce})
		if err != nil {
			return err
		}
		defer in.Close()
		if o.simulated {
			return fmt.Errorf(`--on-trigger %s: the pins are simulated and never trigger; set outputs.board = "gpio" in %s, or use --every or --key`, o.trigger, o.config)
		}
		fmt.Fprintf(notes, "Each part at %s is taken for %q; Ctrl-C ends.\n", o.trigger, o.label)
		next = o.onTrigger(in)
	default:
		ticker := time.NewTicker(o.every)
		defer ticker.Stop()
		next = onTick(ticker.C)
	}
	return t.end(ctx, t.loop(ctx, next))
}

// onTick takes a picture at once, and then at each tick.
func onTick(ticks <-chan time.Time) func(context.Context) (time.Time, error) {
	first := true
	return func(ctx context.Context) (time.Time, error) {
		if first {
			first = false
			return time.Time{}, nil
		}
		select {
		case <-ticks:
			return time.Time{}, nil
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// onTrigger wants the picture when the part has come as far as Delay takes it.
func (o *captureOptions) onTrigger(in *device.Input) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) {
		at, err := in.Next(ctx)
		return at.Add(o.delay), err
	}
}

// taking is one run of capture.
type taking struct {
	options    *captureOptions
	settings   capture.Settings
	camera     *capture.Camera
	out, notes io.Writer
	writer     *dataset.Writer // nil before the first frame
	parts      int
}

// loop takes pictures of a part each time that next returns, none older than the
// moment that it returns, until it or a frame gives an error.
func (t *taking) loop(ctx context.Context, next func(context.Context) (time.Time, error)) error {
	for t.options.count == 0 || t.parts < t.options.count {
		from, err := next(ctx)
		if err != nil {
			return err
		}
		for k := range t.options.burst {
			f, err := t.frame(ctx, from)
			if err != nil {
				return err
			}
			if err := t.keep(f, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// frame waits for a frame that was taken at that moment or later, and while the
// camera is lost says so once. Of a recording any frame will do.
func (t *taking) frame(ctx context.Context, from time.Time) (*capture.Frame, error) {
	for {
		f, err := t.camera.Next(ctx)
		var lost *capture.LostError
		switch {
		case errors.As(err, &lost):
		case err == nil && f.Name == "" && f.Taken.Before(from):
			continue
		default:
			return f, err
		}
		fmt.Fprintf(t.notes, "%v. Waiting for it; Ctrl-C ends.\n", lost)
	}
}

// keep writes picture k of a part's burst.
func (t *taking) keep(f *capture.Frame, k int) error {
	if t.writer == nil {
		if err := t.begin(f); err != nil {
			return err
		}
	}
	if k == 0 {
		t.parts++
	}
	inBurst := 0
	if t.options.burst > 1 {
		inBurst = k + 1
	}
	path, err := t.writer.Add(&f.Image, f.ROI, t.parts, inBurst)
	if err == nil {
		fmt.Fprintln(t.out, path)
	}
	return err
}

// begin opens the data set, now that the camera's first frame is there and its
// controls have the values that pictures are taken with.
func (t *taking) begin(f *capture.Frame) error {
	controls, automatic, err := t.camera.Controls()
	if err != nil {
		fmt.Fprintf(t.notes, "warning: the camera's controls can't be read, and are not noted: %v\n", err)
	}
	if len(automatic) > 0 {
		fmt.Fprintf(t.notes, "warning: the camera changes its light or focus by itself (%s): pictures will differ in what is no fault. Lock them with camera.controls (docs/cameras.md)\n", strings.Join(automatic, ", "))
	}
	t.writer, err = dataset.NewWriter(t.options.out, dataset.Session{
		Label: t.options.label, Began: time.Now(), Software: version, Source: t.settings.Source,
		Width: f.Image.Cols(), Height: f.Image.Rows(), Controls: controls, View: dataset.ViewOf(t.settings),
	}, t.options.format)
	return err
}

func (t *taking) close() {
	if t.writer != nil {
		t.writer.Close()
	}
}

// end tells how many pictures were taken, and which errors are none.
func (t *taking) end(ctx context.Context, err error) error {
	written := 0
	if t.writer != nil {
		written = t.writer.Written()
	}
	fmt.Fprintf(t.notes, "%s of %s in %s\n", counted(written, "picture"), counted(t.parts, "part"), t.options.out)
	switch {
	case errors.Is(err, errNoMoreKeys), ctx.Err() != nil:
		return nil
	case errors.Is(err, io.EOF):
		fmt.Fprintln(t.notes, "The recording has no more frames.")
		return nil
	}
	return err
}
