package main

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseSteps(t *testing.T) {
	got, err := parseSteps([]string{"GPIO24=1", "50ms", "GPIO24=0", "2s"})
	want := []step{{pin: 24, high: true}, {wait: 50 * time.Millisecond}, {pin: 24}, {wait: 2 * time.Second}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("parseSteps = %+v, %v; want %+v", got, err, want)
	}
	for arg, want := range map[string]string{
		"GPIO24=2": "must be 0 or 1", "GPIO24=": "must be 0 or 1", "P24=1": "is no pin", "GPIO-1=1": "is no pin",
		"GPIO24": "was expected", "-3s": "was expected", "5": "was expected",
	} {
		if _, err := parseSteps([]string{arg}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), arg) {
			t.Errorf("step %q: error %v, want %q in it", arg, err, want)
		}
	}
}

func TestParsePins(t *testing.T) {
	got, err := parsePins("GPIO17, GPIO22")
	if err != nil || !reflect.DeepEqual(got, []int{17, 22}) {
		t.Errorf("parsePins = %v, %v", got, err)
	}
	if got, err := parsePins(""); err != nil || got != nil {
		t.Errorf("no names: %v, %v", got, err)
	}
	if _, err := parsePins("GPIO17,x"); err == nil {
		t.Error("a name that is none was taken")
	}
}
