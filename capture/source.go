package capture

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Kind says how a Source is opened.
type Kind int

const (
	V4L2      Kind = iota + 1 // a camera that the kernel shows as /dev/video…
	CSI                       // a Raspberry Pi camera on the ribbon cable, by libcamera
	GStreamer                 // a pipeline that the user wrote
	Network                   // RTSP or HTTP, by FFmpeg
	File                      // a video file
	Folder                    // a folder of pictures, or one picture
)

// Source is a parsed Settings.Source.
type Source struct {
	Kind     Kind
	Path     string // V4L2: device, empty where Name is searched; File, Folder
	Name     string // V4L2: part of the card's name; CSI: libcamera's camera name, empty for the first
	URL      string // Network
	Pipeline string // GStreamer: as written
}

// sourceForms ends the message of every source that could not be understood.
const sourceForms = "say /dev/video0, /dev/v4l/by-id/…, v4l2:NAME, csi, csi:NAME, gstreamer:PIPELINE, rtsp://…, http://…, file:PATH or folder:PATH"

// ParseSource understands
//
//	/dev/video0, /dev/v4l/by-id/…   a V4L2 camera
//	v4l2:NAME                       the V4L2 camera whose card name contains NAME
//	csi, csi:NAME                   a Raspberry Pi camera by libcamera, the first or the named one
//	gstreamer:PIPELINE              any GStreamer pipeline; an appsink is appended where it has none
//	rtsp:// rtsps:// http:// https:// a network camera
//	file:PATH, PATH                 a video file, or one picture
//	folder:PATH, PATH               a folder of pictures
//
// A bare path is looked at to tell a file from a folder.
func ParseSource(text string) (Source, error) { return parseSource(text, "") }

// parseSource is ParseSource with relative paths of files and folders starting at dir.
func parseSource(text, dir string) (Source, error) {
	t := strings.TrimSpace(text)
	fail := func(why string) (Source, error) {
		return Source{}, fmt.Errorf("camera source %s: %s; %s", strconv.Quote(text), why, sourceForms)
	}
	if t == "" {
		return fail("is empty")
	}
	if strings.ContainsRune(t, 0) {
		return fail("contains a zero byte")
	}
	if _, err := strconv.ParseUint(t, 10, 16); err == nil {
		return Source{}, fmt.Errorf("camera source %s: a number alone is ambiguous; say /dev/video%s", strconv.Quote(text), t)
	}
	if t == "csi" {
		return Source{Kind: CSI}, nil
	}
	if strings.HasPrefix(t, "/dev/video") || strings.HasPrefix(t, "/dev/v4l/") {
		return Source{Kind: V4L2, Path: t}, nil
	}
	scheme, rest, found := strings.Cut(t, ":")
	if !found || strings.ContainsAny(scheme, "/. ") {
		return pathSource(dir, t), nil
	}
	switch rest = strings.TrimSpace(rest); strings.ToLower(scheme) {
	case "v4l2":
		if rest == "" {
			return fail("names no camera")
		}
		if strings.HasPrefix(rest, "/") {
			return Source{Kind: V4L2, Path: rest}, nil
		}
		return Source{Kind: V4L2, Name: rest}, nil
	case "csi":
		if rest == "" {
			return Source{Kind: CSI}, nil
		}
		if strings.ContainsAny(rest, "\"\\\n") {
			return fail("a camera name holds no quotes, backslashes or line ends")
		}
		return Source{Kind: CSI, Name: rest}, nil
	case "gstreamer":
		if rest == "" {
			return fail("the pipeline is empty")
		}
		return Source{Kind: GStreamer, Pipeline: rest}, nil
	case "rtsp", "rtsps", "http", "https":
		u, err := url.Parse(t)
		if err != nil {
			var ue *url.Error
			if errors.As(err, &ue) {
				err = ue.Err // the whole error repeats the address with its password
			}
			return Source{}, fmt.Errorf("camera source: the address is not valid: %w; %s", err, sourceForms)
		}
		if u.Hostname() == "" {
			return fail("names no host")
		}
		return Source{Kind: Network, URL: t}, nil
	case "file", "folder":
		path := strings.TrimPrefix(rest, "//")
		if path == "" {
			return fail("names no path")
		}
		if strings.EqualFold(scheme, "folder") {
			return Source{Kind: Folder, Path: within(dir, path)}, nil
		}
		return Source{Kind: File, Path: within(dir, path)}, nil
	}
	if strings.HasPrefix(rest, "//") {
		return fail("unknown kind " + strconv.Quote(scheme))
	}
	return pathSource(dir, t), nil
}

// pathSource tells a folder from a file. What does not exist is taken for a file: Open says that it is missing.
func pathSource(dir, path string) Source {
	folder := strings.HasSuffix(path, "/")
	path = within(dir, path)
	if folder {
		return Source{Kind: Folder, Path: path}
	}
	if fi, err := os.Stat(path); err == nil && fi.IsDir() {
		return Source{Kind: Folder, Path: path}
	}
	return Source{Kind: File, Path: path}
}

// within makes a relative path start at dir.
func within(dir, path string) string {
	if dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Live tells a camera, which may come and go, from files, which do not.
func (s Source) Live() bool { return s.Kind != File && s.Kind != Folder }

// String names the source in messages and logs: an address without its password.
func (s Source) String() string {
	switch s.Kind {
	case V4L2:
		if s.Path == "" {
			return "camera v4l2:" + s.Name
		}
		return "camera " + s.Path
	case CSI:
		if s.Name == "" {
			return "camera csi"
		}
		return "camera csi:" + s.Name
	case GStreamer:
		return "gstreamer pipeline"
	case Network:
		if u, err := url.Parse(s.URL); err == nil {
			return "camera " + u.Redacted()
		}
		return "network camera"
	case File:
		return "file " + s.Path
	case Folder:
		return "folder " + s.Path
	}
	return "no source"
}
