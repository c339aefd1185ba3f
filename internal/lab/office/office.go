// Package office is the first host that vpnd was made for, with its
// neighbours, in a lab: a gateway between a network of the world and one of an
// office, a laptop out there, and an intranet server that knows no way back to
// the VPN, so that only NAT lets it answer.
//
//	laptop 203.0.113.10 ── internet ── 203.0.113.1 gateway 10.0.0.1 ── lan ── 10.0.0.2 intranet
package office

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vpnd/internal/lab"
)

// The addresses of the neighbourhood.
const (
	Remote   = "203.0.113.1"
	Intranet = "10.0.0.2"
)

// Office is the three hosts.
type Office struct {
	Gateway  *lab.Host
	Laptop   *lab.Host
	Intranet *lab.Host
}

// The ports of the hosts: interface to network and address.
var (
	gatewayPorts  = map[string][2]string{"wan0": {"internet", Remote + "/24"}, "eth0": {"lan", "10.0.0.1/16"}}
	laptopPorts   = map[string][2]string{"eth0": {"internet", "203.0.113.10/24"}}
	intranetPorts = map[string][2]string{"eth0": {"lan", Intranet + "/16"}}
)

// Open boots and joins the hosts, and brings the vpnd binary and the
// configuration, a file or a directory, to the gateway.
func Open(ctx context.Context, l *lab.Lab, vpnd, config string) (*Office, error) {
	o, err := Alone(ctx, l, vpnd)
	if err != nil {
		return nil, err
	}
	if o.Laptop, err = boot(ctx, l, "laptop", laptopPorts); err != nil {
		return nil, err
	}
	if o.Intranet, err = boot(ctx, l, "intranet", intranetPorts); err != nil {
		return nil, err
	}
	return o, o.Configure(ctx, config)
}

// Replace switches the gateway off for good and boots a new one in its place, which
// has nothing of the old one but its addresses.
func (o *Office) Replace(ctx context.Context, l *lab.Lab, vpnd string) error {
	if err := o.Gateway.Stop(ctx); err != nil {
		return err
	}
	gateway, err := boot(ctx, l, "successor", gatewayPorts)
	if err != nil {
		return err
	}
	o.Gateway = gateway
	return gateway.Copy(ctx, vpnd, "/usr/sbin/vpnd")
}

// Alone boots the gateway without its neighbours, and brings the vpnd binary to
// it.
func Alone(ctx context.Context, l *lab.Lab, vpnd string) (*Office, error) {
	gateway, err := boot(ctx, l, "gateway", gatewayPorts)
	if err != nil {
		return nil, err
	}
	return &Office{Gateway: gateway}, gateway.Copy(ctx, vpnd, "/usr/sbin/vpnd")
}

func boot(ctx context.Context, l *lab.Lab, name string, ports map[string][2]string) (*lab.Host, error) {
	host, err := l.Host(ctx, name)
	if err != nil {
		return nil, err
	}
	for ifname, port := range ports {
		if err := l.Join(port[0], host, ifname, netip.MustParsePrefix(port[1])); err != nil {
			return nil, err
		}
	}
	return host, nil
}

// Configure replaces the configuration on the gateway by a file or the files of
// a directory.
func (o *Office) Configure(ctx context.Context, config string) error {
	paths := []string{config}
	if info, err := os.Stat(config); err != nil {
		return err
	} else if info.IsDir() {
		if paths, err = filepath.Glob(filepath.Join(config, "*.hcl")); err != nil {
			return err
		}
	}
	files := make(map[string]string)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files[filepath.Base(path)] = string(data)
	}
	return o.Write(ctx, files)
}

