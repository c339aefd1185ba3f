package ssh

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// A Place is where the things of a tunnel are, by its name.
type Place string

// Directory is of what all tunnels and accounts for them read.
const Directory = "/etc/ssh/vpnd"

// User is the account that the tunnel runs under.
func (p Place) User() string { return "vpnd-ssh-" + string(p) }

// Unit is its unit of systemd.
func (p Place) Unit() string { return p.User() + ".service" }

// UnitFile is the path of the file of that.
func (p Place) UnitFile() string { return "/etc/systemd/system/" + p.Unit() }

// Directory is of what ssh reads.
func (p Place) Directory() string { return Directory + "/" + string(p) }

// Config is the path of the configuration of ssh.
func (p Place) Config() string { return p.Directory() + "/config" }

// KnownHosts is the path of the host keys that are pinned.
func (p Place) KnownHosts() string { return p.Directory() + "/known_hosts" }

// RunDirectory is of the sockets that it makes.
func (p Place) RunDirectory() string { return "/run/" + p.User() }

// Control is the path of its control socket.
func (p Place) Control() string { return p.RunDirectory() + "/control" }

// maxConfig is how much of a configuration is read, in bytes.
const maxConfig = 1 << 20

// standing is what the configuration that stands on the host makes of a tunnel, nil
// where there is none: whoever asks how it is has no other one at hand.
func (p Place) standing() (*Forward, error) {
	data, err := atomic.ReadFile("/", p.Config(), maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return p.read(string(data)), nil
}

func (p Place) read(config string) *Forward {
	f := &Forward{Unit: resource.Ptr(p.Unit()), User: resource.Ptr(p.User()), Control: resource.Ptr(p.Control())}
	is := make(map[string]string)
	var probe *resource.Duration
	for line := range strings.Lines(config) {
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[0] == "DynamicForward":
			f.Dynamic = append(f.Dynamic, words[1])
		case len(words) == 2:
			is[words[0]] = words[1]
		case len(words) == 3 && words[0] == "LocalForward":
			f.Locals = append(f.Locals, Local{Listen: &words[1], To: &words[2], Probe: probe})
		case len(words) == 3 && words[0] == "#" && words[1] == "probe":
			if d, err := resource.ParseDuration(words[2]); err == nil {
				probe = &d
			}
		case len(words) == 3 && words[0] == "RemoteForward":
			f.Remote = append(f.Remote, Leads(words[1], words[2]))
		}
	}
	f.Peer = resource.Ptr(is["User"] + "@" + End{Host: is["HostName"], Port: number(is["Port"])}.String())
	f.Silence = resource.Ptr(Silence(number(is["ServerAliveInterval"]), number(is["ServerAliveCountMax"])))
	return f
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// Leads says in words that a port or socket of the peer leads to this side.
func Leads(listen, to string) string { return listen + " there to " + to }

// Silence is how long a peer may be silent that is asked for a sign of life each so
// many seconds, and may miss so many.
func Silence(interval, unanswered int) resource.Duration {
	return resource.Duration(time.Duration(interval*(unanswered+1)+2) * time.Second)
}
