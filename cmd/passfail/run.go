package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"periph.io/x/conn/v3/gpio"

	"passfail/capture"
	"passfail/config"
	"passfail/device"
	"passfail/line"
)

func newRun() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "run",
		Short: "Inspect: judge what the camera sees and drive the pins",
		Long: `Inspects until it is stopped (Ctrl-C or SIGTERM), or until a video file or folder
that is played once ends. Each verdict is a line of the log. The pins are at rest
before the first verdict and after the last.

With a model store the station takes another model between two parts as soon as it
is activated ("passfail models use"). One that fails its self-test is refused, and
the station goes on with the one it has. SIGHUP lets a service try again or, where
the configuration names a file, take that file anew.

Under systemd (Type=notify) it tells when it is ready, what it does, and feeds the
watchdog: as long as frames are inspected, or a camera that is lost is tried again.`,
		Example: `  passfail run
  passfail run --config /etc/passfail/config.toml`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(path)
			if err != nil {
				return err
			}
			if err := notYet(cfg); err != nil {
				return err
			}
			notify, err := newNotifier(os.Getenv)
			if err != nil {
				return err
			}
			defer notify.close()
			return run(c.Context(), cfg, notify)
		},
	}
	c.Flags().StringVarP(&path, "config", "c", configFile, "the station's configuration")
	return c
}

// eventQueue is how many events may wait for the log: some seconds of a fast line.
const eventQueue = 1024

// run opens the board and is the station on it.
func run(ctx context.Context, cfg *config.Config, notify *notifier) error {
	start := time.Now()
	out := newConsole(os.Stdout)
	if out.terminal { // SIGHUP says that it was closed; a service gets it for other reasons
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer stop()
	}
	log := newLogger(out, cfg.Log.Level, cfg.Log.Format)
	changes := make(chan device.Change, eventQueue)
	board, err := openBoard(cfg, log, func(c device.Change) {
		select {
		case changes <- c:
		default: // a log that is behind shows no pins
		}
	})
	if err != nil {
		return err
	}
	s := &station{cfg: cfg, board: board, changes: changes, out: out, log: log, notify: notify, start: start}
	return errors.Join(s.run(ctx), board.Close())
}

// station is what run runs.
type station struct {
	cfg     *config.Config
	board   *device.Board
	changes <-chan device.Change // what simulated pins do
	out     *console
	log     *slog.Logger
	notify  *notifier
	start   time.Time // of the program
}

// run inspects. The pins come first, so that they are at rest while the rest is
// opened.
func (s *station) run(ctx context.Context) (err error) {
	outputs, err := device.NewOutputs(s.board, outputSettings(s.cfg), device.Options{
		OnFault: func(output string, err error) { s.log.Error("output", "output", output, "err", err) },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, outputs.Close()) }()
	for _, o := range outputs.All() {
		pin, err := s.board.Pin(o.Settings().Pin)
		if err != nil {
			return err
		}
		s.log.Info("output", "output", o.Name(), "pin", pin.Name(), "driver", s.board.Driver(pin))
	}

	s.tell("STATUS=outputs at rest; opening the model")
	settings := captureSettings(s.cfg)
	source, err := capture.ParseSource(settings.Source)
	if err != nil {
		return err
	}
	lossless := !source.Live() && settings.Pace == capture.Fast
	models, err := newModelSource(s.cfg, s.log, lossless)
	if err != nil {
		return err
	}
	first, err := models.first()
	if err != nil {
		return err
	}
	if text, err := viewWarning(s.cfg, first.Classifiers[0]); err != nil {
		s.log.Warn("model", "model", first.Name, "err", err)
	} else if text != "" {
		s.log.Warn("view", "model", first.Name, "warning", text)
	}
	l := &line.Line{Model: first, Pins: pins(s.cfg, outputs), Lossless: lossless}
	defer func() { l.Model.Close() }() // which may be another one by then
	trigger, err := newTrigger(s.cfg, s.board, outputs)
	if err != nil {
		return err
	}
	defer trigger.close()
	recorder, err := newRecorder(s.cfg, s.log, lossless)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, recorder.close()) }()
	l.Parts, l.Record = trigger.parts, recorder.record()
	camera, err := capture.Open(ctx, settings, s.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, camera.Close()) }()
	s.log.Info("ready", "version", version, "model", first.Name, "labels", first.Classifiers[0].Labels(),
		"camera", camera.Source().String(), "board", s.cfg.Outputs.Board, "took_ms", milliseconds(time.Since(s.start)))

	events := make(chan line.Event, eventQueue)
	l.Camera, l.Events = camera, events
	r := newReporter(s.out, s.log, outputs, s.start)
	r.notify = s.notify
	r.follow = func() { recorder.follow(l.PartCounts()) }
	told := make(chan struct{})
	go func() {
		defer close(told)
		defer safeOnPanic(outputs)
		r.report(events, s.changes)
	}()
	stopSwapping := s.swapping(ctx, l, models, outputs)
	s.tell("READY=1", "STATUS=waiting for the first frame of "+camera.Source().String())
	stopFeeding := s.feeding(ctx, l, outputs)
	err = inspect(ctx, l, outputs)
	stopFeeding()
	s.tell("STOPPING=1")
	stopSwapping()
	close(events)
	<-told
	s.out.SetStatus("")
	reportRest(s.log, outputs)
	if trigger.parts != nil {
		logParts(s.log, l.PartCounts())
	}
	s.log.Info("stopped", "inspected", r.inspected, "passed", r.passed, "failed", r.inspected-r.passed,
		"unlogged", l.Dropped(), "camera_dropped", camera.Stats().Dropped)
	return err
}

