package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"passfail/line"
)

const (
	// lookEvery is how often a running station looks which model is active. It
	// reads a small file that lies in memory.
	lookEvery = 500 * time.Millisecond
	// framePatience is how long a new model waits for a frame before the store is
	// asked again whether it is still the chosen one.
	framePatience = time.Second
)

// swapper gives a running line the model that was activated meanwhile. It opens
// and tests it beside the line, which inspects on.
type swapper struct {
	source *modelSource
	line   *line.Line
	log    *slog.Logger

	running string // name of the line's model
	refused string // name of the chosen model, if it can't judge; it is tried again on demand
	trouble string // the last error of the store, which is told once
}

// run goes on until ctx ends. What comes through again has it look at once, and
// try again what was refused or, without a store, read the file again.
func (w *swapper) run(ctx context.Context, again <-chan os.Signal) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			w.look(ctx, true)
		case <-tick.C:
			if w.source.store != nil {
				w.look(ctx, false)
			}
		}
	}
}

func (w *swapper) look(ctx context.Context, again bool) {
	if w.source.store == nil {
		path := w.source.cfg.Path(w.source.cfg.Model.File)
		w.swap(ctx, path, func() bool { return true }, func() (line.Model, error) { return w.source.open(path, path) })
		return
	}
	id := w.chosen()
	if id == w.running {
		w.refused = ""
	}
	if id == "" || id == w.running || id == w.refused && !again {
		return
	}
	w.swap(ctx, id, func() bool { return w.chosen() == id }, func() (line.Model, error) {
		v, err := w.source.store.Find(id)
		if err != nil {
			return line.Model{}, err
		}
		return w.source.version(v)
	})
}

// chosen is the id of the store's chosen version, "" if that can't be told.
func (w *swapper) chosen() string {
	id, err := w.source.store.Chosen()
	if err == nil {
		w.trouble = ""
	} else if w.trouble != err.Error() {
		w.trouble = err.Error()
		w.log.Error("model store", "err", err)
	}
	return id
}

// swap opens a model and hands it to the line, as long as it is still wanted.
func (w *swapper) swap(ctx context.Context, name string, wanted func() bool, open func() (line.Model, error)) {
	start := time.Now()
	m, err := open()
	if err != nil {
		w.refuse(name, err)
		return
	}
	opened := time.Now()
	for {
		waiting, cancel := context.WithTimeout(ctx, framePatience)
		old, err := w.line.Swap(waiting, m)
		over := waiting.Err() != nil
		cancel()
		switch {
		case err == nil:
			old.Close()
			w.running, w.refused = name, ""
			w.log.Info("model swapped", "model", name, "before", old.Name, "labels", m.Classifiers[0].Labels(),
				"opened_ms", milliseconds(opened.Sub(start)), "took_ms", milliseconds(time.Since(start)))
			return
		case !over:
			m.Close()
			w.refuse(name, err)
			return
		case ctx.Err() != nil || !wanted():
			m.Close()
			return
		}
	}
}

func (w *swapper) refuse(name string, err error) {
	w.refused = name
	w.log.Error("model refused", "model", name, "judging", w.running, "err", err)
}
