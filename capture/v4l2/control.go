package v4l2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Control is something that can be set on a camera.
type Control struct {
	ID                          uint32
	Name                        string // as v4l2-ctl prints it: exposure_time_absolute
	Label                       string // as the driver calls it: Exposure Time, Absolute
	Type                        ControlType
	Min, Max, Step, Default     int64
	Inactive, ReadOnly, Grabbed bool
	WriteOnly, Volatile         bool
	Menu                        []MenuItem // of a Menu or IntegerMenu
}

// MenuItem is one choice of a menu control.
type MenuItem struct {
	Value int64
	Label string
}

// ControlType is the kernel's v4l2_ctrl_type.
type ControlType uint32

const (
	Integer     ControlType = 1
	Boolean     ControlType = 2
	Menu        ControlType = 3
	Button      ControlType = 4
	Integer64   ControlType = 5
	class       ControlType = 6
	Bitmask     ControlType = 8
	IntegerMenu ControlType = 9
)

const (
	flagDisabled  = 0x0001
	flagGrabbed   = 0x0002
	flagReadOnly  = 0x0004
	flagInactive  = 0x0010
	flagWriteOnly = 0x0040
	flagVolatile  = 0x0080
	flagNext      = 0x80000000 // or-ed to an id: the next one after it
)

// Controls lists what can be set, in the driver's order: numbers, switches and menus.
func (d *Device) Controls() ([]Control, error) {
	var list []Control
	for id := uint32(0); len(list) < 4*maxEnum; {
		q := queryExtCtrl{id: id | flagNext}
		if err := ioctl(d.fd, vidiocQueryExtCtrl, unsafe.Pointer(&q)); err != nil {
			if errors.Is(err, unix.EINVAL) || (errors.Is(err, unix.ENOTTY) && id == 0) {
				return list, nil // the list is over, or the device has none
			}
			return list, fmt.Errorf("%s: its controls can't be listed: %w", d.Path, err)
		}
		if q.id <= id {
			return list, nil // a driver that goes round in circles
		}
		id = q.id
		if c, ok := q.decode(); ok {
			d.readMenu(&c)
			list = append(list, c)
		}
	}
	return list, nil
}

// decode leaves out what is no single number: headings, strings, arrays and what is switched off for good.
func (q *queryExtCtrl) decode() (Control, bool) {
	c := Control{
		ID: q.id, Label: text(q.name[:]), Type: ControlType(q.typ),
		Min: q.minimum, Max: q.maximum, Step: int64(q.step), Default: q.defaultValue,
		Inactive: q.flags&flagInactive != 0, ReadOnly: q.flags&flagReadOnly != 0, Grabbed: q.flags&flagGrabbed != 0,
		WriteOnly: q.flags&flagWriteOnly != 0, Volatile: q.flags&flagVolatile != 0,
	}
	c.Name = VarName(c.Label)
	switch c.Type {
	case Integer, Boolean, Menu, Button, Integer64, Bitmask, IntegerMenu:
	default:
		return c, false
	}
	return c, q.flags&flagDisabled == 0 && q.nrOfDims == 0
}

func (d *Device) readMenu(c *Control) {
	if c.Type != Menu && c.Type != IntegerMenu {
		return
	}
	for i := c.Min; i <= c.Max && i-c.Min < maxEnum; i++ {
		m := querymenu{id: c.ID, index: uint32(i)}
		if ioctl(d.fd, vidiocQuerymenu, unsafe.Pointer(&m)) != nil {
			continue // menus have holes
		}
		item := MenuItem{Value: i, Label: text(m.name[:])}
		if c.Type == IntegerMenu {
			item.Label = fmt.Sprint(int64(binary.NativeEndian.Uint64(m.name[:8])))
		}
		c.Menu = append(c.Menu, item)
	}
}

// Get reads a control's value.
func (d *Device) Get(c Control) (int64, error) {
	e := extControl{id: c.ID}
	if err := d.extCtrls(vidiocGExtCtrls, &e); err != nil {
		return 0, fmt.Errorf("%s: control %s can't be read: %w", d.Path, c.Name, err)
	}
	return e.get(c.Type), nil
}

func (d *Device) set(c Control, v int64) error {
	e := extControl{id: c.ID}
	e.put(c.Type, v)
	return d.extCtrls(vidiocSExtCtrls, &e)
}

func (d *Device) extCtrls(req uintptr, e *extControl) error {
	return ioctl(d.fd, req, unsafe.Pointer(&extControls{count: 1, controls: unsafe.Pointer(e)}))
}

func (e *extControl) get(t ControlType) int64 {
	if t == Integer64 {
		return int64(binary.NativeEndian.Uint64(e.value[:]))
	}
	return int64(int32(binary.NativeEndian.Uint32(e.value[:])))
}

func (e *extControl) put(t ControlType, v int64) {
	if t == Integer64 {
		binary.NativeEndian.PutUint64(e.value[:], uint64(v))
		return
	}
	binary.NativeEndian.PutUint32(e.value[:], uint32(v))
}

// VarName writes a control's label as v4l2-ctl does: letters and digits in lower case, all else one underscore.
func VarName(label string) string {
	var b strings.Builder
	gap := false
	for _, r := range []byte(label) {
		switch {
		case 'A' <= r && r <= 'Z':
			r += 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		default:
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('_')
			gap = false
		}
		b.WriteByte(r)
	}
	return b.String()
}

// describe says what a control takes.
func (c Control) describe() string {
	if len(c.Menu) > 0 {
		items := make([]string, len(c.Menu))
		for i, m := range c.Menu {
			items[i] = fmt.Sprintf("%d = %s", m.Value, m.Label)
		}
		return "it takes " + strings.Join(items, ", ")
	}
	s := fmt.Sprintf("it takes %d to %d", c.Min, c.Max)
	if c.Step > 1 {
		s += fmt.Sprintf(" in steps of %d", c.Step)
	}
	return s
}

// names lists controls for an error message.
func names(list []Control) string {
	n := make([]string, len(list))
	for i, c := range list {
		n[i] = c.Name
	}
	sort.Strings(n)
	return strings.Join(n, ", ")
}
