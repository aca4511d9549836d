// Command passfail is an inspection station: camera in, pass or fail on a pin
// out. Each subcommand has a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "development"

// Exit codes that scripts rely on.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	// The first signal ends the program in order, the second at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	c, err := newRoot().ExecuteContextC(ctx)
	stop()
	os.Exit(exitCode(c, err))
}

// exitCode prints a command's error and returns the code for it.
func exitCode(c *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	var usage usageError
	// cobra has no type of its own for this one.
	if errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command") {
		fmt.Fprintf(os.Stderr, "passfail: %v\nTry '%s --help'.\n", err, c.CommandPath())
		return exitUsage
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintf(os.Stderr, "passfail: %v\n", err)
	}
	return exitFailed
}

// errReported is a failure whose reasons were printed already.
var errReported = errors.New("failed")

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "passfail",
		Short: "An inspection station: camera in, pass or fail on a pin out",
		Long: `Passfail looks at parts with a camera, judges them with a neural network that was
trained on your own product, and tells the line by the pins of a Raspberry Pi.`,
		Example: `  passfail run                          # inspect as config.toml says
  passfail check                        # is everything in place?
  passfail classify parts/*.jpg         # judge pictures
  passfail bench                        # how fast is this machine?`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newRun(), newCheck(), newCapture(), newDataset(), newTrain(), newClassify(), newEvaluate(), newExplain(), newHistory(),
		newBench(), newSimulate(), newModel(), newModels(), newPins(), newMan(), newVersion(),
	)
	return root
}
