package ipsec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/ipsec/proof"
	"vpnd/internal/kind/ipsec/reason"
	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Traits are what connections are.
var Traits = resource.Traits{View: resource.Tunnels, Whole: true}

// Verbs converge connections of strongSwan.
type Verbs struct {
	Root   string // where /etc/swanctl is: "/" for the host itself
	Socket string // where charon listens; empty for an image, where none runs
	Record string // path of the file that remembers what was loaded until the next boot
	Shared *notice.Shared
	// Proofs is what was proved by a charon of its own; nil proves nothing.
	Proofs *proof.Cache
	// Journal returns what charon logged since; see the function [Journal]. Nil is for
	// a host without one.
	Journal func(ctx context.Context, since time.Time) []reason.Line
}

// Record is the path for [Verbs] on a host that runs.
const Record = "/run/vpnd/ipsec.json"

// limit is how long a file may be that is read.
const limit = 1 << 20

// Normalize fills in what a wish leaves out, and that charon shall have all of it.
func (v Verbs) Normalize(_ context.Context, wants map[string]*Connection) (map[string]*Connection, error) {
	normal := make(map[string]*Connection, len(wants))
	var errs []error
	for name, want := range wants {
		if err := named(name, want); err != nil {
			errs = append(errs, &resource.NameError{Name: name, Err: err})
			continue
		}
		c := fill(want)
		yes := resource.Ptr(true)
		c.Private, c.Keyed, c.Loaded, c.Current, c.Started = yes, yes, yes, yes, yes
		c.Foreign, c.Amiss, c.Unloaded, c.Standing = []string{}, []string{}, nil, nil
		normal[name] = c
	}
	if v.Proofs != nil && v.Socket != "" {
		v.Proofs.Expect(func() []*swanctl.Section { return v.unproved(normal) })
	}
	return normal, errors.Join(errs...)
}

// named refuses names that would be something else in the file, whoever made them.
func named(name string, c *Connection) error {
	all := []string{name}
	for _, child := range c.Children {
		all = append(all, child.Name)
	}
	for _, one := range all {
		if !swanctl.IsName(one) {
			return fmt.Errorf("%q can't name a connection or a child SA; use letters, digits, _ and -", one)
		}
	}
	return nil
}

// secret reads a pre-shared key from its file. The newline that an editor leaves at
// the end is none of it.
func (v Verbs) secret(path string) (*resource.Secret, error) {
	data, err := atomic.ReadFile(v.Root, path, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the pre-shared key: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" || strings.ContainsAny(text, "\n\x00") {
		return nil, fmt.Errorf("%s holds no pre-shared key on one line", path)
	}
	return resource.NewSecret(text), nil
}

// keyed says whether the pre-shared key is that of its file. Many may have one file,
// which a look reads once; read is what it has read of such, nil where that failed.
func (v Verbs) keyed(c *Connection, read map[string]*resource.Secret) bool {
	if *c.PSKFile == "" {
		return true
	}
	psk, done := read[*c.PSKFile]
	if !done {
		psk, _ = v.secret(*c.PSKFile)
		read[*c.PSKFile] = psk
	}
	return psk != nil && *psk == *c.PSK
}

// From names the files that a connection is made from, so that it is applied after
// them and follows them.
func (Verbs) From(want Connection) []string {
	var all []string
	add := func(paths ...string) {
		for _, path := range paths {
			if path != "" {
				all = append(all, path)
			}
		}
	}
	add(resource.Or(want.PSKFile, ""))
	for _, end := range []*End{want.Local, want.Remote} {
		if end != nil {
			add(end.Certificates...)
			add(resource.Or(end.Key, ""))
			add(end.CACerts...)
			add(end.Above...)
			add(end.CRLs...)
		}
	}
	return all
}