// Write replaces the configuration on the gateway by files of these names and
// texts.
func (o *Office) Write(ctx context.Context, files map[string]string) error {
	if _, err := o.Gateway.Run(ctx, "sh", "-c", "mkdir -p /etc/vpnd && rm -f /etc/vpnd/*.hcl"); err != nil {
		return err
	}
	for name, text := range files {
		if err := o.Gateway.WriteFile(ctx, "/etc/vpnd/"+name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Edit replaces text in the configuration of the gateway, where it must stand.
func (o *Office) Edit(ctx context.Context, file, old, replacement string) error {
	path := "/etc/vpnd/" + file
	data, err := o.Gateway.ReadFile(path)
	if err != nil {
		return err
	}
	if !strings.Contains(string(data), old) {
		return fmt.Errorf("%s does not hold %q", path, old)
	}
	return o.Gateway.WriteFile(ctx, path, []byte(strings.Replace(string(data), old, replacement, 1)), 0o600)
}

// Argv is how vpnd is run on the gateway: what clients dial is a variable of
// those configurations that have it.
func Argv(args ...string) []string {
	return append([]string{"env", "VPND_VAR_remote=" + Remote, "vpnd"}, args...)
}

// VPND runs vpnd on the gateway and returns what it printed and its exit
// status.
func (o *Office) VPND(ctx context.Context, args ...string) (out string, status int, err error) {
	out, err = o.Gateway.Run(ctx, Argv(args...)...)
	var exit *lab.ExitError
	if errors.As(err, &exit) && exit.Status > 0 {
		return out + exit.Stderr, exit.Status, nil
	}
	return out, 0, err
}

// Connect brings the profile of a client to the laptop, starts OpenVPN there,
// and waits until it has an address.
func (o *Office) Connect(ctx context.Context, name string) error {
	profile, err := o.Gateway.ReadFile("/var/lib/vpnd/profiles/office/" + name + ".ovpn")
	if err != nil {
		return err
	}
	if err := o.Laptop.WriteFile(ctx, "/etc/openvpn/client/office.conf", profile, 0o600); err != nil {
		return err
	}
	return o.Dial(ctx)
}

// Dial starts OpenVPN on the laptop with the profile that is there.
func (o *Office) Dial(ctx context.Context) error {
	if _, err := o.Laptop.Run(ctx, "systemctl", "restart", "openvpn-client@office"); err != nil {
		return err
	}
	var last error
	for range 600 { // a minute, for a busy machine
		if _, last = o.Laptop.Run(ctx, "sh", "-c", "ip -4 -o addr show dev tun0 | grep -q 'inet 10.8.0.'"); last == nil {
			return nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	journal, _ := o.Laptop.Run(ctx, "journalctl", "-u", "openvpn-client@office", "-n", "15", "--no-pager", "-o", "cat")
	return fmt.Errorf("the laptop got no address: %w\n%s", last, journal)
}

// Hangup ends OpenVPN on the laptop.
func (o *Office) Hangup(ctx context.Context) error {
	_, err := o.Laptop.Run(ctx, "systemctl", "stop", "openvpn-client@office")
	return err
}

// Reach says whether the laptop reaches the intranet server through the VPN.
func (o *Office) Reach(ctx context.Context) error {
	route, err := o.Laptop.Run(ctx, "ip", "route", "get", Intranet)
	if err != nil {
		return err
	}
	if !strings.Contains(route, "dev tun0") {
		return fmt.Errorf("the way to the intranet server is not through the VPN: %s", route)
	}
	_, err = o.Laptop.Run(ctx, "ping", "-c", "3", "-i", "0.2", "-W", "2", Intranet)
	return err
}

// Mischief is what somebody does to the gateway behind vpnd's back, and where
// vpnd drift must name it.
type Mischief struct {
	Words string   // what is done, in plain words
	Argv  []string // how
	Named string   // what vpnd drift says of it
}

// Mischiefs are the ones of the demo.
func Mischiefs() []Mischief {
	return []Mischief{
		{"flushes the nat table", []string{"iptables", "-t", "nat", "-F"}, `chain["ip/nat/`},
		{"switches forwarding off", []string{"sysctl", "-q", "-w", "net.ipv4.ip_forward=0"}, `sysctl["net.ipv4.ip_forward"]`},
		{"edits the server's configuration", []string{"sh", "-c", "echo verb 9 >> /etc/openvpn/server/office.conf"}, `file["/etc/openvpn/server/office.conf"]`},
		{"makes the server's key readable to all", []string{"chmod", "0644", "/etc/openvpn/server/office/server.key"}, `assembled_file["/etc/openvpn/server/office/server.key"]`},
		{"stops the server", []string{"systemctl", "stop", "openvpn-server@office"}, `unit["openvpn-server@office.service"]`},
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
