package main

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"passfail/config"
	"passfail/line"
	"passfail/model"
	"passfail/model/store"
)

// modelSource is where a station's model comes from: a file, or the active
// version of a store.
type modelSource struct {
	cfg     *config.Config
	log     *slog.Logger
	store   *store.Store // nil: a file
	copies  int          // how often a model is opened
	threads int          // of each
	refused string       // the id of the chosen version, if first could not open it
}

// newModelSource opens no model yet. A model is opened once with its threads for
// a camera, where the verdict on a frame must come soon; once for each processor
// to get through a file, where many must come.
func newModelSource(cfg *config.Config, log *slog.Logger, lossless bool) (*modelSource, error) {
	m := &modelSource{cfg: cfg, log: log, copies: 1, threads: cfg.Model.Threads}
	if lossless {
		m.copies, m.threads = runtime.NumCPU(), 1
	}
	if cfg.Model.Store == "" {
		return m, nil
	}
	var err error
	m.store, err = store.Open(cfg.Path(cfg.Model.Store))
	return m, err
}

// first opens the model to begin with. If the one that was chosen can't judge,
// it is the last one before it that can, and the log says so: a station had
// better inspect by the model of yesterday than stand still.
func (m *modelSource) first() (line.Model, error) {
	if m.store == nil {
		return m.open(m.cfg.Path(m.cfg.Model.File), m.cfg.Path(m.cfg.Model.File))
	}
	if _, err := m.store.History(); err != nil {
		m.log.Error("model store", "err", err)
	}
	list, err := m.store.Candidates()
	if err != nil {
		return line.Model{}, err
	}
	var refused []error
	for _, v := range list {
		opened, err := m.version(v)
		if err == nil {
			if len(refused) > 0 {
				m.log.Error("an earlier model judges", "model", v.ID, "chosen", list[0].ID)
			}
			return opened, nil
		}
		m.log.Error("model refused", "model", v.ID, "err", err)
		m.refused = list[0].ID
		refused = append(refused, err)
	}
	return line.Model{}, fmt.Errorf("model store %s: none of the models that were ever active can judge:\n%w", m.store.Dir(), errors.Join(refused...))
}

// version opens a version whose files are whole.
func (m *modelSource) version(v store.Version) (line.Model, error) {
	if err := v.Check(); err != nil {
		return line.Model{}, err
	}
	return m.open(v.ID, v.Model())
}

// open opens a model, tests it and makes its judge.
func (m *modelSource) open(name, path string) (line.Model, error) {
	opened := line.Model{Name: name}
	for range m.copies {
		c, err := model.Open(path, model.Options{Threads: m.threads})
		if err != nil {
			opened.Close()
			return line.Model{}, err
		}
		opened.Classifiers = append(opened.Classifiers, c)
	}
	err := opened.Classifiers[0].SelfTest()
	if err != nil {
		err = fmt.Errorf("model %s: %w", path, err)
	} else {
		opened.Judge, err = newJudge(m.cfg, opened.Classifiers[0])
	}
	if err != nil {
		opened.Close()
		return line.Model{}, err
	}
	return opened, nil
}

// modelPath is the file of the station's model, for commands that judge a few
// pictures. The fault, if any, is why it isn't the chosen one.
func modelPath(cfg *config.Config) (path string, fault, err error) {
	if cfg.Model.Store == "" {
		return cfg.Path(cfg.Model.File), nil, nil
	}
	s, err := store.Open(cfg.Path(cfg.Model.Store))
	if err != nil {
		return "", nil, err
	}
	a, err := s.Active()
	if err != nil {
		return "", nil, err
	}
	return a.Model(), a.Fault, nil
}
