package v4l2

import "strings"

// State reads back all controls that can be read, and names those by which the camera sets light or focus by itself.
func (d *Device) State() (values map[string]int, automatic []string, err error) {
	list, err := d.Controls()
	if err != nil {
		return nil, nil, err
	}
	values = map[string]int{}
	for _, c := range list {
		if c.WriteOnly || c.Type == Button {
			continue
		}
		v, err := d.Get(c)
		if err != nil {
			continue // some drivers list what they can't read
		}
		values[c.Name] = int(v)
		if c.selfWilled(v) {
			automatic = append(automatic, c.Name)
		}
	}
	return values, automatic, nil
}

// selfWilled tells whether a control with this value lets the camera change how pictures look.
func (c Control) selfWilled(v int64) bool {
	if !c.automatic() || strings.Contains(c.Name, "priority") || strings.Contains(c.Name, "bias") {
		return false
	}
	for _, m := range c.Menu {
		if m.Value == v {
			return !strings.Contains(strings.ToLower(m.Label), "manual")
		}
	}
	return v != 0
}
