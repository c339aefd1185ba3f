package openvpn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/resource"
)

// Admission is who may be connected to an OpenVPN server now. Its name is the
// path of the server's management socket. OpenVPN asks the revocation list when
// a client shakes hands, up to an hour later; a client that is no longer
// welcome is disconnected at once.
type Admission struct {
	Members   []string          `vpnd:"members,hint" doc:"common names that may be connected; left out, all that are not refused"`
	Refused   []string          `vpnd:"refused,hint" doc:"common names that may not be connected"`
	Addresses map[string]string `vpnd:"addresses,hint" doc:"the address in the VPN that somebody is to have, by common name"`
	Reserved  []string          `vpnd:"reserved,hint" doc:"networks of which nobody may have an address but by addresses"`
	Codes     *string           `vpnd:"codes,hint" doc:"path of a list of common names, each with the time, in seconds since 1970, since when another seed of codes is theirs: who is connected since before has to come in anew"`
	Issuers   []Issuer          `vpnd:"issuer,block,hint" doc:"a CA that vouches for all: once it is revoked, nobody may be connected"`
	Intruders []string          `vpnd:"intruders,computed,glance" words:"connected and no longer admitted" doc:"common names that are connected and may not be"`
	Misplaced []string          `vpnd:"misplaced,computed,glance" words:"connected with an address of before" doc:"common names that are connected with another address than they are to have"`
}

// Validate says what is wrong with the block.
func (a *Admission) Validate(name string) []resource.Mistake {
	var found []resource.Mistake
	if !path.IsAbs(name) || path.Clean(name) != name {
		found = append(found, resource.Mistake{Summary: "the label is no absolute path of a management socket", Hint: `Write it as in openvpn_admission "/run/openvpn-server/office/management.sock".`})
	}
	for _, who := range slices.Sorted(maps.Keys(a.Addresses)) {
		if addr, err := netip.ParseAddr(a.Addresses[who]); err != nil || addr.String() != a.Addresses[who] {
			found = append(found, resource.Mistake{Path: "addresses", Summary: a.Addresses[who] + " is no address", Hint: `Write it as in { alice = "10.8.0.9" }.`})
		}
	}
	if a.Codes != nil && (!path.IsAbs(*a.Codes) || path.Clean(*a.Codes) != *a.Codes) {
		found = append(found, resource.Mistake{Path: "codes", Summary: *a.Codes + " is no absolute path", Hint: `Write it as in "/etc/openvpn/server/office/codes-since".`})
	}
	for i, issuer := range a.Issuers {
		for _, file := range append(slices.Clone(issuer.Lists), resource.Or(issuer.Certificate, "/none")) {
			if !path.IsAbs(file) || path.Clean(file) != file {
				found = append(found, resource.Mistake{Path: fmt.Sprintf("issuer.%d", i), Summary: file + " is no absolute path", Hint: `Write it as in "/var/lib/vpnd/pki/office/ca.crt".`})
			}
		}
	}
	for _, network := range a.Reserved {
		if p, err := netip.ParsePrefix(network); err != nil || p != p.Masked() {
			found = append(found, resource.Mistake{Path: "reserved", Summary: network + " is no network", Hint: `Write it as in ["10.8.3.0/24"].`})
		}
	}
	return found
}

// Traits are what admissions are. There is nothing on the host to take away; who
// was revoked and comes in again and again is sent away again and again.
var Traits = resource.Traits{Keeps: true, NeedsHost: true, View: resource.Servers, Essential: resource.All}

// Admissions are the verbs of the kind openvpn_admission.
type Admissions struct{}

// Normalize fills in that nobody shall be there who may not be.
func (Admissions) Normalize(_ context.Context, wants map[string]*Admission) (map[string]*Admission, error) {
	normal := make(map[string]*Admission, len(wants))
	for name, want := range wants {
		w := *want
		w.Intruders, w.Misplaced = []string{}, []string{}
		normal[name] = &w
	}
	return normal, nil
}

// Observe lists who is connected and may not be: without a wish nobody is an
// intruder. There is an answer for every name that could be asked.
func (Admissions) Observe(ctx context.Context, wants map[string]*Admission) (map[string]*Admission, error) {
	return resource.ObserveEach(ctx, wants, func(name string, want *Admission) (*Admission, error) {
		return intruders(ctx, name, resource.Or(want, Admission{}))
	})
}

func intruders(ctx context.Context, name string, want Admission) (*Admission, error) {
	sessions, err := Sessions(ctx, name)
	if err != nil && !errors.Is(err, ErrDown) {
		return nil, err
	}
	members, refused, misplaced := set(want.Members), set(want.Refused), want.placer()
	since, err := want.since()
	if err != nil {
		return nil, err
	}
	cut, err := want.cut()
	if err != nil {
		return nil, err
	}
	got := &Admission{Intruders: []string{}, Misplaced: []string{}}
	for _, s := range sessions {
		switch {
		case cut, want.Members != nil && !members[s.CommonName] || refused[s.CommonName], s.before(since[s.CommonName]):
			got.Intruders = append(got.Intruders, s.CommonName)
		case misplaced(s):
			got.Misplaced = append(got.Misplaced, s.CommonName)
		}
	}
	for _, all := range []*[]string{&got.Intruders, &got.Misplaced} {
		slices.Sort(*all)
		*all = slices.Compact(*all)
	}
	return got, nil
}

// before says whether it came in before that time. One without an address is only coming
// in, or is being refused.
func (s Session) before(at int64) bool {
	return s.Virtual != "" && !s.Began.IsZero() && s.Began.Unix() <= at
}

// since reads since when people have another seed of codes. Without a list there is none
// yet, and no token is taken.
func (a *Admission) since() (map[string]int64, error) {
	if a.Codes == nil {
		return nil, nil
	}
	data, err := os.ReadFile(*a.Codes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading since when there are seeds: %w", err)
	}
	all := make(map[string]int64)
	for line := range strings.Lines(string(data)) {
		name, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseInt(at, 10, 64); err == nil {
			all[name] = n
		}
	}
	return all, nil
}

// placer returns what says whether a session has another address than it is to have: who
// came in before a file of theirs said so keeps the one of then.
func (a *Admission) placer() func(Session) bool {
	var reserved []netip.Prefix
	for _, text := range a.Reserved {
		if p, err := netip.ParsePrefix(text); err == nil {
			reserved = append(reserved, p)
		}
	}
	return func(s Session) bool {
		address, err := netip.ParseAddr(s.Virtual)
		if err != nil {
			return false // it is only coming in
		}
		if own, ok := a.Addresses[s.CommonName]; ok {
			return own != address.String()
		}
		return slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(address) })
	}
}

func set(names []string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

// Apply disconnects the intruders, who dial again, and the revocation list or their own
// file refuses them; and it has those dial anew who have a wrong address.
func (Admissions) Apply(ctx context.Context, items []resource.Item[Admission]) error {
	return resource.ApplyEach(items, func(i resource.Item[Admission]) error {
		for _, name := range i.Got.Intruders {
			if err := Disconnect(ctx, i.Name, name); err != nil {
				return err
			}
		}
		for _, name := range i.Got.Misplaced {
			if err := Redial(ctx, i.Name, name, i.Want.placer()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Remove does nothing: without a wish nobody is an intruder.
func (Admissions) Remove(context.Context, []string) error { return nil }

// Cost is what the disconnected notice.
func (Admissions) Cost(string, *Admission, *Admission) resource.Effect { return resource.Client }
