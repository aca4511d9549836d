// Command passfail is an inspection station: camera in, pass or fail on a pin out.
package main

import (
	"fmt"

	"github.com/mattn/go-tflite"
	"gocv.io/x/gocv"
)

func main() {
	m := gocv.NewMat()
	defer m.Close()
	fmt.Println("passfail", gocv.Version(), tflite.Float32)
}
