// Command station turns a station.toml, which says what one station is called, who may log in and which network it is in, into
// the files that the image of its SD card needs for that.
//
//	station -out FOLDER station.toml
//
// FOLDER gets files/, to be laid over the root file system, and station.env, assignments for a shell: HOST, ADMIN, PASSWORD (a
// hash, or empty), ZONE. Without -out the file is only checked.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("out", "", "the `folder` to write into; it must not have files/ yet")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: station [-out FOLDER] station.toml")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *out); err != nil {
		fmt.Fprintln(os.Stderr, "station:", err)
		os.Exit(1)
	}
}

// run does it all for one file; out "" writes nothing.
func run(path, out string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; copy deploy/image/station.toml, fill it in and name it: make image STATION=line1.toml", err)
	}
	if err != nil {
		return err
	}
	files, environment, err := build(string(text), filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("%s: %s", path, strings.ReplaceAll(err.Error(), "\n", "\n"+path+": "))
	}
	if out == "" {
		return nil
	}
	return write(out, files, environment)
}

func build(text, dir string) (files []file, environment string, err error) {
	s, err := Parse(text)
	if err != nil {
		return nil, "", err
	}
	configuration, err := s.carried(dir)
	if err != nil {
		return nil, "", err
	}
	files, err = s.files(configuration)
	return files, s.environment(), err
}
