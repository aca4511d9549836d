// Package base holds the base networks that Passfail ships: int8 feature
// extractors trained on ImageNet, each a .tflite file with its provenance beside
// it. README.md in this folder tells where they come from.
package base

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Entry is the name of the metadata entry in which a base network says, as JSON,
// what it is and where it comes from. A model that was trained on it keeps it.
const Entry = "PASSFAIL_BASE"

// Default is the base that is taken when none is named.
const Default = "mobilenet_v2"

//go:embed *.tflite
var files embed.FS

// Names lists the shipped bases.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".tflite"))
	}
	return names
}

// Read returns the file of a shipped base, or of any base by its path.
func Read(nameOrPath string) ([]byte, error) {
	b, err := files.ReadFile(nameOrPath + ".tflite")
	if err == nil {
		return b, nil
	}
	b, err = os.ReadFile(nameOrPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("base network %q: no such file, and none of the shipped ones: %s",
			nameOrPath, strings.Join(Names(), ", "))
	}
	return b, err
}
