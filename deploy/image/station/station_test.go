package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"passfail/config"
)

const (
	publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHZ6QJc0ghZ2o4BvNq0o6w1x3mTtJ9sQ4Vq9W3w1q2Zk anna@office"
	hash      = "$6$saltsaltsalt$Zb0hkU5n8Yw1qkXJp2nR4vT6yL8mQ0sD3fG5hJ7kL9zX1cV3bN5mA7sD9fG1hJ3kL5zX7cV9bN1mQ3wE5rT7y."
)

// minimal is the least that a station needs.
const minimal = `hostname = "line1"
[user]
name = "anna"
ssh_keys = ["` + publicKey + `"]
`

// text builds from a station.toml and gives the files by path.
func built(t *testing.T, text, dir string) (map[string]string, string) {
	t.Helper()
	files, environment, err := build(text, dir)
	if err != nil {
		t.Fatal(err)
	}
	byPath := map[string]string{}
	for _, f := range files {
		byPath[f.path] = f.text
	}
	return byPath, environment
}

func TestMinimal(t *testing.T) {
	files, environment := built(t, minimal, t.TempDir())
	for path, want := range map[string]string{
		"etc/hostname":                   "line1\n",
		"etc/hosts":                      "127.0.0.1 localhost\n127.0.1.1 line1\n::1 localhost ip6-localhost ip6-loopback\n",
		"etc/localtime":                  "/usr/share/zoneinfo/Etc/UTC",
		"etc/timezone":                   "Etc/UTC\n",
		"home/anna/.ssh/authorized_keys": publicKey + "\n",
	} {
		if got, ok := files[path]; !ok || got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
		delete(files, path)
	}
	if len(files) > 0 {
		t.Errorf("files that nobody asked for: %v", files)
	}
	if want := "HOST='line1'\nADMIN='anna'\nPASSWORD=''\nZONE='Etc/UTC'\n"; environment != want {
		t.Errorf("environment %q, want %q", environment, want)
	}
}

// The key is the one of IEEE 802.11i's own example (annex H.4.1, test vector 1).
func TestWLANKey(t *testing.T) {
	files, _ := built(t, minimal+"[wlan]\nssid = \"IEEE\"\npassword = \"password\"\ncountry = \"DE\"\n", t.TempDir())
	text := files["etc/wpa_supplicant/wpa_supplicant-wlan0.conf"]
	for _, want := range []string{
		"psk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e\n", "ssid=49454545\n", "country=DE\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "password") {
		t.Errorf("the passphrase itself is on the card:\n%s", text)
	}
}

