package model

import (
	"errors"
	"fmt"

	"passfail/model/graph"
)

// Description is what a model file says of itself.
type Description struct {
	File    *graph.File
	Input   Input
	Labels  []string // nil for a base network, which has none
	Outputs []OutputDescription
}

// OutputDescription is one result of a network.
type OutputDescription struct {
	Name  string
	Type  graph.TensorType
	Shape []int
}

// Describe opens the file b, read from path, and says what is in it. It is an
// error if the file could not be used, but for a base network that has no head
// yet.
func Describe(path string, b []byte) (*Description, error) {
	side, err := readSidecar(path)
	if err != nil {
		return nil, err
	}
	net, err := OpenNetwork(b, side, Options{Threads: 1})
	if errors.Is(err, errUndescribed) {
		err = describeError(path)
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	defer net.Close()
	d := &Description{File: net.file, Input: net.in}
	for _, o := range net.outputs {
		d.Outputs = append(d.Outputs, OutputDescription{o.name, o.kind, o.shape})
	}
	_, d.Labels, err = scoresOf(net.file, net.outputs, side)
	if errors.Is(err, errUndescribed) && net.isBase() {
		return d, nil
	}
	if errors.Is(err, errUndescribed) {
		err = describeError(path)
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return d, nil
}
