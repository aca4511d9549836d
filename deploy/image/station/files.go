package main

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"passfail/config"
)

// file is one to be laid over the root file system.
type file struct {
	path string // from the root, without a leading slash
	text string
	link bool // a symbolic link, text its target
}

// files are those of the station. configuration is the text of its config.toml; "": the package's own is kept.
func (s *Station) files(configuration string) ([]file, error) {
	files := []file{
		{path: "etc/hostname", text: s.Hostname + "\n"},
		{path: "etc/hosts", text: "127.0.0.1 localhost\n127.0.1.1 " + s.Hostname + "\n::1 localhost ip6-localhost ip6-loopback\n"},
		{path: "etc/localtime", text: "/usr/share/zoneinfo/" + s.Timezone, link: true},
		{path: "etc/timezone", text: s.Timezone + "\n"},
	}
	if len(s.User.SSHKeys) > 0 {
		files = append(files, file{path: "home/" + s.User.Name + "/.ssh/authorized_keys", text: strings.Join(s.User.SSHKeys, "\n") + "\n"})
	}
	if s.WLAN != nil {
		text, err := s.WLAN.supplicant()
		if err != nil {
			return nil, err
		}
		files = append(files, file{path: "etc/wpa_supplicant/wpa_supplicant-wlan0.conf", text: text})
	}
	if s.Network != nil {
		files = append(files, file{path: "etc/systemd/network/10-station.network", text: s.Network.networkd()})
	}
	if configuration != "" {
		files = append(files, file{path: "etc/passfail/config.toml", text: configuration})
	}
	return files, nil
}

// supplicant is the configuration of wpa_supplicant. The network's name is in hexadecimal, since wpa_supplicant's quotes know no
// escapes, and the passphrase is turned into the key, so that it does not lie on a card that can be taken along.
func (w *WLAN) supplicant() (string, error) {
	key := strings.ToLower(w.Password)
	if !hexKey.MatchString(w.Password) {
		raw, err := pbkdf2.Key(sha1.New, w.Password, []byte(w.SSID), 4096, 32) // IEEE 802.11i, annex H.4
		if err != nil {
			return "", fmt.Errorf("wlan.password: %w", err)
		}
		key = hex.EncodeToString(raw)
	}
	return fmt.Sprintf(`ctrl_interface=DIR=/run/wpa_supplicant GROUP=sudo
update_config=0
country=%s

network={
	ssid=%x
	scan_ssid=1
	key_mgmt=WPA-PSK WPA-PSK-SHA256
	psk=%s
}
`, w.Country, w.SSID, key), nil
}

// networkd is the configuration of systemd-networkd for the fixed address.
func (n *Network) networkd() string {
	var b strings.Builder
	match := "en* eth*"
	if n.Interface == "wlan" {
		match = "wl*"
	}
	fmt.Fprintf(&b, "[Match]\nName=%s\n\n[Network]\nAddress=%s\n", match, n.Address)
	if n.Gateway != "" {
		fmt.Fprintf(&b, "Gateway=%s\n", n.Gateway)
	}
	for _, server := range n.DNS {
		fmt.Fprintf(&b, "DNS=%s\n", server)
	}
	for _, server := range n.NTP {
		fmt.Fprintf(&b, "NTP=%s\n", server)
	}
	b.WriteString("\n[Link]\nRequiredForOnline=no\n")
	return b.String()
}

// environment is what a shell script must know, as assignments. The values were checked to hold no quote.
func (s *Station) environment() string {
	return fmt.Sprintf("HOST='%s'\nADMIN='%s'\nPASSWORD='%s'\nZONE='%s'\n", s.Hostname, s.User.Name, s.User.Password, s.Timezone)
}

// carried reads the config.toml that the station carries, and checks it as the program does when it starts. dir is where
// station.toml lies.
func (s *Station) carried(dir string) (string, error) {
	if s.Config == "" {
		return "", nil
	}
	path := s.Config
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("config = %q: %w", s.Config, err)
	}
	c, err := config.Parse(string(text))
	if err != nil {
		return "", fmt.Errorf("config = %q: %w", s.Config, err)
	}
	var errs []error
	for _, path := range []struct{ key, value string }{{"model.file", c.Model.File}, {"model.store", c.Model.Store}} {
		if path.value != "" && !filepath.IsAbs(path.value) {
			errs = append(errs, fmt.Errorf("config = %q: %s = %q: on the station that would be /etc/passfail/%s; write the whole path, as in /var/lib/passfail/models", s.Config, path.key, path.value, path.value))
		}
	}
	if source := c.Camera.Source; !filepath.IsAbs(source) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), source)); err == nil {
			errs = append(errs, fmt.Errorf("config = %q: camera.source = %q: that is a path on this machine; name the station's camera, or the whole path of a folder on it", s.Config, source))
		}
	}
	return string(text), errors.Join(errs...)
}

// write writes files/ and station.env into the folder out, which must not have them yet.
func write(out string, files []file, environment string) error {
	root := filepath.Join(out, "files")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		return fmt.Errorf("%w; name an empty folder", err)
	}
	for _, f := range files {
		path := filepath.Join(root, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if f.link {
			if err := os.Symlink(f.text, path); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(path, []byte(f.text), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(out, "station.env"), []byte(environment), 0o600)
}