// swapping lets the line's model follow the one that is chosen, until stop is called.
func (s *station) swapping(ctx context.Context, l *line.Line, models *modelSource, outputs *device.Outputs) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	again := make(chan os.Signal, 1)
	if !s.out.terminal { // there it ends the program
		signal.Notify(again, syscall.SIGHUP)
	}
	w := &swapper{source: models, line: l, log: s.log, running: l.Model.Name, refused: models.refused}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer safeOnPanic(outputs)
		w.run(ctx, again)
	}()
	return func() {
		signal.Stop(again)
		cancel()
		<-ended
	}
}

// tell tells the service manager. One that can't be told is no reason not to inspect.
func (s *station) tell(assignments ...string) {
	if err := s.notify.tell(assignments...); err != nil {
		s.log.Warn("the service manager can't be told", "err", err)
	}
}

// feeding feeds the watchdog as long as the line gets on, until stop is called.
func (s *station) feeding(ctx context.Context, l *line.Line, outputs *device.Outputs) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	health := line.NewHealth(l, time.Now())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer safeOnPanic(outputs)
		s.notify.feed(ctx, s.log, health.Check)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// inspect runs the line. However that ends, in a panic too, the pins are at rest
// before anything else happens: a log that nobody reads or a camera that hangs
// may hold up what comes after.
func inspect(ctx context.Context, l *line.Line, outputs *device.Outputs) (err error) {
	defer func() { err = errors.Join(err, outputs.Close()) }()
	return l.Run(ctx)
}

// safeOnPanic is deferred in a goroutine beside the line: a panic there ends the
// program without the deferred calls of the others.
func safeOnPanic(outputs *device.Outputs) {
	if p := recover(); p != nil {
		_ = outputs.Safe() // the panic says more
		panic(p)
	}
}

// reportRest logs how closed outputs were left.
func reportRest(log *slog.Logger, outputs *device.Outputs) {
	for _, o := range outputs.All() {
		pin, stats := o.Settings().Pin, o.Stats()
		if stats.Active || stats.Fault != nil {
			log.Error("output not at rest", "output", o.Name(), "pin", pin, "err", stats.Fault)
			continue
		}
		log.Info("output at rest", "output", o.Name(), "pin", pin, "to", gpio.Level(o.Settings().ActiveLow).String())
	}
}

// reporter turns events into log lines and the status line.
type reporter struct {
	out     *console
	log     *slog.Logger
	outputs *device.Outputs
	start   time.Time

	pinOutput         map[string]string // which output a pin serves
	inspected, passed int
	last              line.Result
	lost              error // why the camera is

	notify *notifier
	told   time.Time // when it was told last

	follow func() // is called now and then
}

