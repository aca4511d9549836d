package v4l2

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"golang.org/x/sys/unix"
)

// ControlError is a control that can't be set, or did not keep what it was set to.
type ControlError struct {
	Device string
	Name   string
	Want   int64
	Got    int64 // what it reads now, where Read
	Read   bool
	Hint   string // its range, or what keeps it from being set
	Err    error  // the driver's; may be nil
}

func (e *ControlError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: control %s: wanted %d", e.Device, e.Name, e.Want)
	if e.Read {
		fmt.Fprintf(&b, ", got %d", e.Got)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

func (e *ControlError) Unwrap() error { return e.Err }

// Apply sets controls by name and reads each back. Automatic modes come first, because a value is inactive as long as
// its automatic mode is on.
func (d *Device) Apply(want map[string]int) error {
	if len(want) == 0 {
		return nil
	}
	order, err := d.find(want)
	if err != nil {
		return err
	}
	for _, c := range order {
		v := int64(want[c.Name])
		if err := d.set(c, v); err != nil {
			return d.refused(c, v, err)
		}
	}
	return d.Check(want)
}

// Check reads controls back. Some cameras take their own mind up again when the stream starts, so it is worth a second
// look after the first frame.
func (d *Device) Check(want map[string]int) error {
	if len(want) == 0 {
		return nil
	}
	order, err := d.find(want) // anew: the flags have changed
	if err != nil {
		return err
	}
	for _, c := range order {
		if c.WriteOnly || c.Type == Button {
			continue
		}
		v := int64(want[c.Name])
		got, err := d.Get(c)
		if err != nil {
			return err
		}
		if got != v {
			e := d.refused(c, v, nil)
			e.Got, e.Read = got, true
			return e
		}
		if c.Inactive {
			return &ControlError{Device: d.Path, Name: c.Name, Want: v, Got: got, Read: true, Hint: inactiveHint}
		}
	}
	return nil
}

const inactiveHint = "it is inactive, so the camera ignores it: its automatic mode is on; switch that off among the controls too (auto_exposure = 1 is manual on most USB cameras, white_balance_automatic = 0)"

// find looks the wanted controls up, in the order in which they are to be set.
func (d *Device) find(want map[string]int) ([]Control, error) {
	have, err := d.Controls()
	if err != nil {
		return nil, err
	}
	return inOrder(d.Path, have, want)
}

func inOrder(device string, have []Control, want map[string]int) ([]Control, error) {
	var order []Control
	found := map[string]bool{}
	for _, c := range have {
		if _, ok := want[c.Name]; ok && !found[c.Name] {
			found[c.Name] = true
			order = append(order, c)
		}
	}
	for name, v := range want {
		if !found[name] {
			hint := "it has no such control; it has: " + names(have)
			if len(have) == 0 {
				hint = "it has no controls"
			}
			return nil, &ControlError{Device: device, Name: name, Want: int64(v), Hint: hint}
		}
	}
	sort.SliceStable(order, func(i, j int) bool { return order[i].automatic() && !order[j].automatic() })
	return order, nil
}

// automatic tells the switches and menus that take other controls over: auto_exposure, white_balance_automatic,
// focus_automatic_continuous, gain_automatic, autogain. Priority and bias settings do no harm among them.
func (c Control) automatic() bool {
	return (c.Type == Boolean || c.Type == Menu) && strings.Contains(c.Name, "auto")
}

func (d *Device) refused(c Control, v int64, err error) *ControlError {
	e := &ControlError{Device: d.Path, Name: c.Name, Want: v, Hint: c.describe(), Err: err}
	switch {
	case c.ReadOnly:
		e.Hint = "it can only be read"
	case v < c.Min || v > c.Max:
		e.Err = nil // ERANGE says less than the range
	case c.Inactive || errors.Is(err, unix.EACCES):
		e.Hint = inactiveHint
	case c.Grabbed || errors.Is(err, unix.EBUSY):
		e.Hint = "another program or the running stream holds it"
	}
	return e
}
