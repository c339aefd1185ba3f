package connection

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

// A Place is where the things of a client are, by its name.
type Place string

// Root is the directory of all clients.
const Root = "/etc/openvpn/client"

// Unit is its unit of systemd.
func (p Place) Unit() string { return "openvpn-client@" + string(p) + ".service" }

// Config is the path of its configuration.
func (p Place) Config() string { return Root + "/" + string(p) + ".conf" }

// Directory is of its keys and certificates.
func (p Place) Directory() string { return Root + "/" + string(p) }

// Run is the directory of its sockets below /run, as RuntimeDirectory of systemd.exec(5)
// has it.
func (p Place) Run() string { return "openvpn-client/" + string(p) }

// Management is the path of its management socket. OpenVPN makes it 0777, so only root
// may enter its directory.
func (p Place) Management() string { return "/run/" + p.Run() + "/management.sock" }

// outdated says whether what a client reads has changed since it was started, which is
// when its socket was made.
func (p Place) outdated() bool {
	started, err := os.Stat(p.Management())
	if err != nil {
		return false
	}
	read := []string{p.Config()}
	kept, _ := os.ReadDir(p.Directory())
	for _, file := range kept {
		read = append(read, p.Directory()+"/"+file.Name())
	}
	return slices.ContainsFunc(read, func(path string) bool {
		info, err := os.Lstat(path)
		return err == nil && info.ModTime().After(started.ModTime())
	})
}

// maxConfig is how much of a configuration is read, in bytes.
const maxConfig = 1 << 20

// standing is what the configuration that stands on the host makes of a client, nil
// where there is none: whoever asks how it is has no other one at hand.
func (p Place) standing() (*Connection, error) {
	data, err := atomic.ReadFile("/", p.Config(), maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return read(string(data)), nil
}

func read(config string) *Connection {
	c := &Connection{Dev: resource.Ptr("tun")}
	for line := range strings.Lines(config) {
		words, err := openvpn.Words(strings.TrimRight(line, "\r\n"))
		if err != nil || len(words) < 2 {
			continue
		}
		switch name, args := words[0], words[1:]; name {
		case "dev":
			c.Dev = &args[0]
		case "remote":
			c.Peers = append(c.Peers, peer(args))
		case "route":
			if p, ok := openvpn.Network4(args); ok && len(args) < 3 {
				c.Routes = append(c.Routes, p)
			}
		case "route-ipv6":
			if p, ok := openvpn.Network6(args); ok && len(args) < 2 {
				c.Routes = append(c.Routes, p)
			}
		case "cert":
			c.Certificate = &args[0]
		case "tls-auth", "tls-crypt", "tls-crypt-v2":
			c.Shield = &name
		case "auth-user-pass":
			c.Login = resource.Ptr(true)
		}
	}
	return c
}

// peer writes the arguments of a remote as people do.
func peer(args []string) string {
	port, protocol := "1194", "udp"
	if len(args) > 1 {
		port = args[1]
	}
	if len(args) > 2 {
		protocol = args[2]
	}
	host := args[0]
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return protocol + "/" + host + ":" + port
}