func TestNetwork(t *testing.T) {
	files, _ := built(t, minimal+`[network]
address = "192.168.7.20/24"
gateway = "192.168.7.1"
dns = ["192.168.7.1", "9.9.9.9"]
ntp = ["time.factory.example"]
`, t.TempDir())
	want := `[Match]
Name=en* eth*

[Network]
Address=192.168.7.20/24
Gateway=192.168.7.1
DNS=192.168.7.1
DNS=9.9.9.9
NTP=time.factory.example

[Link]
RequiredForOnline=no
`
	if got := files["etc/systemd/network/10-station.network"]; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCarriedConfig(t *testing.T) {
	shipped, err := os.ReadFile("../../../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	with := func(old, new string) error {
		text := strings.Replace(string(shipped), `"demo/model.tflite"`, `"/usr/share/passfail/demo/model.tflite"`, 1)
		text = strings.Replace(text, `source = "demo/parts"`, `source = "/dev/passfail/camera"`, 1)
		if !strings.Contains(text, old) {
			t.Fatalf("config.toml does not say %s", old)
		}
		if err := os.WriteFile(filepath.Join(dir, "line1.toml"), []byte(strings.Replace(text, old, new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		files, _, err := build(`config = "line1.toml"`+"\n"+minimal, dir)
		if err == nil {
			for _, f := range files {
				if f.path == "etc/passfail/config.toml" {
					return nil
				}
			}
			t.Error("the configuration is not among the files")
		}
		return err
	}
	if err := with("vote = 1", "vote = 3"); err != nil {
		t.Error(err)
	}
	var list config.Errors
	if err := with("vote = 1", "vote = 0"); !errors.As(err, &list) || !strings.Contains(err.Error(), `config = "line1.toml": decision.vote = 0`) {
		t.Errorf("got %v", err)
	}
	if err := with("/usr/share/passfail/demo/model.tflite", "demo/model.tflite"); err == nil || !strings.Contains(err.Error(), "/etc/passfail/demo/model.tflite") {
		t.Errorf("got %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "parts"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := with("/dev/passfail/camera", "parts"); err == nil || !strings.Contains(err.Error(), "on this machine") {
		t.Errorf("got %v", err)
	}
	if _, _, err := build(`config = "line2.toml"`+"\n"+minimal, dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "line2.toml") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsNameKeyValueAndWayOut(t *testing.T) {
	user := "[user]\nname = \"anna\"\nssh_keys = [\"" + publicKey + "\"]\n"
	wlan := func(lines string) string { return minimal + "[wlan]\n" + lines }
	network := func(lines string) string { return minimal + "[network]\n" + lines }
	key := func(key string) string {
		return "hostname = \"a\"\n[user]\nname = \"anna\"\nssh_keys = [\"" + key + "\"]\n"
	}
	for _, c := range []struct{ text, want string }{
		{user, `hostname: missing; write hostname = "station-1"`},
		{"hostname = \"Line 1\"\n" + user, `hostname = "Line 1": small letters`},
		{"hostname = \"a.local\"\n" + user, "no dot"},
		{"hostname = \"a'b\"\n" + user, "small letters"},
		{"hostname = \"localhost\"\n" + user, `hostname = "localhost"`},
		{"hostname = 5\n" + user, "hostname: text in quotes"},
		{"hostnmae = \"a\"\n" + user, "unknown key hostnmae; did you mean hostname?"},
		{"colour = \"a\"\n" + user, "unknown key colour; the file has config, hostname, timezone, user, wlan, network"},
		{"[wlna]\n" + minimal, "unknown key wlna; did you mean wlan?"},
		{"user = \"anna\"\nhostname = \"a\"\n", "user: this is the name of a section: write [user]"},
		{"timezone = \"Berlin\"\n" + minimal, `timezone = "Berlin": a name like "Europe/Berlin"`},
		{"timezone = \"Local\"\n" + minimal, `timezone = "Local"`},
		{"timezone = \"../etc/passwd\"\n" + minimal, `timezone = "../etc/passwd"`},
		{"hostname = \"a\"\n", "user.name: missing"},
		{strings.Replace(minimal, "anna", "root", 1), `user.name = "root": the system has`},
		{strings.Replace(minimal, "anna", "Anna", 1), `user.name = "Anna": small letters`},
		{"hostname = \"a\"\n[user]\nname = \"anna\"\n", "nobody could log in"},
		{"hostname = \"a\"\n[user]\nname = \"anna\"\nssh_keys = \"" + publicKey + "\"\n", `user.ssh_keys: a list of texts is needed`},
		{"hostname = \"a\"\n[user]\nname = \"anna\"\nssh_keys = [1]\n", `user.ssh_keys: a list of texts is needed`},
		{minimal + "password = \"hunter22\"\n", "openssl passwd -6"},
		{key("~/.ssh/id_ed25519.pub"), "number 1: a line of a .pub file"},
		{key(publicKey[:60]), "copied whole"},
		{key("ssh-rsa" + strings.TrimPrefix(publicKey, "ssh-ed25519")), "what follows ssh-rsa is no such key"},
		{key(publicKey + `\ncommand`), "one line"},
		{key("-----BEGIN OPENSSH PRIVATE KEY-----"), "this is the private key"},
		{wlan("ssid = \"\"\npassword = \"12345678\"\ncountry = \"DE\"\n"), "wlan.ssid"},
		{wlan("ssid = \"" + strings.Repeat("x", 33) + "\"\npassword = \"12345678\"\ncountry = \"DE\"\n"), "1 to 32 bytes"},
		{wlan("ssid = \"x\"\npassword = \"1234567\"\ncountry = \"DE\"\n"), "wlan.password: WPA's password"},
		{wlan("ssid = \"x\"\npassword = \"12345678\"\ncountry = \"Germany\"\n"), `wlan.country = "Germany"`},
		{wlan("ssid = \"x\"\npassword = \"12345678\"\n"), "wlan.country"},
		{network(""), "network.address: missing"},
		{network("address = \"192.168.1.20\"\n"), `network.address = "192.168.1.20": an address and the length`},
		{network("address = \"192.168.1.0/24\"\n"), "the address of the network"},
		{network("address = \"127.0.0.1/8\"\n"), "no address of a computer"},
		{network("address = \"192.168.1.20/24\"\ngateway = \"192.168.2.1\"\n"), "not in the network of 192.168.1.20/24"},
		{network("address = \"192.168.1.20/24\"\ngateway = \"192.168.1.20\"\n"), "own address"},
		{network("address = \"192.168.1.20/24\"\ndns = [\"dns\"]\n"), `network.dns = "dns"`},
		{network("address = \"192.168.1.20/24\"\nntp = [\"a\\nb\"]\n"), "network.ntp"},
		{network("address = \"192.168.1.20/24\"\ninterface = \"wlan\"\n"), "no section [wlan]"},
		{network("address = \"192.168.1.20/24\"\ninterface = \"eth0\"\n"), "possible are cable, wlan"},
		{"hostname = line1\n", "line 1:"},
	} {
		_, err := Parse(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngave the error %v, want %s", c.text, err, c.want)
		}
	}
}

func TestAllErrorsInOneGo(t *testing.T) {
	_, err := Parse("hostname = \"A\"\ntimezone = \"x\"\n[user]\nname = \"root\"\n")
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("four things are wrong, got %v", err)
	}
}

func TestErrorsKeepSecrets(t *testing.T) {
	const secret = "hunter2hunter2ä"
	for _, text := range []string{
		minimal + "password = \"" + secret + "\"\n",
		minimal + "password = " + secret + "\n",
		minimal + "password =\n" + secret + "\n",
		minimal + "password = [\"" + secret + "\"]\n",
		minimal + "pasword = \"" + secret + "\"\n",
		minimal + "[wlan]\nssid = \"x\"\npassword = \"" + secret + "\"\n",
		minimal + "[wlan]\nssid = \"x\"\npassword = \"" + secret + "\n",
		minimal + "[wlan]\nssid = \"x\"\npassword = \"\\" + secret + "\"\n",
		"hostname = \"a\"\n[user]\nname = \"anna\"\nssh_keys = [\"" + secret + "\"]\n",
	} {
		if _, err := Parse(text); err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s\ngave the error %v", text, err)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "station.toml")
	text := minimal + "password = \"" + hash + "\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(path, ""); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if err := run(path, out); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Readlink(filepath.Join(out, "files/etc/localtime")); err != nil || got != "/usr/share/zoneinfo/Etc/UTC" {
		t.Errorf("localtime leads to %q: %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(out, "station.env")); err != nil || !strings.Contains(string(got), "PASSWORD='"+hash+"'\n") {
		t.Errorf("station.env holds %q: %v", got, err)
	}
	if err := run(path, out); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a folder with files of another station was taken: %v", err)
	}
	if err := run(filepath.Join(dir, "none.toml"), out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestShippedExample(t *testing.T) {
	text, err := os.ReadFile("../station.toml")
	if err != nil {
		t.Fatal(err)
	}
	// It is to be filled in: what is missing is told, and nothing else is wrong.
	if _, err := Parse(string(text)); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "nobody could log in") {
		t.Errorf("the example as it is gives %v", err)
	}
	// With its key in, and every commented line taken in.
	var all strings.Builder
	for line := range strings.Lines(string(text)) {
		line = strings.TrimPrefix(line, "#")
		if strings.HasPrefix(line, "ssh_keys") {
			line = "ssh_keys = [\"" + publicKey + "\"]\n"
		} else if strings.HasPrefix(line, "password = \"$6$") {
			line = "password = \"" + hash + "\"\n"
		}
		if !strings.HasPrefix(line, " ") {
			all.WriteString(line)
		}
	}
	s, err := Parse(all.String())
	if err != nil {
		t.Fatalf("%v\n%s", err, all.String())
	}
	if s.WLAN == nil || s.Network == nil || s.Config == "" || s.User.Password == "" || len(s.Network.NTP) == 0 {
		t.Errorf("the example shows not every key: %+v", s)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(minimal)
	f.Add(minimal + "password = \"" + hash + "\"\n[wlan]\nssid = \"x\"\npassword = \"12345678\"\ncountry = \"DE\"\n")
	f.Add(minimal + "[network]\naddress = \"192.168.7.20/24\"\ngateway = \"192.168.7.1\"\ndns = [\"::1\"]\nntp = [\"a.b\"]\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		files, err := s.files("x")
		if err != nil {
			t.Fatal(err)
		}
		// Nothing in it leads out of its place: not a path, not a line of a file, not a shell's quotes.
		for _, file := range files {
			if !filepath.IsLocal(file.path) || filepath.Clean(file.path) != file.path {
				t.Errorf("path %q", file.path)
			}
			if file.link && (strings.Contains(file.text, "..") || filepath.Clean(file.text) != file.text) {
				t.Errorf("link to %q", file.text)
			}
		}
		for line := range strings.Lines(s.environment()) {
			if strings.Count(line, "'") != 2 || !strings.HasSuffix(line, "'\n") {
				t.Errorf("line %q for the shell", line)
			}
		}
		if n := strings.Count(s.environment(), "\n"); n != 4 {
			t.Errorf("%d lines for the shell", n)
		}
		if s.Network != nil {
			if n := strings.Count(s.Network.networkd(), "\n"); n > 8+1+len(s.Network.DNS)+len(s.Network.NTP)+1 {
				t.Errorf("%d lines for networkd", n)
			}
		}
	})
}
