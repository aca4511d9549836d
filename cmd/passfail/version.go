package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"gocv.io/x/gocv"

	"passfail/model"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of passfail and of what it is linked with",
		Args:  args(cobra.NoArgs),
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "passfail %s %s/%s, %s, OpenCV %s, TensorFlow Lite %s\n",
				version, runtime.GOOS, runtime.GOARCH, runtime.Version(), gocv.OpenCVVersion(), model.RuntimeVersion())
		},
	}
}
