package model

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// withMemoryFile gives use the path of a file that exists in memory only and
// holds b. What use maps stays valid after the file is closed.
//
// TensorFlow Lite reads a model from a file or from memory that must outlive
// it. A file on disk could be truncated or replaced while it is mapped, which
// ends the program with a bus error, and go-tflite never frees the memory that
// it copies a model to. A memory file has neither fault, and what was checked
// is what runs.
func withMemoryFile(b []byte, use func(path string) error) error {
	fd, err := unix.MemfdCreate("model.tflite", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("a file in memory for the model: %w", err)
	}
	f := os.NewFile(uintptr(fd), "model.tflite")
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return fmt.Errorf("%d bytes of model in memory: %w", len(b), err)
	}
	return use(fmt.Sprintf("/proc/self/fd/%d", fd))
}
