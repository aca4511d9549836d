package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"passfail/capture"
	"passfail/config"
	"passfail/device"
	"passfail/model"
)

func newCheck() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "check",
		Short: "Look whether everything is in place: configuration, camera, model, pins, permissions",
		Long: `Reports line by line on all that "passfail run" needs, with what to do about what is
missing. No pin is driven. The exit code is 1 if anything would keep the station
from inspecting.`,
		Example: `  passfail check
  passfail check --config /etc/passfail/config.toml`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			r := &checklist{w: c.OutOrStdout()}
			r.all(c.Context(), path)
			if r.failed > 0 {
				fmt.Fprintf(r.w, "\n%s to do before the station can inspect.\n", counted(r.failed, "thing"))
				return errReported
			}
			fmt.Fprintln(r.w, "\nThe station can inspect.")
			return nil
		},
	}
	c.Flags().StringVarP(&path, "config", "c", configFile, "the station's configuration")
	return c
}

// checklist prints a line for each thing that it looked at.
type checklist struct {
	w      io.Writer
	failed int
}

func (r *checklist) line(mark, topic, format string, a ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, a...), "\n", "\n                 ")
	fmt.Fprintf(r.w, "%-4s  %-9s  %s\n", mark, topic, text)
}

func (r *checklist) ok(topic, format string, a ...any)   { r.line("ok", topic, format, a...) }
func (r *checklist) warn(topic, format string, a ...any) { r.line("warn", topic, format, a...) }
func (r *checklist) fail(topic string, err error) {
	r.failed++
	r.line("FAIL", topic, "%v", err)
}

func (r *checklist) all(ctx context.Context, path string) {
	cfg, err := config.Load(path)
	if err != nil {
		list := config.Errors{err}
		_ = errors.As(err, &list)
		for _, e := range list {
			r.fail("config", e)
		}
		r.warn("config", "the rest is checked once the configuration can be read")
		return
	}
	if err := notYet(cfg); err != nil {
		r.fail("config", err)
	} else {
		r.ok("config", "%s", path)
	}
	r.model(cfg)
	r.camera(ctx, cfg)
	r.pins(cfg)
	r.permissions(cfg)
}

func (r *checklist) model(cfg *config.Config) {
	path, fault, err := modelPath(cfg)
	if err != nil {
		r.fail("model", err)
		return
	}
	if fault != nil {
		r.warn("model", "%v\nthe one that was active before judges", fault)
	}
	c, err := model.Open(path, model.Options{Threads: cfg.Model.Threads})
	if err != nil {
		r.fail("model", err)
		return
	}
	defer c.Close()
	r.ok("model", "%s: %v", path, c.Input())
	if err := c.SelfTest(); err != nil {
		r.fail("model", err)
	}
	if text, err := viewWarning(cfg, c); err != nil {
		r.fail("model", err)
	} else if text != "" {
		r.warn("model", "%s", text)
	}
	if _, err := newJudge(cfg, c); err != nil {
		r.fail("decision", err)
		return
	}
	r.ok("decision", "of %s, those of %q pass at a score of %.4g", strings.Join(c.Labels(), ", "), cfg.Decision.Pass, rule(cfg, c).Threshold)
}

// cameraPatience is how long a camera may take to show its first picture.
const cameraPatience = 10 * time.Second

func (r *checklist) camera(ctx context.Context, cfg *config.Config) {
	s := captureSettings(cfg)
	s.Pace = capture.Fast
	ctx, cancel := context.WithTimeout(ctx, cameraPatience)
	defer cancel()
	camera, err := capture.Open(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		r.fail("camera", err)
		return
	}
	defer camera.Close()
	f, err := camera.Next(ctx)
	if err != nil {
		r.fail("camera", err)
		return
	}
	r.ok("camera", "%s: pictures of %d×%d pixels, of which %d×%d at %d,%d are judged", camera.Source(),
		f.Image.Cols(), f.Image.Rows(), f.ROI.Dx(), f.ROI.Dy(), f.ROI.Min.X, f.ROI.Min.Y)
	if !camera.Source().Live() {
		r.warn("camera", "this is no camera but a recording: good for trying out. For a camera set camera.source")
	}
}

func (r *checklist) pins(cfg *config.Config) {
	board, err := openBoard(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		r.fail("pins", err)
		return
	}
	defer board.Close()
	if cfg.Outputs.Board == "simulated" {
		r.warn("pins", `the pins are simulated; for real ones set outputs.board = "gpio"`)
	}
	list := outputSettings(cfg)
	owner := map[string]string{} // of a pin, whatever it was called
	for _, s := range list {
		if r.pin(board, owner, "outputs."+s.Name+".pin", s.Pin) && s.ActiveLow {
			r.warn("pins", `%s is active low: a Pi that boots or has no power holds it active; active = "high" with a pull-down resistor is safe`, s.Name)
		}
	}
	if len(list) == 0 {
		r.warn("pins", "no output has a pin: nobody is told the verdicts")
	}
	for _, in := range inputPins(cfg) {
		if r.pin(board, owner, in.key, in.pin) && cfg.Outputs.Board == "simulated" {
			r.warn("pins", "%s: nothing moves a simulated pin from outside: no part will come", in.key)
		}
	}
}

// pin looks whether there is a pin for a key, and that no other key has it.
func (r *checklist) pin(board *device.Board, owner map[string]string, key, name string) bool {
	p, err := board.Pin(name)
	if err != nil {
		r.fail("pins", fmt.Errorf("%s: %w", key, err))
		return false
	}
	if first, taken := owner[p.Name()]; taken {
		r.fail("pins", fmt.Errorf("%s = %q: this is %s, which %s has already; give each its own", key, name, p.Name(), first))
		return false
	}
	owner[p.Name()] = key
	r.ok("pins", "%s: %s by driver %s", strings.TrimSuffix(strings.TrimPrefix(key, "outputs."), ".pin"), p.Name(), board.Driver(p))
	return true
}

func (r *checklist) permissions(cfg *config.Config) {
	if os.Geteuid() == 0 {
		if cfg.Outputs.Board == "gpio" {
			r.warn("user", "this is root: pins may be driven by a slower or unsafe driver. Run as a user in the groups gpio and video")
		} else {
			r.ok("user", "root; with real pins run as a user in the groups gpio and video")
		}
		return
	}
	groups, err := groupNames()
	if err != nil {
		r.warn("user", "the groups of this user can't be told: %v", err)
		return
	}
	need := []string{}
	if cfg.Outputs.Board == "gpio" {
		need = append(need, "gpio")
	}
	if s, err := capture.ParseSource(cfg.Camera.Source); err == nil && (s.Kind == capture.V4L2 || s.Kind == capture.CSI) {
		need = append(need, "video")
	}
	for _, g := range need {
		if !slices.Contains(groups, g) {
			r.fail("user", fmt.Errorf("this user is not in the group %s: sudo usermod -aG %s $USER, then log in again", g, g))
		}
	}
	if len(need) == 0 {
		r.ok("user", "no group is needed for this configuration")
	}
}

func groupNames() ([]string, error) {
	u, err := user.Current()
	if err != nil {
		return nil, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			names = append(names, g.Name)
		}
	}
	return names, nil
}
