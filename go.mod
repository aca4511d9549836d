module passfail

go 1.26.0

require (
	github.com/mattn/go-tflite v1.0.5
	gocv.io/x/gocv v0.43.0
)

require (
	github.com/google/flatbuffers v25.12.19+incompatible // indirect
	github.com/mattn/go-pointer v0.0.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
	periph.io/x/conn/v3 v3.7.3 // indirect
	periph.io/x/host/v3 v3.8.5 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
