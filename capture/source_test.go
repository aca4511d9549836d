package capture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseSource(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a:film.avi")
	writeFile(t, file, nil)
	for text, want := range map[string]Source{
		"/dev/video0":  {Kind: V4L2, Path: "/dev/video0"},
		" /dev/video0": {Kind: V4L2, Path: "/dev/video0"},
		"/dev/v4l/by-id/usb-046d_C920-video-index0": {Kind: V4L2, Path: "/dev/v4l/by-id/usb-046d_C920-video-index0"},
		"v4l2:HD Pro Webcam":                        {Kind: V4L2, Name: "HD Pro Webcam"},
		"v4l2:/dev/mycam":                           {Kind: V4L2, Path: "/dev/mycam"},
		"csi":                                       {Kind: CSI},
		"csi:":                                      {Kind: CSI},
		"csi:/base/soc/i2c0mux/imx219@10":           {Kind: CSI, Name: "/base/soc/i2c0mux/imx219@10"},
		"gstreamer:videotestsrc ! appsink":          {Kind: GStreamer, Pipeline: "videotestsrc ! appsink"},
		"rtsp://cam/1":                              {Kind: Network, URL: "rtsp://cam/1"},
		"RTSP://cam":                                {Kind: Network, URL: "RTSP://cam"},
		"https://user:pw@cam:8443/x?y=1":            {Kind: Network, URL: "https://user:pw@cam:8443/x?y=1"},
		"file:film.avi":                             {Kind: File, Path: "film.avi"},
		"file:///data/film.avi":                     {Kind: File, Path: "/data/film.avi"},
		"film.avi":                                  {Kind: File, Path: "film.avi"},
		file:                                        {Kind: File, Path: file},
		"folder:parts":                              {Kind: Folder, Path: "parts"},
		"parts/":                                    {Kind: Folder, Path: "parts/"},
		dir:                                         {Kind: Folder, Path: dir},
	} {
		got, err := ParseSource(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                     "is empty",
		"  ":                   "is empty",
		"0":                    "say /dev/video0",
		"v4l2:":                "names no camera",
		"gstreamer: ":          "the pipeline is empty",
		"rtsp:///x":            "names no host",
		"http://:80/":          "names no host",
		"ftp://cam/x":          `unknown kind "ftp"`,
		"file:":                "names no path",
		"folder:":              "names no path",
		"a\x00b":               "zero byte",
		`csi:a"b`:              "no quotes",
		"http://u:secret@h:x/": "invalid port",
	} {
		_, err := ParseSource(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v lacks %q", text, err, want)
		}
	}
}

func TestPasswordsStayOutOfMessages(t *testing.T) {
	s, err := ParseSource("rtsp://user:secret@cam/1")
	if err != nil || s.String() != "camera rtsp://user:xxxxx@cam/1" {
		t.Errorf("%s, %v", s, err)
	}
	if _, err := ParseSource("rtsp://user:secret@cam:x/1"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func FuzzParseSource(f *testing.F) {
	for _, s := range []string{"/dev/video0", "v4l2:x", "csi:n", "gstreamer:a ! b", "rtsp://u:p@h:1/x", "file:a", "folder:b/", "0", "://", "a:b:c", "http://[::1]:8080/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSource(text)
		if err != nil {
			if s != (Source{}) {
				t.Errorf("%q: a source and an error", text)
			}
			return
		}
		filled := 0
		for _, field := range []string{s.Path, s.Name, s.URL, s.Pipeline} {
			if field != "" {
				filled++
			}
		}
		if s.Kind == 0 || filled > 1 || filled == 0 && s.Kind != CSI {
			t.Errorf("%q: %+v", text, s)
		}
		if s.String() == "no source" || strings.ContainsRune(s.Path, 0) {
			t.Errorf("%q: %v", text, s)
		}
	})
}

func TestMissingCameraNamesTheConnected(t *testing.T) {
	if _, err := os.Stat("/dev/video99"); err == nil {
		t.Skip("there is one")
	}
	for _, source := range []string{"/dev/video99", "v4l2:no such card, surely"} {
		c := open(t, Settings{Source: source})
		e := lost(t, c)
		if e.Reason != NoDevice || !strings.Contains(e.Error(), "camera "+source+": no such device: ") || !strings.Contains(e.Error(), "connected") {
			t.Error(e)
		}
	}
	c := open(t, Settings{Source: "v4l2:/dev/null"})
	if e := lost(t, c); e.Reason != OpenFailed || !strings.Contains(e.Error(), "is no camera") {
		t.Error(e)
	}
}
