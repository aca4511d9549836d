package capture

import "passfail/capture/v4l2"

// Controls reads the camera's controls back, by their names, and names those by which it sets light or focus by itself
// now. Only V4L2 cameras have any; of others both are empty.
func (c *Camera) Controls() (values map[string]int, automatic []string, err error) {
	if c.source.Kind != V4L2 {
		return nil, nil, nil
	}
	path := c.source.Path
	if path == "" {
		info, err := v4l2.Find(v4l2.List(), c.source.Name)
		if err != nil {
			return nil, nil, err
		}
		path = info.Path
	}
	dev, err := v4l2.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer dev.Close()
	return dev.State()
}
