package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"passfail/spelling"
)

// Station is what station.toml says.
type Station struct {
	Hostname string // the station is found as Hostname.local
	Timezone string // of the IANA database: "Europe/Berlin"
	Config   string // path of the config.toml to carry, relative to station.toml; "": the package's
	User     User
	WLAN     *WLAN    // nil: none
	Network  *Network // nil: DHCP everywhere
}

// User is who may log in and become root.
type User struct {
	Name     string
	SSHKeys  []string // lines of authorized_keys
	Password string   // a hash as crypt(3) has it, or ""
}

// WLAN is the wireless network that the station joins.
type WLAN struct {
	SSID     string
	Password string // WPA2's passphrase, or its key in 64 hexadecimal digits
	Country  string // ISO 3166, two letters: which channels are allowed
}

// Network is a fixed address, instead of one by DHCP.
type Network struct {
	Interface string // "cable" or "wlan"
	Address   string // with the length of its network: "192.168.1.20/24"
	Gateway   string
	DNS, NTP  []string
}

// keys are the values of the file by section and key: *string or *[]string. A section is
// made when it is asked for here, so ask only for what the file has.
func (s *Station) keys(section string) map[string]any {
	switch section {
	case "":
		return map[string]any{"hostname": &s.Hostname, "timezone": &s.Timezone, "config": &s.Config}
	case "user":
		return map[string]any{"name": &s.User.Name, "ssh_keys": &s.User.SSHKeys, "password": &s.User.Password}
	case "wlan":
		s.WLAN = &WLAN{}
		return map[string]any{"ssid": &s.WLAN.SSID, "password": &s.WLAN.Password, "country": &s.WLAN.Country}
	case "network":
		s.Network = &Network{Interface: "cable"}
		n := s.Network
		return map[string]any{"interface": &n.Interface, "address": &n.Address, "gateway": &n.Gateway, "dns": &n.DNS, "ntp": &n.NTP}
	}
	return nil
}

var sections = []string{"user", "wlan", "network"}

// Parse reads the text of a station.toml. The error tells all that is wrong, a line each,
// and no secret.
func Parse(text string) (*Station, error) {
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		return nil, syntaxError(text, err)
	}
	s := &Station{Timezone: "Etc/UTC"}
	r := reader{}
	r.section(s, tree, "")
	if len(r.errs) == 0 {
		// What could not be read would be found missing once more.
		r.errs = s.check()
	}
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	return s, nil
}

// syntaxError names the line. The parser's message may quote a password that lacks its
// quotes, so of lines that could hold one nothing is said.
func syntaxError(text string, err error) error {
	var syntax toml.ParseError
	if !errors.As(err, &syntax) {
		return errors.New("this is not TOML")
	}
	n := syntax.Position.Line
	lines := strings.Split(text, "\n")
	for _, line := range lines[max(0, min(n-2, len(lines))):min(n, len(lines))] {
		if strings.Contains(strings.ToLower(line), "pass") {
			return fmt.Errorf(`line %d: this is not TOML; text wants quotes: password = "…"`, n)
		}
	}
	return fmt.Errorf("line %d: %s", n, syntax.Message)
}

// reader puts a TOML tree into a Station and collects what does not fit.
type reader struct{ errs []error }

func (r *reader) bad(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *reader) section(s *Station, tree map[string]any, section string) {
	known := s.keys(section)
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		name := strings.TrimPrefix(section+"."+key, ".")
		table, isTable := tree[key].(map[string]any)
		switch into := known[key].(type) {
		case *string:
			if text, ok := tree[key].(string); ok {
				*into = text
			} else {
				r.bad("%s: text in quotes is needed", name)
			}
		case *[]string:
			if list, ok := texts(tree[key]); ok {
				*into = list
			} else {
				r.bad(`%s: a list of texts is needed: ["…", "…"]`, name)
			}
		default:
			switch isSection := section == "" && slices.Contains(sections, key); {
			case isSection && isTable:
				r.section(s, table, key)
			case isSection:
				r.bad("%s: this is the name of a section: write [%s] on a line of its own and its keys below", key, key)
			default:
				r.bad("unknown key %s; %s", name, suggestion(key, section, known))
			}
		}
	}
}

func texts(v any) ([]string, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, len(list))
	for i, e := range list {
		if out[i], ok = e.(string); !ok {
			return nil, false
		}
	}
	return out, true
}

// suggestion says what the writer of an unknown key may have meant.
func suggestion(key, section string, known map[string]any) string {
	names := slices.Sorted(maps.Keys(known))
	where := "[" + section + "]"
	if section == "" {
		names = append(names, sections...)
		where = "the file"
	}
	if meant := spelling.Nearest(key, names); meant != "" {
		return fmt.Sprintf("did you mean %s?", meant)
	}
	return fmt.Sprintf("%s has %s", where, strings.Join(names, ", "))
}
