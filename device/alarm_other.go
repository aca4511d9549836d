//go:build !linux

package device

func newAlarm(bool) (alarm, error) { return newTimerAlarm(), nil }
