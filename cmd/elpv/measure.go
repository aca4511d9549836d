package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

// figures are what "passfail evaluate --json" says, and what the training took.
type figures struct {
	Accuracy float64 `json:"accuracy"`
	F1       float64 `json:"f1"`
	AUC      float64 `json:"auc"`

	seconds   float64
	megabytes int64
}

func (f figures) String() string {
	return fmt.Sprintf("accuracy %.4f, F1 %.4f, ROC AUC %.4f", f.Accuracy, f.F1, f.AUC)
}

// peakMegabytes is the most memory that a finished command held.
func peakMegabytes(cmd *exec.Cmd) int64 {
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss / 1024 // Linux counts in KiB
	}
	return 0
}
