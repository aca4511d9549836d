package capture

import "errors"

// ReadPicture reads one picture through the same rotation, flip and region of interest as the camera's frames. Only
// s.Rotate, s.Flip and s.ROI matter. The caller closes the Frame.
func ReadPicture(path string, s Settings) (*Frame, error) { return nil, errors.New("not yet") }

// Pictures lists the pictures of a folder in natural order (2.jpg before 10.jpg).
func Pictures(dir string) ([]string, error) { return nil, errors.New("not yet") }