// Observe reads the files, and asks charon once about all of them.
func (v Verbs) Observe(ctx context.Context, wants map[string]*Connection) (map[string]*Connection, error) {
	d, err := v.daemon(ctx)
	if err != nil {
		return nil, err
	}
	keys := make(map[string]*resource.Secret)
	return resource.ObserveEach(ctx, wants, func(name string, want *Connection) (*Connection, error) {
		info, data, err := atomic.Look(v.Root, fileOf(name), limit)
		absent := errors.Is(err, fs.ErrNotExist)
		switch {
		case err != nil && !absent:
			return nil, err
		case absent && (want != nil || !d.has(name)):
			return nil, nil
		case !absent && !info.Mode.IsRegular():
			return nil, fmt.Errorf("%s is no regular file; take it away", fileOf(name))
		}
		c := parse(name, string(data))
		c.Private = resource.Ptr(!absent && info.Mode.Perm()&0o077 == 0 && info.UID == 0)
		c.Keyed = resource.Ptr(v.keyed(c, keys))
		v.measure(d, name, c, info.Changed)
		return c, nil
	})
}

// Apply writes the files, and has charon load what changed and nothing else.
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Connection]) error {
	var all []atomic.File
	for i := range items {
		want := &items[i].Want
		if *want.PSKFile != "" {
			psk, err := v.secret(*want.PSKFile)
			if err != nil {
				return &resource.NameError{Name: items[i].Name, Err: err}
			}
			want.PSK = psk
		}
		if v.stands(items[i]) {
			continue
		}
		all = append(all, atomic.File{Path: fileOf(items[i].Name), Data: []byte(render(items[i].Name, want)), Mode: 0o600})
	}
	if err := atomic.WriteAll(v.Root, all); err != nil {
		return lacking(err)
	}
	return v.load(ctx, items)
}

// stands says whether the file is as it shall be already, so that it is not written
// anew, which would count as a change.
func (v Verbs) stands(item resource.Item[Connection]) bool {
	if item.Got == nil || !*item.Got.Private {
		return false
	}
	data, err := atomic.ReadFile(v.Root, fileOf(item.Name), limit)
	return err == nil && string(data) == render(item.Name, &item.Want)
}

// lacking says which package is missing where the directory is.
func lacking(err error) error {
	var none *atomic.NoDirectoryError
	if errors.As(err, &none) {
		return fmt.Errorf("the directory %s does not exist; install strongswan-swanctl and charon-systemd with package blocks that this one names in depends_on", none.Path)
	}
	return err
}

// Remove unloads connections, ends their SAs and takes the files away.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	d, err := v.daemon(ctx)
	if err != nil {
		return err
	}
	return resource.RemoveEach(names, func(name string) error {
		return errors.Join(v.unload(ctx, d, name), atomic.Remove(v.Root, fileOf(name)))
	})
}

// Cost is one tunnel where SAs are up that a change makes anew or ends.
func (Verbs) Cost(name string, got, want *Connection) resource.Effect {
	if got == nil || !got.up() {
		return resource.None
	}
	if want == nil || renews(name, got, want) || got.reloads() {
		return resource.Tunnel
	}
	return resource.None
}

func (c *Connection) up() bool {
	return slices.ContainsFunc(c.Tunnels(), func(s resource.TunnelState) bool { return s.Up })
}

// reloads says whether charon makes SAs anew by itself when it gets what it has not
// loaded: it does where a certificate is another one, of what starts by itself.
func (c *Connection) reloads() bool {
	return slices.ContainsFunc(c.Children, starts) && slices.ContainsFunc(c.Unloaded, func(what string) bool {
		return slices.Contains(c.Local.Certificates, what) || slices.Contains(c.Remote.Certificates, what) || slices.Contains(c.Remote.CACerts, what)
	})
}

// Marked says that the file is vpnd's by its name.
func (Verbs) Marked(string, *Connection) bool { return true }

// Tidy takes away what a killed run left half written.
func (v Verbs) Tidy(name string, _ Connection) error { return atomic.Tidy(v.Root, fileOf(name)) }