func newReporter(out *console, log *slog.Logger, outputs *device.Outputs, start time.Time) *reporter {
	r := &reporter{out: out, log: log, outputs: outputs, start: start, pinOutput: map[string]string{}}
	for _, o := range outputs.All() {
		r.pinOutput[o.Settings().Pin] = o.Name()
	}
	return r
}

// report goes on until events is closed, and then tells what the pins have done
// by then.
func (r *reporter) report(events <-chan line.Event, changes <-chan device.Change) {
	tick := time.NewTicker(time.Second / 5)
	defer tick.Stop()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				r.follow()
				for len(changes) > 0 {
					r.change(<-changes)
				}
				return
			}
			r.event(e)
		case c := <-changes:
			r.change(c)
		case <-tick.C:
			r.follow()
			r.out.SetStatus(r.status())
			r.tellStatus(time.Now())
		}
	}
}

func (r *reporter) event(e line.Event) {
	var lost *capture.LostError
	if errors.As(e.Err, &lost) {
		r.lost = lost
		return // package capture logs it, with when it tries again
	}
	res := e.Result
	if res.Taken.IsZero() {
		r.log.Error("line", "err", e.Err)
		return
	}
	if res.Seq > 0 {
		r.lost = nil
	}
	if e.Err != nil {
		r.log.Error("not judged", "err", e.Err)
	}
	r.inspected++
	if res.Verdict == line.Pass {
		r.passed++
	}
	r.last = res
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("verdict", res.Verdict.String()), slog.String("label", res.Label),
		slog.String("score", fmt.Sprintf("%.3f", res.Score)), slog.Uint64("frame", res.Seq))
	if res.Part > 0 {
		attrs = append(attrs, slog.Uint64("part", uint64(res.Part)))
	}
	if res.Name != "" {
		attrs = append(attrs, slog.String("file", res.Name))
	}
	if res.Unsure {
		attrs = append(attrs, slog.Bool("unsure", true))
	}
	if res.Unlike {
		attrs = append(attrs, slog.Bool("unlike", true), slog.String("novelty", fmt.Sprintf("%.2f", res.Novelty)))
	}
	attrs = append(attrs, slog.Float64("ms", milliseconds(res.Stages.Total())))
	if r.inspected == 1 {
		attrs = append(attrs, slog.Float64("first_after_ms", milliseconds(time.Since(r.start))))
	}
	r.log.LogAttrs(context.Background(), slog.LevelInfo, "inspected", attrs...)
	if res.Pin != nil {
		r.log.Warn("output", "err", res.Pin)
	}
}

func (r *reporter) change(c device.Change) {
	name := r.pinOutput[c.Pin]
	level := slog.LevelInfo
	if name == outHeartbeat {
		level = slog.LevelDebug
	}
	r.log.LogAttrs(context.Background(), level, "pin", slog.String("output", name), slog.String("pin", c.Pin),
		slog.String("to", c.Level.String())) // "level" is the line's own
}

// tellEvery is how often the service manager hears how many were inspected. It
// keeps only the last text; a log of them would fill the journal.
const tellEvery = 2 * time.Second

// tellStatus tells the service manager in a line how the station is. It may be
// deaf for a while: the next one says it again.
func (r *reporter) tellStatus(now time.Time) {
	if now.Sub(r.told) < tellEvery || r.inspected == 0 && r.lost == nil {
		return
	}
	r.told = now
	text := fmt.Sprintf("%d inspected, %d pass, %d fail; the last in %.1f ms by %s", r.inspected, r.passed,
		r.inspected-r.passed, milliseconds(r.last.Stages.Total()), r.last.Model)
	if r.lost != nil {
		text = fmt.Sprintf("camera lost: %v; it is tried again and again (%d inspected before)", r.lost, r.inspected)
	}
	_ = r.notify.status(text)
}

// status is the line that a person at the terminal watches.
func (r *reporter) status() string {
	if r.lost != nil {
		return "CAMERA LOST"
	}
	s := fmt.Sprintf("%d inspected  %d pass  %d fail  %.1f ms ", r.inspected, r.passed, r.inspected-r.passed,
		milliseconds(r.last.Stages.Total()))
	for _, o := range r.outputs.All() {
		lamp := "○"
		if o.Stats().Active {
			lamp = "●"
		}
		s += fmt.Sprintf(" %s %s", lamp, o.Name())
	}
	return s
}
