package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a machine that makes images need not have the time zones
)

// checker collects what is wrong with the values.
type checker struct{ errs []error }

func (c *checker) bad(key, value, format string, args ...any) {
	if r := []rune(value); len(r) > 60 {
		value = string(r[:60]) + "…"
	}
	c.errs = append(c.errs, fmt.Errorf("%s = %q: %s", key, value, fmt.Sprintf(format, args...)))
}

// secret is bad without the value.
func (c *checker) secret(key, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
}

var (
	hostname = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	zoneName = regexp.MustCompile(`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$`)
	country  = regexp.MustCompile(`^[A-Z]{2}$`)
	hexKey   = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)
	// yescrypt, SHA-512, SHA-256, bcrypt: what Debian's crypt(3) takes for new passwords.
	passwordHash = regexp.MustCompile(`^\$(y|7|gy|6|5|2b)\$[./0-9A-Za-z$=,]{13,255}$`)
	serverName   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)
)

// taken are names of users and groups that the system has itself; a new user comes with a group of the same name.
var taken = strings.Fields(`root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody _apt
	adm tty disk kmem dialout fax voice cdrom floppy tape sudo audio dip operator src shadow utmp video sasl plugdev staff users nogroup
	input sgx kvm render crontab netdev messagebus avahi sshd _ssh systemd-journal systemd-network systemd-resolve systemd-timesync
	gpio i2c spi passfail`)

func (s *Station) check() []error {
	var c checker
	switch {
	case s.Hostname == "":
		c.secret("hostname", `missing; write hostname = "station-1", under which the station is found as station-1.local`)
	case !hostname.MatchString(s.Hostname) || s.Hostname == "localhost":
		c.bad("hostname", s.Hostname, "small letters a to z, digits and, inside, - are possible, up to 63 of them; no dot: .local is added by itself")
	}
	if _, err := time.LoadLocation(s.Timezone); err != nil || !zoneName.MatchString(s.Timezone) || s.Timezone == "Local" {
		c.bad("timezone", s.Timezone, `a name like "Europe/Berlin" is needed; timedatectl list-timezones lists them`)
	}
	s.User.check(&c)
	if s.WLAN != nil {
		s.WLAN.check(&c)
	}
	if s.Network != nil {
		s.Network.check(&c, s.WLAN != nil)
	}
	return c.errs
}

func (u *User) check(c *checker) {
	switch {
	case u.Name == "":
		c.secret("user.name", `missing; write name = "pi" below [user]`)
	case !userName.MatchString(u.Name):
		c.bad("user.name", u.Name, "small letters a to z, digits, - and _ are possible, a letter first, up to 32 of them")
	case slices.Contains(taken, u.Name):
		c.bad("user.name", u.Name, "the system has a user or a group of this name itself; choose another")
	}
	for i, key := range u.SSHKeys {
		if err := checkKey(key); err != nil {
			c.secret(fmt.Sprintf("user.ssh_keys, number %d", i+1), "%v", err)
		}
	}
	if u.Password != "" && !passwordHash.MatchString(u.Password) {
		c.secret("user.password", "not the password itself but its hash is needed, as openssl passwd -6 prints it: it begins with $6$")
	}
	if len(u.SSHKeys) == 0 && u.Password == "" {
		c.secret("user.ssh_keys", `missing, so nobody could log in; write ssh_keys = ["…"] with the line in ~/.ssh/id_ed25519.pub (ssh-keygen -t ed25519 makes one)`)
	}
}

var keyTypes = []string{
	"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
}

// checkKey checks a line of authorized_keys that has no options. Its errors do not quote it: it may be a private key by mistake.
func checkKey(line string) error {
	fields := strings.Fields(line)
	switch {
	case strings.Contains(line, "PRIVATE KEY"):
		return errors.New("this is the private key, which must stay with its owner; the line in the file ending in .pub is needed")
	case strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("it must be one line, with no control characters")
	case len(fields) < 2 || !slices.Contains(keyTypes, fields[0]):
		return fmt.Errorf("a line of a .pub file is needed, which begins with one of %s", strings.Join(keyTypes, ", "))
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return errors.New("its second word is not base64; was it copied whole?")
	}
	if len(blob) < 4+len(fields[0])+32 || binary.BigEndian.Uint32(blob) != uint32(len(fields[0])) || string(blob[4:4+len(fields[0])]) != fields[0] {
		return fmt.Errorf("what follows %s is no such key; was it copied whole?", fields[0])
	}
	return nil
}

func (w *WLAN) check(c *checker) {
	if n := len(w.SSID); n < 1 || n > 32 {
		c.bad("wlan.ssid", w.SSID, "the network's name is needed, 1 to 32 bytes")
	}
	if n := len(w.Password); (n < 8 || n > 63 || strings.ContainsFunc(w.Password, func(r rune) bool { return r < ' ' || r > '~' })) && !hexKey.MatchString(w.Password) {
		c.secret("wlan.password", "WPA's password is needed, 8 to 63 of ASCII's characters, or its key in 64 hexadecimal digits; networks without are not for stations")
	}
	if !country.MatchString(w.Country) {
		c.bad("wlan.country", w.Country, `the country's two capital letters are needed, "DE" or "US": it decides which channels are allowed`)
	}
}

func (n *Network) check(c *checker, wlan bool) {
	switch {
	case n.Interface != "cable" && n.Interface != "wlan":
		c.bad("network.interface", n.Interface, "possible are cable, wlan")
	case n.Interface == "wlan" && !wlan:
		c.bad("network.interface", n.Interface, "there is no section [wlan] that says which")
	}
	prefix, err := netip.ParsePrefix(n.Address)
	switch a := prefix.Addr(); {
	case n.Address == "":
		c.secret("network.address", `missing; write address = "192.168.1.20/24", or leave the section out for DHCP`)
	case err != nil || a.Zone() != "":
		c.bad("network.address", n.Address, `an address and the length of its network are needed: "192.168.1.20/24"`)
	case a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() || a.Is4In6() || prefix.Bits() == 0:
		c.bad("network.address", n.Address, "this is no address of a computer")
	case prefix.Bits() < a.BitLen()-1 && a == prefix.Masked().Addr():
		c.bad("network.address", n.Address, "this is the address of the network, not of a computer in it")
	}
	if n.Gateway != "" {
		gateway, bad := netip.ParseAddr(n.Gateway)
		switch {
		case bad != nil || gateway.Zone() != "":
			c.bad("network.gateway", n.Gateway, `an address is needed: "192.168.1.1"`)
		case err == nil && !prefix.Contains(gateway):
			c.bad("network.gateway", n.Gateway, "it is not in the network of %s", n.Address)
		case err == nil && gateway == prefix.Addr():
			c.bad("network.gateway", n.Gateway, "this is the station's own address")
		}
	}
	for _, server := range n.DNS {
		if a, err := netip.ParseAddr(server); err != nil || a.Zone() != "" {
			c.bad("network.dns", server, `addresses are needed: ["192.168.1.1"]`)
		}
	}
	for _, server := range n.NTP {
		if _, err := netip.ParseAddr(server); err != nil && !serverName.MatchString(server) {
			c.bad("network.ntp", server, `names or addresses of time servers are needed: ["192.168.1.1"]`)
		}
	}
}
