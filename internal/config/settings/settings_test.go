package settings

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// said writes mistakes as one line each: where, what, and what to do.
func said(mistakes []resource.Mistake) string {
	var lines []string
	for _, m := range mistakes {
		line := fmt.Sprintf("%s: %s. %s", m.Path, m.Summary, m.Hint)
		if m.Warning {
			line = "warning: " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func text(s string) *string { return &s }

func lasting(d time.Duration) *resource.Duration { return resource.Ptr(resource.Duration(d)) }

func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		want     string
	}{
		"nothing":             {Settings{}, ""},
		"all that is right":   {Settings{Mode: text("observe"), Interval: lasting(time.Second), RemovalLimit: resource.Ptr(100), StateDir: text("/srv/vpnd")}, ""},
		"an unknown mode":     {Settings{Mode: text("repair\nnow")}, `mode: "repair\nnow" is no mode. Write "enforce" to repair drift or "observe" to report it only.`},
		"too short a pause":   {Settings{Interval: lasting(time.Millisecond)}, `interval: no time between two looks. Write a duration of a second or more, as in "5m".`},
		"more than all":       {Settings{RemovalLimit: resource.Ptr(101)}, "removal_limit: 101 is no share in percent. Write a number from 0 to 100."},
		"less than nothing":   {Settings{RemovalLimit: resource.Ptr(-1)}, "removal_limit: -1 is no share in percent. Write a number from 0 to 100."},
		"a relative path":     {Settings{StateDir: text("state")}, `state_dir: "state" is no absolute path. Begin it with a slash, as in "/var/lib/vpnd".`},
		"a path of two lines": {Settings{StateDir: text("/a\nExecStart=/b")}, `state_dir: "/a\nExecStart=/b" holds a control character. Choose a path without.`},
	} {
		if got := said(c.settings.Validate("")); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// Who can reach the figures learns who is connected, so what is open to others is
// warned of, and what nobody could listen on is a mistake.
func TestMetrics(t *testing.T) {
	open := func(at string) string {
		return "warning: metrics.listen: others can reach " + at + ". The figures name clients and tunnels, and nobody is asked for a password. Listen on 127.0.0.1 unless a firewall stands before it."
	}
	bad := func(at string) string {
		return `metrics.listen: "` + at + `" is no address with a port. Write it as in "127.0.0.1:9586" or "[::1]:9586".`
	}
	for at, want := range map[string]string{
		"127.0.0.1:9586": "", "[::1]:9586": "", "localhost:9586": "",
		":9586": open(":9586"), "0.0.0.0:9586": open("0.0.0.0:9586"), "192.0.2.1:9586": open("192.0.2.1:9586"), "[2001:db8::1]:1": open("[2001:db8::1]:1"),
		"9586": bad("9586"), "127.0.0.1": bad("127.0.0.1"), "127.0.0.1:": bad("127.0.0.1:"), "vpn.example.com:9586": bad("vpn.example.com:9586"), "::1:9586": bad("::1:9586"),
	} {
		if got := said((&Settings{Metrics: &Metrics{Listen: &at}}).Validate("")); got != want {
			t.Errorf("%s\n got %s\nwant %s", at, got, want)
		}
	}
	for file, good := range map[string]bool{"/var/lib/vpnd.prom": true, "vpnd.prom": false, "/var/lib/vpnd.txt": false, "/var/lib/prom": false} {
		got := said((&Settings{Metrics: &Metrics{Textfile: &file}}).Validate(""))
		if (got == "") != good || !good && !strings.Contains(got, "is no file that node_exporter reads") {
			t.Errorf("%s: %s", file, got)
		}
	}
	if got := said((&Settings{Metrics: &Metrics{}}).Validate("")); got != "metrics: nowhere to put the figures. Give listen or textfile." {
		t.Error(got)
	}
}

// A notification is one of a command and a URL, and its mistakes are told at its
// own place in the list.
func TestNotify(t *testing.T) {
	url := func(s string) Notify { return Notify{URL: &s} }
	for name, c := range map[string]struct {
		notify Notify
		want   string
	}{
		"a command":          {Notify{Command: []string{"/bin/true"}}, ""},
		"a hook":             {url("https://hooks.example.com/vpn"), ""},
		"neither":            {Notify{}, `notify[1]: a notification is either a command or a url. Give one of them, as in command = ["/usr/local/bin/tell", "vpn"].`},
		"both":               {Notify{Command: []string{"/bin/true"}, URL: text("http://a.example")}, `notify[1]: a notification is either a command or a url. Give one of them, as in command = ["/usr/local/bin/tell", "vpn"].`},
		"a relative command": {Notify{Command: []string{"true"}}, `notify[1].command: the command is no absolute path. Write a list that begins with one, as in ["/usr/local/bin/tell", "vpn"].`},
		"an empty command":   {Notify{Command: []string{}}, `notify[1].command: the command is no absolute path. Write a list that begins with one, as in ["/usr/local/bin/tell", "vpn"].`},
		"a path":             {url("/srv/hook"), `notify[1].url: no address of a web service. Write it as in "https://hooks.example.com/vpn".`},
		"another protocol":   {url("ftp://a.example/"), `notify[1].url: no address of a web service. Write it as in "https://hooks.example.com/vpn".`},
		"nothing to read":    {url("https://a.example:x/"), `notify[1].url: no address of a web service. Write it as in "https://hooks.example.com/vpn".`},
	} {
		s := Settings{Notify: []Notify{{Command: []string{"/bin/true"}}, c.notify}}
		if got := said(s.Validate("")); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	none := ": nothing to check. Give tcp, ping, resolve, tunnel, unit or command."
	for name, c := range map[string]struct {
		check Check
		want  string
	}{
		"nothing":             {Check{}, none},
		"all that is right":   {Check{TCP: text("[::1]:1194"), Resolve: text("vpn.example.com"), Tunnel: resource.Ptr(Tunnel("tun0")), Unit: text("ssh.service"), Command: []string{"/bin/true"}, Timeout: lasting(time.Minute), Retries: resource.Ptr(0), Interval: lasting(0)}, ""},
		"no port":             {Check{TCP: text("127.0.0.1")}, `tcp: "127.0.0.1" is no address with a port. Write it as in "127.0.0.1:1194" or "[::1]:1194".`},
		"port zero":           {Check{TCP: text("127.0.0.1:0")}, `tcp: "127.0.0.1:0" is no address with a port. Write it as in "127.0.0.1:1194" or "[::1]:1194".`},
		"too high a port":     {Check{TCP: text("127.0.0.1:65536")}, `tcp: "127.0.0.1:65536" is no address with a port. Write it as in "127.0.0.1:1194" or "[::1]:1194".`},
		"no host":             {Check{TCP: text(":1194")}, `tcp: ":1194" is no address with a port. Write it as in "127.0.0.1:1194" or "[::1]:1194".`},
		"a URL as a name":     {Check{Resolve: text("https://a.example")}, `resolve: "https://a.example" is no name of a host. Write it as in "vpn.example.com".`},
		"an empty name":       {Check{Resolve: text("")}, `resolve: "" is no name of a host. Write it as in "vpn.example.com".`},
		"too long a tunnel":   {Check{Tunnel: resource.Ptr(Tunnel("a-name-of-sixteen"))}, `tunnel: "a-name-of-sixteen" is no name of an interface. Write it as ip(8) lists it, as in "tun0", or a block that stands for a tunnel, as in ipsec_tunnel.dc.`},
		"an address":          {Check{Tunnel: resource.Ptr(Tunnel(`ipsec_connection["a long name"]`))}, ""},
		"a unit without type": {Check{Unit: text("ssh")}, `unit: "ssh" is no unit. Write it with its type, as in "openvpn-server@office.service".`},
		"a relative command":  {Check{Command: []string{"true"}}, `command: the command is no absolute path. Write a list that begins with one, as in ["/usr/bin/test", "-S", "/run/charon.vici"].`},
		"no time":             {Check{Unit: text("a.service"), Timeout: lasting(0)}, "timeout: one try is to take 0s. Write a duration of up to 1m."},
		"too long":            {Check{Unit: text("a.service"), Timeout: lasting(time.Hour), Interval: lasting(time.Hour)}, "timeout: one try is to take 1h. Write a duration of up to 1m.\ninterval: the pause is 1h. Write a duration of up to 1m."},
		"too often":           {Check{Unit: text("a.service"), Retries: resource.Ptr(61)}, "retries: it is to be tried again 61 times. Write a number of up to 60."},
		"a negative number":   {Check{Unit: text("a.service"), Retries: resource.Ptr(-1)}, "retries: it is to be tried again -1 times. Write a number of up to 60."},
	} {
		if got := said(c.check.Validate("")); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// A tunnel is an interface, or a resource of the configuration that is a tunnel.
func TestTunnel(t *testing.T) {
	known := func(blockType string) bool { return blockType != "eth0" }
	is := func(kind string) (is resource.Traits) {
		if kind == "wire" {
			is.View = resource.Tunnels
		}
		return is
	}
	has := func(id resource.ID) bool { return id.Name == "a" }
	for tunnel, want := range map[Tunnel]string{
		"tun0": "", "eth0.vlan": "", "wire.a": "", `wire["a"]`: "",
		"wire.b":                "tunnel: there is no wire.b in this configuration. Write the block that stands for it, as in ipsec_tunnel.dc.",
		"gateway.a":             "tunnel: gateway.a is no tunnel. " + noInterface,
		`eth0["a long name 1"]`: "tunnel: eth0[\"a long name 1\"] is no tunnel. " + noInterface,
	} {
		var got string
		if m := tunnel.Mistake(known, is, has); m != nil {
			got = said([]resource.Mistake{*m})
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", tunnel, got, want)
		}
	}
}
