package config

import "time"

// Config is a whole config.toml. The tags are the file's keys.
type Config struct {
	Camera   Camera   `toml:"camera"`
	Model    Model    `toml:"model"`
	Decision Decision `toml:"decision"`
	Trigger  Trigger  `toml:"trigger"`
	Belt     Belt     `toml:"belt"`
	Outputs  Outputs  `toml:"outputs"`
	Confirm  Confirm  `toml:"confirm"`
	Stop     Stop     `toml:"stop"`

	Condition Condition `toml:"condition"`

	Product ProductChoice `toml:"product"`
	History History       `toml:"history"`
	Metrics Metrics       `toml:"metrics"`
	API     API           `toml:"api"`
	Log     Log           `toml:"log"`

	// Products are the sections [products.NAME], by name.
	Products []Product `toml:"-"`

	// Dir is the folder of the file: relative paths in it start there.
	Dir string `toml:"-"`
}

// Camera says where pictures come from.
type Camera struct {
	Source      string         `toml:"source"` // see package capture
	Width       int            `toml:"width"`  // pixels, 0: what the camera has
	Height      int            `toml:"height"`
	FPS         float64        `toml:"fps"`          // frames a second, 0: what the camera has
	PixelFormat string         `toml:"pixel_format"` // four letters, "": what the camera has
	Controls    map[string]int `toml:"controls"`     // V4L2 controls by name, locked to these values

	Rotate int    `toml:"rotate"` // degrees clockwise: 0, 90, 180, 270
	Flip   string `toml:"flip"`   // none, horizontal, vertical, both
	ROI    *Rect  `toml:"roi"`    // after rotate and flip; nil: the whole picture

	Loop     bool     `toml:"loop"`     // file, folder: again from the start
	Pace     string   `toml:"pace"`     // file, folder: realtime, fast
	Interval Duration `toml:"interval"` // folder in real time: from picture to picture

	Timeout     Duration `toml:"timeout"`      // no picture for so long: the camera is lost
	FrozenAfter Duration `toml:"frozen_after"` // the same picture for so long: lost too; 0: never
	ReopenMin   Duration `toml:"reopen_min"`
	ReopenMax   Duration `toml:"reopen_max"`
}

// Model says what judges.
type Model struct {
	File    string `toml:"file"`    // a .tflite file, or "": Store
	Store   string `toml:"store"`   // a folder of versions (package model/store), of which the active one judges, or "": File
	Threads int    `toml:"threads"` // 0: all processors but one, three at most
}

// Decision says what of the model's scores makes a part pass.
type Decision struct {
	Pass            []string `toml:"pass"`             // labels of good parts, every other label is a fail; empty: the model's own, or good, ok, pass
	Threshold       *float64 `toml:"threshold"`        // a part passes when the pass labels' scores add up to this; nil: the model's own
	Confidence      float64  `toml:"confidence"`       // the best label must have this score …
	BelowConfidence string   `toml:"below_confidence"` // … or this is the verdict: fail, pass
	Unlike          string   `toml:"unlike"`           // verdict on a part unlike all that the model knows: fail, pass (its scores decide)
	NoveltyLimit    float64  `toml:"novelty_limit"`    // multiples of the model's own limit; 0: no part is unlike
	Vote            int      `toml:"vote"`             // frames that vote on a verdict
}

// Log says what is logged, and how.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn, error
	Format string `toml:"format"` // text, json
}

// Default is the configuration of an empty file.
func Default() *Config {
	ms := func(n int) Duration { return Duration(time.Duration(n) * time.Millisecond) }
	high := Signal{Active: "high"}
	return &Config{
		Camera: Camera{
			Source: "/dev/video0", Flip: "none", Pace: "realtime", Interval: ms(500),
			Timeout: ms(2000), FrozenAfter: ms(5000), ReopenMin: ms(500), ReopenMax: ms(10000),
		},
		Model:    Model{File: "model.tflite"},
		Decision: Decision{BelowConfidence: "fail", Unlike: "fail", NoveltyLimit: 1, Vote: 1},
		Outputs: Outputs{
			Board:     "gpio",
			Pass:      Output{Pin: "GPIO17", Active: "high", Mode: "pulse", Width: ms(100)},
			Fail:      Output{Pin: "GPIO27", Active: "high", Mode: "pulse", Width: ms(100)},
			Reject:    Reject{Pin: "GPIO22", Active: "high", Delay: ms(500), Width: ms(80), Repeat: 1, Pause: ms(40), Lead: ms(20), Neighbour: "hold"},
			Heartbeat: Heartbeat{Pin: "GPIO23", Active: "high", Period: ms(1000)},
			Strobe:    Strobe{Active: "high", Lead: ms(1), Width: ms(20)},
			Ready:     high, Busy: high, Alarm: high, LineStop: high, Green: high, Amber: high, Red: high, Buzzer: high,
		},
		Trigger: Trigger{
			Mode: "continuous", Pin: "GPIO24", Active: "high", Debounce: ms(2), Within: ms(200), Frames: 1, Pick: "vote",
			Presence: Presence{Enter: 0.10, Leave: 0.04},
		},
		Belt:      Belt{Measure: "time", Capacity: 256},
		Confirm:   Confirm{Active: "high", Debounce: ms(2), Within: ms(500), Missing: "stop"},
		Stop:      Stop{Of: 50, ResetActive: "high", ResetBounce: ms(20)},
		Condition: Condition{Lasting: ms(2000), Then: "alarm"},
		Product:   ProductChoice{Active: "high", Settle: ms(50)},
		History:   History{Days: 90, MaxMB: 4096, MinFreeMB: 512, Quality: 90, Passes: 0.02},
		Log:       Log{Level: "info", Format: "text"},
	}
}
