package wireguard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/atomic"
)

// lookup is how long the name of an endpoint may take to be looked up.
const lookup = 3 * time.Second

// lookups is how long all of an interface may take together when it is told of them,
// which is while wireguard-go is waited for.
const lookups = answer - 2*time.Second

// parseEndpoint reads an address or a name with its port.
func parseEndpoint(endpoint string) (host string, port uint16, err error) {
	bad := fmt.Errorf("%q is no endpoint", endpoint)
	host, number, err := net.SplitHostPort(endpoint)
	if err != nil {
		return "", 0, bad
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return "", 0, bad
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.IsUnspecified() || addr.IsMulticast() || addr.Zone() != "" {
			return "", 0, bad
		}
		return addr.Unmap().String(), uint16(n), nil
	}
	if !isHost.MatchString(host) || len(host) > 253 {
		return "", 0, bad
	}
	return host, uint16(n), nil
}

// resolve returns what an endpoint stands for, as it is now.
func (v Verbs) resolve(ctx context.Context, endpoint string) ([]netip.AddrPort, error) {
	host, port, err := parseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	addrs := []netip.Addr{}
	if addr, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, addr)
	} else {
		ctx, cancel := context.WithTimeout(ctx, lookup)
		defer cancel()
		if addrs, err = v.Lookup(ctx, host); err != nil {
			return nil, fmt.Errorf("looking up the endpoint %s: %s", endpoint, unfound(err))
		}
	}
	var all []netip.AddrPort
	for _, a := range addrs {
		all = append(all, netip.AddrPortFrom(a.Unmap(), port))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("looking up the endpoint %s: it has no address", endpoint)
	}
	return all, nil
}

// unfound says why a name has no address. What the resolver says has the port of each
// question in it, so that it would be another mistake each time.
func unfound(err error) string {
	var dns *net.DNSError
	switch {
	case !errors.As(err, &dns):
		return err.Error()
	case dns.IsNotFound:
		return "there is no such name"
	case dns.IsTimeout:
		return "the name server does not answer"
	}
	return "the name server can't be asked; see /etc/resolv.conf"
}

// Lookup asks the resolver of the host.
func Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return new(net.Resolver).LookupNetIP(ctx, "ip", host)
}

// stands says whether where a peer is found is as wished. It may have moved since
// the endpoint was set: WireGuard follows a peer. Only where it is sent something
// regularly and does not answer is it lost, and looked for where it was at first,
// by a name that may mean another address now.
func (v Verbs) stands(ctx context.Context, wish, set string, is wgtypes.Peer) bool {
	if is.Endpoint == nil {
		return false
	}
	lost := is.PersistentKeepaliveInterval > 0 && !v.alive(is)
	if set == wish && !lost {
		return true
	}
	all, err := v.resolve(ctx, wish)
	if err != nil { // as it is, it is as good as anything
		return set == wish
	}
	return slices.Contains(all, addrPort(is.Endpoint))
}

func addrPort(a *net.UDPAddr) netip.AddrPort {
	to := a.AddrPort()
	return netip.AddrPortFrom(to.Addr().Unmap().WithZone(""), to.Port())
}

// A known peer is what is kept beside WireGuard, which knows keys alone: what it is
// called, where its keys are, and the endpoint that was set. Nothing else tells one
// that was changed in the configuration from a peer that moved.
type known struct {
	Name     string  `json:"name"`
	KeyFile  *string `json:"key_file,omitempty"`
	PSKFile  *string `json:"psk_file,omitempty"`
	Endpoint string  `json:"endpoint,omitempty"`
}

// recall returns what is kept, by public key, as long as the interface is there.
// Where that is lost, each endpoint is set once more.
func (v Verbs) recall(name string) map[string]known {
	kept := make(map[string]known)
	data, err := os.ReadFile(v.memory(name))
	if err != nil || json.Unmarshal(data, &kept) != nil {
		return make(map[string]known)
	}
	return kept
}

func (v Verbs) memory(name string) string { return filepath.Join(v.Run, name+".json") }

// remember keeps that.
func (v Verbs) remember(name string, kept map[string]known) error {
	data, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(v.Run, 0o700); err != nil {
		return err
	}
	return atomic.Write("/", atomic.File{Path: v.memory(name), Data: data, Mode: 0o600})
}

// forget removes that.
func (v Verbs) forget(name string) error {
	if err := os.Remove(v.memory(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(v.Run); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
		return nil // others are in it
	}
	return nil
}

// Dial returns what a peer dials, with its port, of an address or a name that may
// have one of its own.
func Dial(remote string, port int) (string, error) {
	bad := fmt.Errorf("%q is neither a host name nor an address", remote)
	whole := remote
	if addr, err := netip.ParseAddr(remote); err == nil {
		whole = net.JoinHostPort(addr.String(), strconv.Itoa(port))
	} else if _, _, err := net.SplitHostPort(remote); err != nil {
		whole = net.JoinHostPort(remote, strconv.Itoa(port))
	}
	host, number, err := parseEndpoint(whole)
	if err != nil {
		return "", bad
	}
	return net.JoinHostPort(host, strconv.Itoa(int(number))), nil
}

// IsDomain says whether a name can be one of the domain name system. An address is
// none, and wg-quick(8) takes it for a name server.
func IsDomain(name string) bool {
	_, err := netip.ParseAddr(name)
	return err != nil && isHost.MatchString(name) && len(name) <= 253
}
