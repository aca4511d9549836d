package main

import (
	"fmt"

	"passfail/config"
	"passfail/model"
	"passfail/train"
	"passfail/train/dataset"
)

// viewWarning says that the station looks at parts otherwise than the model was
// taught to, "" if it does not, or if the model does not say how it was.
func viewWarning(cfg *config.Config, c *model.Classifier) (string, error) {
	entry := c.Trained()
	if entry == nil {
		return "", nil
	}
	p, err := train.ParseProvenance(entry)
	if err != nil || p.View == nil {
		return "", err
	}
	now := dataset.ViewOf(captureSettings(cfg))
	if now.Equal(*p.View) {
		return "", nil
	}
	return fmt.Sprintf("the model was taught on another view (%v) than the configuration's (%v); train again, or set camera.rotate, camera.flip and camera.roi as they were. "+
		"If the pictures of the training had been turned and cut so already, all is well", *p.View, now), nil
}
