package capture

/*
void passfail_opencv_log_level(int level);
*/
import "C"

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"gocv.io/x/gocv"
)

// OpenCV's log levels, of cv::utils::logging::LogLevel.
const (
	opencvSilent = 0
	opencvInfo   = 4
)

var prepare sync.Once

// prepareOpenCV makes OpenCV's process-wide settings, once, before the first source is opened. What the user set in the
// environment stays.
//
// OpenCV reports on standard error what the errors of this package already say, with each try of a lost camera. It
// reads OPENCV_LOG_LEVEL when the program is loaded, too early for os.Setenv, hence the call.
func prepareOpenCV(s Settings, log *slog.Logger) {
	prepare.Do(func() {
		if log.Enabled(context.Background(), slog.LevelDebug) {
			if os.Getenv("OPENCV_LOG_LEVEL") == "" {
				C.passfail_opencv_log_level(opencvInfo)
			}
		} else {
			if os.Getenv("OPENCV_LOG_LEVEL") == "" {
				C.passfail_opencv_log_level(opencvSilent)
			}
			setDefault("OPENCV_FFMPEG_LOGLEVEL", "-8") // AV_LOG_QUIET
		}
		// Whole seconds. OpenCV waits 10 for a frame of a V4L2 camera; with this it returns by itself when the camera
		// counts as lost, and need not be left behind.
		timeout := s.Timeout
		if timeout <= 0 {
			timeout = Defaults().Timeout
		}
		setDefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", fmt.Sprint(int64((timeout+time.Second-1)/time.Second)))
	})
}

func setDefault(name, value string) {
	if os.Getenv(name) == "" {
		os.Setenv(name, value) // with cgo this reaches C's getenv too
	}
}

// ffmpegThreads are the parameters that make FFmpeg decode in one thread, where this OpenCV has them. 4.6 always takes
// as many as there are processors; its MJPEG decoder uses one all the same.
func ffmpegThreads() []gocv.VideoCaptureProperties {
	if !atLeast(gocv.OpenCVVersion(), 4, 7) {
		return nil
	}
	return []gocv.VideoCaptureProperties{propThreads, 1}
}

// atLeast compares the first two numbers of a version.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, err1 := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(parts[1])
	return err1 == nil && err2 == nil && (a > major || a == major && b >= minor)
}
