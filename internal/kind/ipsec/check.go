package ipsec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/ipsec/proof"
	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/resource"
)

// section is the connection itself, as the file has it: there is no secret in it.
func section(name string, c *Connection) *swanctl.Section {
	return document(name, c).Section("connections").Section(name)
}

// reader returns what a file of the host holds.
func (v Verbs) reader(path string) ([]byte, error) { return atomic.ReadFile(v.Root, path, limit) }

// unproved are the connections whose file is another one, of which a plan is about to
// ask. One charon judges them all.
func (v Verbs) unproved(wants map[string]*Connection) []*swanctl.Section {
	var all []*swanctl.Section
	for name, want := range wants {
		if !v.written(name, want) {
			all = append(all, section(name, want))
		}
	}
	return all
}

// written says whether the file is as it shall be, its secret apart.
func (v Verbs) written(name string, c *Connection) bool {
	data, err := atomic.ReadFile(v.Root, fileOf(name), limit)
	if err != nil {
		return false
	}
	there := parse(name, string(data))
	return len(there.Foreign) == 0 && swanctl.Render(section(name, there)) == swanctl.Render(section(name, c))
}

// Check has a charon of its own judge the connection. What stands was judged by the
// one that runs.
func (v Verbs) Check(ctx context.Context, name string, want Connection) error {
	if v.Proofs == nil || v.Socket == "" || v.written(name, &want) {
		return nil
	}
	return v.Proofs.Ask(ctx, section(name, &want), v.reader)
}

// Preflight wants strongSwan to be there, or to come with the plan, and the files
// that a connection names.
func (v Verbs) Preflight(_ context.Context, _ string, want Connection, plan resource.Prospect) error {
	var errs []error
	if _, err := os.Stat(proof.Program); err != nil && v.Socket != "" {
		m := resource.Mistake{Summary: "strongSwan is not on this host", Hint: `install it with package "charon-systemd" {} and package "strongswan-swanctl" {}, named in depends_on`}
		errs = append(errs, plan.Lacking(m, resource.ID{Kind: "package", Name: "charon-systemd"}).Err())
	}
	if v.Socket != "" && elder() {
		m := resource.Mistake{Summary: "another charon runs, that of strongswan-starter, which has the ports of IKE and maybe the socket of vici", Hint: `move its connections over from /etc/ipsec.conf, then end it: systemctl disable --now strongswan-starter, or unit "strongswan-starter.service" { active = false, enabled = false }, named in depends_on`}
		errs = append(errs, plan.Lacking(m, resource.ID{Kind: "unit", Name: "strongswan-starter.service"}).Err())
	}
	paths := map[string][]string{"psk_file": {resource.Or(want.PSKFile, "")}}
	for at, end := range map[string]*End{"local": want.Local, "remote": want.Remote} {
		paths[at+".certificates"], paths[at+".ca_certificates"], paths[at+".crls"] = end.Certificates, end.CACerts, end.CRLs
		paths[at+".ca_certificates_above"] = end.Above
		paths[at+".key"] = []string{resource.Or(end.Key, "")}
	}
	for _, at := range slices.Sorted(maps.Keys(paths)) {
		for _, file := range paths[at] {
			if _, err := atomic.Stat(v.Root, file); file != "" && errors.Is(err, fs.ErrNotExist) {
				m := resource.Mistake{Path: at, Summary: "there is no " + file, Hint: "see its spelling, or put it there"}
				errs = append(errs, plan.Lacking(m, resource.ID{Kind: resource.Path, Name: file}).Err())
			}
		}
	}
	return errors.Join(append(errs, v.closed(want, plan))...)
}

// starter is where strongswan-starter, of the days before vici, has its number.
const starter = "/run/starter.charon.pid"

// elder says whether strongswan-starter runs; one that was killed leaves its number.
func elder() bool {
	data, err := os.ReadFile(starter)
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	return err == nil && pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// closed wants a file with a pre-shared key to be for root alone to read, and what is
// known of the key already to be long enough.
func (v Verbs) closed(want Connection, plan resource.Prospect) error {
	path := resource.Or(want.PSKFile, "")
	if path == "" {
		return nil
	}
	info, err := atomic.Stat(v.Root, path)
	if err != nil { // which was told, or is when it is read
		return nil
	}
	if open := info.Mode.Perm() & 0o077; open != 0 {
		m := resource.Mistake{Path: "psk_file", Summary: fmt.Sprintf("others can read the pre-shared key in %s, which has mode %04o", path, info.Mode.Perm()), Hint: "take that from them, as in: chmod 600 " + path, Warning: true}
		return plan.Lacking(m, resource.ID{Kind: resource.Path, Name: path}).Err()
	}
	if psk, err := v.secret(path); err == nil && len(psk.Reveal()) < shortest {
		m := resource.Mistake{Path: "psk_file", Summary: fmt.Sprintf("the pre-shared key in %s has fewer than %d characters", path, shortest), Hint: "make one with openssl rand -base64 33", Warning: true}
		return plan.Lacking(m, resource.ID{Kind: resource.Path, Name: path}).Err()
	}
	return nil
}
