package main

import (
	"errors"
	"image"
	"log/slog"
	"time"

	"gocv.io/x/gocv"

	"passfail/config"
	"passfail/history"
	"passfail/line"
)

// recorder keeps what a line inspects.
type recorder struct {
	history *history.History // nil: nothing is kept
	before  line.PartCounts
}

// newRecorder opens the configuration's history, and has the line record in it. A file that is played
// as fast as it goes is no production: it is not recorded.
func newRecorder(cfg *config.Config, log *slog.Logger, lossless bool) (*recorder, error) {
	if cfg.History.Folder == "" || lossless {
		return &recorder{}, nil
	}
	s, err := historySettings(cfg)
	if err != nil {
		return nil, err
	}
	log = log.With("folder", s.Dir)
	s.OnFault = func(err error) {
		if err != nil {
			log.Error("history", "err", err)
		} else {
			log.Info("history is well again")
		}
	}
	h, err := history.Open(s)
	if err != nil {
		return nil, err
	}
	return &recorder{history: h}, nil
}

// historySettings is the configuration's history in package history's terms.
func historySettings(cfg *config.Config) (history.Settings, error) {
	k := cfg.History
	s := history.Defaults(cfg.Path(k.Folder))
	s.Keep = time.Duration(k.Days) * 24 * time.Hour
	s.MaxBytes, s.MinFree = int64(k.MaxMB)<<20, int64(k.MinFreeMB)<<20
	s.Quality, s.Passes = k.Quality, k.Passes
	for _, text := range k.Shifts {
		t, err := time.Parse("15:04", text)
		if err != nil {
			return s, err // the configuration was checked
		}
		s.Shifts = append(s.Shifts, time.Duration(t.Hour())*time.Hour+time.Duration(t.Minute())*time.Minute)
	}
	if r := cfg.Camera.ROI; r != nil {
		s.Largest = image.Pt(r.Width, r.Height)
	} else if cfg.Camera.Width > 0 {
		s.Largest = image.Pt(max(cfg.Camera.Width, cfg.Camera.Height), max(cfg.Camera.Width, cfg.Camera.Height))
	}
	return s, nil
}

// record is the line's Record; nil if nothing is kept.
func (k *recorder) record() func(line.Result, error, *gocv.Mat, image.Rectangle) {
	if k.history == nil {
		return nil
	}
	return func(r line.Result, err error, picture *gocv.Mat, region image.Rectangle) {
		row := history.Row{
			Time: r.Taken, Number: uint64(r.Part), Model: r.Model, Pass: r.Verdict == line.Pass,
			Label: r.Label, Score: r.Score, PassScore: r.PassScore, Novelty: r.Novelty, Unsure: r.Unsure, Unlike: r.Unlike,
			Stages: history.Stages(r.Stages),
		}
		if row.Number == 0 {
			row.Number = r.Seq
		}
		began := r.Triggered
		if began.IsZero() {
			began = r.Taken
		}
		row.Latency = time.Since(began)
		switch {
		case errors.Is(err, line.ErrLate):
			row.Reason = history.Late
		case errors.Is(err, line.ErrUnseen):
			row.Reason = history.Unseen
		case err != nil:
			row.Reason, row.Error = history.Broken, err.Error()
		}
		k.history.Record(&row, picture, region)
	}
}

// follow counts what is no part that was inspected.
func (k *recorder) follow(c line.PartCounts) {
	if k.history == nil {
		return
	}
	for range c.Untracked - k.before.Untracked {
		k.history.Count(history.MissedTriggers, "")
	}
	for range c.Overruns - k.before.Overruns {
		k.history.Count(history.Overruns, "")
	}
	k.before = c
}

func (k *recorder) close() error {
	if k.history == nil {
		return nil
	}
	return k.history.Close()
}
