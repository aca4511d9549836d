package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"passfail/deploy/rig"
)

// shell boots a machine for somebody who wants to look at it: each line of in is a command that is run inside. Its pins are
// left to deploy/pins.
func shell(ctx context.Context, k *kit, machine rig.Machine, in io.Reader, out io.Writer) error {
	c, err := k.config(ctx, machine, "shell")
	if err != nil {
		return err
	}
	c.NoPins = true
	pi, err := rig.Start(ctx, c)
	if err != nil {
		return err
	}
	defer pi.Close()
	fmt.Fprintf(out, "booting; its console is %[1]s/console, its pins are shown by\n  go run ./deploy/pins -qmp %[1]s/qmp2 -qtest %[1]s/qtest\n", pi.Dir())
	if _, err := pi.Ready(ctx); err != nil {
		return fmt.Errorf("%w (%v):\n%s", err, pi.Ended(), pi.Console())
	}
	fmt.Fprintln(out, "ready: each line is a command for its bash; the end of the input pulls its power")
	for lines := bufio.NewScanner(in); lines.Scan(); {
		output, err := pi.Run(ctx, lines.Text())
		if err != nil {
			fmt.Fprintln(out, err)
		} else if output != "" {
			fmt.Fprintln(out, output)
		}
		if ended := pi.Ended(); ended != nil {
			return ended
		}
	}
	return nil
}
