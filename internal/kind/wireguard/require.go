package wireguard

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/resource"
)

// From names the keys: what they say is told to WireGuard.
func (Verbs) From(want Interface) []string {
	var files []string
	add := func(file *string) {
		if file != nil && *file != "" {
			files = append(files, strings.TrimSuffix(*file, ".pub"))
		}
	}
	add(want.Key)
	for _, p := range want.Peers {
		add(p.KeyFile)
		add(p.PSKFile)
	}
	return files
}

// Brings is the interface, and the networks that it is in.
func (Verbs) Brings(name string, _, want *Interface) (things []resource.ID, may []string) {
	things = []resource.ID{{Kind: resource.Interface, Name: name}}
	for _, p := range want.Addresses {
		things = append(things, resource.ID{Kind: resource.Network, Name: p.String()})
	}
	return things, nil
}

// Preflight wants somebody who can carry the packets, the files of the keys, each
// peer with a key of its own, and the port.
func (v Verbs) Preflight(ctx context.Context, name string, want Interface, plan resource.Prospect) error {
	errs := []error{v.carried(want, plan), v.port(ctx, name, want, plan).Err()}
	own, err := v.own(want, plan)
	errs = append(errs, err)
	seen := make(map[wgtypes.Key]string)
	for _, p := range want.Peers {
		path := "peer." + p.Name
		errs = append(errs, want.readmits(p, plan).Err())
		key, err := p.public()
		switch {
		case err != nil && p.KeyFile != nil:
			errs = append(errs, lacking(path+".key_file", *p.KeyFile, err, plan))
		case own != nil && key == *own:
			m := resource.Mistake{Path: path + ".public_key", Summary: "this is the key of this host itself", Hint: "write that of the other side, as wg show tells it there"}
			errs = append(errs, m.Err())
		case seen[key] != "":
			m := resource.Mistake{Path: path, Summary: fmt.Sprintf("the peer %s has the same key", seen[key]), Hint: "each peer has a key of its own"}
			errs = append(errs, m.Err())
		}
		seen[key] = p.Name
		if _, err := p.shared(); err != nil {
			errs = append(errs, lacking(path+".psk_file", *p.PSKFile, err, plan))
		}
	}
	return errors.Join(errs...)
}

// own returns the public key of this host, nil where its key is still to come.
func (v Verbs) own(want Interface, plan resource.Prospect) (*wgtypes.Key, error) {
	if want.Key == nil {
		return nil, nil
	}
	key, err := readKey(*want.Key)
	if err != nil {
		return nil, lacking("key", *want.Key, err, plan)
	}
	public := key.PublicKey()
	return &public, nil
}

// lacking judges the file of a key that can't be read.
func lacking(path, file string, err error, plan resource.Prospect) error {
	m := resource.Mistake{Path: path, Summary: err.Error(), Hint: fmt.Sprintf("make it with a block wireguard_key or wireguard_psk %q, or bring it back from a backup", strings.TrimSuffix(file, ".pub"))}
	return plan.Lacking(m, resource.ID{Kind: resource.Path, Name: file}).Err()
}

// carried wants the kernel or a program to carry the packets.
func (v Verbs) carried(want Interface, plan resource.Prospect) error {
	const program = "wireguard-go"
	switch backend := resource.Or(want.Backend, Kernel); {
	case backend == Kernel && !v.Kernel():
		m := resource.Mistake{Path: "backend", Summary: "the kernel of this host has no WireGuard", Hint: `write backend = "wireguard-go", which carries the packets in user space, or boot a kernel that has it`}
		return m.Err()
	case backend == Userspace:
		if _, err := exec.LookPath(program); err == nil {
			return nil
		}
		m := resource.Mistake{Path: "backend", Summary: "the kernel of this host has no WireGuard, or is not to carry this, and " + program + " is not installed", Hint: `write backend = "wireguard-go" in the block wireguard, which installs it, or boot a kernel that has WireGuard`}
		return plan.Lacking(m, resource.ID{Kind: "package", Name: program}).Err()
	}
	return nil
}
