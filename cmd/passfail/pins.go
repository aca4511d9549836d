package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"periph.io/x/conn/v3/gpio"

	"passfail/config"
	"passfail/device"
)

func newPins() *cobra.Command {
	c := &cobra.Command{
		Use:     "pins",
		Short:   "The station's outputs, while nothing inspects",
		Example: `  passfail pins rest`,
		Args:    args(cobra.NoArgs),
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(newPinsRest())
	return c
}

func newPinsRest() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "rest",
		Short: "Drive every output to rest",
		Long: `Drives every output of the configuration to rest, and lets go of it. A station that
ends does so itself; this is for one that was killed or crashed, which can't. The
service runs it after every stop. While a station runs, its pins are busy.`,
		Example: `  passfail pins rest
  passfail pins rest --config /etc/passfail/config.toml`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(path)
			if err != nil {
				return err
			}
			board, err := openBoard(cfg, newLogger(newConsole(os.Stderr), "warn", cfg.Log.Format), nil)
			if err != nil {
				return err
			}
			return errors.Join(rest(c.OutOrStdout(), board, outputSettings(cfg)), board.Close())
		},
	}
	c.Flags().StringVarP(&path, "config", "c", configFile, "the station's configuration")
	return c
}

// rest drives outputs to rest, those that it can, and prints which.
func rest(w io.Writer, board *device.Board, settings []device.OutputSettings) error {
	var errs []error
	for _, s := range settings { // one by one: a pin that fails keeps no other from it
		outputs, err := device.NewOutputs(board, []device.OutputSettings{s}, device.Options{})
		if err == nil {
			err = outputs.Close()
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p, err := board.Pin(s.Pin)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(w, "%s: %s is at rest, %v (driver %s)\n", s.Name, p.Name(), gpio.Level(s.ActiveLow), board.Driver(p))
	}
	return errors.Join(errs...)
}
